/** Map a column to pixels: linear, logarithmic, by quantile or by word; pure functions, no DOM. */

import { shortNumber } from "./hparams_model.js";
import { labelsFor, ticksFor } from "./ticks.js";

export const SCALES = { linear: "Linear", log: "Logarithmic", quantile: "Quantile" };
const FEW = 10;
const LOPSIDED = 0.15; // where in its range the median of such a column lies, at most
const MANY = 50; // from this ratio of greatest to least value on, a column starts logarithmic

/** Return which scale a column has until somebody chooses: log where most of it would lie at the end. */
export function standardScale(column) {
  const { kind, low, high } = column;
  if (kind !== "number" || !(low > 0) || high / low < MANY) return "linear";
  column.middle ??= middleOf(column.value);
  return (column.middle - low) / (high - low) < LOPSIDED ? "log" : "linear";
}

function middleOf(value) {
  const finite = value.filter(Number.isFinite).sort();
  return finite[finite.length >> 1];
}

/** Return the scales that suit a column. */
export function scalesOf(column) {
  if (column.kind === "words") return [];
  return Object.keys(SCALES).filter((kind) => kind !== "log" || column.high > 0);
}

/**
 * Return `{kind, to(value), from(pixel), ticks: [{at, label}]}` for a column between two pixels.
 * `to` gives NaN for what has no place: NaN, infinities, and what is not above 0 on a log scale.
 */
export function scaleOf(column, kind, from, to, room = 40) {
  if (column.kind === "words") return wordScale(column, from, to, room);
  if (!Number.isFinite(column.low)) return emptyScale();
  if (kind === "quantile") return quantileScale(column, from, to, room);
  if (kind === "log" && column.high > 0) return logScale(column, from, to, room);
  return linearScale(column, from, to, room);
}

const emptyScale = () => ({ kind: "linear", to: () => NaN, from: () => NaN, ticks: [] });

function linearScale(column, from, to, room) {
  const { low, high } = column;
  if (low === high) return singleScale(column, from, to);
  const k = (to - from) / (high - low);
  const few = fewValues(column);
  if (few)
    return {
      ...plain(column, "linear", from, to),
      ticks: marks(few, (v) => from + (v - low) * k, room),
    };
  const axis = { time: "wall", duration: "relative" }[column.kind] ?? "value";
  const count = Math.max(2, Math.floor(Math.abs(to - from) / room));
  const { ticks, step } = ticksFor(axis, low, high, count, false);
  const label = axis === "value" ? shortNumber : labelsFor(axis, ticks, step);
  return {
    ...plain(column, "linear", from, to),
    ticks: withEnds(column, ticks, (v) => from + (v - low) * k, label, room),
  };
}

function plain({ low, high }, kind, from, to) {
  const k = (to - from) / (high - low);
  return {
    kind,
    to: (v) => (Number.isFinite(v) ? from + (v - low) * k : NaN),
    from: (p) => low + (p - from) / k,
  };
}

/** The different values of a hyperparameter that has few of them, which are its best ticks. */
function fewValues({ role, value }) {
  if (role !== "hparam") return null;
  const found = new Set();
  for (const v of value) {
    if (Number.isFinite(v)) found.add(v);
    if (found.size > FEW) return null;
  }
  return [...found].sort((a, b) => a - b);
}

const marks = (values, at, room) =>
  thinned(
    values.map((v) => ({ at: at(v), label: shortNumber(v, 4) })),
    Math.max(room / 2.6, 13),
  );

