/** How busy the devices were over the whole trace, with its steps; a drag leads to the timeline. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { Drawing } from "./profile_canvas.js";
import { Tip } from "./profile_tip.js";
import { percent, rulerMarks, span } from "./timeline_time.js";

const TALL = 104;
const AXIS = 20;
const RIBBON = 14; // of steps, at the top
const COLOUR = "#0e8f7e";

export class BusyStrip {
  /**
   * @param {object} busy `t0`, `t1`, `busy` and `sm`: shares of equal parts of that time.
   * @param {(t0: number, t1: number) => void} choose A part of the time was chosen.
   */
  constructor(busy, choose) {
    this.data = busy;
    this.steps = null;
    this.choose = choose;
    this.drag = null;
    this.drawing = new Drawing({ label: "How busy the devices were over time", height: TALL, paint: (...all) => this.paint(...all) });
    this.element = make("div", { class: "pg-strip" }, this.drawing.element);
    this.tip = new Tip(this.element);
    this.listen();
  }

  setSteps(steps) {
    this.steps = steps;
    this.drawing.draw();
  }

  x(time) {
    const { t0, t1 } = this.data;
    return ((time - t0) / (t1 - t0)) * this.drawing.wide;
  }

  timeAt(x) {
    const { t0, t1 } = this.data;
    return t0 + (Math.min(Math.max(x / this.drawing.wide, 0), 1)) * (t1 - t0);
  }

  paint(pen, wide, tall, theme) {
    const base = tall - AXIS;
    pen.fillStyle = theme.grid;
    pen.fillRect(0, RIBBON + 4, wide, 1);
    this.paintSteps(pen, theme);
    this.paintArea(pen, this.data.busy, base, 0.3, true);
    if (this.data.sm.length) this.paintArea(pen, this.data.sm, base, 0.9, false);
    pen.fillStyle = theme.axis;
    pen.fillRect(0, base, wide, 1);
    pen.fillStyle = theme.muted;
    pen.textBaseline = "top";
    const { t0, t1 } = this.data;
    for (const { time, text } of rulerMarks(t0, t1, Math.max(wide / 130, 2)).marks) {
      const x = this.x(time);
      const half = pen.measureText(text).width / 2;
      pen.textAlign = x < half ? "left" : x > wide - half ? "right" : "center";
      pen.fillText(text, Math.min(Math.max(x, 0), wide), base + 5);
    }
    this.paintDrag(pen, base, theme);
  }

  paintArea(pen, share, base, alpha, isFilled) {
    const n = share.length;
    if (!n) return;
    const top = RIBBON + 6;
    const y = (k) => base - share[k] * (base - top);
    const step = this.drawing.wide / n;
    pen.beginPath();
    for (let k = 0; k < n; k++) {
      if (k === 0) pen.moveTo(0, isFilled ? base : y(0));
      pen.lineTo(k * step, y(k));
      pen.lineTo((k + 1) * step, y(k));
    }
    pen.globalAlpha = alpha;
    if (isFilled) {
      pen.lineTo(this.drawing.wide, base);
      pen.fillStyle = COLOUR;
      pen.fill();
    } else {
      pen.strokeStyle = COLOUR;
      pen.lineWidth = 1.2;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  paintSteps(pen, theme) {
    if (!this.steps?.start.length) return;
    const { start, end, name } = this.steps;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    let last = -9;
    for (let i = 0; i < start.length; i++) {
      const x = this.x(start[i]);
      const wide = Math.max(this.x(end[i]) - x, 1);
      if (x + wide < last + 1) continue;
      last = x + wide;
      pen.fillStyle = theme.axis;
      pen.globalAlpha = i % 2 ? 0.45 : 0.8;
      pen.fillRect(x, 0, Math.max(wide - 1, 1), RIBBON);
      pen.globalAlpha = 1;
      const text = visible(name[i]);
      if (pen.measureText(text).width < wide - 8) {
        pen.fillStyle = theme.text;
        pen.fillText(text, x + 5, RIBBON / 2 + 0.5);
      }
    }
  }

  paintDrag(pen, base, theme) {
    if (!this.drag) return;
    const [a, b] = [this.drag.from, this.drag.to].sort((p, q) => p - q);
    pen.fillStyle = theme.accent;
    pen.globalAlpha = 0.16;
    pen.fillRect(a, 0, b - a, base);
    pen.globalAlpha = 1;
    pen.fillRect(a, 0, 1, base);
    pen.fillRect(b - 1, 0, 1, base);
  }

  listen() {
    const { canvas } = this.drawing;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const [x] = this.drawing.at(event);
      this.drag = { from: x, to: x };
    });
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.drop(event));
    canvas.addEventListener("pointercancel", () => (this.drag = null));
    canvas.addEventListener("pointerleave", () => this.tip.hide());
  }

  move(event) {
    const [x] = this.drawing.at(event);
    if (this.drag) {
      this.drag.to = Math.min(Math.max(x, 0), this.drawing.wide);
      this.drawing.draw();
      const [a, b] = [this.drag.from, this.drag.to].map((one) => this.timeAt(one)).sort((p, q) => p - q);
      this.tip.show(event, span(b - a, 3), []);
      return;
    }
    const { busy, sm } = this.data;
    const k = Math.min(Math.floor((x / this.drawing.wide) * busy.length), busy.length - 1);
    const rows = [];
    if (k >= 0) rows.push(["busy", percent(busy[k]), COLOUR]);
    if (k >= 0 && sm.length) rows.push(["SM efficiency", percent(sm[k])]);
    this.tip.show(event, `at ${span(this.timeAt(x), 4)}`, rows, this.stepAt(this.timeAt(x)));
  }

  stepAt(time) {
    const { start = [], end = [], name = [] } = this.steps ?? {};
    const at = start.findIndex((one, i) => one <= time && time < end[i]);
    return at < 0 ? "" : visible(name[at]);
  }

  drop(event) {
    if (!this.drag) return;
    const { from, to } = this.drag;
    this.drag = null;
    this.drawing.draw();
    const [a, b] = [this.timeAt(Math.min(from, to)), this.timeAt(Math.max(from, to))];
    if (Math.abs(to - from) > 4) this.choose(a, b);
    else this.chooseAround(this.timeAt(this.drawing.at(event)[0]));
  }

  /** A click means the step there, or a twentieth of the trace around it. */
  chooseAround(time) {
    const { start = [], end = [] } = this.steps ?? {};
    const at = start.findIndex((one, i) => one <= time && time < end[i]);
    if (at >= 0) return this.choose(start[at], end[at]);
    const half = (this.data.t1 - this.data.t0) / 40;
    return this.choose(time - half, time + half);
  }

  destroy() {
    this.drawing.destroy();
  }
}
