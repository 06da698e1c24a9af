/** A dialog in which a chart is put together: lines of tags, or a value between margins. */

import * as api from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { plural } from "./format.js";
import { tagCompletion } from "./tag_completion.js";

const TAGS_OFFERED = 5_000;
const MATCHES_NAMED = 4;
const TYPING_MS = 150;
const MAX_PATTERNS = 20;

/**
 * Let the user put a chart together.
 *
 * @param {{title: string, tags?: string[], margins?: object[]}} chart What there is already.
 * @returns {Promise<null | {title: string, tags: string[], margins: object[]}>} null: not wanted.
 */
export function editChart(chart) {
  return new Promise((done) => new ChartEditor(chart, done));
}

/** Let the user change a title; null when it is left as it is. */
export function editTitle(title) {
  return new Promise((done) => new Editor({ title }, done));
}

class Editor {
  constructor(chart, done) {
    this.done = done;
    this.result = null;
    this.title = make("input", {
      class: "input",
      type: "text",
      value: chart.title ?? "",
      maxLength: 300,
      "aria-label": "Title",
    });
    this.problem = make("p", { class: "field-error", role: "alert" });
    const button = (text, more) => make("button", { class: "button", text, ...more });
    this.form = make(
      "form",
      { on: { submit: (event) => this.onSubmit(event) } },
      make("label", { class: "ve-row" }, make("span", { text: "Title" }), this.title),
      ...this.fields(chart),
      this.problem,
      make(
        "div",
        { class: "ve-foot" },
        button("Cancel", { type: "button", on: { click: () => this.box.close() } }),
        button("Done", { type: "submit", class: "button vw-primary" }),
      ),
    );
    this.box = make("dialog", { class: "ve" }, make("h2", { text: this.heading() }), this.form);
    this.box.addEventListener("close", () => {
      this.box.remove();
      done(this.result);
    });
    document.body.append(this.box);
    this.box.showModal();
    this.title.select();
  }

  heading() {
    return "Title of the card";
  }

  fields() {
    return [];
  }

  /** What was put together; throws an Error where something is missing. */
  value() {
    return { title: this.title.value.trim() };
  }

  onSubmit(event) {
    event.preventDefault();
    try {
      this.result = this.value();
      this.box.close();
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }
}

class ChartEditor extends Editor {
  heading() {
    return "Chart";
  }

  fields({ tags = [], margins = [] }) {
    this.completion = tagCompletion("editor-completion");
    void this.offerTags();
    const kind = (value, text) => {
      const input = make("input", {
        type: "radio",
        name: "kind",
        value,
        checked: (value === "margins") === margins.length > 0,
        on: { change: () => this.showKind() },
      });
      return { input, label: make("label", { class: "sc-check" }, input, text) };
    };
    const lines = kind("lines", "Lines of all tags that match");
    const bands = kind("margins", "A value between margins");
    this.bands = bands.input;
    this.patterns = make("div", { class: "ve-patterns" });
    for (const pattern of tags.length ? tags : [""]) this.addPattern(pattern);
    const add = make("button", {
      type: "button",
      class: "link",
      text: "One more pattern",
      on: { click: () => this.addPattern("").focus() },
    });
    this.linesPart = make(
      "div",
      { class: "ve-part" },
      make("p", {
        class: "ve-hint",
        text: "A tag, or a regular expression such as loss/(train|val): all tags that begin with a match are drawn.",
      }),
      this.patterns,
      add,
    );
    const first = margins[0] ?? {};
    this.margins = margins;
    this.marginFields = ["value", "lower", "upper"].map((name) => this.tagField(name, first[name]));
    this.marginsPart = make(
      "div",
      { class: "ve-part" },
      ...this.marginFields.map((input) =>
        make("label", { class: "ve-row" }, make("span", { text: input.name }), input),
      ),
    );
    queueMicrotask(() => this.showKind());
    return [
      make("div", { class: "ve-kinds" }, lines.label, bands.label),
      this.linesPart,
      this.marginsPart,
      this.completion.element,
    ];
  }

  showKind() {
    this.linesPart.hidden = this.bands.checked;
    this.marginsPart.hidden = !this.bands.checked;
  }

  async offerTags() {
    try {
      const { tags } = await api.getJson("tags", {
        query: { kind: "scalar", limit: TAGS_OFFERED },
      });
      this.completion.offer(
        tags.map(({ tag }) => tag),
        false,
      );
    } catch {
      // the fields stay plain ones
    }
  }

  tagField(name, value = "") {
    return make("input", {
      class: "input sc-code",
      type: "text",
      name,
      value,
      list: "editor-completion",
      spellcheck: false,
      autocomplete: "off",
      "aria-label": `Tag of the ${name}`,
    });
  }

  addPattern(value) {
    const input = this.tagField("pattern", value);
    input.setAttribute("aria-label", "Tag or pattern");
    const found = make("span", { class: "ve-found", role: "status" });
    const row = make("div", { class: "ve-pattern" }, input, found);
    row.insertBefore(
      iconButton("close", "Remove this pattern", () => {
        if (this.patterns.children.length > 1) row.remove();
        else input.value = "";
      }),
      found,
    );
    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.look(input, found), TYPING_MS);
    });
    if (value) void this.look(input, found);
    if (this.patterns.children.length < MAX_PATTERNS) this.patterns.append(row);
    return input;
  }

  /** Say which tags a pattern finds. */
  async look(input, found) {
    const pattern = input.value;
    found.classList.remove("field-error");
    found.textContent = "";
    if (!pattern) return;
    try {
      const query = { kind: "scalar", q: pattern, limit: TAGS_OFFERED };
      const { tags } = await api.getJson("tags", { query });
      if (input.value !== pattern) return;
      const regex = new RegExp(`^(?:${pattern})`);
      const names = tags.map(({ tag }) => tag).filter((tag) => regex.test(tag));
      const some = names.slice(0, MATCHES_NAMED).map(visible).join(", ");
      const more = names.length > MATCHES_NAMED ? ", …" : "";
      found.textContent = names.length
        ? `${plural(names.length, "tag")}: ${some}${more}`
        : "no tag";
    } catch (error) {
      if (input.value !== pattern) return;
      found.classList.add("field-error");
      found.textContent = error.message;
    }
  }

  value() {
    if (this.bands.checked) return this.marginValue();
    const tags = [...this.patterns.querySelectorAll("input")]
      .map((input) => input.value.trim())
      .filter(Boolean);
    if (!tags.length) throw new Error("Name at least one tag or pattern.");
    return { title: this.title.value.trim() || tags[0], tags, margins: [] };
  }

  marginValue() {
    const names = this.marginFields.map((input) => input.value.trim());
    if (names.some((name) => !name)) throw new Error("Name the tags of value, lower and upper.");
    const [value, lower, upper] = names;
    const margins = [{ value, lower, upper }, ...this.margins.slice(1)];
    return { title: this.title.value.trim() || value, tags: [], margins };
  }
}
