/**
 * A page of heavy values: search, groups of cards, one step bar for all of them.
 *
 * @example
 * export default {
 *   render({ el }) {
 *     const page = new ValuePage(el, { kind: "text", title: "Text", makeCard, empty, tools: [] });
 *     return () => page.destroy();
 *   },
 * };
 */

import * as api from "./api.js";
import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { count } from "./format.js";
import { get, set, subscribe } from "./state.js";
import { StepBar } from "./step_bar.js";
import { StepTable, unionOf } from "./steps.js";
import { tagPattern } from "./tag_pattern.js";
import { readTheme } from "./theme_colours.js";
import { ValueGrid } from "./value_grid.js";

const TAGS_LISTED = 5_000;
const TYPING_MS = 120;
const AGAIN_MS = 1_000; // a growing log makes a page ask anew at most this often

export class ValuePage {
  /**
   * @param {HTMLElement} el
   * @param {object} options
   * @param {string} options.kind Kind of tags that the page shows.
   * @param {string} [options.source] Route that lists the tags, if it is not `values`; a row may
   *   have a `name` that its cards show in place of the tag.
   * @param {[string, string]} [options.nouns] What one row of that list is called, and several.
   * @param {string} options.title Heading of the page.
   * @param {(info, page) => ValueCard} options.makeCard
   * @param {"run" | "tag"} [options.per] One card for each run of a tag, or one for all its runs.
   * @param {HTMLElement[]} [options.tools] Controls of the page, between search and step bar.
   * @param {string[]} [options.redraw] State keys whose change draws the cards again.
   * @param {{title: string, text: string, code: string}} options.empty What to log, and how.
   */
  constructor(el, options) {
    this.options = {
      per: "run",
      source: "values",
      nouns: ["tag", "tags"],
      tools: [],
      redraw: [],
      ...options,
    };
    this.steps = new StepTable();
    this.counts = { shown: 0 };
    this.tags = null;
    this.look = null;
    this.bar = new StepBar();
    this.grid = new ValueGrid((info) => this.options.makeCard(info, this));
    this.note = make("div", { class: "empty", hidden: true, role: "status" });
    this.stage = make("div", { class: "vp-stage", hidden: true }); // for what a page opens
    this.root = make(
      "div",
      { class: `page vp vp-${options.kind}` },
      this.head(),
      this.note,
      this.stage,
      this.grid.element,
    );
    el.replaceChildren(this.root);
    this.ends = [
      subscribe(["tagFilter", "tagRegex"], () => this.onSearch()),
      subscribe(["selected"], () => this.layout()),
      subscribe(["groups"], () => this.grid.layout()),
      subscribe(["stepAt", "linkSteps"], () => this.grid.each((card) => card.update())),
      subscribe(["version"], () => this.soon()),
      subscribe(["palette"], () => this.grid.each((card) => card.recolour())),
      subscribe(["dark"], () => this.onTheme()),
      this.steps.onChange(() => this.offerSteps()),
    ];
    if (this.options.redraw.length) {
      this.ends.push(
        subscribe(this.options.redraw, () => this.grid.each((card) => card.restyle())),
      );
    }
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    (window.__gpuboard ??= {}).values = this.counts;
    this.load();
  }

