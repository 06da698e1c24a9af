/** One card of PR curves: all runs of a tag, their table at the chosen threshold, and the past. */

import * as api from "./api.js";
import { openMenu } from "./card_menu.js";
import { LineChart } from "./chart.js";
import { fileName, iconButton, make, saveAs } from "./chart_elements.js";
import { saveChart } from "./chart_export.js";
import { colourOf } from "./colours.js";
import { visible } from "./dom.js";
import { PrHistory } from "./pr_curves_history.js";
import { confusionAt, curvesOf, decimals } from "./pr_curves_data.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { ValueCard } from "./value_card.js";

const ROWS = 8; // of the table; more are scrolled to

export class PrCard extends ValueCard {
  constructor(info, page) {
    super(info, page);
    this.curves = [];
    this.plot = make("div", { class: "pr-plot" });
    this.tip = make("div", { class: "pr-tip", hidden: true });
    this.table = make("table", { class: "pr-table" });
    this.past = new PrHistory((step) => set("stepAt", step));
    this.body.append(
      make("div", { class: "pr-frame" }, this.plot, this.tip),
      make("div", { class: "pr-rows", style: `--rows:${ROWS}` }, this.table),
      this.past.element,
    );
    this.chart = new LineChart(this.plot, {
      zoom: () => {},
      hover: (found) => this.hover(found),
      leave: () => (this.tip.hidden = true),
      pick: (series) => this.pick(series),
      mark: () => {},
    });
    this.tools.append(
      iconButton("wide", "Full width", () => this.slot?.classList.toggle("is-wide")),
      iconButton("more", "Save", (event) => this.openMenu(event.currentTarget), {
        "aria-haspopup": "menu",
      }),
    );
  }

  destroy() {
    this.chart.destroy();
    super.destroy();
  }

  async draw(places) {
    const values = places.map(({ run, ref }) => [run, ref]);
    const reply = await api.columns("pr_curves", { body: { tag: this.tag, values } });
    if (this.isGone) return;
    const stepOf = new Map(places.map(({ run, step }) => [run, step]));
    this.curves = curvesOf(reply).map((curve) => ({ ...curve, step: stepOf.get(curve.run) }));
    this.show();
    void this.past.load(this.tag, this.curves, this.page.theme());
  }

  recolour() {
    super.recolour();
    if (this.curves?.length) this.show();
  }

  keyOf(places) {
    return `${super.keyOf(places)} ${get("prCurve")} ${get("prFit")} ${get("dark")}`;
  }

  show() {
    const kind = get("prCurve");
    const series = this.curves
      .filter((curve) => curve.n > 0)
      .map((curve) => ({
        key: curve.run,
        run: curve.run,
        group: null,
        name: nameOf(curve.run),
        colour: colourOf(curve.run),
        line: curve[kind],
      }));
    const isFixed = !get("prFit");
    this.chart.update({
      series: [...guides(kind), ...series],
      xRange: isFixed ? [0, 1] : null,
      yRange: isFixed ? [0, 1.02] : null,
      xKind: "value",
      theme: this.page.theme(),
      isKnown: true,
    });
    this.chart.redraw();
    this.plot.setAttribute(
      "aria-label",
      kind === "pr" ? "Precision over recall" : "True over false positive rate",
    );
    this.showThreshold();
  }

