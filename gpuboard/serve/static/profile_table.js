/** Tables of the Profile page: sorted by their heads, filtered, with bars in cells, saved as CSV. */

import { fileName, icon as strokes, make, saveAs } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { count, size } from "./format.js";
import { Grid } from "./grid.js";
import { compareNames } from "./natural.js";
import { cutName } from "./profile_parts.js";
import { percent, span } from "./timeline_time.js";

const ROW = 26;
const HEAD = 30;
const WAIT_MS = 120;

const signed = (v) => (v === 0 ? "0" : `${v < 0 ? "−" : ""}${span(Math.abs(v))}`);

/** How values of a kind are written. */
export const WRITE = {
  ns: (v) => (Number.isFinite(v) ? signed(v) : "–"),
  change: (v) => (Number.isFinite(v) ? `${v > 0 ? "+" : ""}${signed(v)}` : "–"),
  bytes: (v) => (Number.isFinite(v) ? `${v < 0 ? "−" : ""}${size(Math.abs(v))}` : "–"),
  count: (v) => (Number.isFinite(v) ? count(v) : "–"),
  mean: (v) => (Number.isFinite(v) ? (Number.isInteger(v) ? count(v) : v.toFixed(v < 10 ? 2 : 1)) : "–"),
  percent: (v) => (Number.isFinite(v) ? (v === 0 ? "0" : percent(v)) : "–"),
  rate: (v) => (Number.isFinite(v) ? `${v < 10 ? v.toFixed(2) : v.toFixed(1)}\u202fGB/s` : "–"),
  number: (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(4))) : "–"),
  text: (v) => String(v ?? ""),
};

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {string} [tip] What it means.
 * @property {number} width
 * @property {number} [grow]
 * @property {keyof typeof WRITE} [kind] "text" by default.
 * @property {(row: number) => any} [value] By which it is sorted; the column of that key by default.
 * @property {(row: number) => string} [text]
 * @property {boolean | "diverging" | ((row: number) => number)} [bar] Share of the cell, 0 to 1.
 * @property {(row: number) => number} [share] What a bar shows, where that is not the value.
 * @property {(cell: HTMLElement, row: number) => void} [paint] Fills the cell in its own way.
 * @property {boolean} [isPlain] Cut at its end, not in its middle.
 * @property {(row: number) => string} [about] The tip of a text.
 * @property {(row: number) => any} [csv] What the CSV says; the value by default.
 * @property {boolean} [isQuiet] Left out of the CSV, and not sorted by.
 *
 * @typedef {object} Options
 * @property {string} label
 * @property {Column[]} columns
 * @property {string} sort Key of the column, with "-" when descending.
 * @property {string} [file] Name of the CSV without its ending; none: no button.
 * @property {(row: number) => string} [find] What the filter looks at; none: no filter.
 * @property {number} [rows] How many are in sight; 0: it fills its box.
 * @property {(row: number) => void} [onPick]
 * @property {(row: number) => boolean} [isOn]
 * @property {(row: number) => void} [go] Goes to its place in time: an arrow at the end of the row.
 * @property {(row: number) => boolean} [canGo]
 * @property {(sort: string, filter: string) => void} [ask] The server sorts and filters instead.
 * @property {(table: ProfileTable) => Iterable<number>} [order] Rows in sight, in their order.
 * @property {(row: number, event: KeyboardEvent) => boolean} [key] Whether it took the key.
 * @property {string} [noun] What a row is.
 * @property {Node[]} [tools]
 */
export class ProfileTable {
  /** @param {Options} options */
  constructor(options) {
    this.options = { rows: 12, ...options };
    this.sort = options.sort;
    this.test = () => true;
    this.data = { n: 0 };
    this.most = {};
    this.box = make("div", { class: "pk-grid" });
    this.tools = this.buildTools();
    this.element = make("div", { class: "pk-table" }, this.tools, this.box);
    if (!this.options.rows) this.element.classList.add("is-filling");
    this.columns = this.withGo(options.columns);
    this.grid = new Grid(this.box, {
      label: options.label,
      rowHeight: ROW,
      columns: this.columns.map((column) => this.gridColumn(column)),
      sort: () => this.sort,
      onSort: (key) => this.sortBy(key),
      isOn: (row) => options.isOn?.(row) ?? false,
      onPick: (row, event) => !event.target.closest("button") && options.onPick?.(row),
      onKey: (row, event) => this.onKey(row, event),
      onHover: (row) => options.onHover?.(row),
    });
    this.grid.heads.forEach((head, i) => (head.title = this.columns[i].tip ?? ""));
  }

