/** Paint one line chart with any 2-D context: a canvas on screen, or the one that writes SVG. */

import { lowerBound, nearestIndex } from "./curves.js";
import { labelsFor, ticksFor } from "./ticks.js";

const TICK_FONT = 11;
const GUTTER = 46;
const MAX_RAW = 60; // with more series the faint raw lines would be one grey area
const MAX_WIDE = 12;
const MAX_DASHED = 5000; // points: dashes of more take long to draw and cannot be seen
const SYMBOL_EVERY = 64; // pixels
const MAX_TRAVEL = 6000; // pixels up and down: noise beyond it is an area, drawn with hairlines

/** Map data to pixels on one axis and back, linear or logarithmic. */
export function axisScale(lo, hi, from, to, log) {
  if (log) {
    const base = Math.log10(lo);
    const k = (to - from) / (Math.log10(hi) - base || 1);
    return {
      lo,
      hi,
      log,
      to: (v) => from + (Math.log10(v) - base) * k,
      from: (p) => 10 ** (base + (p - from) / k),
    };
  }
  const k = (to - from) / (hi - lo || 1);
  return { lo, hi, log: false, to: (v) => from + (v - lo) * k, from: (p) => lo + (p - from) / k };
}

/**
 * Lay out a chart: margins wide enough for the labels, scales and ticks.
 * `spec`: width, height, xKind, xLog, yLog, x: [lo, hi], y: [lo, hi], measure(text), xTitle, yTitle.
 */
export function layout(spec) {
  const { width, height, x, y, measure } = spec;
  const top = spec.top ?? 8,
    bottom = 22 + (spec.xTitle ? 16 : 0),
    right = spec.right ?? 10;
  const inside = height - top - bottom;
  const rows = Math.max(
    2,
    Math.floor(inside / (36 + Math.min(16, Math.max(0, inside - 250) / 15))),
  );
  const yTicks = ticksFor("value", y[0], y[1], rows, spec.yLog);
  const yLabel = labelsFor("value", yTicks.ticks, yTicks.step);
  const widest = Math.max(0, ...yTicks.ticks.map((t) => measure(yLabel(t))));
  const left = Math.max(GUTTER, Math.ceil(widest) + 10) + (spec.yTitle ? 16 : 0);
  const box = { left, top, right: Math.max(left + 10, width - right), bottom: height - bottom };
  const apart = (spec.xKind === "wall" ? 72 : 62) + Math.min(40, Math.max(0, width - 400) / 20);
  const columns = Math.max(2, Math.floor((box.right - box.left) / apart));
  const xTicks = ticksFor(spec.xKind, x[0], x[1], columns, spec.xLog);
  return {
    ...spec,
    box,
    xTicks: xTicks.ticks,
    yTicks: yTicks.ticks,
    yLabel,
    xLabel: labelsFor(spec.xKind, xTicks.ticks, xTicks.step),
    sx: axisScale(x[0], x[1], box.left, box.right, spec.xLog),
    sy: axisScale(y[0], y[1], box.bottom, box.top, spec.yLog),
  };
}

/**
 * Paint grid, axes, bands, lines and markers.
 * `scene` is a layout plus series, markers, marks (x positions), picked (key), theme, dpr.
 */
export function paint(ctx, scene) {
  paintGrid(ctx, scene);
  ctx.save();
  ctx.beginPath();
  const { left, top, right, bottom } = scene.box;
  ctx.rect(left, top, right - left, bottom - top);
  ctx.clip();
  paintMarks(ctx, scene);
  paintSeries(ctx, scene);
  paintMarkers(ctx, scene);
  ctx.restore();
}

function paintGrid(ctx, scene) {
  const { box, sx, sy, theme } = scene;
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.beginPath();
  for (const t of scene.yTicks) segment(ctx, box.left, crisp(sy.to(t)), box.right, crisp(sy.to(t)));
  for (const t of scene.xTicks) segment(ctx, crisp(sx.to(t)), box.top, crisp(sx.to(t)), box.bottom);
  ctx.stroke();
  ctx.strokeStyle = theme.axis;
  ctx.beginPath();
  segment(ctx, box.left, crisp(box.bottom), box.right, crisp(box.bottom));
  ctx.stroke();
  paintLabels(ctx, scene);
}

const crisp = (v) => Math.round(v) + 0.5;

function segment(ctx, x0, y0, x1, y1) {
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
}

