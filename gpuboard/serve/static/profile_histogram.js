/** A histogram of durations, on a plain or a logarithmic scale. */

import { make } from "./chart_elements.js";
import { count } from "./format.js";
import { Drawing, axisMarks } from "./profile_canvas.js";
import { Tip } from "./profile_tip.js";
import { percent, span } from "./timeline_time.js";

const LEFT = 46;
const BOTTOM = 22;
const TOP = 8;

export class Histogram {
  /**
   * @param {object} options
   * @param {string} options.label
   * @param {number[]} options.edges One more than `counts`, nanoseconds.
   * @param {number[]} options.counts
   * @param {boolean} [options.isEven] Bins stand side by side, each as wide as the others; edges are
   *   written below them.
   * @param {number} [options.until] Bins that end here or before stand out.
   * @param {string} [options.noun]
   */
  constructor({ label, edges, counts, isEven = false, isLog = false, until = -Infinity, noun = "run", height = 150 }) {
    Object.assign(this, { edges, counts, isEven, isLog, until, noun });
    this.most = Math.max(...counts, 1);
    this.all = counts.reduce((sum, one) => sum + one, 0) || 1;
    this.active = -1;
    this.drawing = new Drawing({ label, height, paint: (...all) => this.paint(...all) });
    this.element = make("div", { class: "pg-histogram" }, this.drawing.element);
    this.tip = new Tip(this.element);
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.leave());
  }

  x(k, wide) {
    const room = wide - LEFT - 4;
    const { edges, counts } = this;
    if (this.isEven) return LEFT + (room * k) / counts.length;
    const [low, high] = [edges[0], edges[counts.length]];
    const part = this.isLog ? Math.log(edges[k] / low) / Math.log(high / low) : (edges[k] - low) / (high - low || 1);
    return LEFT + room * part;
  }

  paint(pen, wide, tall, theme) {
    const base = tall - BOTTOM;
    const scale = (base - TOP) / this.most;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const mark of axisMarks(this.most, 3)) {
      if (mark % 1) continue;
      const y = Math.round(base - mark * scale);
      pen.fillStyle = mark ? theme.grid : theme.axis;
      pen.fillRect(LEFT, y, wide - LEFT, 1);
      pen.fillStyle = theme.muted;
      pen.fillText(short(mark), LEFT - 7, y);
    }
    this.counts.forEach((one, k) => {
      const [a, b] = [this.x(k, wide), this.x(k + 1, wide)];
      const high = one ? Math.max(one * scale, 1.5) : 0;
      pen.fillStyle = this.edges[k + 1] <= this.until ? "#e0762b" : theme.accent;
      pen.globalAlpha = this.active === k ? 1 : 0.72;
      pen.fillRect(a + 0.5, base - high, Math.max(b - a - 1, 1), high);
    });
    pen.globalAlpha = 1;
    this.paintEdges(pen, wide, base, theme);
  }

  paintEdges(pen, wide, base, theme) {
    pen.fillStyle = theme.muted;
    pen.textBaseline = "top";
    const n = this.counts.length;
    let free = -Infinity;
    for (let k = 0; k <= n; k++) {
      if (!Number.isFinite(this.edges[k])) continue;
      const text = span(this.edges[k], 3);
      const half = pen.measureText(text).width / 2;
      const x = Math.min(Math.max(this.x(k, wide), LEFT + half), wide - half);
      if (x - half < free) continue;
      pen.textAlign = "center";
      pen.fillText(text, x, base + 6);
      free = x + half + 14;
    }
  }

  hover(event) {
    const [x] = this.drawing.at(event);
    const { wide } = this.drawing;
    const k = this.counts.findIndex((_, i) => x >= this.x(i, wide) && x < this.x(i + 1, wide));
    if (k !== this.active) {
      this.active = k;
      this.drawing.draw();
    }
    if (k < 0) return this.tip.hide();
    const [a, b] = [this.edges[k], this.edges[k + 1]];
    const bounds = !Number.isFinite(a) ? `below ${span(b, 3)}` : !Number.isFinite(b) || b > 1e17 ? `${span(a, 3)} and more` : `${span(a, 3)} to ${span(b, 3)}`;
    const one = this.counts[k];
    return this.tip.show(event, bounds, [[`${this.noun}s`, `${count(one)} · ${percent(one / this.all)}`]]);
  }

  leave() {
    this.tip.hide();
    this.active = -1;
    this.drawing.draw();
  }

  destroy() {
    this.drawing.destroy();
  }
}

const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e4 ? `${value / 1e3}k` : count(value));
