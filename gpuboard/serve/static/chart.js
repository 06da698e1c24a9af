/** One small line chart on a canvas: ranges, drawing, hover, picking; what it shows is given to it. */

import { ChartFobs } from "./chart_fobs.js";
import { ChartInput } from "./chart_input.js";
import { nearestIndex, padded, pixelDistance, xExtent, yExtent } from "./curves.js";
import { axisScale, layout, paint, paintLine } from "./plot.js";

const PICK_PIXELS = 12; // a click further from every line picks none
const FRAME_MS = 14; // drawing beyond this waits for the next frame, so scrolling stays smooth

/** Counters for tests and for the curious, on `window.__gpuboard.charts`. */
export const counters = { draws: 0, drawMs: 0, maxDrawMs: 0, hovers: 0, maxHoverMs: 0 };

const dirty = new Set();
const alive = new Set();
let frame = 0;

function schedule(chart) {
  dirty.add(chart);
  if (!frame) frame = requestAnimationFrame(drawDirty);
}

function drawDirty() {
  frame = 0;
  const end = performance.now() + FRAME_MS;
  for (const chart of dirty) {
    dirty.delete(chart);
    chart.draw();
    if (performance.now() > end) break;
  }
  if (dirty.size) frame = requestAnimationFrame(drawDirty);
}

const rulers = new Map();

/** Return a function that measures text in the tick font, remembering what it measured. */
export function ruler(font) {
  if (!rulers.has(font)) {
    const context = document.createElement("canvas").getContext("2d");
    context.font = font;
    const known = new Map();
    rulers.set(font, (text) => {
      if (!known.has(text)) known.set(text, context.measureText(text).width);
      return known.get(text);
    });
  }
  return rulers.get(font);
}

/** What a chart shows until it is told otherwise. */
const EMPTY = {
  series: [],
  markers: [],
  marks: [],
  xKind: "step",
  xLog: false,
  yLog: false,
  ignoreOutliers: false,
  xView: null,
  yView: null,
  xRange: null,
  yRange: null,
  picked: null,
  hoverRun: -1,
  at: null,
  theme: null,
  wheelZooms: false,
  isKnown: false, // whether the data has come; before, there is nothing to draw
};

/** The highlighted line and the dots under the pointer, shared: only one chart is hovered. */
let overlay = null;

export class LineChart {
  /**
   * @param {HTMLElement} host positioned element that the chart fills.
   * @param {object} on `zoom(xView)`, `hover(rows, pointer)`, `leave()`, `pick(series, event)`,
   *   `mark([x0, x1])`.
   */
  constructor(host, on) {
    this.host = host;
    this.on = on;
    this.spec = { ...EMPTY };
    this.scene = null;
    host.classList.add("gb-chart");
    this.canvas = host.appendChild(document.createElement("canvas"));
    this.crosshair = host.appendChild(document.createElement("div"));
    this.crosshair.className = "gb-crosshair";
    this.crosshair.hidden = true;
    this.fobs = new ChartFobs(this);
    this.input = new ChartInput(this);
    this.sizes = new ResizeObserver(() => schedule(this));
    this.sizes.observe(host);
    alive.add(this);
  }

  /** Change what is shown; it is drawn with the next frame. */
  update(patch) {
    const isNew = Object.entries(patch).some(([key, value]) => !same(this.spec[key], value));
    if (!isNew) return;
    Object.assign(this.spec, patch);
    schedule(this);
  }

  /** Draw again although nothing in `spec` was replaced, such as after new colours. */
  redraw() {
    schedule(this);
  }

  destroy() {
    alive.delete(this);
    dirty.delete(this);
    this.sizes.disconnect();
    this.input.destroy();
    if (overlay?.parentNode === this.host) overlay.remove();
    this.host.replaceChildren();
  }

