/** The controls of the Histograms page: which view, and a popover with how it is drawn. */

import { icon, make, popover } from "./chart_elements.js";
import { get, set, subscribe } from "./state.js";

export const VIEWS = { ridge: "Ridge", overlay: "Overlay", bands: "Bands", heat: "Heat map" };

const VIEW_TIPS = {
  ridge: "Steps one behind the other",
  overlay: "Steps over each other, older ones paler",
  bands: "Percentiles over the steps",
  heat: "How many values lie where, over the steps",
};
const AXES = { step: "Step", relative: "Relative time", wall: "Wall time" };
const HEIGHTS = { share: "Share of values", count: "Counts", own: "Each its own peak" };
const RANGES = { robust: "Without outliers", all: "All values", fixed: "Fixed" };

/** Return the controls for the toolbar, and a function that ends them. */
export function histogramTools() {
  const ends = [];
  const follow = (keys, fn) => {
    ends.push(subscribe(keys, fn));
    fn();
  };
  const about = "All selected runs of a tag at one step";
  const runs = toggleButton("histRuns", "Compare runs", about, follow);
  const options = make(
    "button",
    {
      type: "button",
      class: "button",
      "aria-haspopup": "dialog",
      on: { click: () => openOptions(options) },
    },
    icon("tune"),
    "Options",
  );
  const views = viewSwitch(follow);
  return { tools: [views, runs, options], end: () => ends.forEach((end) => end()) };
}

function viewSwitch(follow) {
  const buttons = Object.entries(VIEWS).map(([view, text]) =>
    make("button", {
      type: "button",
      text,
      title: VIEW_TIPS[view],
      data: { view },
      on: {
        click: () => {
          set("histRuns", false);
          set("histView", view);
        },
      },
    }),
  );
  follow(["histView", "histRuns"], () => {
    for (const button of buttons) {
      const isOn = !get("histRuns") && get("histView") === button.dataset.view;
      button.setAttribute("aria-pressed", String(isOn));
    }
  });
  return make("div", { class: "segments", role: "group", "aria-label": "View" }, ...buttons);
}

function toggleButton(key, text, title, follow) {
  const button = make("button", {
    type: "button",
    class: "button",
    text,
    title,
    on: { click: () => set(key, !get(key)) },
  });
  follow([key], () => button.setAttribute("aria-pressed", String(get(key))));
  return button;
}

function openOptions(anchor) {
  const ends = [];
  const follow = (keys, fn) => {
    ends.push(subscribe(keys, fn));
    fn();
  };
  const box = popover(
    anchor,
    make(
      "div",
      { class: "hg-options" },
      section(
        "Heights",
        labelled("Height is", select("histHeights", HEIGHTS, follow)),
        check("histLog", "Logarithm of counts", follow),
        check("histCut", "Cut lone spikes", follow),
      ),
      section(
        "Steps",
        labelled("Laid out by", select("histAxis", AXES, follow)),
        labelled("At most", number("histRows", 2, 400, follow), "lines"),
      ),
      section(
        "Range of values",
        labelled("Range", select("histRange", RANGES, follow)),
        fixedRange(follow),
        check("histShared", "The same for all runs of a tag", follow),
        labelled("Bins", number("histBins", 10, 500, follow)),
      ),
      section(
        "Cards",
        check("histTable", "Table of the shown step", follow),
        check("linkSteps", "The same step in all cards", follow),
        labelled("Width", slider("cardWidth", 280, 900, follow)),
        labelled("Height", slider("plotHeight", 120, 600, follow)),
      ),
    ),
  );
  box.addEventListener(
    "toggle",
    ({ newState }) => newState === "closed" && ends.forEach((end) => end()),
  );
}

const section = (title, ...rows) =>
  make("fieldset", { class: "hg-section" }, make("legend", { text: title }), ...rows);

const labelled = (text, field, unit = null) =>
  make("label", { class: "hg-control" }, make("span", { class: "hg-label", text }), field, unit);

function select(key, choices, follow) {
  const box = make(
    "select",
    { class: "select", on: { change: () => set(key, box.value) } },
    ...Object.entries(choices).map(([value, text]) => make("option", { value, text })),
  );
  follow([key], () => (box.value = get(key)));
  return make("div", { class: "picker" }, box, icon("chevron"));
}

function check(key, text, follow) {
  const input = make("input", { type: "checkbox", on: { change: () => set(key, input.checked) } });
  follow([key], () => (input.checked = get(key)));
  return make("label", { class: "hg-check" }, input, text);
}

function number(key, min, max, follow) {
  const take = () => {
    const wanted = Math.round(Number(input.value)) || min;
    set(key, Math.min(max, Math.max(min, wanted)));
    input.value = String(get(key));
  };
  const input = make("input", {
    class: "input hg-number",
    type: "number",
    min: String(min),
    max: String(max),
    on: { change: take },
  });
  follow([key], () => (input.value = String(get(key))));
  return input;
}

function slider(key, min, max, follow) {
  const input = make("input", {
    type: "range",
    class: "hg-slider",
    min: String(min),
    max: String(max),
    step: "4",
    on: { input: () => set(key, Number(input.value)) },
  });
  follow([key], () => (input.value = String(get(key))));
  return input;
}

function fixedRange(follow) {
  const field = (label) =>
    make("input", {
      class: "input hg-number",
      type: "number",
      step: "any",
      placeholder: label,
      "aria-label": label,
      on: { change: () => take() },
    });
  const [low, high] = [field("from"), field("to")];
  const take = () => {
    const range = [Number(low.value), Number(high.value)];
    if (low.value !== "" && high.value !== "" && range[1] > range[0]) set("histFixed", range);
  };
  const row = make("div", { class: "hg-pair" }, low, high);
  follow(["histRange", "histFixed"], () => {
    row.hidden = get("histRange") !== "fixed";
    const range = get("histFixed");
    if (range) [low.value, high.value] = range.map(String);
  });
  return row;
}