function logScale(column, from, to, room) {
  let low = column.low;
  if (!(low > 0))
    low = column.value.reduce((least, v) => (v > 0 && v < least ? v : least), Infinity);
  const { high } = column;
  if (low === high) return singleScale({ ...column, low, high }, from, to);
  const base = Math.log10(low);
  const k = (to - from) / (Math.log10(high) - base);
  const at = (v) => from + (Math.log10(v) - base) * k;
  const count = Math.max(2, Math.floor(Math.abs(to - from) / room));
  const few = fewValues(column)?.filter((v) => v > 0);
  const { ticks } = ticksFor("value", low, high, count, true);
  return {
    kind: "log",
    to: (v) => (v > 0 && Number.isFinite(v) ? at(v) : NaN),
    from: (p) => 10 ** (base + (p - from) / k),
    ticks: few ? marks(few, at, room) : withEnds({ low, high }, ticks, at, shortNumber, room),
  };
}

function quantileScale(column, from, to, room) {
  const values = [...new Set(column.value.filter(Number.isFinite))].sort((a, b) => a - b);
  const sortedAll = column.value.filter(Number.isFinite).sort((a, b) => a - b);
  if (values.length < 2) return singleScale(column, from, to);
  const place = new Map();
  for (let i = 0; i < sortedAll.length;) {
    let end = i;
    while (end < sortedAll.length && sortedAll[end] === sortedAll[i]) end++;
    place.set(sortedAll[i], (i + end - 1) / 2 / (sortedAll.length - 1));
    i = end;
  }
  const shares = values.map((v) => place.get(v));
  const at = (share) => from + share * (to - from);
  const count = Math.max(2, Math.floor(Math.abs(to - from) / room));
  const marks = Array.from({ length: count + 1 }, (_, i) => values[nearest(shares, i / count)]);
  return {
    kind: "quantile",
    to: (v) => (Number.isFinite(v) ? at(interpolated(values, shares, v)) : NaN),
    from: (p) => interpolated(shares, values, (p - from) / (to - from)),
    ticks: thinned(
      [...new Set(marks)].map((v) => ({ at: at(place.get(v)), label: shortNumber(v, 4) })),
      room / 2,
    ),
  };
}

function wordScale(column, from, to, room) {
  const { words } = column;
  if (words.length < 2) return singleScale(column, from, to, words[0] ?? "");
  const k = (to - from) / (words.length - 1);
  const ticks = words.map((word, i) => ({ at: from + i * k, label: word }));
  return {
    kind: "words",
    to: (v) => from + v * k,
    from: (p) => (p - from) / k,
    ticks: thinned(ticks, Math.min(room / 2, 14)),
  };
}

function singleScale(column, from, to, label = shortNumber(column.low)) {
  const middle = (from + to) / 2;
  return {
    kind: "single",
    to: (v) => (Number.isFinite(v) ? middle : NaN),
    from: () => column.low,
    ticks: [{ at: middle, label }],
  };
}

/** Ticks at round values, and the ends of the data where they leave room. */
function withEnds({ low, high }, ticks, at, label, room) {
  const ends = [low, high].map((v) => ({ at: at(v), label: shortNumber(v, 3), isEnd: true }));
  const inner = ticks.map((v) => ({ at: at(v), label: label(v) }));
  if (label !== shortNumber) return inner;
  const isFree = (tick) => inner.every((other) => Math.abs(other.at - tick.at) >= room / 2.4);
  return [...inner, ...ends.filter(isFree)].sort((a, b) => a.at - b.at);
}

function thinned(ticks, apart) {
  const kept = [];
  for (const tick of ticks) {
    if (kept.length === 0 || Math.abs(tick.at - kept.at(-1).at) >= apart) kept.push(tick);
  }
  return kept;
}

function nearest(sortedValues, wanted) {
  let best = 0;
  for (let i = 1; i < sortedValues.length; i++) {
    if (Math.abs(sortedValues[i] - wanted) < Math.abs(sortedValues[best] - wanted)) best = i;
  }
  return best;
}

function interpolated(xs, ys, x) {
  if (x <= xs[0]) return ys[0];
  if (x >= xs.at(-1)) return ys.at(-1);
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  const share = (x - xs[low]) / (xs[high] - xs[low]);
  return ys[low] + share * (ys[high] - ys[low]);
}