  withGo(columns) {
    const { go, canGo } = this.options;
    if (!go) return columns;
    const paint = (cell, row) => {
      cell.replaceChildren();
      if (canGo && !canGo(row)) return;
      const button = make("button", { type: "button", class: "pk-go", title: "Show on the timeline", "aria-label": "Show on the timeline", tabIndex: -1 });
      button.append(strokes("open"));
      button.addEventListener("click", () => go(row));
      cell.append(button);
    };
    return [...columns, { key: "go", title: "", width: 34, isQuiet: true, paint }];
  }

  gridColumn(column) {
    const { key, title, width, grow, kind = "text", isQuiet } = column;
    const isNumber = kind !== "text";
    return {
      key,
      title,
      width,
      grow,
      isNumber,
      head: isQuiet ? make("span", { text: title }) : undefined,
      fill: (cell, row) => this.fill(cell, row, column),
    };
  }

  fill(cell, row, column) {
    if (column.paint) return column.paint(cell, row);
    const text = this.textOf(column, row);
    if (!column.bar) {
      if (column.isPlain) this.fillPlain(cell, text, column.about?.(row));
      else if ((column.kind ?? "text") !== "text") cell.textContent = text;
      else cutName(cell, text, column.about?.(row));
      return;
    }
    cell.replaceChildren(this.barOf(column, row), make("span", { class: "pk-over", text }));
  }

  fillPlain(cell, text, tip = text) {
    cell.replaceChildren(make("span", { class: "pk-name-head", text: visible(text) }));
    cell.title = tip.slice(0, 2_000);
  }

  barOf(column, row) {
    const bar = make("i", { class: "pk-bar" });
    const most = this.most[column.key] || 1;
    const value = column.share ?? ((k) => this.valueOf(column, k));
    const share = typeof column.bar === "function" ? column.bar(row) : value(row) / most;
    const part = Math.min(Math.abs(share), 1) || 0;
    if (column.bar === "diverging") {
      bar.classList.add(share < 0 ? "is-less" : "is-more");
      bar.style.width = `calc(${part} * (50% - 10px))`;
    } else bar.style.width = `calc(${part} * (100% - 12px))`;
    return bar;
  }

  valueOf(column, row) {
    return column.value ? column.value(row) : this.data[column.key][row];
  }

  textOf(column, row) {
    if (column.text) return column.text(row);
    return WRITE[column.kind ?? "text"](this.valueOf(column, row));
  }

  buildTools() {
    const { find, file, tools = [], ask } = this.options;
    this.counted = make("span", { class: "pk-count", role: "status" });
    const parts = [];
    if (find || ask) parts.push(this.buildFilter());
    parts.push(this.counted, make("span", { class: "push" }), ...tools);
    if (file) {
      const save = make("button", { type: "button", class: "button is-quiet", text: "CSV", title: "Save the rows of this table" });
      save.addEventListener("click", () => this.save());
      parts.push(save);
    }
    return make("div", { class: "pk-tools" }, ...parts);
  }

