/** Ask for pictures of histograms and turn counts into heights: no DOM. */

import { columns } from "./api.js";

/**
 * Ask `POST api/v1/histograms`.
 *
 * @returns {Promise<{header: object, columns: Object<string, Float32Array|Float64Array>}>}
 */
export const fetchPicture = (body) => columns("histograms", { body });

/**
 * Turn counts into heights of curves.
 *
 * @param {Float32Array} count Rows of `bins` counts.
 * @param {ArrayLike<number>} total Values of each row, those beyond the range included.
 * @param {{heights: "share" | "count" | "own", log: boolean, usual: number}} how "share" of the
 *   row's values, "count", or "own": part of the row's own peak. `usual` is how many values a row
 *   has; log(1 + count) of shares is taken as of so many.
 */
export function heightsOf(count, total, bins, { heights, log, usual }) {
  const out = new Float32Array(count.length);
  for (let row = 0; row * bins < count.length; row++) {
    const factor = heights === "share" ? (log ? usual : 1) / (total[row] || 1) : 1;
    let peak = 0;
    for (let k = row * bins; k < (row + 1) * bins; k++) {
      out[k] = log ? Math.log1p(count[k] * factor) : count[k] * factor;
      if (out[k] > peak) peak = out[k];
    }
    if (heights !== "own" || !(peak > 0)) continue;
    for (let k = row * bins; k < (row + 1) * bins; k++) out[k] /= peak;
  }
  return out;
}

export function largest(column) {
  let most = 0;
  for (const value of column) if (value > most) most = value;
  return most;
}

/**
 * The height that a plot reaches up to: that of the highest curve, but for lone spikes.
 *
 * Zeros of a ReLU fill one bin, and would leave all others flat. A curve's body is as high as its
 * bin of rank 1 + 3 % of the bins; what stands above three times the highest body is cut.
 */
export function peakOf(high, bins, cutsSpikes) {
  const most = largest(high);
  if (!cutsSpikes || bins < 8) return most || 1;
  const rank = 1 + Math.floor(bins * 0.03);
  let body = 0;
  for (let at = 0; at < high.length; at += bins) {
    const row = high.slice(at, at + bins).sort();
    body = Math.max(body, row[bins - 1 - rank]);
  }
  return (body > 0 ? Math.min(most, 3 * body) : most) || 1;
}

export function meanOf(column) {
  let sum = 0;
  for (const value of column) sum += value;
  return column.length ? sum / column.length : 0;
}

/** Edges of a bin, as numbers. */
export function binEdges([low, high], bins, bin) {
  const width = (high - low) / bins;
  return [low + bin * width, bin === bins - 1 ? high : low + (bin + 1) * width];
}

/** Index of the value nearest to `at` in an ascending column, -1 where it is empty. */
export function nearest(column, at) {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < at) low = middle + 1;
    else high = middle;
  }
  if (low === column.length) return low - 1;
  return low > 0 && at - column[low - 1] <= column[low] - at ? low - 1 : low;
}

/** Smallest range around all of these, null without any. */
export function unionOfRanges(ranges) {
  let found = null;
  for (const [low, high] of ranges) {
    found = found ? [Math.min(found[0], low), Math.max(found[1], high)] : [low, high];
  }
  return found;
}
