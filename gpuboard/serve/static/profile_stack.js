/** Stacked bars, one for each step, and their mean beside them. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { Drawing, axisMarks } from "./profile_canvas.js";
import { Tip } from "./profile_tip.js";
import { percent, span } from "./timeline_time.js";

const LEFT = 62;
const BOTTOM = 22;
const TOP = 8;
const MEAN_ROOM = 74; // pixels at the right for the mean
const MEAN_BAR = 34;
const WIDEST = 64;
const NARROWEST = 3;

export class StackChart {
  /**
   * @param {object} options
   * @param {string} options.label
   * @param {(at: number) => void} options.pick A click on a step.
   * @param {string} options.hint What a click does.
   */
  constructor({ label, pick, hint = "", height = 220 }) {
    this.pick = pick;
    this.hint = hint;
    this.data = null;
    this.active = -1;
    this.drawing = new Drawing({ label, height, isFocusable: true, paint: (...all) => this.paint(...all) });
    this.element = make("div", { class: "pg-stack" }, this.drawing.element);
    this.tip = new Tip(this.element);
    this.listen();
  }

  /**
   * @param {object} data `names`, `parts` ([{key, title, colour}]), `ns` (row by row, one number for
   *   each part), `marked` (indices of steps that stand out).
   */
  show(data) {
    const { parts, ns } = data;
    const c = parts.length;
    const n = data.names.length;
    const totals = new Float64Array(n);
    const mean = new Float64Array(c);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < c; k++) {
        totals[i] += ns[i * c + k];
        mean[k] += ns[i * c + k] / n;
      }
    }
    this.data = { ...data, totals, mean, most: Math.max(...totals, 1), marked: new Set(data.marked ?? []) };
    this.drawing.draw();
  }

  /** Where the bars stand: each shows `per` steps, the mean of them where several. */
  layout(wide) {
    const n = this.data.names.length;
    const room = Math.max(wide - LEFT - (n > 1 ? MEAN_ROOM : 0), 10);
    const per = Math.max(1, Math.ceil((n * NARROWEST) / room));
    const bars = Math.ceil(n / per);
    const pitch = Math.min(room / bars, WIDEST * 1.6);
    const bar = Math.min(Math.max(pitch * 0.72, pitch - 10), WIDEST);
    return { per, bars, pitch, bar: bar < 2 ? pitch : bar };
  }

  paint(pen, wide, tall, theme) {
    if (!this.data) return;
    const { totals, mean, most, names, parts, ns } = this.data;
    const c = parts.length;
    const base = tall - BOTTOM;
    const scale = (base - TOP) / most;
    this.paintAxis(pen, wide, base, scale, theme);
    const look = this.layout(wide);
    this.look = look;
    const labelEvery = Math.max(1, Math.ceil(this.labelWidth(pen) / look.pitch));
    const sums = new Float64Array(c);
    for (let b = 0; b < look.bars; b++) {
      const first = b * look.per;
      const last = Math.min(first + look.per, names.length);
      sums.fill(0);
      for (let i = first; i < last; i++) for (let k = 0; k < c; k++) sums[k] += ns[i * c + k] / (last - first);
      const x = LEFT + b * look.pitch + (look.pitch - look.bar) / 2;
      const isFaint = this.active >= 0 && (this.active < first || this.active >= last);
      pen.globalAlpha = isFaint ? 0.55 : 1;
      this.paintBar(pen, x, look.bar, base, scale, sums);
      pen.globalAlpha = 1;
      if (this.data.marked.size) this.paintMark(pen, x + look.bar / 2, first, last, base, scale, theme);
      if (b % labelEvery === 0) {
        pen.fillStyle = theme.muted;
        pen.textAlign = "center";
        pen.textBaseline = "top";
        pen.fillText(shortStep(names[first]), x + look.bar / 2, base + 6);
      }
    }
    this.meanAt = LEFT + look.bars * look.pitch;
    if (totals.length > 1) this.paintMean(pen, base, scale, mean, theme);
  }

  paintMark(pen, x, first, last, base, scale, theme) {
    for (let i = first; i < last; i++) {
      if (!this.data.marked.has(i)) continue;
      const y = Math.max(base - this.data.totals[i] * scale - 5, 4);
      pen.fillStyle = theme.bad;
      pen.beginPath();
      pen.arc(x, y, 2.6, 0, 7);
      pen.fill();
      return;
    }
  }

  paintAxis(pen, wide, base, scale, theme) {
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const mark of axisMarks(this.data.most, 5)) {
      const y = Math.round(base - mark * scale) + 0.5;
      pen.fillStyle = mark ? theme.grid : theme.axis;
      pen.fillRect(LEFT - 4, y - 0.5, wide - LEFT + 4, 1);
      pen.fillStyle = theme.muted;
      pen.fillText(mark ? span(mark, 3) : "0", LEFT - 9, y);
    }
  }

  paintBar(pen, x, width, base, scale, sums) {
    let y = base;
    this.data.parts.forEach(({ colour }, k) => {
      const tall = sums[k] * scale;
      if (tall <= 0) return;
      pen.fillStyle = colour;
      pen.fillRect(x, y - tall, width, tall > 1.5 ? tall - 0.5 : tall);
      y -= tall;
    });
  }

  paintMean(pen, base, scale, mean, theme) {
    const x = this.meanAt + 24;
    pen.fillStyle = theme.axis;
    pen.fillRect(this.meanAt + 8, TOP, 1, base - TOP);
    this.paintBar(pen, x, MEAN_BAR, base, scale, mean);
    pen.fillStyle = theme.text;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.fillText("mean", x + MEAN_BAR / 2, base + 6);
  }

  labelWidth(pen) {
    const { names } = this.data;
    return 12 + Math.max(...[names[0] ?? "", names[names.length - 1] ?? ""].map((one) => pen.measureText(shortStep(one)).width));
  }

  // Pointer and keys.

  stepAt(x) {
    if (!this.look) return -1;
    const b = Math.floor((x - LEFT) / this.look.pitch);
    return x >= LEFT && b < this.look.bars ? Math.min(b * this.look.per, this.data.names.length - 1) : -1;
  }

  isMean(x) {
    return this.data.names.length > 1 && x >= this.meanAt + 16 && x <= this.meanAt + MEAN_ROOM;
  }

  listen() {
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("click", (event) => {
      const at = this.data ? this.stepAt(this.drawing.at(event)[0]) : -1;
      if (at >= 0) this.pick(at);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.leave());
  }

  hover(event) {
    if (!this.data) return;
    const [x] = this.drawing.at(event);
    const at = this.stepAt(x);
    if (at !== this.active) {
      this.active = at;
      this.drawing.draw();
    }
    this.drawing.canvas.style.cursor = at >= 0 ? "pointer" : "";
    if (at >= 0) this.showTip(event, at);
    else if (this.isMean(x)) this.tellMean(event);
    else this.tip.hide();
  }

  showTip(event, at) {
    const { names, parts, ns, totals } = this.data;
    const c = parts.length;
    const own = ns.subarray(at * c, at * c + c);
    const note = this.look.per > 1 ? `one of ${this.look.per} steps that this bar stands for` : this.hint;
    this.tip.show(event, `${visible(names[at])} · ${span(totals[at])}`, rows(parts, own, totals[at]), note);
  }

  tellMean(event) {
    const { mean, parts, names } = this.data;
    const total = mean.reduce((sum, one) => sum + one, 0);
    this.tip.show(event, `Mean of ${names.length} steps · ${span(total)}`, rows(parts, mean, total));
  }

  leave() {
    this.tip.hide();
    if (this.active < 0) return;
    this.active = -1;
    this.drawing.draw();
  }

  key(event) {
    if (!this.data) return;
    const n = this.data.names.length;
    const per = this.look?.per ?? 1;
    if (event.key === "Enter" && this.active >= 0) this.pick(this.active);
    else if (event.key === "ArrowRight") this.active = Math.min(this.active + per, n - 1);
    else if (event.key === "ArrowLeft") this.active = Math.max(this.active - per, 0);
    else return;
    event.preventDefault();
    this.drawing.draw();
    if (this.active < 0 || !this.look) return;
    const box = this.drawing.canvas.getBoundingClientRect();
    const x = box.left + LEFT + (Math.floor(this.active / per) + 0.5) * this.look.pitch;
    this.showTip({ clientX: x, clientY: box.top + 20 }, this.active);
  }

  destroy() {
    this.drawing.destroy();
  }
}

const rows = (parts, ns, total) =>
  parts
    .map(({ title, colour }, k) => [title, `${span(ns[k], 3)} · ${percent(ns[k] / (total || 1))}`, colour, ns[k]])
    .filter((row) => row[3] > 0)
    .reverse();

/** "ProfilerStep#12" -> "12": what differs is the number. */
function shortStep(name) {
  const number = /(\d+)\D*$/.exec(name);
  return number ? number[1] : name.length > 12 ? `${name.slice(0, 11)}…` : name;
}
