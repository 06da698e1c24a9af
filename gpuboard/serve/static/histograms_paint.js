/**
 * Paint histograms of many steps with any 2-D context: ridges, curves over each other, bands, a
 * heat map. `frameOf` lays a picture out once; the chosen step is painted apart, so that following the
 * slider does not paint the rest anew.
 */

import { mix, rampOf, shadeOf } from "./histograms_colour.js";
import { heightsOf, largest, meanOf, peakOf } from "./histograms_data.js";
import { axisScale } from "./plot.js";
import { labelsFor, ticksFor } from "./ticks.js";

const FONT = 11;
const RIDGE_SHARE = 0.34; // of the height of the plot, for the highest ridge
export const crisp = (v) => Math.round(v) + 0.5;

/**
 * Lay out a picture.
 *
 * @param {object} spec `view` ("ridge", "overlay", "bands", "heat", "runs"), `width`, `height`,
 *   `theme`, `colour`, `colours` (of rows, for runs), `measure`, `heights`, `log`, `cutsSpikes`,
 *   `header`, `columns`, `top` (free pixels above).
 */
export function frameOf(spec) {
  const isAcross = spec.view === "bands" || spec.view === "heat";
  const frame = { ...spec, isAcross, bins: 0 };
  if (spec.columns.count) prepareHeights(frame);
  const values = padded(spec.header.range);
  const along = alongRange(spec);
  return isAcross ? layAcross(frame, along, values) : layUpright(frame, along, values);
}

function prepareHeights(frame) {
  const { columns, header } = frame;
  const { shape } = header.columns.find(({ name }) => name === "count");
  frame.rows = shape[0];
  frame.bins = shape[1];
  frame.usual = meanOf(columns.total);
  frame.high = heightsOf(columns.count, columns.total, frame.bins, frame);
  frame.peak = peakOf(frame.high, frame.bins, frame.cutsSpikes);
  frame.isCut = largest(frame.high) > frame.peak * 1.001;
}

function padded([low, high]) {
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

/** Ends of the axis along which steps are laid out. */
function alongRange({ view, header, columns }) {
  if (view === "runs") return [0, 1];
  if (view === "heat" && columns.edge?.length) {
    return padded([columns.edge[0], columns.edge[columns.edge.length - 1]]);
  }
  return padded(header.x_extent);
}

/** Steps from left to right, values upwards. */
function layAcross(frame, along, values) {
  const { width, height, measure, header } = frame;
  const [top, bottom] = [frame.top ?? 8, height - 22];
  const y = axisTicks("value", values, Math.max(2, Math.floor((bottom - top) / 38)));
  const left = Math.max(34, Math.ceil(Math.max(...y.labels.map(measure))) + 12);
  const right = width - 10;
  const x = axisTicks(header.x, along, Math.max(2, Math.floor((right - left) / 76)));
  return {
    ...frame,
    box: { left, top, right, bottom },
    sx: axisScale(...along, left, right),
    sy: axisScale(...values, bottom, top),
    xTicks: x,
    yTicks: y,
  };
}

/** Values from left to right; steps one below the other (ridge), or none. */
function layUpright(frame, along, values) {
  const { width, height, measure, header, view } = frame;
  const [top, bottom] = [frame.top ?? 8, height - 22];
  const isRidge = view === "ridge";
  const lift = isRidge ? (bottom - top) * RIDGE_SHARE : bottom - top - 4;
  const steps = isRidge
    ? axisTicks(header.x, along, Math.max(2, Math.floor((bottom - top - lift) / 26)))
    : heightTicks(frame, Math.max(2, Math.floor((bottom - top) / 42)));
  const gutter = Math.ceil(Math.max(0, ...steps.labels.map(measure))) + 12;
  const box = {
    left: isRidge ? 8 : Math.max(34, gutter),
    top,
    right: isRidge ? width - Math.max(34, gutter) : width - 10,
    bottom,
  };
  const x = axisTicks("value", values, Math.max(2, Math.floor((box.right - box.left) / 66)));
  const from = isRidge ? top + lift : bottom;
  return {
    ...frame,
    box,
    lift,
    sx: axisScale(...values, box.left, box.right),
    sy: isRidge
      ? axisScale(...along, from, bottom)
      : axisScale(0, frame.peak, bottom, bottom - lift),
    base: isRidge ? (row) => frame.columns.x[row] : () => 0,
    xTicks: x,
    yTicks: steps,
  };
}

function axisTicks(kind, [low, high], most) {
  const { ticks, step } = ticksFor(kind, low, high, most);
  return { ticks, labels: ticks.map(labelsFor(kind, ticks, step)) };
}

/** Ticks of heights: counts, per cent, or powers of ten on a logarithmic axis. */
function heightTicks({ peak, heights, log }, most) {
  if (log && heights !== "own") {
    const ticks = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].filter(
      (count) => Math.log1p(count) <= peak * 1.02,
    );
    return { ticks: ticks.map(Math.log1p), labels: ticks.map((count) => shortCount(count)) };
  }
  if (heights === "count") return axisTicks("value", [0, peak], most);
  const { ticks, step } = ticksFor("value", 0, peak * 100, most);
  const label = labelsFor("value", ticks, step);
  return { ticks: ticks.map((t) => t / 100), labels: ticks.map((t) => `${label(t)}%`) };
}

