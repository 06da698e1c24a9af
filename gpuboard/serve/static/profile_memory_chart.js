/** Draw the memory of one device over time: allocated, reserved, capacity, the peak; zoom and pick. */

import { columns } from "./api.js";
import { size } from "./format.js";
import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import { axisScale } from "./plot.js";
import { niceStep } from "./ticks.js";
import { rulerMarks, span } from "./timeline_time.js";

const BOX = { left: 74, top: 22, right: 16, bottom: 24 };
const ASK_MS = 60;
const STEP_PX = 26; // steps that are narrower have no lines

export class MemoryChart {
  /**
   * @param {string} trace
   * @param {{span: number, steps: object}} about
   * @param {{pick: (time: number) => void}} on A click at a time.
   */
  constructor(trace, about, on) {
    Object.assign(this, { trace, about, on });
    this.drawing = new Drawing("pm-chart", "Memory over time; wheel to zoom, drag to choose, double click for all", (...all) => this.paint(...all));
    this.element = this.drawing.element;
    this.time = null;
    this.withCapacity = null;
    this.listen();
  }

  /** Show a curve, `number` among those of the trace. */
  show(number, curve) {
    this.number = number;
    this.curve = curve;
    this.points = null;
    const room = Math.max((curve.end - curve.start) * 0.01, 1000);
    this.whole = [Math.floor(curve.start - room), Math.ceil(curve.end + room)];
    this.zoom(...this.whole);
  }

  /** Mark a time, null for none. */
  mark(time) {
    this.time = time;
    this.drawing.draw();
  }

