/** The Health page: everything that was wrong with a file, and what became of it. */

import { getJson } from "./api.js";
import { h, icon, visible } from "./dom.js";
import * as format from "./format.js";
import { Grid } from "./grid.js";
import { compareNames } from "./natural.js";
import * as state from "./state.js";

const REFRESH_MS = 1000;

/** "damaged_record" -> "Damaged record". */
const titleOf = (kind) =>
  visible(kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("_", " "));

const COMPARE = {
  kind: (a, b) => compareNames(a.kind, b.kind),
  file: (a, b) => compareNames(a.file, b.file),
  offset: (a, b) => a.offset - b.offset,
  message: (a, b) => compareNames(a.message, b.message),
};

const text = (key, title, width, show = (problem) => visible(problem[key])) => ({
  key,
  title,
  width,
  show,
});

const COLUMNS = [
  text("kind", "Kind", 168, ({ kind }) => titleOf(kind)),
  { ...text("file", "File", 220), grow: 2 },
  {
    ...text("offset", "At byte", 120, ({ offset }) => (offset > 0 ? format.count(offset) : "–")),
    isNumber: true,
  },
  { ...text("message", "What was found and what was kept", 320), grow: 3 },
];

class Health {
  constructor(el) {
    this.problems = [];
    this.failure = "";
    this.isRead = false;
    this.kind = "";
    this.words = [];
    this.sort = "kind";
    this.chosen = -1;
    this.build(el);
    this.ends = [
      state.subscribe("version", () => this.soon()),
      state.subscribe("status", () => this.showEmpty()),
    ];
    this.load();
  }

  build(el) {
    this.count = h("span", { class: "count" });
    this.kinds = h("div", { class: "kinds", role: "group", "aria-label": "Kinds of problems" });
    this.filter = h("input", {
      class: "input",
      type: "text",
      spellcheck: false,
      autocomplete: "off",
      placeholder: "Filter by file or message",
      "aria-label": "Filter problems",
      oninput: () => this.setFilter(),
    });
    this.field = h("div", { class: "field push health-filter" }, icon("search"), this.filter);
    this.list = h("div", { class: "grid-wide" });
    this.detail = h("aside", {
      class: "health-detail",
      "aria-label": "The problem in full",
      hidden: true,
    });
    this.empty = h("div", { class: "empty", hidden: true });
    el.replaceChildren(
      h(
        "section",
        { class: "page page-fixed health-page" },
        h("header", { class: "page-head" }, h("h1", {}, "Health"), this.count, this.field),
        this.kinds,
        this.list,
        this.detail,
        this.empty,
      ),
    );
    this.grid = new Grid(this.list, {
      label: "Problems",
      rowHeight: 30,
      columns: COLUMNS.map((column) => ({
        ...column,
        fill: (cell, row) => this.fill(cell, column, row),
      })),
      sort: () => this.sort,
      onSort: (key) => this.sortBy(key),
      isOn: (row) => row === this.chosen,
      onPick: (row) => this.choose(row === this.chosen ? -1 : row),
      onKey: (row, event) => event.key === "Enter" && this.choose(row),
    });
  }

  fill(cell, { key, show }, row) {
    const content = h("span", {}, show(this.problems[row]));
    if (key === "message" || key === "file") content.title = visible(this.problems[row][key]);
    cell.replaceChildren(content);
  }

  soon() {
    this.timer ||= setTimeout(() => this.load(), REFRESH_MS);
  }

  async load() {
    this.timer = 0;
    try {
      const { problems } = await getJson("problems");
      this.failure = "";
      this.isRead = true;
      this.adopt(problems);
    } catch (error) {
      this.failure = error.message;
    }
    this.showEmpty();
  }

  adopt(problems) {
    const chosen = this.problems[this.chosen];
    this.problems = problems;
    this.chosen = chosen
      ? problems.findIndex(
          (p) => p.file === chosen.file && p.offset === chosen.offset && p.kind === chosen.kind,
        )
      : -1;
    this.showKinds();
    this.arrange();
    this.choose(this.chosen);
  }

