/** Search the texts of all steps of the selected runs, list what was found, and go there. */

import { postJson } from "./api.js";
import { make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, visible } from "./dom.js";
import { count, exactCount, plural } from "./format.js";
import { idRanges, nameOf } from "./runs.js";
import { get, set, subscribe } from "./state.js";

const TYPING_MS = 250;
const AGAIN_MS = 3_000; // a growing log is searched anew at most this often
const LISTED = 100;

export class TextSearch {
  /** @param {{go: (hit) => void, onFound: () => void, short: (tag) => string}} page */
  constructor(page) {
    this.page = page;
    this.hits = [];
    this.listed = LISTED;
    this.field = this.build();
    this.status = make("span", { class: "count", role: "status" });
    this.list = make("ol", { class: "tx-hits", "aria-label": "Texts found" });
    this.more = make("button", {
      type: "button",
      class: "button",
      hidden: true,
      on: { click: () => this.showMore() },
    });
    const close = make(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square",
        title: "End the search",
        "aria-label": "End the search",
        on: { click: () => set("textSearch", "") },
      },
      icon("close"),
    );
    this.element = make(
      "section",
      { class: "tx-results", hidden: true, "aria-label": "Search in texts" },
      make("header", {}, this.status, make("span", { class: "push" }), close),
      this.list,
      this.more,
    );
    this.ends = [
      subscribe(["textSearch", "textRegex"], () => this.onChange()),
      subscribe(["selected"], () => this.soon(TYPING_MS)),
      subscribe(["version"], () => this.soon(AGAIN_MS)),
    ];
    this.onChange();
  }

  destroy() {
    clearTimeout(this.timer);
    for (const end of this.ends) end();
  }

  build() {
    this.input = make("input", {
      class: "input",
      type: "search",
      placeholder: "Search in texts",
      "aria-label": "Search in texts",
      spellcheck: false,
      autocomplete: "off",
      value: get("textSearch"),
      on: { input: () => set("textSearch", this.input.value) },
    });
    this.regex = make("button", {
      type: "button",
      class: "toggle",
      text: ".*",
      title: "Use a regular expression (RE2)",
      "aria-pressed": String(get("textRegex")),
      on: { click: () => set("textRegex", !get("textRegex")) },
    });
    return make(
      "div",
      { class: "field has-toggle tx-search" },
      icon("search"),
      this.input,
      this.regex,
    );
  }

  onChange() {
    if (this.input.value !== get("textSearch")) this.input.value = get("textSearch");
    this.regex.setAttribute("aria-pressed", String(get("textRegex")));
    this.soon(TYPING_MS);
  }

  soon(after) {
    if (!get("textSearch")) {
      clearTimeout(this.timer);
      this.timer = 0;
      this.turn = (this.turn ?? 0) + 1;
      if (!this.element.hidden) this.take({ hits: [], searched: 0, total: 0 });
      this.element.hidden = true;
      return;
    }
    if (this.timer && after === AGAIN_MS) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), after);
  }

  async ask() {
    this.timer = 0;
    if (get("selected") === null) return this.soon(TYPING_MS);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const runs = idRanges([...get("selected")]);
    const body = { runs, pattern: get("textSearch"), regex: get("textRegex") };
    try {
      const reply = await postJson("text/search", body);
      if (turn === this.turn) this.take(reply);
    } catch (error) {
      if (turn === this.turn) this.take({ hits: [], searched: 0, total: 0 }, error.message);
    }
    return undefined;
  }

  take({ hits, searched, total }, error = "") {
    const isSame = JSON.stringify(hits) === JSON.stringify(this.hits);
    this.hits = hits;
    this.listed = LISTED;
    this.element.hidden = false;
    this.input.setAttribute("aria-invalid", String(Boolean(error)));
    this.status.classList.toggle("field-error", Boolean(error));
    this.status.textContent = error || summary(hits.length, searched, total);
    if (!isSame || !hits.length) this.showList();
    this.page.onFound();
  }

  showMore() {
    this.listed += LISTED;
    this.showList();
  }

  showList() {
    const shown = this.hits.slice(0, this.listed);
    this.list.replaceChildren(...shown.map((hit) => this.row(hit)));
    this.more.hidden = shown.length === this.hits.length;
    this.more.textContent = `Show more of ${plural(this.hits.length, "text")}`;
  }

  row(hit) {
    const swatch = make("i", { class: "vc-swatch" });
    swatch.style.background = colourOf(hit.run);
    const where = `${visible(this.page.short(hit.tag))}`;
    return make(
      "li",
      {},
      make(
        "button",
        { type: "button", class: "tx-hit", on: { click: () => this.page.go(hit) } },
        swatch,
        make("span", { class: "tx-hit-tag", text: where, title: hit.tag }),
        make("span", {
          class: "tx-hit-run",
          text: visible(nameOf(hit.run)),
          title: nameOf(hit.run),
        }),
        make("span", { class: "tx-hit-step", text: `step ${exactCount(String(hit.step))}` }),
        make(
          "span",
          { class: "tx-hit-text" },
          tail(hit.before),
          make("mark", { text: line(hit.match) }),
          line(hit.after),
        ),
        make("span", { class: "tx-hit-count", text: hit.count > 1 ? `${count(hit.count)} ×` : "" }),
      ),
    );
  }
}

const line = (text) => text.replace(/\s+/g, " ");

/** What stands before a find, cut at its front so that the find stays in sight. */
const tail = (text) => {
  const one = line(text);
  return one.length > 40 ? `…${one.slice(-40)}` : one;
};

function summary(found, searched, total) {
  const part =
    searched < total
      ? `the latest ${count(searched)} of ${count(total)} texts`
      : plural(total, "text");
  return found ? `Found in ${count(found)} of ${part}` : `Found in none of ${part}`;
}
