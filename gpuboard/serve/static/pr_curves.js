/** The PR curves page: precision over recall, or ROC, of all runs at one step and at every step. */

import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { PrCard } from "./pr_curves_card.js";
import { KEPT, define, get, set, subscribe } from "./state.js";
import { ValuePage } from "./value_page.js";

define({
  prCurve: { ...KEPT.URL_ONLY, default: "pr", choices: ["pr", "roc"] },
  prThreshold: { ...KEPT.URL_ONLY, default: 0.5, min: 0, max: 1 },
  prFit: { ...KEPT.URL_ONLY, default: false },
});

const CODE = `from gpuboard import SummaryWriter

writer = SummaryWriter("runs/mine")
writer.add_pr_curve("val/pr", labels, predictions, step)`;

/** Two buttons of which one is pressed. */
function choice(key, label, choices) {
  const buttons = Object.entries(choices).map(([value, text]) =>
    make("button", { type: "button", text, on: { click: () => set(key, value) } }),
  );
  const show = () =>
    buttons.forEach((button, k) =>
      button.setAttribute("aria-pressed", String(get(key) === Object.keys(choices)[k])),
    );
  show();
  return {
    element: make("div", { class: "segments", role: "group", "aria-label": label }, ...buttons),
    end: subscribe([key], show),
  };
}

function fitButton() {
  const button = make(
    "button",
    {
      type: "button",
      class: "button is-quiet is-square",
      title: "Fit the axes to the curves",
      "aria-label": "Fit the axes to the curves",
      on: { click: () => set("prFit", !get("prFit")) },
    },
    icon("fit"),
  );
  const show = () => button.setAttribute("aria-pressed", String(get("prFit")));
  show();
  return { element: button, end: subscribe(["prFit"], show) };
}

function thresholdSlider() {
  const slider = make("input", {
    type: "range",
    class: "pr-slider",
    min: "0",
    max: "1",
    step: "0.005",
    "aria-label": "Threshold",
    on: { input: () => set("prThreshold", Number(slider.value)) },
  });
  const shown = make("output", { class: "pr-threshold" });
  const show = () => {
    slider.value = String(get("prThreshold"));
    shown.textContent = get("prThreshold").toFixed(3);
  };
  show();
  return {
    element: make("label", { class: "pr-control" }, "Threshold", slider, shown),
    end: subscribe(["prThreshold"], show),
  };
}

export default {
  render({ el }) {
    const kinds = choice("prCurve", "Kind of curve", { pr: "PR", roc: "ROC" });
    const [fit, threshold] = [fitButton(), thresholdSlider()];
    const page = new ValuePage(el, {
      kind: "pr_curve",
      title: "PR curves",
      per: "tag",
      makeCard: (info, owner) => new PrCard(info, owner),
      tools: [kinds.element, fit.element, threshold.element],
      redraw: ["prCurve", "prFit"],
      empty: {
        title: "No PR curves yet",
        text: "They appear here as soon as a training script logs one:",
        code: CODE,
      },
    });
    const moves = subscribe(["prThreshold"], () =>
      page.grid.each((card) => card.showThreshold()),
    );
    return () => {
      for (const end of [kinds.end, fit.end, threshold.end, moves]) end();
      page.destroy();
    };
  },
};