function paintLabels(ctx, scene) {
  const { box, sx, sy, theme, width, height } = scene;
  ctx.fillStyle = theme.muted;
  ctx.font = `${TICK_FONT}px ${theme.font}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const t of scene.yTicks) ctx.fillText(scene.yLabel(t), box.left - 7, sy.to(t));
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  let free = -Infinity;
  for (const t of scene.xTicks) {
    const text = scene.xLabel(t),
      half = scene.measure(text) / 2;
    const at = Math.min(sx.to(t), width - half - 1);
    if (at - half < free) continue;
    ctx.fillText(text, at, box.bottom + 6);
    free = at + half + 8;
  }
  if (scene.xTitle) ctx.fillText(scene.xTitle, (box.left + box.right) / 2, height - 15);
  if (scene.yTitle) paintYTitle(ctx, scene);
}

function paintYTitle(ctx, { box, yTitle }) {
  ctx.save();
  ctx.translate(4, (box.top + box.bottom) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(yTitle, 0, 0);
  ctx.restore();
}

function paintMarks(ctx, { marks = [], box, sx, theme }) {
  if (!marks.length) return;
  ctx.strokeStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  for (const x of marks) segment(ctx, crisp(sx.to(x)), box.top, crisp(sx.to(x)), box.bottom);
  ctx.stroke();
  ctx.setLineDash([]);
}

function paintSeries(ctx, scene) {
  const count = scene.series.length;
  // Hairlines, one device pixel wide, are painted ten times as fast as wider lines.
  const width = count <= MAX_WIDE ? 1.7 : 1 / (scene.dpr ?? 1);
  const rawWidth = count <= MAX_WIDE ? 1.3 : width;
  const strength = (one) => (isFaded(scene, one) ? 0.13 : 1);
  ctx.lineJoin = "bevel";
  for (const one of scene.series)
    if (one.low && one.high) paintBand(ctx, scene, one, strength(one));
  for (const one of count > MAX_RAW ? [] : scene.series) {
    if (one.raw) paintLine(ctx, scene, one.raw, one.colour, 0.24 * strength(one), rawWidth);
  }
  for (const one of scene.series) {
    if (one.line) paintStyled(ctx, scene, one, strength(one), width);
    if (!one.overwritten) continue;
    ctx.setLineDash([3, 3]);
    paintLine(ctx, scene, one.overwritten, one.colour, 0.6 * strength(one), width * 0.8);
    ctx.setLineDash([]);
  }
}

/** Whether another series was picked; one of several tags goes by the run that it belongs to. */
function isFaded({ picked }, one) {
  return picked !== null && picked !== undefined && (one.pick ?? one.key) !== picked;
}

/** Paint a line in its own style: dashes, and symbols along it. */
function paintStyled(ctx, scene, one, alpha, width) {
  const isDashed = one.dash?.length > 0 && one.line.x.length <= MAX_DASHED;
  if (isDashed) ctx.setLineDash(one.dash);
  paintLine(ctx, scene, one.line, one.colour, alpha, width);
  if (isDashed) ctx.setLineDash([]);
  if (one.symbol) paintSymbols(ctx, scene, one, alpha);
}

function paintSymbols(ctx, { sx, sy, box }, { line, colour, symbol }, alpha) {
  ctx.fillStyle = colour;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  for (let at = box.left + SYMBOL_EVERY / 2; at < box.right; at += SYMBOL_EVERY) {
    const i = nearestIndex(line, sx.from(at));
    if (i < 0) break;
    const [px, py] = [sx.to(line.x[i]), sy.to(line.y[i])];
    if (Math.abs(px - at) < SYMBOL_EVERY / 2 && py - py === 0) SYMBOLS[symbol](ctx, px, py);
  }
  ctx.fill();
  ctx.globalAlpha = 1;
}

const polygon = (corners) => (ctx, px, py) => {
  corners.forEach(([dx, dy], i) =>
    i ? ctx.lineTo(px + dx, py + dy) : ctx.moveTo(px + dx, py + dy),
  );
  ctx.closePath();
};

/** Marks along lines that dashes alone do not tell apart. */
const SYMBOLS = {
  circle(ctx, px, py) {
    ctx.moveTo(px + 3.4, py);
    ctx.arc(px, py, 3.4, 0, 2 * Math.PI);
  },
  square: polygon([
    [-3, -3],
    [3, -3],
    [3, 3],
    [-3, 3],
  ]),
  diamond: polygon([
    [0, -4.4],
    [4.4, 0],
    [0, 4.4],
    [-4.4, 0],
  ]),
  up: polygon([
    [0, -4],
    [4, 3.2],
    [-4, 3.2],
  ]),
  down: polygon([
    [0, 4],
    [4, -3.2],
    [-4, -3.2],
  ]),
};

/** Index range of the points to draw: those in view and one neighbour on each side. */
export function visibleSpan(line, lo, hi) {
  if (!line.sorted) return [0, line.x.length];
  return [
    Math.max(0, lowerBound(line.x, lo) - 1),
    Math.min(line.x.length, lowerBound(line.x, hi) + 2),
  ];
}

export function paintLine(ctx, { sx, sy, dpr = 1 }, line, colour, alpha, width) {
  const { x, y } = line;
  const [start, end] = visibleSpan(line, sx.lo, sx.hi);
  const dots = [];
  let run = 0,
    px = 0,
    py = 0,
    travel = 0;
  ctx.strokeStyle = colour;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  for (let i = start; i < end; i++) {
    const v = y[i];
    if (v - v !== 0 || (sy.log && v <= 0) || (sx.log && x[i] <= 0)) {
      if (run === 1) dots.push(px, py);
      run = 0;
      continue;
    }
    const former = py;
    px = sx.to(x[i]);
    py = sy.to(v);
    if (run++ === 0) ctx.moveTo(px, py);
    else {
      ctx.lineTo(px, py);
      travel += Math.abs(py - former);
    }
  }
  if (run === 1) dots.push(px, py);
  ctx.lineWidth = travel > MAX_TRAVEL ? Math.min(width, 1 / dpr) : width;
  ctx.stroke();
  if (dots.length) paintDots(ctx, dots, colour, Math.max(1.8, width * 1.3));
  ctx.globalAlpha = 1;
}

function paintDots(ctx, dots, colour, radius) {
  ctx.fillStyle = colour;
  ctx.beginPath();
  for (let i = 0; i < dots.length; i += 2) {
    ctx.moveTo(dots[i] + radius, dots[i + 1]);
    ctx.arc(dots[i], dots[i + 1], radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

function paintBand(ctx, { sx, sy }, one, strength) {
  const { low, high, colour } = one;
  const n = Math.min(low.x.length, high.x.length);
  ctx.fillStyle = colour;
  ctx.globalAlpha = 0.17 * strength;
  ctx.beginPath();
  let start = 0;
  const close = (end) => {
    if (end <= start) return;
    for (let i = start; i < end; i++) {
      if (i === start) ctx.moveTo(sx.to(high.x[i]), sy.to(high.y[i]));
      else ctx.lineTo(sx.to(high.x[i]), sy.to(high.y[i]));
    }
    const floor = (v) => (sy.log && v <= 0 ? sy.lo : v);
    for (let i = end - 1; i >= start; i--) ctx.lineTo(sx.to(low.x[i]), sy.to(floor(low.y[i])));
    ctx.closePath();
  };
  for (let i = 0; i < n; i++) {
    if (Number.isFinite(low.y[i]) && Number.isFinite(high.y[i])) continue;
    close(i);
    start = i + 1;
  }
  close(n);
  ctx.fill();
  ctx.globalAlpha = 1;
}

function paintMarkers(ctx, scene) {
  const byKey = new Map(scene.series.map((one) => [one.key, one]));
  for (const marker of scene.markers ?? []) {
    const one = byKey.get(marker.key);
    if (!one || marker.x < scene.sx.lo || marker.x > scene.sx.hi) continue;
    ctx.globalAlpha = isFaded(scene, one) ? 0.15 : 1;
    triangle(ctx, scene, one.colour, markerPlace(scene, one, marker), marker.kind === "-inf");
  }
  ctx.globalAlpha = 1;
}

/** Where a value that has no place is shown: infinities at the edge, NaN on the line it broke. */
export function markerPlace({ sx, sy, box }, one, { x, kind }) {
  const px = sx.to(x);
  if (kind === "inf") return [px, box.top + 6];
  if (kind === "-inf") return [px, box.bottom - 6];
  const line = one.raw ?? one.line;
  const i = line ? nearestIndex(line, x) : -1;
  const py = i < 0 ? box.bottom - 6 : sy.to(line.y[i]);
  return [px, Math.min(box.bottom - 6, Math.max(box.top + 6, py))];
}

function triangle(ctx, { theme }, colour, [px, py], down) {
  const r = 5.4,
    s = down ? -1 : 1;
  ctx.beginPath();
  ctx.moveTo(px, py - s * r);
  ctx.lineTo(px + r, py + s * r * 0.8);
  ctx.lineTo(px - r, py + s * r * 0.8);
  ctx.closePath();
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.strokeStyle = theme.surface;
  ctx.lineWidth = 1.5;
  ctx.stroke();
}
