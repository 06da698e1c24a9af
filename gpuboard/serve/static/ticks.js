/** Choose axis ticks and write numbers, steps, durations and times: pure functions, no DOM. */

const SECOND = 1,
  MINUTE = 60,
  HOUR = 3600,
  DAY = 86400;
const CLOCK_STEPS = [
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  90 * DAY,
  365 * DAY,
];
const pad = (n) => String(n).padStart(2, "0");

/** That of 1, 2, 5 x 10^k which cuts `span` into nearest to `count` pieces. */
export function niceStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead <= 1.42 ? 1 : lead <= 3.17 ? 2 : lead <= 7.08 ? 5 : 10) * power;
}

function multiples(lo, hi, step) {
  const ticks = [];
  const first = Math.ceil(lo / step - 1e-9);
  for (let k = first; k * step <= hi + step * 1e-9 && ticks.length < 200; k++) {
    // 3 * 0.1 is 0.30000000000000004: rounding to the step's own digits keeps labels short.
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

export function linearTicks(lo, hi, count, whole = false) {
  let step = niceStep(hi - lo, count);
  if (whole) step = Math.max(1, Math.round(step));
  return { ticks: multiples(lo, hi, step), step };
}

/** Powers of ten, thinned to `count`; with less than a decade and a half the linear ticks. */
export function logTicks(lo, hi, count) {
  const decades = Math.log10(hi / lo);
  if (!(decades > 0)) return { ticks: [lo], step: lo };
  if (decades < 1.5) return linearTicks(lo, hi, count);
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks = [];
  for (let e = Math.ceil(Math.log10(lo) - 1e-9); e <= Math.log10(hi) + 1e-9; e++) {
    if (e % every === 0) ticks.push(Number(`1e${e}`));
  }
  return { ticks, step: 0 };
}

/** Ticks at round seconds, minutes, hours or days from zero. */
export function durationTicks(lo, hi, count) {
  const span = hi - lo;
  if (span < 4) return linearTicks(lo, hi, count);
  const step = CLOCK_STEPS.find((s) => span / s <= count) ?? niceStep(span / DAY, count) * DAY;
  return { ticks: multiples(lo, hi, step), step };
}

/** Ticks at round local clock times; `lo` and `hi` in seconds since the epoch. */
export function timeTicks(lo, hi, count) {
  const shift = -new Date(lo * 1000).getTimezoneOffset() * MINUTE;
  const { ticks, step } = durationTicks(lo + shift, hi + shift, count);
  return { ticks: ticks.map((t) => t - shift), step };
}

export function ticksFor(kind, lo, hi, count, log) {
  if (!(hi > lo)) return { ticks: [lo], step: Math.abs(lo) || 1 };
  if (log && lo > 0) return logTicks(lo, hi, count);
  if (kind === "wall") return timeTicks(lo, hi, count);
  if (kind === "relative" || kind === "active") return durationTicks(lo, hi, count);
  return linearTicks(lo, hi, count, kind === "step" || kind === "index");
}

const decimalsOf = (step) => Math.min(12, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

function engineering(value, step, exponent) {
  if (value === 0) return "0";
  const unit = 10 ** exponent;
  return `${(value / unit).toFixed(step ? decimalsOf(step / unit) : 0)}e${exponent}`;
}

/** Return a function that labels value ticks alike: plain, or engineering such as 2.5e-6. */
export function valueLabels(ticks, step) {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  if (!step) return (v) => shortNumber(v);
  const plain = largest < 1e5 && decimalsOf(step) <= 4;
  if (plain || largest === 0) return (v) => v.toFixed(decimalsOf(step));
  if (largest >= 1e-3 && largest < 1e5) return (v) => v.toFixed(decimalsOf(step));
  const exponent = Math.floor(Math.log10(largest) / 3 + 1e-9) * 3;
  return (v) => engineering(v, step, exponent);
}

/** Return a function that labels step ticks alike: 800, 12k, 1.5M, or in full when close together. */
export function stepLabels(ticks, step) {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  const [unit, suffix] =
    largest >= 1e9
      ? [1e9, "G"]
      : largest >= 1e6
        ? [1e6, "M"]
        : largest >= 1e4
          ? [1e3, "k"]
          : [1, ""];
  if (!step) return (v) => shortStep(v);
  if (step < unit / 100) return (v) => groupDigits(String(v));
  const digits = decimalsOf(step / unit);
  return (v) => (v === 0 ? "0" : (v / unit).toFixed(digits) + suffix);
}

export function shortStep(v) {
  const a = Math.abs(v);
  for (const [unit, suffix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (a >= unit) return `${Number((v / unit).toPrecision(4))}${suffix}`;
  }
  return String(Number(v.toPrecision(6)));
}

function shortNumber(v) {
  const a = Math.abs(v);
  if (a === 0 || (a >= 1e-3 && a < 1e5)) return String(Number(v.toPrecision(6)));
  return v.toExponential(0).replace("e+", "e");
}

/** Write a duration in seconds: 350ms, 42s, 3m 20s, 5h 10m, 2d 6h. */
export function formatDuration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? "−" : "";
  const s = Math.abs(seconds);
  if (s === 0) return "0s";
  if (s < 1) return `${sign}${Number((s * 1000).toPrecision(3))}ms`;
  if (s < MINUTE) return `${sign}${Number(s.toPrecision(3))}s`;
  const parts = [
    [DAY, "d"],
    [HOUR, "h"],
    [MINUTE, "m"],
    [SECOND, "s"],
  ];
  const at = parts.findIndex(([unit]) => s >= unit);
  const [unit, letter] = parts[at];
  const whole = Math.floor(s / unit);
  const rest = parts[at + 1] ? Math.floor((s - whole * unit) / parts[at + 1][0]) : 0;
  return `${sign}${whole}${letter}${rest ? ` ${rest}${parts[at + 1][1]}` : ""}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Label clock ticks: the time of day, and the date where a day starts. */
export function timeLabel(seconds, step) {
  const d = new Date(seconds * 1000);
  const date = `${MONTHS[d.getMonth()]} ${d.getDate()}`;
  if (step >= 300 * DAY) return String(d.getFullYear());
  if (step >= DAY || (d.getHours() === 0 && d.getMinutes() === 0 && step >= MINUTE)) return date;
  const minutes = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
  if (step >= MINUTE) return minutes;
  if (step >= 1) return `${minutes}:${pad(d.getSeconds())}`;
  return `${pad(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}s`;
}

export function labelsFor(kind, ticks, step) {
  if (kind === "wall") return (v) => timeLabel(v, step);
  if (kind === "relative" || kind === "active")
    return step && step < 1 && step > 0 ? (v) => `${v.toFixed(decimalsOf(step))}s` : formatDuration;
  if (kind === "step" || kind === "index") return stepLabels(ticks, step);
  return valueLabels(ticks, step);
}

/** Write one value with `digits` significant digits: 0.04213, 1.52e-7, 31250, NaN. */
export function formatValue(v, digits = 5) {
  if (v === null || v === undefined) return "–";
  if (typeof v === "string") return v.replace("Infinity", "∞");
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "NaN" : v > 0 ? "∞" : "-∞";
  const a = Math.abs(v);
  if (a === 0) return "0";
  if (a < 1e-3 || a >= 1e7) return v.toExponential(digits - 2).replace("e+", "e");
  return String(Number(v.toPrecision(Math.max(digits, Math.floor(Math.log10(a)) + 1))));
}

/** Write a whole number, given as text so that 2^63 stays exact, in groups of three digits. */
export function groupDigits(text) {
  return String(text).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function formatTime(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const d = new Date(seconds * 1000);
  const day = `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  return `${day} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** Write a place on an x axis of this kind in full, as tooltips and tables show it. */
export function formatX(kind, x) {
  if (kind === "wall") return formatTime(x);
  if (kind === "relative" || kind === "active") return formatDuration(x);
  return Number.isInteger(x) ? groupDigits(String(x)) : formatValue(x, 7);
}