  showKinds() {
    const counts = new Map();
    for (const { kind } of this.problems) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (!counts.has(this.kind)) this.kind = "";
    const files = new Set(this.problems.map(({ file }) => file)).size;
    const total = this.problems.length;
    this.count.textContent =
      total > 0 ? `${format.plural(total, "problem")} in ${format.plural(files, "file")}` : "";
    const rows = [...counts].sort(([, a], [, b]) => b - a);
    this.kinds.hidden = rows.length < 2;
    this.kinds.replaceChildren(
      this.chip("", "All", total),
      ...rows.map(([kind, n]) => this.chip(kind, titleOf(kind), n)),
    );
  }

  chip(kind, label, n) {
    const press = () => {
      this.kind = kind;
      this.showKinds();
      this.arrange();
    };
    return h(
      "button",
      { type: "button", class: "chip", "aria-pressed": this.kind === kind, onclick: press },
      h("span", {}, label),
      h("span", { class: "n" }, format.count(n)),
    );
  }

  setFilter() {
    this.words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.arrange();
  }

  sortBy(key) {
    this.sort = this.sort === key ? `-${key}` : key;
    this.arrange();
  }

  arrange() {
    const compare = COMPARE[this.sort.replace(/^-/, "")];
    const sign = this.sort.startsWith("-") ? -1 : 1;
    const rows = [...this.problems.keys()].filter((row) => this.passes(this.problems[row]));
    rows.sort((a, b) => sign * compare(this.problems[a], this.problems[b]) || a - b);
    this.grid.setRows(Int32Array.from(rows));
  }

  passes({ kind, file, message }) {
    if (this.kind && kind !== this.kind) return false;
    const all = `${file} ${message}`.toLowerCase();
    return this.words.every((word) => all.includes(word));
  }

  choose(row) {
    this.chosen = row;
    this.grid.refresh();
    this.detail.hidden = row < 0;
    if (row < 0) return;
    const { kind, file, offset, message } = this.problems[row];
    const close = h(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square",
        "aria-label": "Close",
        onclick: () => this.choose(-1),
      },
      icon("close"),
    );
    this.detail.replaceChildren(
      h("h2", {}, titleOf(kind), close),
      h("p", { class: "detail-message" }, message),
      h(
        "p",
        { class: "detail-place" },
        offset > 0 ? `${visible(file)}, byte ${format.count(offset)}` : visible(file),
      ),
    );
  }

  showEmpty() {
    const status = state.get("status");
    const isEmpty = this.problems.length === 0;
    for (const part of [this.list, this.field]) part.hidden = isEmpty;
    this.empty.hidden = !isEmpty || !(this.failure || (this.isRead && status));
    if (this.empty.hidden) return;
    this.empty.classList.toggle("is-good", !this.failure && status.files > 0);
    const [mark, title, line] = emptyWords(status, this.failure);
    this.empty.replaceChildren(icon(mark), h("h2", {}, title), h("p", {}, line));
  }

  dispose() {
    clearTimeout(this.timer);
    this.ends.forEach((end) => end());
    this.grid.dispose();
  }
}

/** Return icon, title and sentence for a page without problems. */
function emptyWords(status, failure) {
  if (failure) return ["warning", "The list of problems cannot be read", failure];
  const { files, events, phase } = status;
  if (files === 0) return ["health", "Nothing read yet", "No event file has been found so far."];
  const read = `${format.plural(files, "file")}, ${format.plural(events, "event")} read`;
  const sofar = phase === "watching" ? "" : " so far";
  return ["good", "Nothing wrong", `${read}${sofar}, every checksum correct.`];
}

export default {
  render({ el }) {
    const health = new Health(el);
    return () => health.dispose();
  },
};