  /** Fill the table for the threshold in force, the best run first. */
  showThreshold() {
    const score = get("prCurve") === "pr" ? "averagePrecision" : "rocArea";
    const rows = [...this.curves].sort((a, b) => (b[score] || 0) - (a[score] || 0));
    const head = ["Run", score === "averagePrecision" ? "AP" : "AUC", "F1", "P", "R", "TP", "FP", "TN", "FN"];
    this.table.replaceChildren(
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { text, title: TITLES[text] ?? "" })))),
      make("tbody", {}, ...rows.map((curve) => this.row(curve, score))),
    );
  }

  row(curve, score) {
    const dot = make("i", { class: "vc-swatch" });
    dot.style.background = colourOf(curve.run);
    const name = visible(nameOf(curve.run));
    const cell = make("td", { class: "pr-run", title: name }, dot, make("span", { text: name }));
    if (!curve.n) {
      return make("tr", {}, cell, make("td", { colSpan: 8, class: "pr-bad", text: curve.error }));
    }
    const at = confusionAt(curve, get("prThreshold"));
    const cells = [curve[score], at.f1, at.precision, at.recall].map((v) => decimals(v, 3));
    const counts = [at.tp, at.fp, at.tn, at.fn].map((v) => decimals(v, 0));
    return make("tr", {}, cell, ...[...cells, ...counts].map((text) => make("td", { text })));
  }

  hover({ rows, nearest, px, py }) {
    const best = nearest ?? rows[0];
    this.tip.hidden = !best;
    if (!best) return;
    const curve = this.curves.find(({ run }) => run === best.series.run);
    const k = curve.indexAt(get("prCurve"), best.x, best.smoothed);
    const dot = make("i", { class: "vc-swatch" });
    dot.style.background = best.series.colour;
    this.tip.replaceChildren(
      make("div", { class: "pr-tip-head" }, dot, make("span", { text: visible(best.series.name) })),
      make("dl", {}, ...pairs(curve, k).flatMap(([t, v]) => [make("dt", { text: t }), make("dd", { text: v })])),
    );
    const left = px + 16 + 190 > this.plot.clientWidth ? px - 16 - 190 : px + 16;
    this.tip.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(py - 90, 0)}px)`;
    this.hovered = curve.threshold[k];
  }

  /** A click on a curve takes over the threshold of its point. */
  pick(series) {
    if (series && this.hovered !== undefined) set("prThreshold", this.hovered);
  }

  openMenu(anchor) {
    const name = `${this.tag} ${get("prCurve") === "pr" ? "PR" : "ROC"}`;
    const items = [
      ["Figure as PNG", () => saveChart(this.chart, name, "png")],
      ["Figure as SVG", () => saveChart(this.chart, name, "svg")],
      ["Data as CSV", () => saveAs(`${fileName(name)}.csv`, csvOf(this.curves), "text/csv")],
      [
        "Data as JSON",
        () => saveAs(`${fileName(name)}.json`, jsonOf(this.curves), "application/json"),
      ],
    ];
    openMenu(
      anchor,
      items.map(([text, fn]) => ({ text, fn })),
    );
  }
}

const TITLES = {
  AP: "Average precision",
  AUC: "Area under the ROC curve",
  F1: "Harmonic mean of precision and recall at the threshold",
  P: "Precision at the threshold",
  R: "Recall at the threshold",
  TP: "True positives",
  FP: "False positives",
  TN: "True negatives",
  FN: "False negatives",
};

function pairs(curve, k) {
  const f = (name, digits) => decimals(curve[name][k], digits);
  return [
    ["Step", String(curve.step)],
    ["Threshold", f("threshold", 3)],
    ["Precision", f("precision", 4)],
    ["Recall", f("recall", 4)],
    ["TP / FP", `${f("tp", 0)} / ${f("fp", 0)}`],
    ["TN / FN", `${f("tn", 0)} / ${f("fn", 0)}`],
  ];
}

/** Faint lines to compare with: equal F1 for PR, chance for ROC. */
function guides(kind) {
  const line = (x, y, name) => ({
    key: name,
    run: null,
    group: null,
    name,
    isGuide: true,
    colour: "rgb(128 136 148 / 30%)",
    line: { x: Float64Array.from(x), y: Float64Array.from(y), sorted: true, n: x.length },
  });
  if (kind === "roc") return [line([0, 1], [0, 1], "Chance")];
  return [0.2, 0.4, 0.6, 0.8].map((f1) => {
    const first = f1 / (2 - f1); // where the precision is 1
    const x = Array.from({ length: 64 }, (_, i) => first + (1 - first) * (i / 63) ** 2);
    return line(
      x,
      x.map((r) => (f1 * r) / (2 * r - f1)),
      `F1 = ${f1}`,
    );
  });
}

const COLUMNS = ["threshold", "precision", "recall", "fpr", "tp", "fp", "tn", "fn"];

function csvOf(curves) {
  const lines = [["run", "step", ...COLUMNS].join(",")];
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  for (const curve of curves) {
    for (let k = 0; k < curve.n; k++) {
      const cells = COLUMNS.map((name) => String(curve[name][k]));
      lines.push([quoted(nameOf(curve.run)), curve.step, ...cells].join(","));
    }
  }
  return `${lines.join("\n")}\n`;
}

function jsonOf(curves) {
  const rows = curves.map((curve) => ({
    run: nameOf(curve.run),
    step: curve.step,
    average_precision: curve.averagePrecision,
    roc_area: curve.rocArea,
    ...Object.fromEntries(COLUMNS.map((name) => [name, Array.from(curve[name])])),
  }));
  return JSON.stringify(rows, null, 1);
}