const shortCount = (count) => (count < 1e4 ? String(count) : `1e${Math.round(Math.log10(count))}`);

/** Paint everything but the chosen step. */
export function paintBase(ctx, frame) {
  paintGrid(ctx, frame);
  ctx.save();
  clipTo(ctx, frame);
  if (frame.view === "ridge") paintRidges(ctx, frame);
  else if (frame.view === "bands") paintBands(ctx, frame);
  else if (frame.view === "heat") paintHeat(ctx, frame);
  else paintCurves(ctx, frame);
  ctx.restore();
  paintLabels(ctx, frame);
}

export function clipTo(ctx, { box }, around = 0) {
  const [left, width] = [box.left - around, box.right - box.left + 2 * around];
  ctx.beginPath();
  ctx.rect(left, box.top - around, width, box.bottom - box.top + 1 + 2 * around);
  ctx.clip();
}

function paintGrid(ctx, { box, sx, sy, xTicks, yTicks, theme, view }) {
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.grid;
  ctx.beginPath();
  for (const t of xTicks.ticks) segment(ctx, crisp(sx.to(t)), box.top, crisp(sx.to(t)), box.bottom);
  if (view !== "ridge") {
    for (const t of yTicks.ticks)
      segment(ctx, box.left, crisp(sy.to(t)), box.right, crisp(sy.to(t)));
  }
  ctx.stroke();
  ctx.strokeStyle = theme.axis;
  ctx.beginPath();
  segment(ctx, box.left, crisp(box.bottom), box.right, crisp(box.bottom));
  ctx.stroke();
}

export function segment(ctx, x0, y0, x1, y1) {
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
}

function paintLabels(ctx, { box, sx, sy, xTicks, yTicks, theme, view, width, measure }) {
  ctx.fillStyle = theme.muted;
  ctx.font = `${FONT}px ${theme.font}`;
  ctx.textBaseline = "middle";
  const isRight = view === "ridge";
  ctx.textAlign = isRight ? "left" : "right";
  const place = isRight ? box.right + 7 : box.left - 7;
  yTicks.ticks.forEach((t, k) => ctx.fillText(yTicks.labels[k], place, sy.to(t)));
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  let free = -Infinity;
  xTicks.ticks.forEach((t, k) => {
    const half = measure(xTicks.labels[k]) / 2;
    const at = Math.max(half + 1, Math.min(sx.to(t), width - half - 1));
    if (at - half < free) return;
    ctx.fillText(xTicks.labels[k], at, box.bottom + 6);
    free = at + half + 8;
  });
}

/* curves */

/** Where row `row` stands and how high it is at a bin, in pixels. */
export function ridgeAt(frame, row, bin) {
  const floor = frame.sy.to(frame.base(row));
  const part = Math.min(frame.high[row * frame.bins + bin] / frame.peak, 1);
  return { floor, top: floor - part * frame.lift };
}

/** Trace a curve over its bins from the first that is not empty to the last; false for none. */
export function trace(ctx, frame, high, floor, closed) {
  const { bins, sx, peak, lift, header } = frame;
  let [first, last] = [0, bins - 1];
  while (first < bins && !(high[first] > 0)) first++;
  while (last > first && !(high[last] > 0)) last--;
  if (first === bins) return false;
  const width = (header.range[1] - header.range[0]) / bins;
  const at = (bin) => sx.to(header.range[0] + (bin + 0.5) * width);
  const level = (bin) => floor - Math.min(high[bin] / peak, 1) * lift;
  ctx.beginPath();
  ctx.moveTo(at(first - 0.5), floor);
  if (first === last) {
    ctx.lineTo(at(first - 0.5), level(first));
    ctx.lineTo(at(first + 0.5), level(first));
  } else for (let bin = first; bin <= last; bin++) ctx.lineTo(at(bin), level(bin));
  ctx.lineTo(at(last + 0.5), floor);
  if (closed) ctx.closePath();
  return true;
}

export const rowOf = ({ high, bins }, row) => high.subarray(row * bins, (row + 1) * bins);