  /** Whole extent of x, zoom left aside. */
  fullX() {
    const { series, xLog, xRange } = this.spec;
    const range = xRange ?? xExtent(series, xLog) ?? [xLog ? 1 : 0, xLog ? 10 : 1];
    if (range[1] > range[0]) return range;
    return xLog ? [range[0] / 2, range[0] * 2] : [range[0] - 0.5, range[0] + 0.5];
  }

  xRange() {
    return this.spec.xView ?? this.fullX();
  }

  yRange() {
    const { series, yView, yRange, yLog, ignoreOutliers, xView } = this.spec;
    if (yView) return yView;
    const usable = yRange && (!yLog || yRange[0] > 0) ? yRange : null;
    if (usable) return usable;
    const found = yExtent(series, { view: xView, ignoreOutliers, positive: yLog });
    return padded(found ?? [yLog ? 1 : 0, yLog ? 10 : 1], yLog);
  }

  makeScene(width, height, more = {}) {
    const { theme } = this.spec;
    const measure = ruler(`11px ${theme.font}`);
    const frame = layout({
      ...this.spec,
      x: this.xRange(),
      y: this.yRange(),
      width,
      height,
      measure,
      ...more,
    });
    return frame;
  }

  /** The scales in force now; those of `scene` are of the last drawing, a few wheel notches ago. */
  scales() {
    const { box, xLog, yLog } = this.scene;
    return {
      box,
      sx: axisScale(...this.xRange(), box.left, box.right, xLog),
      sy: axisScale(...this.yRange(), box.bottom, box.top, yLog),
    };
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || !this.spec.theme || !this.spec.isKnown) return;
    const began = performance.now();
    const context = fit(this.canvas, width, height);
    context.clearRect(0, 0, width, height);
    this.scene = this.makeScene(width, height, { dpr: window.devicePixelRatio || 1 });
    paint(context, this.scene);
    this.fobs.place();
    count(performance.now() - began);
    this.describe();
  }

  /** Say on the element what is drawn: for tests, and for people who look. */
  describe() {
    const { sx, sy, series, markers } = this.scene;
    const { dataset } = this.host;
    dataset.drawn = String(Number(dataset.drawn ?? 0) + 1);
    dataset.lines = String(series.length);
    dataset.markers = String(markers.length);
    dataset.view = [sx.lo, sx.hi, sy.lo, sy.hi].join(" ");
  }

  /** Show the crosshair at a place of the x axis, or hide it with null. */
  cross(x) {
    const inside = this.scene && x !== null && x >= this.scene.sx.lo && x <= this.scene.sx.hi;
    this.crosshair.hidden = !inside;
    if (!inside) return;
    const { box, sx } = this.scene;
    this.crosshair.style.transform = `translateX(${Math.round(sx.to(x))}px)`;
    this.crosshair.style.top = `${box.top}px`;
    this.crosshair.style.height = `${box.bottom - box.top}px`;
  }

  /** Answer the pointer at (px, py): crosshairs everywhere, highlight and rows here. */
  hover(px, py, event) {
    if (!this.scene) return;
    const began = performance.now();
    const x = this.scene.sx.from(px);
    for (const chart of alive) if (chart.spec.xKind === this.spec.xKind) chart.cross(x);
    const rows = this.rowsAt(px, py);
    const nearest = rows.reduce((best, row) => (row.distance < best.distance ? row : best), {
      distance: Infinity,
    });
    const near = nearest.distance <= 40 ? nearest : null;
    this.highlight(rows, near);
    this.on.hover({ rows, nearest: near, x, px, py, event, chart: this });
    counters.hovers++;
    counters.maxHoverMs = Math.max(counters.maxHoverMs, performance.now() - began);
  }

  leave() {
    for (const chart of alive) chart.cross(null);
    overlay?.remove();
    this.on.leave();
  }

  /** One row for each series: its point nearest to the pointer in x. */
  rowsAt(px, py) {
    const { sx, sy } = this.scene;
    const x = sx.from(px),
      to = { x: sx.to, y: sy.to };
    const rows = [];
    for (const series of this.spec.series) {
      const i = series.line && !series.isGuide ? nearestIndex(series.line, x) : -1;
      if (i < 0) continue;
      const at = series.line.x[i],
        smoothed = series.line.y[i];
      const j = series.raw ? nearestIndex(series.raw, at) : -1;
      const value = j < 0 ? smoothed : series.raw.y[j];
      const distance = pixelDistance(series.line, px, py, x, to);
      const distanceY = Math.abs(to.y(smoothed) - py);
      const [low, high] = edgesAt(series, at);
      rows.push({ series, x: at, smoothed, value, low, high, distance, distanceY });
    }
    return rows;
  }

  highlight(rows, nearest) {
    const { width, height, sx, sy, box, theme } = this.scene;
    overlay ??= document.createElement("canvas");
    overlay.className = "gb-overlay";
    if (overlay.parentNode !== this.host) this.host.insertBefore(overlay, this.canvas.nextSibling);
    const context = fit(overlay, width, height);
    context.clearRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    if (nearest) {
      paintLine(context, this.scene, nearest.series.line, theme.surface, 0.7, 4.2);
      paintLine(context, this.scene, nearest.series.line, nearest.series.colour, 1, 2.2);
    }
    for (const row of rows.length <= 40 ? rows : nearest ? [nearest] : []) {
      dot(context, sx.to(row.x), sy.to(row.smoothed), row.series.colour, theme.surface);
    }
    context.restore();
  }

  click(px, py, event) {
    if (!this.scene) return;
    const rows = this.rowsAt(px, py).sort((a, b) => a.distance - b.distance);
    if (rows.length && rows[0].distance <= PICK_PIXELS) this.on.pick(rows[0].series, event);
    else if (this.spec.at) this.fobs.moveNearest(px);
    else this.on.pick(null, event);
  }

  zoomX(x0, x1) {
    const [lo, hi] = this.fullX();
    const span = Math.abs(x1 - x0);
    // Beyond doubles' own precision there is nothing left to see.
    if (!(span > Math.max(Math.abs(x0), Math.abs(x1)) * 1e-12)) return;
    const whole = Math.min(x0, x1) <= lo && Math.max(x0, x1) >= hi;
    this.update({ xView: whole ? null : [Math.min(x0, x1), Math.max(x0, x1)] });
    this.on.zoom(this.spec.xView);
  }

  zoomY(y0, y1) {
    if (y0 !== y1) this.update({ yView: [Math.min(y0, y1), Math.max(y0, y1)] });
  }

  reset() {
    this.update({ xView: null, yView: null });
    this.on.zoom(null);
  }
}

