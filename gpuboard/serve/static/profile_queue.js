/** How many launches wait for each stream over time: one line of its own for each stream. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count } from "./format.js";
import { Drawing } from "./profile_canvas.js";
import { Tip } from "./profile_tip.js";
import { percent, rulerMarks, span } from "./timeline_time.js";

const LEFT = 168;
const LINE = 52;
const AXIS = 20;
const COLOUR = "#3f7fe8";
const MOST_LINES = 16;

export class QueueChart {
  /**
   * @param {object} header Of `profile/queues`. @param {Float32Array} most The bins, line by line.
   * @param {(t0: number, t1: number) => void} choose A click on a place in time.
   */
  constructor(header, most, choose) {
    this.header = header;
    this.choose = choose;
    const order = header.max.map((_, i) => i).sort((a, b) => header.launches[b] - header.launches[a]);
    this.lines = order.slice(0, MOST_LINES).map((i) => ({
      label: `GPU ${header.device[i]} · stream ${header.stream[i]}`,
      max: header.max[i],
      mean: header.mean[i],
      median: header.median[i],
      full: header.full_ns[i] / (header.span_ns[i] || 1),
      launches: header.launches[i],
      values: most.subarray(i * header.bins, (i + 1) * header.bins),
    }));
    this.more = order.length - this.lines.length;
    this.drawing = new Drawing({ label: "Launches that wait, by stream, over time", height: this.lines.length * LINE + AXIS, paint: (...all) => this.paint(...all) });
    this.element = make("div", { class: "pg-queue" }, this.drawing.element);
    this.tip = new Tip(this.element);
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.tip.hide());
    canvas.addEventListener("click", (event) => this.click(event));
  }

  get room() {
    return this.drawing.wide - LEFT;
  }

  paint(pen, wide, tall, theme) {
    this.lines.forEach((line, i) => this.paintLine(pen, line, i * LINE, wide, theme));
    const base = this.lines.length * LINE;
    const { t0, t1 } = this.header;
    pen.fillStyle = theme.muted;
    pen.textBaseline = "top";
    for (const { time, text } of rulerMarks(t0, t1, Math.max(this.room / 130, 2)).marks) {
      const half = pen.measureText(text).width / 2;
      const x = Math.min(LEFT + ((time - t0) / (t1 - t0)) * this.room, wide - half);
      pen.textAlign = x - half < LEFT ? "left" : "center";
      pen.fillText(text, Math.max(x, LEFT), base + 5);
    }
  }

  paintLine(pen, line, top, wide, theme) {
    const base = top + LINE - 6;
    const high = LINE - 16;
    pen.textAlign = "left";
    pen.textBaseline = "alphabetic";
    pen.fillStyle = theme.text;
    pen.fillText(visible(line.label), 0, top + 26);
    pen.fillStyle = theme.muted;
    pen.fillText(`up to ${count(line.max)}, mean ${digits(line.mean)}`, 0, top + 41);
    pen.fillStyle = theme.grid;
    pen.fillRect(LEFT, base, this.room, 1);
    const n = line.values.length;
    const y = (k) => base - (line.values[k] / Math.max(line.max, 1)) * high;
    const x = (k) => LEFT + (k / n) * this.room;
    pen.beginPath();
    pen.moveTo(LEFT, base);
    for (let k = 0; k < n; k++) {
      pen.lineTo(x(k), y(k));
      pen.lineTo(x(k + 1), y(k));
    }
    pen.lineTo(wide, base);
    pen.fillStyle = COLOUR;
    pen.globalAlpha = 0.35;
    pen.fill();
    pen.globalAlpha = 1;
    if (line.max < this.header.capacity) return;
    const full = base - (this.header.capacity / line.max) * high;
    pen.fillStyle = theme.bad;
    pen.fillRect(LEFT, full, this.room, 1);
  }

  timeAt(x) {
    const { t0, t1 } = this.header;
    return t0 + ((x - LEFT) / this.room) * (t1 - t0);
  }

  hover(event) {
    const [x, y] = this.drawing.at(event);
    const line = this.lines[Math.floor(y / LINE)];
    this.drawing.canvas.style.cursor = x >= LEFT ? "pointer" : "";
    if (!line) return this.tip.hide();
    const rows = [
      ["launches", count(line.launches)],
      ["most that waited", count(line.max)],
      ["mean, median by time", `${digits(line.mean)}, ${digits(line.median)}`],
    ];
    if (line.full > 0) rows.push([`full (${count(this.header.capacity)})`, percent(line.full)]);
    const k = Math.floor(((x - LEFT) / this.room) * line.values.length);
    if (x < LEFT || k >= line.values.length) return this.tip.show(event, line.label, rows);
    return this.tip.show(event, `${count(line.values[k])} waiting at ${span(this.timeAt(x), 4)}`, rows, line.label);
  }

  click(event) {
    const [x] = this.drawing.at(event);
    if (x < LEFT) return;
    const half = (this.header.t1 - this.header.t0) / 60;
    this.choose(this.timeAt(x) - half, this.timeAt(x) + half);
  }

  destroy() {
    this.drawing.destroy();
  }
}

const digits = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–");
