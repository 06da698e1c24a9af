/** Draw operators as dots below the roofs of a device, both axes logarithmic. */

import { NEUTRAL, PALETTE } from "./palette.js";
import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import { axisScale } from "./plot.js";
import { scaled } from "./profile_units.js";

const BOX = { left: 78, top: 14, right: 18, bottom: 40 };
const NEAR = 6; // pixels beside a dot that still mean it
const MAX_FAMILIES = 10;

export class Scatter {
  /**
   * @param {object} rows Columns of operators.
   * @param {number[]} points Rows that have a place.
   * @param {object} found The reply: roofs and peak.
   * @param {{pick: (row: number) => void, lines: (row: number) => string[]}} on
   */
  constructor(rows, points, found, on) {
    Object.assign(this, { rows, points, found, on });
    this.marked = -1;
    const most = Math.max(...points.map((k) => rows.time_ns[k]), 1);
    this.radius = points.map((k) => 3 + 13 * Math.sqrt(rows.time_ns[k] / most));
    this.colours();
    this.range();
    this.drawing = new Drawing("pf-roof-scatter", "Operators by intensity and achieved operations a second", (...all) => this.paint(...all));
    this.element = this.drawing.element;
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("click", (event) => {
      const at = this.nearest(...this.drawing.at(event));
      if (at >= 0) on.pick(points[at]);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  colours() {
    const time = new Map();
    for (const k of this.points) time.set(this.rows.family[k], (time.get(this.rows.family[k]) ?? 0) + this.rows.time_ns[k]);
    const names = [...time].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    this.colour = new Map(names.map((name, i) => [name, i < MAX_FAMILIES ? PALETTE[i % PALETTE.length] : NEUTRAL]));
    this.families = names.slice(0, 6).map((name) => ({ name, colour: this.colour.get(name) }));
  }

  range() {
    const { intensity, flop_rate: rate } = this.rows;
    const { roofs, peak } = this.found;
    const x = this.points.map((k) => intensity[k]);
    const y = this.points.map((k) => rate[k]);
    const ridges = peak.bandwidth ? roofs.map((one) => one.peak / peak.bandwidth) : [];
    const tops = roofs.map((one) => one.peak);
    this.x = decades(Math.min(...x), Math.max(...x, ...ridges.map((one) => 3 * one)));
    this.y = decades(Math.min(...y), Math.max(...y, ...tops.map((one) => 1.6 * one)));
  }

  mark(row) {
    this.marked = row;
    this.drawing.draw();
  }

  paint(ctx, width, height) {
    const read = themeOf(this.element);
    ctx.font = `11px ${read("--font")}`;
    this.sx = axisScale(...this.x, BOX.left, width - BOX.right, true);
    this.sy = axisScale(...this.y, height - BOX.bottom, BOX.top, true);
    this.grid(ctx, read, width, height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(BOX.left, BOX.top, width - BOX.left - BOX.right, height - BOX.bottom - BOX.top);
    ctx.clip();
    this.roofs(ctx, read, width);
    this.dots(ctx, read);
    this.roofLabels(ctx, read, width);
    ctx.restore();
  }

  grid(ctx, read, width, height) {
    ctx.strokeStyle = read("--grid");
    ctx.fillStyle = read("--muted");
    ctx.beginPath();
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const value of powers(this.x, (width - BOX.left) / 70)) {
      const x = Math.round(this.sx.to(value)) + 0.5;
      ctx.moveTo(x, BOX.top);
      ctx.lineTo(x, height - BOX.bottom);
      ctx.fillText(value >= 1e4 || value < 1e-3 ? value.toExponential(0).replace("e+", "e") : String(value), x, height - BOX.bottom + 6);
    }
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const value of powers(this.y, height / 36)) {
      const y = Math.round(this.sy.to(value)) + 0.5;
      ctx.moveTo(BOX.left, y);
      ctx.lineTo(width - BOX.right, y);
      ctx.fillText(`${scaled(value)}FLOP/s`, BOX.left - 8, y);
    }
    ctx.stroke();
    ctx.textAlign = "center";
    ctx.textBaseline = "bottom";
    ctx.fillText("arithmetic intensity, FLOP per byte", (BOX.left + width) / 2, height - 3);
  }

  roofs(ctx, read, width) {
    const { roofs, peak } = this.found;
    if (!peak.bandwidth || !roofs.length) return;
    ctx.strokeStyle = read("--muted");
    ctx.fillStyle = read("--muted");
    ctx.lineWidth = 1.5;
    const top = roofs[0].peak;
    const line = (x0, y0, x1, y1) => {
      ctx.beginPath();
      ctx.moveTo(this.sx.to(x0), this.sy.to(y0));
      ctx.lineTo(this.sx.to(x1), this.sy.to(y1));
      ctx.stroke();
    };
    line(this.x[0], this.x[0] * peak.bandwidth, top / peak.bandwidth, top);
    for (const roof of roofs) line(roof.peak / peak.bandwidth, roof.peak, this.x[1], roof.peak);
    this.slopeLabel(ctx, peak.bandwidth, top);
    ctx.lineWidth = 1;
  }

  /** Name the roofs above the dots, with a rim so that they can be read on them. */
  roofLabels(ctx, read, width) {
    const { roofs, peak } = this.found;
    if (!peak.bandwidth) return;
    const taken = [];
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    ctx.strokeStyle = read("--surface");
    ctx.fillStyle = read("--text");
    ctx.lineJoin = "round";
    ctx.lineWidth = 4;
    for (const roof of roofs) {
      let y = this.sy.to(roof.peak) - 3;
      if (taken.some((other) => Math.abs(other - y) < 13)) y += 18;
      taken.push(y);
      const text = `${roof.name}: ${scaled(roof.peak)}FLOP/s`;
      ctx.strokeText(text, width - BOX.right - 6, y);
      ctx.fillText(text, width - BOX.right - 6, y);
    }
    ctx.lineWidth = 1;
  }

  slopeLabel(ctx, bandwidth, top) {
    const low = Math.max(this.x[0], this.y[0] / bandwidth);
    const x = Math.sqrt(low * (top / bandwidth)) / 3;
    if (x <= low) return;
    const angle = Math.atan2(this.sy.to(x * 2 * bandwidth) - this.sy.to(x * bandwidth), this.sx.to(2 * x) - this.sx.to(x));
    ctx.save();
    ctx.translate(this.sx.to(x), this.sy.to(x * bandwidth));
    ctx.rotate(angle);
    ctx.textAlign = "center";
    ctx.textBaseline = "bottom";
    ctx.fillText(`memory ${scaled(bandwidth)}B/s`, 0, -4);
    ctx.restore();
  }

  dots(ctx, read) {
    const { points, rows } = this;
    const surface = read("--surface");
    points.forEach((k, i) => {
      const [x, y] = [this.sx.to(rows.intensity[k]), this.sy.to(rows.flop_rate[k])];
      ctx.beginPath();
      ctx.arc(x, y, this.radius[i], 0, 2 * Math.PI);
      ctx.globalAlpha = this.marked < 0 || this.marked === k ? 0.72 : 0.3;
      ctx.fillStyle = this.colour.get(rows.family[k]);
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.strokeStyle = surface;
      ctx.stroke();
    });
    const at = points.indexOf(this.marked);
    if (at < 0) return;
    ctx.strokeStyle = read("--text");
    ctx.lineWidth = 1.6;
    ctx.beginPath();
    ctx.arc(this.sx.to(rows.intensity[this.marked]), this.sy.to(rows.flop_rate[this.marked]), this.radius[at] + 2.5, 0, 2 * Math.PI);
    ctx.stroke();
    ctx.lineWidth = 1;
  }

  /** Return the dot under a place: the one whose edge is nearest, smaller ones first. */
  nearest(x, y) {
    let best = -1;
    let least = NEAR;
    this.points.forEach((k, i) => {
      const away = Math.hypot(this.sx.to(this.rows.intensity[k]) - x, this.sy.to(this.rows.flop_rate[k]) - y);
      const beside = away - this.radius[i];
      const weight = beside <= 0 ? this.radius[i] / 1000 - 1 : beside;
      if (weight < least) [best, least] = [i, weight];
    });
    return best;
  }

  hover(event) {
    const [x, y] = this.drawing.at(event);
    const at = this.nearest(x, y);
    this.drawing.canvas.style.cursor = at < 0 ? "" : "pointer";
    this.drawing.say(at < 0 ? null : this.on.lines(this.points[at]), x, y);
  }

  key(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = this.points.indexOf(this.marked) + by;
    const k = this.points[Math.min(Math.max(at, 0), this.points.length - 1)];
    this.on.pick(k);
    this.drawing.say(this.on.lines(k), this.sx.to(this.rows.intensity[k]), this.sy.to(this.rows.flop_rate[k]));
  }

  dispose() {
    this.drawing.dispose();
  }
}

/** Widen a range to a bit more than what it holds. */
function decades(low, high) {
  return [10 ** (Math.log10(low) - 0.25), 10 ** (Math.log10(Math.max(high, low * 10)) + 0.25)];
}

/** Return powers of ten in a range, about `wanted` at most. */
function powers([low, high], wanted) {
  const first = Math.ceil(Math.log10(low));
  const last = Math.floor(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first + 1) / wanted));
  const found = [];
  for (let e = first; e <= last; e += every) found.push(Number(`1e${e}`));
  return found;
}
