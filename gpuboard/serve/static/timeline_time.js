/** Write spans of nanoseconds, and choose where a ruler has its marks. */

import { niceStep } from "./ticks.js";

const UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];
const THIN = "\u202f"; // between a number and its unit

/** Write a span with `digits` significant digits: 1.234 ms. Whole numbers stay whole. */
export function span(ns, digits = 4) {
  if (!Number.isFinite(ns)) return "–";
  if (ns === 0) return `0${THIN}ns`;
  const size = Math.abs(ns);
  if (size >= 60e9) return minutes(ns);
  const [unit, name] = UNITS.find(([one]) => size >= one * 0.99995) ?? UNITS[3];
  const value = ns / unit;
  const text = unit === 1 ? String(Math.round(value)) : trimmed(value.toPrecision(Math.max(digits, Math.floor(Math.log10(Math.abs(value))) + 1)));
  return `${text}${THIN}${name}`;
}

function minutes(ns) {
  const seconds = ns / 1e9;
  const whole = Math.floor(seconds / 60);
  return `${whole}${THIN}min ${(seconds - 60 * whole).toFixed(1)}${THIN}s`;
}

const trimmed = (text) => (text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text);

/** Write a span to the nanosecond, given as text: 1,234,567 ns. */
export const exact = (text) => `${text.replace(/\B(?=(\d{3})+$)/g, ",")}${THIN}ns`;

/** Write a part of one as percent. */
export const percent = (part) => `${(100 * part).toFixed(part < 0.0995 ? 2 : 1)}${THIN}%`;

/** Return ruler marks from `t0` to `t1`, about `wanted` of them: their times and texts. */
export function rulerMarks(t0, t1, wanted) {
  const step = Math.max(niceStep(t1 - t0, wanted), 1);
  const far = Math.max(Math.abs(t0), Math.abs(t1));
  // The largest unit in which no more than three decimals are needed.
  const [unit, name] = UNITS.find(([one]) => one <= far && step >= one / 1000) ?? UNITS[3];
  const decimals = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  const marks = [];
  for (let k = Math.ceil(t0 / step); k * step <= t1 && marks.length < 200; k++) {
    const text = ((k * step) / unit).toFixed(decimals);
    marks.push({ time: k * step, text: `${grouped(text)}${THIN}${name}` });
  }
  return { marks, step };
}

const grouped = (text) => text.replace(/\B(?=(\d{3})+(?!\d)(?:\.|$))/g, ",");