  destroy() {
    for (const end of this.ends) end();
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.typing);
    clearTimeout(this.timer);
    this.bar.destroy();
    this.grid.destroy();
    this.root.remove();
  }

  head() {
    this.search = make("input", {
      class: "input",
      type: "search",
      placeholder: "Search tags",
      "aria-label": "Search tags",
      spellcheck: false,
      autocomplete: "off",
      value: get("tagFilter"),
      on: { input: () => set("tagFilter", this.search.value) },
    });
    const regex = make("button", {
      type: "button",
      class: "toggle",
      text: ".*",
      title: "Use a regular expression",
      "aria-pressed": String(get("tagRegex")),
      on: {
        click: () => {
          set("tagRegex", !get("tagRegex"));
          regex.setAttribute("aria-pressed", String(get("tagRegex")));
        },
      },
    });
    this.found = make("span", { class: "count", role: "status" });
    return make(
      "div",
      { class: "page-head vp-bar", role: "toolbar", "aria-label": this.options.title },
      make("div", { class: "field has-toggle vp-search" }, icon("search"), this.search, regex),
      this.found,
      make("span", { class: "push" }),
      ...this.options.tools,
      this.bar.element,
    );
  }

  /* what cards ask of the page */

  /** Colours that canvases paint with, from the style sheet of the theme in force. */
  theme() {
    return (this.look ??= readTheme(this.root));
  }

  onShown() {
    this.counts.shown++;
    if (this.counts.shown === 1) performance.mark("gpuboard-first-value");
  }

  /* what changes */

  onSearch() {
    if (this.search.value !== get("tagFilter")) this.search.value = get("tagFilter");
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.load(), TYPING_MS);
  }

  onTheme() {
    // The variables change with the attribute, which the frame sets in the same turn or the next.
    requestAnimationFrame(() => {
      this.look = null;
      this.grid.each((card) => card.restyle());
    });
  }

  soon() {
    if (get("version") === this.version) return;
    this.timer ||= setTimeout(
      () => {
        this.timer = 0;
        this.load();
        this.grid.each((card) => card.refresh());
      },
      this.tags ? AGAIN_MS : 0,
    );
  }

  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const q = tagPattern(get("tagFilter"), get("tagRegex"));
    try {
      const query = { kind: this.options.kind, q: q || null, limit: TAGS_LISTED };
      const reply = await api.getJson(this.options.source, { query });
      if (turn !== this.turn) return;
      this.version = reply.version;
      this.tags = reply.tags.map((row) => ({ ...row, runs: idsIn(row.runs) }));
      this.say(reply, "");
      this.layout();
    } catch (error) {
      if (turn === this.turn) this.say({ total: 0, tags: [] }, error.message);
    }
  }

  layout() {
    if (!this.tags || get("selected") === null) return;
    const selected = Array.from(get("selected"));
    const cards = [];
    for (const { tag, name: label, runs } of this.tags) {
      const having = selected.filter((run) => runs.has(run));
      if (this.options.per === "tag") {
        if (having.length) cards.push({ tag, label, runs: having });
      } else for (const run of having) cards.push({ tag, label, runs: [run] });
    }
    this.sayEmpty(cards.length);
    this.grid.setCards(cards);
  }

  say({ total, tags }, error) {
    this.search.setAttribute("aria-invalid", String(Boolean(error)));
    this.found.classList.toggle("field-error", Boolean(error));
    const [one, many] = this.options.nouns;
    const part =
      tags.length < total ? `first ${count(tags.length)} of ${count(total)} ${many}: search to narrow` : "";
    this.found.textContent = error || part || `${count(total)} ${total === 1 ? one : many}`;
  }

  sayEmpty(cards) {
    this.note.hidden = cards > 0;
    if (cards) return;
    if (this.tags.length) {
      this.note.replaceChildren(
        make("h2", { text: "No run is selected that has any" }),
        make("p", { text: "Select runs in the panel on the left." }),
      );
    } else if (get("tagFilter")) {
      this.note.replaceChildren(
        make("h2", { text: "No tag matches" }),
        make("p", { text: "Try fewer letters, or clear the search." }),
      );
    } else {
      const { title, text, code } = this.options.empty;
      this.note.replaceChildren(
        make("h2", { text: title }),
        make("p", { text }),
        make("pre", {}, make("code", { text: code })),
      );
    }
  }

  offerSteps() {
    const columns = this.grid.visible.flatMap((card) =>
      card.runs.map((run) => this.steps.of(card.tag, run).step),
    );
    this.bar.offer(unionOf(columns));
  }

  key(event) {
    const isTyping = event.target.closest?.("input:not([type=range]), textarea, select");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      this.search.focus();
      this.search.select();
    }
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const isHeld = event.target.closest?.("input, [data-keys], .grid, .panel, .rail");
    if (by && !isHeld && !event.defaultPrevented) this.bar.move(by);
  }
}

/** Return the ids that "0-99,104" names; the same form as in requests. */
export function idsIn(text) {
  const ids = new Set();
  for (const part of text.split(",").filter(Boolean)) {
    const [first, last = first] = part.split("-").map(Number);
    for (let id = first; id <= last; id++) ids.add(id);
  }
  return ids;
}
