/** Tell which step and which bin of a picture the pointer is at: no DOM. */

import { nearest } from "./histograms_data.js";
import { ridgeAt } from "./histograms_paint.js";

const REACH = 14; // pixels around the plot that still belong to it

/**
 * @param {object} frame As `frameOf` returns it.
 * @returns {null | {row: number, bin: number}} the row of the picture (a step, a column of steps,
 *   or a run) and the bin; null off the plot.
 */
export function hitTest(frame, px, py) {
  const { box, sx, sy, bins, columns, header } = frame;
  const isWithin = (at, from, to) => at >= from - REACH && at <= to + REACH;
  if (!isWithin(px, box.left, box.right) || !isWithin(py, box.top, box.bottom)) return null;
  const value = frame.isAcross ? sy.from(py) : sx.from(px);
  const share = (value - header.range[0]) / (header.range[1] - header.range[0]);
  const bin = Math.min(Math.max(Math.floor(share * bins), 0), Math.max(bins - 1, 0));
  if (frame.isAcross) {
    if (!columns.x.length) return null;
    return { row: acrossRow(columns, sx.from(px)), bin };
  }
  if (!frame.rows) return null;
  return { row: frame.view === "ridge" ? ridgeRow(frame, bin, py) : curveRow(frame, bin, py), bin };
}

/** The column that an x lies in: columns of a heat map have edges of their own. */
function acrossRow({ x, edge }, at) {
  if (!edge) return nearest(x, at);
  let row = 0;
  while (row < x.length - 1 && edge[row + 1] <= at) row++;
  return row;
}

/** The foremost ridge that covers the pointer, or the one whose foot is nearest. */
function ridgeRow(frame, bin, py) {
  let [best, distance] = [0, Infinity];
  for (let row = frame.rows - 1; row >= 0; row--) {
    const { floor, top } = ridgeAt(frame, row, bin);
    if (top < floor - 2 && py >= top - 1 && py <= floor + 1) return row;
    const off = Math.abs(py - floor);
    if (off < distance) [best, distance] = [row, off];
  }
  return best;
}

function curveRow(frame, bin, py) {
  let [best, distance] = [0, Infinity];
  for (let row = 0; row < frame.rows; row++) {
    const off = Math.abs(py - ridgeAt(frame, row, bin).top);
    if (off <= distance) [best, distance] = [row, off];
  }
  return best;
}
