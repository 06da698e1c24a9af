/** List parameters, or all nodes, with shapes, sizes and costs. */

import { getJson } from "./api.js";
import { make, saveAs } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural, size } from "./format.js";
import { timeText } from "./graphs_scene.js";
import { Grid } from "./grid.js";
import { compareNames } from "./natural.js";
import * as state from "./state.js";

const NUMBERS = new Set(["parameters", "bytes", "time_us", "memory_bytes"]);

const COLUMNS = [
  { key: "key", title: "Name", width: 220, grow: 3 },
  { key: "op", title: "Operation", width: 120, grow: 1 },
  { key: "shape", title: "Shape", width: 160, grow: 1 },
  { key: "parameters", title: "Parameters", width: 100, isNumber: true, show: count },
  { key: "bytes", title: "Size", width: 80, isNumber: true, show: size },
  { key: "device", title: "Device", width: 130 },
  { key: "time_us", title: "Time", width: 90, isNumber: true, show: timeText },
  { key: "memory_bytes", title: "Memory", width: 90, isNumber: true, show: size },
];

export class GraphTable {
  /** @param {object} on `go(key)`: show a node in the graph. */
  constructor(on) {
    this.on = on;
    this.sort = "";
    this.words = [];
    this.found = make("span", { class: "count", role: "status" });
    this.kinds = make("div", { class: "segments", role: "group", "aria-label": "Rows" });
    this.filter = make("input", {
      class: "input gr-table-filter",
      type: "text",
      placeholder: "Filter by name or operation",
      "aria-label": "Filter rows",
      spellcheck: false,
      on: { input: () => this.onFilter() },
    });
    const save = make("button", { type: "button", class: "button", text: "Save CSV", on: { click: () => this.save() } });
    this.place = make("div", { class: "gr-table-place" });
    this.note = make("p", { class: "gr-none", hidden: true });
    this.element = make(
      "div",
      { class: "gr-table", hidden: true },
      make("div", { class: "gr-table-bar" }, this.kinds, this.filter, this.found, make("span", { class: "push" }), save),
      this.note,
      this.place,
    );
    this.showKinds();
  }

  showKinds() {
    const names = { parameters: "Parameters", all: "All nodes" };
    this.kinds.replaceChildren(
      ...Object.entries(names).map(([key, text]) =>
        make("button", {
          type: "button",
          text,
          "aria-pressed": String(state.get("graphRows") === key),
          on: { click: () => state.set("graphRows", key) },
        }),
      ),
    );
  }

  /** Read the rows of a graph; `query` names it. */
  async load(query) {
    const text = JSON.stringify(query);
    if (text === this.loaded) return this.arrange();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const rows = await getJson("graph/table", { query });
      if (turn !== this.turn) return undefined;
      this.rows = rows;
      this.loaded = text;
      this.note.hidden = true;
      this.build();
      return this.arrange();
    } catch (error) {
      this.note.hidden = false;
      this.note.textContent = error.message;
      return undefined;
    }
  }

  build() {
    const isBlank = (key) => this.rows[key].every((one) => one === "" || one === 0 || one === "NaN");
    this.columns = COLUMNS.filter(({ key }) => key === "key" || !isBlank(key));
    this.grid?.dispose();
    const table = make("div", { class: "grid-wide" });
    this.place.replaceChildren(table);
    this.grid = new Grid(table, {
      label: "Nodes of the graph",
      rowHeight: 28,
      columns: this.columns.map((column) => ({ ...column, fill: (cell, row) => this.fill(cell, column, row) })),
      sort: () => this.sort,
      onSort: (key) => this.sortBy(key),
      onPick: (row) => this.on.go(this.rows.key[row]),
      onKey: (row, event) => event.key === "Enter" && this.on.go(this.rows.key[row]),
    });
  }

  fill(cell, { key, show }, row) {
    const value = this.rows[key][row];
    const isMissing = value === null || value === "NaN" || (NUMBERS.has(key) && value === 0);
    if (key === "key") return fillName(cell, value);
    cell.textContent = isMissing ? "–" : show ? show(value) : visible(String(value));
    cell.title = key === "shape" ? visible(String(value)) : "";
    if (key === "parameters" && value === null) cell.title = "The log does not say its shape";
    return undefined;
  }

  onFilter() {
    this.words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.arrange();
  }

  sortBy(key) {
    const first = NUMBERS.has(key) ? `-${key}` : key;
    const second = NUMBERS.has(key) ? key : `-${key}`;
    this.sort = this.sort === first ? second : this.sort === second ? "" : first;
    this.arrange();
  }

  arrange() {
    this.showKinds();
    if (!this.rows) return;
    const { key, op, kind, parameters } = this.rows;
    const isParameters = state.get("graphRows") === "parameters";
    const passes = (row) => {
      // Layers of Keras hold their parameters themselves.
      if (isParameters && kind[row] !== "parameter" && !parameters[row]) return false;
      const text = `${key[row]} ${op[row]}`.toLowerCase();
      return this.words.every((word) => text.includes(word));
    };
    const rows = [...key.keys()].filter(passes);
    const by = this.sort.replace(/^-/, "");
    const sign = this.sort.startsWith("-") ? -1 : 1;
    if (by) rows.sort((a, b) => sign * this.compare(by, a, b) || a - b);
    this.grid.setRows(Int32Array.from(rows));
    this.found.textContent = this.totalText(rows);
  }

  compare(by, a, b) {
    const column = this.rows[by];
    if (!NUMBERS.has(by)) return compareNames(column[a], column[b]);
    const number = (row) => (typeof column[row] === "number" ? column[row] : -1);
    return number(a) - number(b);
  }

  totalText(rows) {
    const sum = rows.reduce((total, row) => total + (this.rows.parameters[row] ?? 0), 0);
    const unknown = rows.filter((row) => this.rows.parameters[row] === null).length;
    const parts = [plural(rows.length, "row")];
    if (sum) parts.push(plural(sum, "parameter"));
    if (unknown) parts.push(`${count(unknown)} without a logged shape`);
    if (this.rows.total > this.rows.key.length) parts.push(`of ${count(this.rows.total)} nodes`);
    return parts.join(" · ");
  }

  save() {
    if (!this.rows) return;
    const cell = (value) => {
      const text = value === null || value === "NaN" ? "" : String(value);
      // A leading = would be a formula for spreadsheets.
      const safe = /^[=+\-@\t\r]/.test(text) && typeof value !== "number" ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const names = this.columns.map(({ key }) => key);
    const lines = [...this.grid.rows].map((row) => names.map((name) => cell(this.rows[name][row])).join(","));
    saveAs("graph.csv", [names.join(","), ...lines, ""].join("\n"), "text/csv");
  }

  destroy() {
    this.grid?.dispose();
  }
}

function fillName(cell, name) {
  const at = name.lastIndexOf("/") + 1;
  cell.title = visible(name);
  cell.replaceChildren(
    make("span", { class: "gr-folder", text: visible(name.slice(0, at)) }),
    make("span", { class: "gr-leaf", text: visible(name.slice(at)) }),
  );
}
