/** The toolbar of the HParams page: views, counts, popovers; below it what narrows the trials. */

import { icon, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural } from "./format.js";
import { openColumns, openExport, openFold, openMetrics } from "./hparams_columns.js";
import { specText } from "./hparams_model.js";
import { get, set, subscribe } from "./state.js";

const VIEWS = {
  table: "Table",
  parallel: "Parallel",
  scatter: "Scatter",
  importance: "Importance",
};
const TIPS = {
  table: "Every trial as a row",
  parallel: "Parallel coordinates: every trial as a line over one axis for each column",
  scatter: "Scatter matrix: each column against each other",
  importance: "Which hyperparameters matter for a metric",
};
const MOST_WORDS = 12;

export class HParamsBar {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.views = make(
      "div",
      { class: "segments", role: "tablist", "aria-label": "View" },
      ...Object.entries(VIEWS).map(([view, text]) =>
        make("button", {
          type: "button",
          role: "tab",
          text,
          title: TIPS[view],
          data: { view },
          on: { click: () => set("hpView", view) },
        }),
      ),
    );
    this.count = make("span", { class: "count", role: "status" });
    this.fold = this.button("Seeds", openFold);
    this.only = make("button", {
      type: "button",
      class: "button is-quiet hp-only",
      title: "Select the runs of these trials for this page and all others",
      on: { click: () => board.showOnly() },
    });
    this.head = make(
      "div",
      { class: "page-head hp-bar", role: "toolbar", "aria-label": "Trials" },
      this.views,
      this.count,
      make("span", { class: "push" }),
      this.button("Metrics", openMetrics),
      this.button("Columns", openColumns),
      this.fold,
      this.button("Save", openExport),
    );
    this.chips = make("div", { class: "hp-chips" });
    this.legend = make("div", { class: "hp-legend" });
    this.below = make("div", { class: "hp-below" }, this.legend, this.chips);
    this.element = make("div", { class: "hp-top" }, this.head, this.below);
    this.ends = [subscribe(["hpView", "hpFilters", "hpBrush", "hpFold"], () => this.update())];
    this.update();
  }

  dispose() {
    this.ends.forEach((end) => end());
  }

  button(text, open) {
    const button = make("button", {
      type: "button",
      class: "button is-quiet",
      text,
      "aria-haspopup": "dialog",
      on: { click: () => this.board.trials && open(this.board, button) },
    });
    return button;
  }

  update() {
    const view = get("hpView");
    for (const one of this.views.children) {
      one.setAttribute("aria-selected", String(one.dataset.view === view));
    }
    this.fold.setAttribute("aria-pressed", String(get("hpFold") !== null));
    const { trials } = this.board;
    if (!trials) return;
    this.count.textContent = this.sentence();
    const narrowed = this.board.isNarrowed && this.board.front.length > 0;
    this.showChips(narrowed);
    this.showLegend();
  }

  sentence() {
    const { trials, shown, front } = this.board;
    const what = trials.isFolded ? "group" : "trial";
    const all = plural(trials.count, what);
    const of = trials.isFolded ? `${all} of ${plural(trials.total, "trial")}` : all;
    if (front.length < shown.length) return `${count(front.length)} of ${of}`;
    return shown.length < trials.count ? `${count(shown.length)} of ${of}` : of;
  }

  showChips(isNarrowed) {
    const { board } = this;
    this.only.textContent = `Show only these ${count(board.front.length)}`;
    const chips = [...this.specChips("hpFilters", "Filter"), ...this.specChips("hpBrush", "Brush")];
    if (!board.inPanel.every(Boolean)) chips.push(this.panelChip());
    if (chips.length > 1) {
      chips.push(
        make("button", {
          type: "button",
          class: "link",
          text: "Clear all",
          on: {
            click: () => {
              set("hpFilters", {});
              set("hpBrush", {});
              set("runs", "all");
            },
          },
        }),
      );
    }
    // once just these runs are selected there is nothing left to do
    const isDone =
      board.front.every((row) => board.inPanel[row]) &&
      !board.inPanel.every(Boolean) &&
      board.inPanel.reduce((sum, flag) => sum + flag, 0) === board.front.length;
    if (isNarrowed && !isDone) chips.push(this.only);
    this.chips.replaceChildren(...chips);
    this.below.hidden = chips.length === 0 && !this.hasLegend();
  }

  specChips(where, what) {
    const known = Object.entries(get(where)).filter(([key]) => this.board.trials.columns.has(key));
    return known.map(([key, spec]) => {
      const column = this.board.trials.columns.get(key);
      const text = visible(`${column.title}: ${specText(spec, column)}`);
      return chip(what, text, () => this.board.setSpec(where, key, null));
    });
  }

  panelChip() {
    const selected = this.board.inPanel.reduce((sum, flag) => sum + flag, 0);
    return chip("Runs", `${count(selected)} selected in the run panel`, () => set("runs", "all"));
  }

  hasLegend() {
    return ["parallel", "scatter"].includes(get("hpView"));
  }

  showLegend() {
    const { board } = this;
    this.legend.hidden = !this.hasLegend();
    if (this.legend.hidden || !board.colour) return;
    const column = board.colourColumn();
    const all = [...board.trials.columns.values()].filter(
      ({ key, kind, words }) => key !== "name" && (kind !== "words" || words.length <= 40),
    );
    const select = make(
      "select",
      {
        class: "select",
        "aria-label": "Colour by",
        on: { change: () => set("hpColour", select.value) },
      },
      ...all.map(({ key, title }) =>
        make("option", { value: key, text: visible(title), selected: key === column?.key }),
      ),
      make("option", { value: "run", text: "Run", selected: column === null }),
    );
    this.legend.replaceChildren(
      make("span", { class: "hp-label", text: "Colour" }),
      make("div", { class: "picker" }, select, icon("chevron")),
      ...legendOf(board.colour.legend),
    );
  }
}

function chip(what, text, remove) {
  return make(
    "button",
    {
      type: "button",
      class: "chip hp-chip",
      title: `${what}: ${text}. Click to remove`,
      on: { click: remove },
    },
    make("i", { text: what }),
    make("span", { text }),
    icon("close"),
  );
}

function legendOf({ ramp, low, high, words = [] }) {
  if (ramp) {
    const bar = make("span", { class: "hp-ramp" });
    bar.style.background = `linear-gradient(to right, ${ramp.join(", ")})`;
    return [
      make("span", { class: "hp-end", text: low }),
      bar,
      make("span", { class: "hp-end", text: high }),
    ];
  }
  const shown = words.slice(0, MOST_WORDS).map(({ label, colour }) => {
    const swatch = make("span", { class: "swatch" });
    swatch.style.setProperty("--swatch", colour);
    return make(
      "span",
      { class: "hp-key", title: visible(label) },
      swatch,
      make("span", { text: visible(label) }),
    );
  });
  const more = words.length - shown.length;
  return more > 0
    ? [...shown, make("span", { class: "hp-label", text: `and ${more} more` })]
    : shown;
}
