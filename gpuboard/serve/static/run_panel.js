/** The run selector beside every chart: filter, order, colours and the table of names. */

import { h, icon } from "./dom.js";
import * as format from "./format.js";
import { COMPACT } from "./run_columns.js";
import { NO_RUNS, colourByPicker, filterField, orderPicker } from "./run_controls.js";
import { runs } from "./runs.js";
import { RunsTable } from "./runs_table.js";
import * as state from "./state.js";

/** Fill `element`; returns what takes it down again. */
export function runPanel(element) {
  const filter = filterField();
  const order = orderPicker();
  const colours = colourByPicker();
  const count = h("span", { class: "count" });
  const only = h(
    "button",
    { type: "button", class: "link", onclick: () => table.selectShownOnly() },
    "Only these",
  );
  const error = h("p", { class: "field-error", role: "status" });
  const list = h("div");
  const empty = h("div", { class: "empty", hidden: true });
  element.replaceChildren(
    h(
      "div",
      { class: "run-panel" },
      h(
        "div",
        { class: "run-tools" },
        h("div", { class: "run-title" }, h("h2", {}, "Runs"), count, only),
        filter.element,
        error,
        h("div", { class: "run-options" }, order.element, colours.element),
        colours.more,
      ),
      list,
      empty,
    ),
  );

  function show() {
    const isFiltered = state.get("runFilter").trim() !== "" && !table.error;
    count.textContent = countText(table.shown.length, isFiltered);
    only.hidden = !isFiltered || table.shown.length === 0;
    error.textContent = table.error;
    error.hidden = table.error === "";
    filter.fail(table.error);
    const sentence = emptySentence(table.shown.length);
    empty.hidden = sentence === "";
    list.hidden = sentence !== "";
    empty.replaceChildren(icon("runs"), h("p", {}, sentence));
  }

  let table = { shown: [], error: "" };
  table = new RunsTable(list, COMPACT, () => show());
  show();
  const end = state.subscribe(["version", "runsError"], show);
  return () => {
    [filter, order, colours].forEach((control) => control.end());
    end();
    table.dispose();
  };
}

function countText(shown, isFiltered) {
  if (runs.length === 0) return "";
  const selected = format.count(state.get("selected")?.length ?? 0);
  const all = `${selected} of ${format.count(runs.length)}`;
  return isFiltered ? `${all}, ${format.count(shown)} shown` : all;
}

function emptySentence(shown) {
  if (shown > 0) return "";
  if (state.get("runsError") && runs.length === 0) return state.get("runsError");
  if (runs.length > 0) return "No run matches this filter.";
  if (state.get("runsVersion") === 0) return "Reading the list of runs …";
  return `No runs yet. ${NO_RUNS}`;
}
