/** The HParams page: one set of trials in a table, parallel coordinates, a matrix and by importance. */

import { h, icon } from "./dom.js";
import { HParamsBar } from "./hparams_bar.js";
import { Board } from "./hparams_board.js";
import { Details } from "./hparams_details.js";
import { ImportanceView } from "./hparams_importance.js";
import { Parallel } from "./hparams_parallel.js";
import { Scatter } from "./hparams_scatter.js";
import { TrialsTable } from "./hparams_table.js";
import { get, subscribe } from "./state.js";

const CODE = `writer.add_hparams(
    {"lr": 0.001, "optimizer": "adam"},
    {"accuracy": 0.93},
)`;

export default {
  render({ el }) {
    const board = new Board((what) => page.hear(what));
    const page = new Page(el, board);
    return () => page.dispose();
  },
};

class Page {
  constructor(el, board) {
    this.el = el;
    this.board = board;
    this.bar = new HParamsBar(board);
    this.table = new TrialsTable(board);
    this.parallel = new Parallel(board);
    this.scatter = new Scatter(board);
    this.importance = new ImportanceView(board);
    this.details = new Details(board);
    this.views = h(
      "div",
      { class: "hp-views" },
      this.parallel.element,
      this.scatter.element,
      this.importance.element,
      this.table.element,
    );
    this.empty = h("div", { class: "empty", hidden: true });
    this.body = h("div", { class: "hp-body" }, this.views, this.details.element);
    el.replaceChildren(
      h("section", { class: "page page-fixed hp-page" }, this.bar.element, this.body, this.empty),
    );
    this.showView();
    this.showEmpty();
    this.ends = [
      subscribe("hpView", () => this.showView(true)),
      subscribe("hpMatrix", () => this.scatter.update()),
      subscribe("hpImportance", () => this.showIn("importance")),
      subscribe("hpPicked", () => this.showPicked()),
      subscribe("status", () => this.showEmpty()),
    ];
  }

  dispose() {
    this.ends.forEach((end) => end());
    for (const part of [
      this.board,
      this.bar,
      this.table,
      this.parallel,
      this.scatter,
      this.importance,
    ])
      part.dispose();
    this.el.replaceChildren();
  }

  hear(what) {
    if (what === "trials") this.showEmpty();
    if (!this.board.trials) return;
    const view = get("hpView");
    if (what === "hover") {
      this.table.hover();
      if (view === "parallel") this.parallel.paintOver();
      if (view === "scatter") this.scatter.paintOver();
      return;
    }
    if (what !== "columns") this.bar.update();
    if (view === "importance") this.showIn("importance", what);
    else this.showTrials(view, what);
    if (what === "trials" || what === "colour") this.details.update();
  }

  showTrials(view, what) {
    const chart = { parallel: this.parallel, scatter: this.scatter }[view];
    if (what === "trials" || what === "columns") {
      this.table.update();
      chart?.update();
    } else if (what === "colour") {
      this.table.repaint();
      chart?.update();
    } else {
      this.table.arrange();
      chart?.updateRows();
    }
  }

  showIn(view, what = "trials") {
    if (get("hpView") !== view) return;
    if (what === "colour") this.importance.repaint();
    else void this.importance.update();
  }

  showView(isChange = false) {
    const view = get("hpView");
    this.views.dataset.view = view;
    this.parallel.element.hidden = view !== "parallel";
    this.scatter.element.hidden = view !== "scatter";
    this.importance.element.hidden = view !== "importance";
    this.table.element.hidden = view === "scatter" || view === "importance";
    if (isChange && this.board.trials) this.hear("trials");
  }

  showPicked() {
    if (!this.board.trials) return;
    this.details.update();
    if (get("hpView") === "parallel") this.parallel.paintOver();
    if (get("hpView") === "scatter") this.scatter.paintOver();
  }

  showEmpty() {
    const { trials, error } = this.board;
    const isEmpty = !trials || trials.count === 0;
    this.body.hidden = isEmpty;
    this.bar.element.hidden = isEmpty;
    this.empty.hidden = !isEmpty && !error;
    if (this.empty.hidden) return;
    if (error)
      this.empty.replaceChildren(
        icon("warning"),
        h("h2", {}, "The trials cannot be shown"),
        h("p", {}, error),
      );
    else if (!trials || get("status")?.phase !== "watching")
      this.empty.replaceChildren(h("p", {}, "Reading the trials …"));
    else {
      this.empty.replaceChildren(
        icon("hparams"),
        h("h2", {}, "No hyperparameters yet"),
        h("p", {}, "A run becomes a trial when it logs its hyperparameters:"),
        h("pre", { class: "hp-sample" }, CODE),
        h(
          "p",
          {},
          "A file ",
          h("code", {}, "hparams.yaml"),
          " or ",
          h("code", {}, "config.json"),
          " beside its events will do, too.",
        ),
      );
    }
  }
}