  zoom(t0, t1) {
    const least = 1000;
    const [low, high] = this.whole;
    let length = Math.min(Math.max(t1 - t0, least), high - low);
    this.t0 = Math.round(Math.min(Math.max(t0, low), high - length));
    this.t1 = Math.round(this.t0 + length);
    this.drawing.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), this.points ? ASK_MS : 0);
  }

  async ask() {
    this.stop?.abort();
    this.stop = new AbortController();
    const px = Math.max(100, Math.round(this.element.clientWidth - BOX.left - BOX.right));
    const room = Math.round((this.t1 - this.t0) / 2); // so that a small move shows no hole
    const query = { trace: this.trace, curve: this.number, t0: this.t0 - room, t1: this.t1 + room, px: 2 * px };
    try {
      this.points = (await columns("profile/memory/points", { query, signal: this.stop.signal })).columns;
      this.drawing.draw();
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  /** Return the least and most bytes allocated in sight. */
  inSight() {
    const { points } = this;
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < (points?.time.length ?? 0); i++) {
      const isIn = points.time[i] <= this.t1 && (points.time[i + 1] ?? Infinity) >= this.t0;
      if (!isIn) continue;
      low = Math.min(low, points.allocated_low[i]);
      high = Math.max(high, points.allocated_high[i]);
    }
    return high > low ? [low, high] : null;
  }

  /** Return what the axis reaches from and to. */
  heights() {
    const seen = this.isFitted ? this.inSight() : null;
    if (!seen) return [this.bottom(), this.top()];
    const room = 0.06 * (seen[1] - seen[0]);
    return [seen[0] - room, seen[1] + 2 * room];
  }

  top() {
    const { peak, peak_reserved: reserved, capacity } = this.curve;
    const most = Math.max(peak, reserved ?? 0, 1);
    const shows = this.withCapacity ?? (capacity && most > 0.4 * capacity);
    return 1.08 * (shows && capacity ? Math.max(capacity, most) : most);
  }

  paint(ctx, width, height) {
    if (!this.curve) return;
    const read = themeOf(this.element);
    ctx.font = `11px ${read("--font")}`;
    this.sx = axisScale(this.t0, this.t1, BOX.left, width - BOX.right, false);
    this.sy = axisScale(...this.heights(), height - BOX.bottom, BOX.top, false);
    this.grid(ctx, read, width, height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(BOX.left, 0, width - BOX.left - BOX.right, height - BOX.bottom);
    ctx.clip();
    this.stepLines(ctx, read, height);
    if (this.points) this.lines(ctx, read, height);
    this.marks(ctx, read, width, height);
    ctx.restore();
    if (this.drag) this.band(ctx, read, height);
  }

  bottom() {
    const least = this.curve.from_zero && this.points ? this.points.allocated_low.reduce((a, b) => Math.min(a, b), 0) : 0;
    return 1.05 * least;
  }

  grid(ctx, read, width, height) {
    const { sx, sy } = this;
    ctx.strokeStyle = read("--grid");
    ctx.fillStyle = read("--muted");
    ctx.lineWidth = 1;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.beginPath();
    const unit = 1000 ** Math.floor(Math.log10(Math.max(sy.hi - sy.lo, 1)) / 3);
    const step = niceStep((sy.hi - sy.lo) / unit, Math.max(2, (height - 50) / 44)) * unit;
    for (let value = Math.ceil(sy.lo / step) * step; value <= sy.hi; value += step) {
      const y = Math.round(sy.to(value)) + 0.5;
      ctx.moveTo(BOX.left, y);
      ctx.lineTo(width - BOX.right, y);
      ctx.fillText(axisText(value, step), BOX.left - 8, y);
    }
    ctx.stroke();
    ctx.textBaseline = "top";
    ctx.textAlign = "center";
    const { marks } = rulerMarks(this.t0, this.t1, Math.max(2, (width - BOX.left) / 120));
    for (const { time, text } of marks) {
      const x = sx.to(time);
      if (x < BOX.left || x > width - 40) continue;
      ctx.fillText(text.replace(/^-/, "−"), x, height - BOX.bottom + 7);
    }
  }

  stepLines(ctx, read, height) {
    const { name, start, end } = this.about.steps;
    if (!name.length) return;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.strokeStyle = read("--line-strong");
    ctx.fillStyle = read("--faint");
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    name.forEach((text, i) => {
      const [from, to] = [this.sx.to(start[i]), this.sx.to(end[i])];
      if (to - from < STEP_PX) return;
      ctx.moveTo(Math.round(from) + 0.5, BOX.top - 14);
      ctx.lineTo(Math.round(from) + 0.5, height - BOX.bottom);
      const short = text.replace(/^.*#/, "step ");
      if (ctx.measureText(short).width < to - from - 8) ctx.fillText(short, Math.max(from, BOX.left) + 5, 4);
    });
    ctx.stroke();
    ctx.setLineDash([]);
  }

  lines(ctx, read, height) {
    const { points } = this;
    if (this.curve.peak_reserved) {
      this.trace_(ctx, points.time, points.reserved_high, points.reserved_last);
      ctx.strokeStyle = read("--pk-other");
      ctx.lineWidth = 1.3;
      ctx.stroke();
    }
    const accent = read("--pk-overlap");
    this.trace_(ctx, points.time, points.allocated_high, points.allocated_last);
    ctx.strokeStyle = accent;
    ctx.lineWidth = 1.5;
    ctx.stroke();
    const base = Math.min(this.sy.to(0), 1e5);
    ctx.lineTo(this.lastX, base);
    ctx.lineTo(this.firstX, base);
    ctx.closePath();
    ctx.globalAlpha = 0.16;
    ctx.fillStyle = accent;
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  /** Lay a path of steps: each value holds until the next event. */
  trace_(ctx, time, high, last) {
    const { sx, sy } = this;
    ctx.beginPath();
    const limit = sx.to(this.t1) + 4;
    let before = null;
    for (let i = 0; i < time.length; i++) {
      const x = Math.min(Math.max(sx.to(time[i]), -1e4), limit);
      if (before === null) {
        this.firstX = x;
        ctx.moveTo(x, sy.to(high[i]));
      } else {
        ctx.lineTo(x, before);
        ctx.lineTo(x, sy.to(high[i]));
      }
      before = sy.to(last[i]);
      if (high[i] !== last[i]) ctx.lineTo(x, before);
    }
    this.lastX = Math.min(sx.to(this.curve.end), limit);
    if (before !== null) ctx.lineTo(this.lastX, before);
  }

  marks(ctx, read, width, height) {
    const { curve, sx, sy } = this;
    if (curve.capacity && sy.to(curve.capacity) > BOX.top - 4) {
      this.line(ctx, read("--bad"), BOX.left, sy.to(curve.capacity), width - BOX.right, sy.to(curve.capacity), [6, 4]);
      ctx.fillStyle = read("--bad");
      ctx.textAlign = "right";
      ctx.textBaseline = "bottom";
      ctx.fillText(`capacity ${size(curve.capacity)}`, width - BOX.right - 6, sy.to(curve.capacity) - 3);
    }
    const [x, y] = [sx.to(curve.peak_time), sy.to(curve.peak)];
    if (x >= BOX.left && x <= width - BOX.right) {
      ctx.fillStyle = read("--text");
      ctx.beginPath();
      ctx.arc(x, y, 3.5, 0, 2 * Math.PI);
      ctx.fill();
      const isRight = x > width - 130;
      ctx.textAlign = isRight ? "right" : "left";
      ctx.textBaseline = "bottom";
      ctx.fillText(`peak ${size(curve.peak)}`, x + (isRight ? -8 : 8), Math.max(y - 2, BOX.top + 10));
    }
    if (this.time !== null) this.line(ctx, read("--accent"), sx.to(this.time), BOX.top - 8, sx.to(this.time), height - BOX.bottom, []);
  }

  line(ctx, colour, x0, y0, x1, y1, dash) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
    ctx.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  band(ctx, read, height) {
    const [from, to] = this.drag;
    ctx.fillStyle = read("--accent-soft");
    ctx.fillRect(Math.min(from, to), BOX.top - 8, Math.abs(to - from), height - BOX.bottom - BOX.top + 8);
  }

  // Pointer and keys.

  listen() {
    const { canvas } = this.drawing;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", () => (this.drag = null));
    canvas.addEventListener("dblclick", () => this.zoom(...this.whole));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  wheel(event) {
    const isMove = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    // A page that scrolls is not caught by a chart that shows all there is.
    if (!isMove && !event.ctrlKey && event.deltaY > 0 && this.isWhole()) return;
    event.preventDefault();
    const [x] = this.drawing.at(event);
    if (isMove) return this.pan((event.deltaX || event.deltaY) / this.element.clientWidth);
    this.scale(Math.exp(event.deltaY * 0.0022), this.sx.from(x));
  }

  isWhole() {
    return this.t1 - this.t0 >= this.whole[1] - this.whole[0];
  }

  pan(part) {
    const by = part * (this.t1 - this.t0);
    this.zoom(this.t0 + by, this.t1 + by);
  }

  scale(by, around) {
    this.zoom(around - (around - this.t0) * by, around + (this.t1 - around) * by);
  }

  press(event) {
    if (event.button !== 0) return;
    const [x] = this.drawing.at(event);
    this.drag = [x, x];
    this.drawing.canvas.setPointerCapture(event.pointerId);
  }

  move(event) {
    const [x, y] = this.drawing.at(event);
    if (this.drag) {
      this.drag[1] = x;
      this.drawing.draw();
      return;
    }
    this.drawing.say(this.lineAt(x), x, y);
  }

  release(event) {
    if (!this.drag) return;
    const [from, to] = this.drag;
    this.drag = null;
    this.drawing.draw();
    if (Math.abs(to - from) < 5) this.on.pick(Math.round(this.sx.from(this.drawing.at(event)[0])));
    else this.zoom(this.sx.from(Math.min(from, to)), this.sx.from(Math.max(from, to)));
  }

  lineAt(x) {
    const { points } = this;
    if (!points?.time.length || x < BOX.left) return null;
    const time = this.sx.from(x);
    let low = 0;
    let high = points.time.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points.time[middle] <= time) low = middle + 1;
      else high = middle;
    }
    const i = low - 1;
    if (i < 0) return null;
    const lines = [size(points.allocated_last[i]).replace(/^-/, "−") + " allocated"];
    const reserved = points.reserved_last[i];
    if (reserved >= 0 && this.curve.peak_reserved) {
      lines.push(`${size(reserved)} reserved, ${size(Math.max(reserved - points.allocated_last[i], 0))} of it in no tensor`);
    }
    lines.push(`at ${span(time).replace(/^-/, "−")}; click: who holds it`);
    return lines;
  }

  key(event) {
    const by = { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key];
    const middle = (this.t0 + this.t1) / 2;
    if (by) this.pan(by);
    else if (event.key === "+" || event.key === "w") this.scale(0.7, middle);
    else if (event.key === "-" || event.key === "s") this.scale(1.4, middle);
    else if (event.key === "f" || event.key === "Home") this.zoom(...this.whole);
    else if (event.key === "Enter") this.on.pick(Math.round(middle));
    else return;
    event.preventDefault();
  }

  dispose() {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.drawing.dispose();
  }
}

/** Write a value of the axis with as many digits as tell it from its neighbours. */
function axisText(value, step) {
  if (Math.abs(value) < step / 2) return "0";
  const power = Math.min(Math.floor(Math.log10(Math.abs(value)) / 3), 4);
  const unit = 1000 ** power;
  const decimals = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  const text = (Math.abs(value) / unit).toFixed(Math.min(decimals, 6));
  return `${value < 0 ? "−" : ""}${text} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}