function paintRidges(ctx, frame) {
  const { rows, theme, colour, sy, base } = frame;
  ctx.lineJoin = "round";
  for (let row = 0; row < rows; row++) {
    const shade = shadeOf(colour, theme.surface, row, rows);
    if (!trace(ctx, frame, rowOf(frame, row), crisp(sy.to(base(row))), true)) continue;
    ctx.fillStyle = shade;
    ctx.globalAlpha = 0.88;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1;
    ctx.strokeStyle = mix(shade, theme.surface, 0.72);
    ctx.stroke();
  }
}

function paintCurves(ctx, frame) {
  const { rows, theme, colour, colours, sy, view } = frame;
  ctx.lineJoin = "round";
  for (let row = 0; row < rows; row++) {
    const shade = colours?.[row] ?? shadeOf(colour, theme.surface, row, rows);
    if (view === "runs" && rows <= 12) {
      if (trace(ctx, frame, rowOf(frame, row), sy.to(0), true)) {
        ctx.fillStyle = shade;
        ctx.globalAlpha = 0.12;
        ctx.fill();
        ctx.globalAlpha = 1;
      }
    }
    if (!trace(ctx, frame, rowOf(frame, row), sy.to(0), false)) continue;
    ctx.lineWidth = view === "runs" ? 1.5 : 1.1;
    ctx.strokeStyle = shade;
    ctx.stroke();
  }
}

/* bands */

const BAND_PAIRS = [
  [0, 8, 0.13],
  [1, 7, 0.18],
  [2, 6, 0.22],
  [3, 5, 0.28],
];
export const MEDIAN = 4;

function paintBands(ctx, frame) {
  const { columns, sx, sy, colour, theme } = frame;
  const n = columns.x.length;
  if (!n) return;
  const quantile = (k) => columns.quantile.subarray(k * n, (k + 1) * n);
  // A single step has no extent: it is drawn as wide as the plot allows.
  const xs = n > 1 ? columns.x : [sx.lo, sx.hi];
  const at = (line, i) => sy.to(line[Math.min(i, n - 1)]);
  for (const [low, high, alpha] of BAND_PAIRS) {
    const [lower, upper] = [quantile(low), quantile(high)];
    ctx.beginPath();
    ctx.moveTo(sx.to(xs[0]), at(upper, 0));
    for (let i = 1; i < xs.length; i++) ctx.lineTo(sx.to(xs[i]), at(upper, i));
    for (let i = xs.length - 1; i >= 0; i--) ctx.lineTo(sx.to(xs[i]), at(lower, i));
    ctx.closePath();
    ctx.fillStyle = colour;
    ctx.globalAlpha = alpha;
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  const median = quantile(MEDIAN);
  ctx.beginPath();
  ctx.moveTo(sx.to(xs[0]), at(median, 0));
  for (let i = 1; i < xs.length; i++) ctx.lineTo(sx.to(xs[i]), at(median, i));
  ctx.lineWidth = 1.6;
  ctx.lineJoin = "round";
  ctx.strokeStyle = mix(colour, theme.text, 0.35);
  ctx.stroke();
}

/* heat map */

function paintHeat(ctx, frame) {
  const { columns, rows, bins, box, sx, sy, high, peak, theme, colour, header } = frame;
  if (!rows) return;
  const ramp = rampOf(colour, theme.surface, theme.text);
  const [bottom, top] = [Math.round(sy.to(header.range[0])), Math.round(sy.to(header.range[1]))];
  const edge = (k) => Math.round(sx.to(columns.edge[k]));
  const shadeAt = (row, bin) => ramp[Math.round(Math.min(high[row * bins + bin] / peak, 1) * 255)];
  if (!ctx.drawImage) {
    // A file of vectors gets a box for each cell that is not empty.
    for (let row = 0; row < rows; row++) {
      for (let bin = 0; bin < bins; bin++) {
        if (!(high[row * bins + bin] > 0)) continue;
        const y = bottom + ((top - bottom) * (bin + 1)) / bins;
        ctx.fillStyle = `rgb(${shadeAt(row, bin).join(" ")})`;
        ctx.fillRect(edge(row), y, edge(row + 1) - edge(row), (bottom - top) / bins);
      }
    }
    return;
  }
  const image = new ImageData(rows, bins);
  for (let row = 0; row < rows; row++) {
    for (let bin = 0; bin < bins; bin++) {
      const at = 4 * ((bins - 1 - bin) * rows + row);
      const [r, g, b] = shadeAt(row, bin);
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = high[row * bins + bin] > 0 ? 255 : 0;
    }
  }
  const cells = new OffscreenCanvas(rows, bins);
  cells.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = false;
  for (let row = 0; row < rows; row++) {
    const left = edge(row);
    const width = Math.max(1, edge(row + 1) - left);
    if (left + width < box.left || left > box.right) continue;
    ctx.drawImage(cells, row, 0, 1, bins, left, top, width, bottom - top);
  }
}
