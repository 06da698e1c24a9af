/** The controls that stand over a run list: filter, order, colours; shared by panel and page. */

import { groupList, parseColourBy } from "./colours.js";
import { h, icon, visible } from "./dom.js";
import * as format from "./format.js";
import { patternFault, patternOf } from "./run_order.js";
import * as state from "./state.js";

const ORDERS = {
  name: "Name",
  "-start": "Newest first",
  "-end": "Latest change",
  "-last_step": "Last step",
  "-points": "Most points",
  "-problems": "Problems",
};
const EXAMPLE = "(.*)[/_-]"; // all but the last part of a name: seeds of one setting together

/** What a board without runs says. */
export const NO_RUNS =
  "As soon as a training script writes event files below the log directory, its run appears here.";

/** Return a field for the state key "runFilter": plain words, or a pattern between slashes. */
export function filterField() {
  const input = h("input", {
    class: "input",
    type: "text",
    spellcheck: false,
    autocomplete: "off",
    "aria-label": "Filter runs",
    placeholder: "Filter runs",
    oninput: () => state.set("runFilter", input.value),
  });
  const toggle = h(
    "button",
    {
      type: "button",
      class: "toggle",
      title: "Read the filter as a regular expression: /pattern/",
      "aria-label": "Regular expression",
      onclick: () => {
        const pattern = patternOf(input.value);
        state.set("runFilter", pattern === null ? `/${input.value.trim()}/` : pattern);
        input.focus();
      },
    },
    icon("regex"),
  );
  input.addEventListener(
    "keydown",
    (event) => event.key === "Escape" && state.set("runFilter", ""),
  );
  const show = () => {
    const text = state.get("runFilter");
    if (input.value !== text) input.value = text;
    toggle.setAttribute("aria-pressed", text.trim().startsWith("/"));
  };
  const end = state.subscribe("runFilter", show);
  show();
  const element = h("div", { class: "field has-toggle" }, icon("search"), input, toggle);
  const fail = (message) => input.setAttribute("aria-invalid", message !== "");
  return { element, fail, end };
}

/** Return a select for the state key "sort". */
export function orderPicker() {
  const select = h("select", {
    class: "select",
    "aria-label": "Order of runs",
    onchange: () => state.set("sort", select.value),
  });
  const show = () => {
    const sort = state.get("sort");
    const orders =
      sort in ORDERS
        ? ORDERS
        : { ...ORDERS, [sort]: `By ${sort.replace(/^-/, "").replace("_", " ")}` };
    select.replaceChildren(
      ...Object.entries(orders).map(([value, label]) => h("option", { value }, label)),
    );
    select.value = sort;
  };
  const end = state.subscribe("sort", show);
  show();
  return { element: h("div", { class: "picker" }, select, icon("down")), end };
}

/** Return a select for the state key "colourBy", and a pattern field with its groups below it. */
export function colourByPicker() {
  const select = h(
    "select",
    { class: "select", "aria-label": "Colour runs by", onchange: () => choose(select.value) },
    h("option", { value: "run" }, "Colour: run"),
    h("option", { value: "re" }, "Colour: group"),
  );
  const input = h("input", {
    class: "input",
    type: "text",
    spellcheck: false,
    autocomplete: "off",
    "aria-label": "Pattern whose groups give runs their colours",
    placeholder: EXAMPLE,
    oninput: () => state.set("colourBy", `re:${input.value}`),
  });
  const error = h("p", { class: "field-error", role: "status" });
  const groups = h("div", { class: "groups" });
  const more = h("div", { class: "colour-groups", hidden: true }, input, error, groups);
  const choose = (value) => {
    state.set("colourBy", value === "run" ? "run" : `re:${input.value || EXAMPLE}`);
    if (value === "re") requestAnimationFrame(() => input.select());
  };
  const show = () => {
    const regex = parseColourBy(state.get("colourBy"));
    const pattern = state.get("colourBy").slice(3);
    select.value = regex === null ? "run" : "re";
    more.hidden = regex === null;
    if (regex !== null && input.value !== pattern) input.value = pattern;
    error.textContent = regex instanceof Error ? patternFault(regex) : "";
    error.hidden = error.textContent === "";
    groups.replaceChildren(
      ...(regex instanceof RegExp ? groupList().slice(0, 60).map(groupChip) : []),
    );
  };
  const end = state.subscribe(["colourBy", "palette"], show);
  show();
  return { element: h("div", { class: "picker" }, select, icon("down")), more, end };
}

function groupChip({ name, colour, runs }) {
  const label = name === null ? "no group" : visible(name);
  const swatch = h("span", { class: "swatch" });
  swatch.style.setProperty("--swatch", colour);
  return h(
    "span",
    { class: "chip", title: `${label}: ${format.plural(runs, "run")}` },
    swatch,
    h("span", {}, label),
    h("span", { class: "n" }, format.count(runs)),
  );
}
