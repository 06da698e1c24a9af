/** The Runs page: the run list with every column. */

import { download, h, icon } from "./dom.js";
import * as format from "./format.js";
import { FULL, toCsv } from "./run_columns.js";
import { NO_RUNS, colourByPicker, filterField } from "./run_controls.js";
import { runs } from "./runs.js";
import { RunsTable } from "./runs_table.js";
import * as state from "./state.js";

export default {
  render({ el }) {
    const filter = filterField();
    const colours = colourByPicker();
    const count = h("span", { class: "count" });
    const error = h("p", { class: "field-error", role: "status" });
    const only = h(
      "button",
      { type: "button", class: "button is-quiet", onclick: () => table.selectShownOnly() },
      "Select only these",
    );
    const save = h(
      "button",
      {
        type: "button",
        class: "button",
        onclick: () => download("runs.csv", "text/csv", toCsv(table.shown)),
      },
      icon("download"),
      "CSV",
    );
    const list = h("div", { class: "grid-wide" });
    const empty = h("div", { class: "empty", hidden: true });
    filter.element.classList.add("is-page");
    el.replaceChildren(
      h(
        "section",
        { class: "page page-fixed runs-page" },
        h(
          "header",
          { class: "page-head" },
          h("h1", {}, "Runs"),
          count,
          h("div", { class: "push page-tools" }, only, filter.element, colours.element, save),
        ),
        h("div", { class: "page-more" }, error, colours.more),
        list,
        empty,
      ),
    );

    function show() {
      const shown = table.shown.length;
      const isFiltered = state.get("runFilter").trim() !== "" && !table.error;
      count.textContent = sentence(shown, isFiltered);
      only.hidden = !isFiltered || shown === 0;
      error.textContent = table.error;
      filter.fail(table.error);
      save.disabled = shown === 0;
      list.hidden = shown === 0;
      empty.hidden = shown > 0;
      empty.replaceChildren(icon("runs"), ...emptyLines());
    }

    let table = { shown: [], error: "" };
    table = new RunsTable(list, FULL, () => show());
    show();
    const end = state.subscribe(["version", "runsError"], show);
    return () => {
      [filter, colours].forEach((control) => control.end());
      end();
      table.dispose();
    };
  },
};

function sentence(shown, isFiltered) {
  if (runs.length === 0) return "";
  const points = format.plural(
    runs.points.reduce((sum, n) => sum + (n || 0), 0),
    "point",
  );
  const size = format.size(runs.bytes.reduce((sum, n) => sum + (n || 0), 0));
  const selected = format.count(state.get("selected")?.length ?? 0);
  const base = `${format.plural(runs.length, "run")}, ${selected} selected, ${points}, ${size}`;
  return isFiltered ? `${base}; ${format.count(shown)} shown` : base;
}

function emptyLines() {
  if (state.get("runsError") && runs.length === 0)
    return [h("h2", {}, "The runs cannot be listed"), h("p", {}, state.get("runsError"))];
  if (runs.length > 0)
    return [
      h("h2", {}, "No run matches this filter"),
      h("p", {}, "Plain words must all occur in the name; /pattern/ is a regular expression."),
    ];
  if (state.get("runsVersion") === 0) return [h("p", {}, "Reading the list of runs …")];
  return [h("h2", {}, "No runs yet"), h("p", {}, NO_RUNS)];
}
