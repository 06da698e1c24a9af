/**
 * Fetch what the timeline shows: one request in flight, always for the latest window, somewhat
 * wider than the window so that small moves find their data in place.
 */

import { columns } from "./api.js";
import { COLOURS, LEVELS, colourOf } from "./timeline_colour.js";

const BESIDE = 0.5; // of the window, fetched on either side
const NEAR = 0.15; // of the window: closer to the edge of what is there, more is fetched
const COARSEST = 0.95; // of the window's resolution
const FINEST = 5;
const MARKS = 20_000;

export class TimelineData {
  /**
   * @param {object[]} models Traces: `trace`, `offset` and `span`.
   * @param {() => void} changed Called when there is something new to draw.
   */
  constructor(models, changed) {
    this.models = models;
    this.changed = changed;
    this.answers = models.map(() => null);
    this.colours = new Map();
    this.wanted = null;
    this.busy = false;
    this.timings = { fetches: 0, ms: 0, bytes: 0 };
  }

  /**
   * Show this window as soon as possible.
   *
   * @param {object} view `t0`, `t1`, `pixels`, and `lanes`: for each model the lanes in sight.
   */
  want(view) {
    this.wanted = view;
    if (!this.busy) this.next();
  }

  async next() {
    const view = this.wanted;
    const stale = this.models.map((_, i) => i).filter((i) => view.lanes[i].length && !this.serves(i, view));
    if (!stale.length) return;
    this.busy = true;
    const began = performance.now();
    try {
      await Promise.all(stale.map((i) => this.fetch(i, view)));
      this.failure = "";
    } catch (error) {
      this.failure = error.message;
    } finally {
      this.busy = false;
      this.timings.fetches++;
      this.timings.ms = performance.now() - began;
    }
    if (this.isOver) return;
    this.changed();
    if (!this.failure && this.wanted !== view) this.next();
  }

  serves(i, { t0, t1, pixels, lanes }) {
    const answer = this.answers[i];
    if (!answer || lanes[i].some((lane) => !answer.lineOf.has(lane))) return false;
    const room = NEAR * (t1 - t0);
    const [low, high] = this.extent(i);
    const covers =
      answer.t0 <= Math.max(t0 - room, low) && answer.t1 >= Math.min(t1 + room, high);
    const finer = answer.resolution / (pixels / (t1 - t0));
    return covers && finer >= COARSEST && (finer <= FINEST || answer.isExact);
  }

  /** Return where a trace has anything to show, with a little room. */
  extent(i) {
    const { offset, span } = this.models[i];
    return [offset - 1, offset + span + 1];
  }

  async fetch(i, { t0, t1, pixels, lanes }) {
    const { trace, offset } = this.models[i];
    const beside = BESIDE * (t1 - t0);
    const [low, high] = this.extent(i);
    const from = Math.max(Math.floor(t0 - beside), Math.floor(low));
    const until = Math.max(Math.min(Math.ceil(t1 + beside), Math.ceil(high)), from + 1);
    const px = Math.max(Math.round((pixels * (until - from)) / (t1 - t0)), 1);
    const query = { trace, t0: from - offset, t1: until - offset, px, lanes: ranges(lanes[i]), marks: MARKS };
    const { header, columns: found } = await columns("timeline/view", { query });
    this.answers[i] = this.decoded(i, header, found, lanes[i], from, until, px);
  }

  decoded(i, header, found, lanes, t0, t1, px) {
    const n = found.x.length;
    const line = new Uint16Array(n);
    for (let k = 0; k < lanes.length; k++) line.fill(k, found.lane_start[k], found.lane_start[k + 1]);
    const group = new Uint16Array(n);
    for (let k = 0; k < n; k++) {
      const level = found.count[k] > 1 ? Math.round((found.share[k] / 255) * (LEVELS - 1)) : LEVELS - 1;
      group[k] = this.colour(header.names[found.name[k]], found.kind[k]) * LEVELS + level;
    }
    let slices = 0;
    for (let k = 0; k < n; k++) slices += found.count[k];
    return {
      ...found,
      names: header.names,
      t0,
      t1,
      resolution: px / (t1 - t0),
      slices,
      isExact: slices === n,
      lanes,
      lineOf: new Map(lanes.map((lane, k) => [lane, k])),
      line,
      group,
      order: byGroup(group),
      model: i,
    };
  }

  colour(name, kind) {
    const known = this.colours.get(name);
    if (known && known.kind === kind) return known.colour;
    const colour = colourOf(name, kind);
    this.colours.set(name, { kind, colour });
    return colour;
  }

  destroy() {
    this.isOver = true;
  }
}

/** Return the marks sorted by what they are painted with: one change of paint for each. */
function byGroup(group) {
  const places = new Uint32Array(3 * COLOURS * LEVELS + 1);
  for (const one of group) places[one + 1]++;
  for (let k = 1; k < places.length; k++) places[k] += places[k - 1];
  const order = new Uint32Array(group.length);
  for (let k = 0; k < group.length; k++) order[places[group[k]]++] = k;
  return order;
}

/** Write ascending numbers as ranges: "0-3,7". */
export function ranges(numbers) {
  const parts = [];
  for (let i = 0; i < numbers.length; ) {
    let k = i;
    while (k + 1 < numbers.length && numbers[k + 1] === numbers[k] + 1) k++;
    parts.push(k === i ? `${numbers[i]}` : `${numbers[i]}-${numbers[k]}`);
    i = k + 1;
  }
  return parts.join(",");
}
