/** Fetch and paint values over time: how busy devices were, memory in use, counters, samples. */

import { columns } from "./api.js";
import { size } from "./format.js";
import { percent } from "./timeline_time.js";
import { formatValue } from "./ticks.js";

const BESIDE = 0.5;
const FINEST = 4;

export class SeriesData {
  constructor(models, changed) {
    this.models = models;
    this.changed = changed;
    this.answers = new Map(); // by model and key
    this.busy = false;
  }

  /** Show the series of these rows in a window; `pixels` across. */
  want(view) {
    this.wanted = view;
    if (!this.busy) this.next();
  }

  async next() {
    const view = this.wanted;
    const keys = this.models.map((_, i) =>
      view.rows.filter((row) => row.model === i).flatMap((row) => row.series.map(({ key }) => key)),
    );
    const stale = keys.map((of, i) => (of.every((key) => this.serves(i, key, view)) ? [] : of));
    if (stale.every((of) => !of.length)) return;
    this.busy = true;
    try {
      await Promise.all(stale.map((of, i) => of.length && this.fetch(i, of, view)));
    } catch {
      this.wanted = view; // the marks say what is wrong
    } finally {
      this.busy = false;
    }
    if (this.isOver) return;
    this.changed();
    if (this.wanted !== view) this.next();
  }

  serves(i, key, { t0, t1, pixels }) {
    const answer = this.answers.get(`${i}/${key}`);
    if (!answer) return false;
    const { offset, span } = this.models[i];
    const covers = answer.t0 <= Math.max(t0, offset) && answer.t1 >= Math.min(t1, offset + span);
    const finer = answer.resolution / (pixels / (t1 - t0));
    return covers && finer >= 0.95 && finer <= FINEST;
  }

  async fetch(i, keys, { t0, t1, pixels }) {
    const { trace, offset, span } = this.models[i];
    const beside = BESIDE * (t1 - t0);
    const from = Math.max(Math.floor(t0 - beside), offset);
    const until = Math.max(Math.min(Math.ceil(t1 + beside), offset + span), from + 1);
    const px = Math.max(Math.round((pixels * (until - from)) / (t1 - t0)), 1);
    const query = { trace, t0: from - offset, t1: until - offset, px, key: keys };
    const { header, columns: found } = await columns("timeline/series", { query });
    let at = 0;
    keys.forEach((key, k) => {
      const end = at + header.sizes[k];
      this.answers.set(`${i}/${key}`, {
        t0: from,
        t1: until,
        resolution: px / (until - from),
        x: found.x.subarray(at, end),
        low: found.low.subarray(at, end),
        high: found.high.subarray(at, end),
      });
      at = end;
    });
  }

  destroy() {
    this.isOver = true;
  }
}

/** Paint a series as an area in a row of the timeline; returns the largest value in sight. */
export function paintSeries(pen, answer, look, top, height, unit, paint) {
  const { left, width, t0, t1 } = look;
  const { x, low, high } = answer;
  const scale = ((answer.t1 - answer.t0) / (t1 - t0)) * width;
  const shift = left + ((answer.t0 - t0) / (t1 - t0)) * width;
  const most = unit === "share" ? 1 : largest(answer, look);
  if (!x.length || !(most > 0)) return most;
  const bottom = top + height - 3;
  const tall = height - 9;
  const right = left + width;
  pen.beginPath();
  let isOpen = false;
  let edge = 0;
  for (let k = 0; k < x.length; k++) {
    const begin = shift + x[k] * scale;
    const end = k + 1 < x.length ? shift + x[k + 1] * scale : shift + scale;
    if (end < left || begin > right) continue;
    const value = high[k];
    if (!(value === value)) {
      if (isOpen) pen.lineTo(edge, bottom);
      isOpen = false;
      continue;
    }
    const y = bottom - Math.max(0, Math.min(1, value / most)) * tall;
    const from = Math.max(begin, left);
    if (!isOpen) pen.moveTo(from, bottom);
    pen.lineTo(from, y);
    edge = Math.min(end, right);
    pen.lineTo(edge, y);
    isOpen = true;
  }
  if (isOpen) pen.lineTo(edge, bottom);
  pen.fillStyle = paint.fill;
  pen.fill();
  pen.beginPath();
  for (let k = 0; k < x.length; k++) {
    const begin = Math.max(shift + x[k] * scale, left);
    const end = Math.min(k + 1 < x.length ? shift + x[k + 1] * scale : shift + scale, right);
    if (end < left || begin > right || !(high[k] > 0)) continue;
    const y = bottom - Math.min(1, high[k] / most) * tall;
    pen.moveTo(begin, y);
    pen.lineTo(end, y);
    if (high[k] !== low[k]) {
      pen.moveTo(begin, y);
      pen.lineTo(begin, bottom - Math.max(0, Math.min(1, low[k] / most)) * tall);
    }
  }
  pen.strokeStyle = paint.line;
  pen.lineWidth = 1;
  pen.stroke();
  return most;
}

function largest({ x, high, t0, t1 }, view) {
  const first = (view.t0 - t0) / (t1 - t0);
  const last = (view.t1 - t0) / (t1 - t0);
  let most = 0;
  for (let k = 0; k < x.length; k++) {
    const end = k + 1 < x.length ? x[k + 1] : 1;
    if (end >= first && x[k] <= last && high[k] > most) most = high[k];
  }
  return most;
}

/** Return the least and largest value of a series at a time, null where nothing is known. */
export function valueAt({ x, low, high, t0, t1 }, time) {
  const at = (time - t0) / (t1 - t0);
  let first = 0;
  let last = x.length;
  while (first < last) {
    const middle = (first + last) >> 1;
    if (x[middle] <= at) first = middle + 1;
    else last = middle;
  }
  return first ? [low[first - 1], high[first - 1]] : null;
}

/** Write a value of a series with its unit. */
export function valueText(value, unit) {
  if (unit === "share") return percent(value);
  return unit === "bytes" ? size(value) : formatValue(value);
}
