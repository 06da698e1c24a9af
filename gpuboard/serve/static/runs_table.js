/** Show the run list as a table to select runs in: by click, range, key, filter and sort. */

import { openColourPicker } from "./colour_picker.js";
import { h } from "./dom.js";
import { Grid } from "./grid.js";
import { checkColumn } from "./run_columns.js";
import { filterRows, patternOf, sortRows } from "./run_order.js";
import {
  indexOf,
  runs,
  selectMatching,
  selectOnly,
  selectRows,
  selectThese,
  selectedRows,
} from "./runs.js";
import * as state from "./state.js";

/** The table in `element`, in step with the state keys runs, runFilter, sort and palette. */
export class RunsTable {
  /**
   * @param {HTMLElement} element
   * @param {import("./grid.js").Column[]} columns All but the check mark.
   * @param {() => void} [onChange] Called after what is shown or selected has changed.
   */
  constructor(element, columns, onChange = () => {}) {
    this.onChange = onChange;
    this.anchor = -1; // row where a range starts
    this.error = "";
    this.checkAll = h("button", {
      class: "check",
      type: "button",
      role: "checkbox",
      tabIndex: -1,
      title: "Select all that are shown, or none of them",
      onclick: () => this.toggleShown(),
    });
    this.grid = new Grid(element, {
      label: "Runs",
      columns: [checkColumn(this.checkAll), ...columns],
      sort: () => state.get("sort"),
      onSort: (key) => this.sortBy(key),
      isOn: (row) => selectedRows()[row] === 1,
      onPick: (row, event) => this.pick(row, event),
      onKey: (row, event, from) => this.key(row, event, from),
      onHover: (row) => state.set("hover", row < 0 ? -1 : runs.id[row]),
    });
    this.ends = [
      state.subscribe(["runsVersion", "sort", "runFilter"], () => this.arrange()),
      state.subscribe(["selected", "palette"], () => this.repaint()),
      state.subscribe("hover", () => this.grid.hover(indexOf(state.get("hover")))),
    ];
    this.arrange();
  }

  /** Rows that pass the filter, in shown order. */
  get shown() {
    return this.grid.rows;
  }

  /** Sort and filter anew. */
  arrange() {
    const sort = state.get("sort");
    if (this.sortedFor !== runs.name || this.sortedBy !== sort) {
      this.order = sortRows(runs, sort);
      this.sortedFor = runs.name;
      this.sortedBy = sort;
    }
    const { rows, error } = filterRows(runs, this.order, state.get("runFilter"));
    this.error = error;
    this.grid.setRows(rows);
    this.repaint();
  }

  repaint() {
    const chosen = this.countSelected(this.shown);
    const all = chosen > 0 && chosen === this.shown.length;
    this.checkAll.setAttribute("aria-checked", all ? "true" : chosen > 0 ? "mixed" : "false");
    this.checkAll.setAttribute(
      "aria-label",
      all ? "Select none of the runs shown" : "Select all runs shown",
    );
    this.grid.refresh();
    this.onChange();
  }

  countSelected(rows) {
    const flags = selectedRows();
    return rows.reduce((sum, row) => sum + flags[row], 0);
  }

  /** Select the runs that pass the filter and no others; a pattern goes on choosing later runs. */
  selectShownOnly() {
    const pattern = patternOf(state.get("runFilter"));
    if (pattern !== null && !this.error) selectMatching(pattern);
    else selectThese(this.shown);
  }

  /** Bring the runs that pass the filter in, or all of them out when all are in. */
  toggleShown() {
    selectRows(this.shown, this.countSelected(this.shown) < this.shown.length);
  }

  sortBy(key) {
    const sort = state.get("sort");
    const startsDown = key !== "name" && key !== "state";
    if (sort.replace(/^-/, "") !== key) state.set("sort", startsDown ? `-${key}` : key);
    else state.set("sort", sort.startsWith("-") ? key : `-${key}`);
  }

  pick(row, event) {
    const part = event.target.dataset.part;
    if (part === "swatch") return openColourPicker(event.target, row);
    if (part === "only" || event.detail === 2) return selectOnly(row);
    if (event.detail > 2) return undefined;
    if (event.shiftKey && this.anchor >= 0) return this.pickRange(this.anchor, row);
    this.anchor = row;
    return selectRows([row], !selectedRows()[row]);
  }

  /** Give all rows between two, as they are shown now, the state of the first. */
  pickRange(from, to) {
    const ends = [this.shown.indexOf(from), this.shown.indexOf(to)].sort((a, b) => a - b);
    if (ends[0] < 0) return;
    selectRows(this.shown.subarray(ends[0], ends[1] + 1), selectedRows()[from] === 1);
  }

  key(row, event, from) {
    if (event.shiftKey && from !== row) return selectRows([row], selectedRows()[from] === 1);
    const does = {
      " ": () => selectRows([row], !selectedRows()[row]),
      Enter: () => selectOnly(row),
      c: () => openColourPicker(this.grid.element.querySelector(".is-active .swatch"), row),
      a: () => (event.ctrlKey || event.metaKey ? this.toggleShown() : null),
    }[event.key];
    if (!does || (event.key === "c" && (event.ctrlKey || event.metaKey))) return undefined;
    event.preventDefault();
    this.anchor = row;
    return does();
  }

  /** End all subscriptions. */
  dispose() {
    this.ends.forEach((end) => end());
    this.grid.dispose();
  }
}
