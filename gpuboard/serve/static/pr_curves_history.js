/** How average precision, or the area under ROC, came to be: one small line for each run. */

import * as api from "./api.js";
import { fit } from "./chart.js";
import { make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { exactCount } from "./format.js";
import { nameOf } from "./runs.js";
import { get } from "./state.js";
import { decimals } from "./pr_curves_data.js";

const HEIGHT = 52;
const PAD = 4;
const MOST = 40; // runs whose past is asked for

export class PrHistory {
  /** @param {(step: number) => void} onStep A step was clicked. */
  constructor(onStep) {
    this.onStep = onStep;
    this.rows = [];
    this.canvas = make("canvas", { class: "pr-history-canvas" });
    this.words = make("span", { class: "pr-history-words" });
    this.element = make(
      "div",
      { class: "pr-history", hidden: true },
      this.words,
      this.canvas,
    );
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => this.say(""));
  }

  async load(tag, curves, theme) {
    this.theme = theme;
    const runs = curves.slice(0, MOST).map(({ run }) => run);
    const asked = runs.map((run) => api.getJson("pr_curves/history", { query: { run, tag } }));
    const found = await Promise.allSettled(asked);
    this.rows = found.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
    this.draw();
  }

  values(row) {
    return row[get("prCurve") === "pr" ? "average_precision" : "roc_area"].map(Number);
  }

  draw() {
    const rows = this.rows.filter(({ step }) => step.length > 1);
    this.element.hidden = !rows.length;
    if (!rows.length) return;
    const width = this.canvas.clientWidth;
    if (!width) return;
    const steps = rows.flatMap(({ step }) => [Number(step[0]), Number(step.at(-1))]);
    const all = rows.flatMap((row) => this.values(row)).filter(Number.isFinite);
    this.x = [Math.min(...steps), Math.max(...steps)];
    this.y = [Math.min(...all), Math.max(...all)];
    const context = fit(this.canvas, width, HEIGHT);
    context.clearRect(0, 0, width, HEIGHT);
    this.paintStep(context);
    for (const row of rows) this.paintRow(context, row);
    this.say("");
  }

  toX(step) {
    const [a, b] = this.x;
    return PAD + ((step - a) / (b - a || 1)) * (this.canvas.clientWidth - 2 * PAD);
  }

  toY(value) {
    const [a, b] = this.y;
    return HEIGHT - PAD - ((value - a) / (b - a || 1)) * (HEIGHT - 2 * PAD);
  }

  paintStep(context) {
    const at = get("stepAt") ?? this.x[1];
    context.fillStyle = this.theme.axis;
    context.fillRect(Math.round(this.toX(at)), 0, 1, HEIGHT);
  }

  paintRow(context, row) {
    context.strokeStyle = colourOf(row.run);
    context.lineWidth = 1.4;
    context.beginPath();
    let isDown = false;
    this.values(row).forEach((value, k) => {
      const isKnown = Number.isFinite(value);
      if (isKnown) {
        const point = [this.toX(Number(row.step[k])), this.toY(value)];
        if (isDown) context.lineTo(...point);
        else context.moveTo(...point);
      }
      isDown = isKnown;
    });
    context.stroke();
  }

  /** The logged step nearest to a place of the pointer, with what is known there. */
  nearest({ offsetX, offsetY }) {
    let best = null;
    for (const row of this.rows) {
      const values = this.values(row);
      row.step.forEach((step, k) => {
        const dx = Math.abs(this.toX(Number(step)) - offsetX);
        const dy = Math.abs(this.toY(values[k]) - offsetY) || 0;
        const distance = dx * 4 + dy;
        if (!best || distance < best.distance) {
          best = { distance, step, value: values[k], run: row.run };
        }
      });
    }
    return best;
  }

  click(event) {
    const found = this.rows.length ? this.nearest(event) : null;
    if (found) this.onStep(Number(found.step));
  }

  hover(event) {
    const found = this.rows.length ? this.nearest(event) : null;
    if (!found) return;
    this.say(`${nameOf(found.run)}, step ${exactCount(String(found.step))}: ${decimals(found.value, 4)}`);
  }

  say(text) {
    const what = get("prCurve") === "pr" ? "Average precision" : "Area under ROC";
    this.words.textContent = text || `${what} over steps`;
  }
}