/** Whether two values of a spec show the same: equal, or ranges with equal ends. */
function same(a, b) {
  const isRange = Array.isArray(a) && Array.isArray(b) && a.length === 2 && b.length === 2;
  return a === b || (isRange && typeof a[0] === "number" && a[0] === b[0] && a[1] === b[1]);
}

/** The edges of a series' band at x, undefined where it has none. */
function edgesAt({ low, high }, x) {
  return [low, high].map((edge) => {
    const i = edge ? nearestIndex(edge, x) : -1;
    return i < 0 ? undefined : edge.y[i];
  });
}

function dot(context, px, py, colour, edge) {
  context.beginPath();
  context.arc(px, py, 3.4, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1.2;
  context.strokeStyle = edge;
  context.stroke();
}

/** Size a canvas for the screen's pixels and return its context in CSS pixels. */
export function fit(canvas, width, height, ratio = window.devicePixelRatio || 1) {
  const w = Math.round(width * ratio),
    h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  // Painted by the processor: where no GPU helps the browser, its GPU path takes a hundred times
  // as long for many thin lines (nine charts of 200 lines: 20 s against 0.15 s).
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function count(ms) {
  counters.draws++;
  counters.drawMs += ms;
  counters.maxDrawMs = Math.max(counters.maxDrawMs, ms);
}
