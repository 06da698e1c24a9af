/** The time of each step as points, with the median as a line. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { Drawing } from "./profile_canvas.js";
import { Tip } from "./profile_tip.js";
import { niceStep } from "./ticks.js";
import { percent, span } from "./timeline_time.js";

const LEFT = 62;
const EDGE = 10;
const TALL = 130;

export class StepTimes {
  constructor({ names, total, middle, outliers, pick }) {
    Object.assign(this, { names, total, middle, pick });
    this.far = new Set(outliers);
    this.active = -1;
    const [low, high] = [Math.min(...total), Math.max(...total)];
    const room = Math.max((high - low) * 0.12, middle * 0.005);
    this.low = Math.max(low - room, 0);
    this.high = high + room;
    this.drawing = new Drawing({ label: "Time of each step", height: TALL, paint: (...all) => this.paint(...all) });
    this.element = make("div", { class: "pg-times" }, this.drawing.element);
    this.tip = new Tip(this.element);
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("click", () => this.active >= 0 && this.pick(this.active));
  }

  x(i) {
    return LEFT + EDGE + ((this.drawing.wide - LEFT - 2 * EDGE) * i) / Math.max(this.total.length - 1, 1);
  }

  y(value) {
    return EDGE + (1 - (value - this.low) / (this.high - this.low)) * (TALL - 2 * EDGE);
  }

  paint(pen, wide, tall, theme) {
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const step = niceStep(this.high - this.low, 4);
    for (let value = Math.ceil(this.low / step) * step; value <= this.high; value += step) {
      const y = Math.round(this.y(value));
      pen.fillStyle = theme.grid;
      pen.fillRect(LEFT - 4, y, wide - LEFT + 4, 1);
      pen.fillStyle = theme.muted;
      pen.fillText(span(value, 4), LEFT - 9, y);
    }
    pen.strokeStyle = theme.axis;
    pen.setLineDash([5, 4]);
    pen.beginPath();
    pen.moveTo(LEFT, this.y(this.middle));
    pen.lineTo(wide, this.y(this.middle));
    pen.stroke();
    pen.setLineDash([]);
    const n = this.total.length;
    pen.strokeStyle = theme.accent;
    pen.globalAlpha = 0.5;
    pen.beginPath();
    for (let i = 0; i < n; i++) pen.lineTo(this.x(i), this.y(this.total[i]));
    pen.stroke();
    pen.globalAlpha = 1;
    const size = n > 400 ? 1.5 : 3;
    for (let i = 0; i < n; i++) {
      if (n > 2_000 && !this.far.has(i)) continue;
      pen.fillStyle = this.far.has(i) ? theme.bad : theme.accent;
      pen.beginPath();
      pen.arc(this.x(i), this.y(this.total[i]), i === this.active ? size + 2 : this.far.has(i) ? size + 0.5 : size, 0, 7);
      pen.fill();
    }
  }

  hover(event) {
    const [x] = this.drawing.at(event);
    const part = (x - LEFT - EDGE) / (this.drawing.wide - LEFT - 2 * EDGE);
    const at = Math.min(Math.max(Math.round(part * (this.total.length - 1)), 0), this.total.length - 1);
    this.active = at;
    this.drawing.draw();
    this.drawing.canvas.style.cursor = "pointer";
    const off = this.total[at] / this.middle - 1;
    const rows = [["off the median", `${off >= 0 ? "+" : "−"}${percent(Math.abs(off))}`]];
    this.tip.show(event, `${visible(this.names[at])} · ${span(this.total[at])}`, rows, "click: on the timeline");
  }

  leave() {
    this.active = -1;
    this.tip.hide();
    this.drawing.draw();
  }

  destroy() {
    this.drawing.destroy();
  }
}