  buildFilter() {
    const input = make("input", { type: "search", class: "input", placeholder: "Filter: text or /pattern/", "aria-label": `Filter ${this.options.label}` });
    input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.filter(input), WAIT_MS);
    });
    return make("div", { class: "field pk-filter" }, icon("search"), input);
  }

  filter(input) {
    const text = input.value.trim();
    const pattern = /^\/(.+?)\/?$/.exec(text);
    input.removeAttribute("aria-invalid");
    try {
      const regex = pattern ? new RegExp(pattern[1], "i") : null;
      const plain = text.toLowerCase();
      this.test = regex ? (name) => regex.test(name) : (name) => name.toLowerCase().includes(plain);
    } catch {
      input.setAttribute("aria-invalid", "true");
      return;
    }
    this.text = text;
    if (this.options.ask) this.options.ask(this.sort, text);
    else this.arrange();
  }

  sortBy(key) {
    const column = this.columns.find((one) => one.key === key);
    const first = (column.kind ?? "text") === "text" ? key : `-${key}`;
    const other = first.startsWith("-") ? key : `-${key}`;
    this.sort = this.sort === first ? other : first;
    if (this.options.ask) this.options.ask(this.sort, this.text ?? "");
    else this.arrange();
  }

  /** Show other rows: `n` of them, columns by key; `total` where the server has more. */
  show(data) {
    this.data = data;
    this.most = {};
    for (const column of this.columns) {
      if (!column.bar || typeof column.bar === "function") continue;
      let most = 0;
      const value = column.share ?? ((row) => this.valueOf(column, row));
      for (let row = 0; row < data.n; row++) most = Math.max(most, Math.abs(value(row)) || 0);
      this.most[column.key] = most;
    }
    this.arrange();
  }

  arrange() {
    const rows = this.options.order ? this.options.order(this) : this.ordered();
    this.grid.setRows(Int32Array.from(rows));
    const { rows: most } = this.options;
    if (most) this.box.style.height = `${HEAD + ROW * Math.max(1, Math.min(rows.length, most))}px`;
    const { n, total = n } = this.data;
    const noun = this.options.noun ?? "row";
    const all = `${count(total)} ${noun}${total === 1 ? "" : "s"}`;
    this.counted.textContent = rows.length < total ? `${count(rows.length)} of ${all}` : all;
  }

  ordered() {
    const { find, ask } = this.options;
    const rows = [];
    for (let row = 0; row < this.data.n; row++) if (ask || !find || this.test(find(row))) rows.push(row);
    return ask ? rows : rows.sort(this.compare());
  }

  /** Compare two rows as the sorted column says; what is not known comes last. */
  compare() {
    const key = this.sort.replace(/^-/, "");
    const column = this.columns.find((one) => one.key === key);
    const sign = this.sort.startsWith("-") ? -1 : 1;
    if ((column.kind ?? "text") === "text") {
      const text = (row) => (column.value ? String(column.value(row)) : this.textOf(column, row));
      return (a, b) => sign * compareNames(text(a), text(b)) || a - b;
    }
    return (a, b) => {
      const [x, y] = [this.valueOf(column, a), this.valueOf(column, b)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    };
  }

  onKey(row, event) {
    const { go, onPick, key } = this.options;
    if (key?.(row, event)) return;
    if (event.key !== "Enter") return;
    if (onPick) onPick(row);
    else go?.(row);
  }

  save() {
    const columns = this.columns.filter(({ isQuiet }) => !isQuiet);
    const cell = (value) => {
      const text = typeof value === "number" && !Number.isFinite(value) ? "" : String(value ?? "");
      // A cell that begins like a formula is none in the programs that open it.
      const safe = /^[=+\-@\t]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const unit = { ns: " (ns)", change: " (ns)", bytes: " (bytes)", rate: " (GB/s)" };
    const head = columns.map(({ title, kind }) => cell(title + (unit[kind] ?? "")));
    const lines = [...this.grid.rows].map((row) =>
      columns.map((column) => cell(column.csv ? column.csv(row) : this.valueOf(column, row))).join(","),
    );
    saveAs(`${fileName(this.options.file)}.csv`, [head.join(","), ...lines, ""].join("\n"), "text/csv");
  }

  /** Draw what is in sight again. */
  refresh() {
    this.grid.refresh();
  }

  /** Bring a row into sight and make it the keyboard's. */
  reveal(row) {
    const at = this.grid.rows.indexOf(row);
    if (at >= 0) this.grid.moveTo(at);
  }

  dispose() {
    clearTimeout(this.timer);
    this.grid.dispose();
  }
}
