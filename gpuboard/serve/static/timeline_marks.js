/** Paint marks and their labels, and find the mark under a point. */

import { COLOURS, LEVELS } from "./timeline_colour.js";
import { LANE, lineTop } from "./timeline_rows.js";
import { labelOf } from "./timeline_text.js";

const LABEL = 26; // pixels that a mark needs for a label
const HEIGHT = LANE - 1;
const NEAR = 3; // pixels beside a thin mark that still hit it

/**
 * Paint the marks of one answer.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {object} answer See timeline_data.js.
 * @param {object} look `left`, `width`, `t0`, `t1`, `tops` (top of each line of the answer, NaN for
 *   one that is not shown), `paints`, `letters`, `found` (names that a search lights up, or null).
 */
export function paintMarks(pen, answer, look) {
  const { left, width, t0, t1, tops, paints, found } = look;
  const scale = ((answer.t1 - answer.t0) / (t1 - t0)) * width;
  const shift = left + ((answer.t0 - t0) / (t1 - t0)) * width;
  const right = left + width;
  const { x, extent, line, group, order, name, names } = answer;
  const isFound = found && names.map((one) => found.has(one));
  let paint = -1;
  for (const at of order) {
    const top = tops[line[at]];
    if (!(top === top)) continue;
    let begin = shift + x[at] * scale;
    const wide = extent[at] * scale;
    let end = begin + (wide > 1 ? wide : 1);
    if (begin >= right || end <= left) continue;
    begin = begin > left ? begin : left;
    end = end < right ? end : right;
    const wanted = isFound && !isFound[name[at]] ? -2 - group[at] : group[at];
    if (wanted !== paint) {
      paint = wanted;
      pen.fillStyle =
        wanted < -1
          ? paints.dim[Math.floor((-2 - wanted) / LEVELS)]
          : paints.fills[Math.floor(wanted / LEVELS)][wanted % LEVELS];
    }
    // A hair of ground between neighbours, where there is room for one.
    const shown = end - begin;
    pen.fillRect(begin, top, shown > 3 ? shown - 0.6 : shown, HEIGHT);
  }
  paintLabels(pen, answer, look, scale, shift);
}

function paintLabels(pen, answer, look, scale, shift) {
  const { left, width, tops, paints, letters, found } = look;
  const right = left + width;
  const { x, extent, line, name, names, count } = answer;
  pen.font = letters.font;
  pen.fillStyle = paints.ink;
  pen.textBaseline = "middle";
  const labels = new Map();
  const least = LABEL / scale;
  for (let at = 0; at < x.length; at++) {
    if (extent[at] < least || count[at] > 1) continue;
    const top = tops[line[at]];
    if (!(top === top)) continue;
    const begin = Math.max(shift + x[at] * scale, left);
    const room = Math.min(shift + (x[at] + extent[at]) * scale, right) - begin;
    if (room < LABEL) continue;
    let label = labels.get(name[at]);
    if (label === undefined) labels.set(name[at], (label = labelOf(names[name[at]])));
    const text = letters.fit(label, room - 8);
    if (!text) continue;
    const isDim = found && !found.has(names[name[at]]);
    if (isDim) pen.globalAlpha = 0.45;
    pen.fillText(text, begin + 4, top + HEIGHT / 2 + 0.5);
    if (isDim) pen.globalAlpha = 1;
  }
}

/** Return the mark of a line at a pixel, -1 for none. */
export function markAt(answer, lane, pixel, { left, width, t0, t1 }) {
  const line = answer?.lineOf.get(lane);
  if (line === undefined) return -1;
  const scale = ((answer.t1 - answer.t0) / (t1 - t0)) * width;
  const at = (pixel - left - ((answer.t0 - t0) / (t1 - t0)) * width) / scale;
  const { x, extent, lane_start: start } = answer;
  let low = start[line];
  let high = start[line + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] <= at) low = middle + 1;
    else high = middle;
  }
  const near = NEAR / scale;
  let best = -1;
  let distance = near;
  for (const one of [low - 1, low]) {
    if (one < start[line] || one >= start[line + 1]) continue;
    const away = Math.max(x[one] - at, at - x[one] - extent[one], 0);
    if (away < distance || (away === 0 && best < 0)) {
      best = one;
      distance = away;
    }
  }
  return best;
}

/** Return the place of a mark on the canvas: left, top, width, height. */
export function placeOf(answer, at, { left, width, t0, t1 }, top) {
  const scale = ((answer.t1 - answer.t0) / (t1 - t0)) * width;
  const begin = left + ((answer.t0 - t0) / (t1 - t0)) * width + answer.x[at] * scale;
  return [begin, top, Math.max(answer.extent[at] * scale, 1), HEIGHT];
}

/** Return the paint of a mark, as a swatch in a tip. */
export const paintOf = (answer, at, paints) => paints.fills[Math.floor(answer.group[at] / LEVELS)][LEVELS - 1];

/** Return the top of each line of an answer on the canvas, NaN where it is not shown. */
export function topsOf(answer, placements) {
  const tops = new Float32Array(answer.lanes.length).fill(NaN);
  for (const { row, y } of placements) {
    if (row.type !== "track" || row.model !== answer.model) continue;
    for (let k = 0; k < row.lanes; k++) {
      const line = answer.lineOf.get(row.firstLane + k);
      if (line !== undefined) tops[line] = y + lineTop(k);
    }
  }
  return tops;
}

export const MARK_HEIGHT = HEIGHT;
export const PAINTS = COLOURS;
