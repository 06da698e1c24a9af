/**
 * Hold the trials as typed columns, and say which of them pass filters and brushes; no DOM.
 *
 * A column is `{key, title, about, role, kind, value, has, words, low, high}`: `kind` is "number",
 * "words", "time" or "duration"; `value` a Float64Array of numbers or of places in `words`, NaN
 * where there is none; `has` 1 where something was logged, be it NaN. `low` and `high` are the
 * finite extent, NaN without any.
 */

import { dateTime, duration } from "./format.js";
import { compareNames } from "./natural.js";

const DEFAULT_HPARAMS = 14;
const MOST_RANKED = 2000;

/** What a reply of `POST api/v1/trials` holds. */
export class Trials {
  constructor(reply) {
    this.count = reply.run.length;
    this.total = reply.trials; // before folding
    this.run = reply.run;
    this.name = reply.name;
    this.members = reply.members;
    this.metrics = reply.metrics;
    this.known = reply.known_metrics;
    this.hparams = reply.hparams;
    this.isFolded = Boolean(reply.size);
    this.rows = Int32Array.from({ length: this.count }, (_, row) => row);
    this.columns = new Map();
    for (const column of columnsIn(reply)) this.columns.set(column.key, column);
    this.rowOfRun = new Map();
    this.members.forEach((ids, row) => ids.forEach((id) => this.rowOfRun.set(id, row)));
  }

  /** Return the columns of these keys, those that are not there left out. */
  pick(keys) {
    return keys.map((key) => this.columns.get(key)).filter(Boolean);
  }

  /** Return the keys to show before anybody has chosen: what differs, then the metrics. */
  standardKeys(folded = []) {
    const all = [...this.columns.values()];
    const differing = all.filter(
      ({ key, role, differs }) => role === "hparam" && differs && !folded.includes(key.slice(2)),
    );
    const status = this.columns.get("status");
    return [
      ...(status?.words.length > 1 ? ["status"] : []),
      ...(this.isFolded ? ["size"] : []),
      ...differing.slice(0, DEFAULT_HPARAMS).map(({ key }) => key),
      ...all.filter(({ role }) => role === "metric").map(({ key }) => key),
    ];
  }
}

function* columnsIn(reply) {
  const words = (key, title, texts) => wordColumn({ key, title, role: "fact" }, ...indexed(texts));
  const rows = reply.name.map((_, row) => row); // names come in their natural order
  yield wordColumn({ key: "name", title: "Trial", role: "fact" }, reply.name, rows);
  yield words("status", "Status", reply.status);
  yield numberColumn(
    { key: "started", title: "Started", role: "fact", kind: "time" },
    reply.started,
  );
  const lasted = reply.started.map((start, row) =>
    start === null || reply.ended[row] === null ? null : reply.ended[row] - start,
  );
  yield numberColumn(
    { key: "duration", title: "Duration", role: "fact", kind: "duration" },
    lasted,
  );
  if (reply.size) yield numberColumn({ key: "size", title: "Trials", role: "fact" }, reply.size);
  for (const one of reply.hparams) {
    const told = {
      key: `h:${one.name}`,
      title: one.display || one.name,
      about: one.description,
      role: "hparam",
      differs: one.differs,
    };
    if (one.values) yield numberColumn(told, one.values);
    else if (one.words) yield wordColumn(told, one.words, one.index);
  }
  for (const one of reply.metrics) {
    const told = { key: `m:${one.key}`, title: one.display || one.name, about: one.description };
    const more = { role: "metric", metric: one, goal: one.goal, differs: true };
    yield { ...numberColumn({ ...told, ...more }, one.values), ...spreadOf(one) };
  }
}

function numberColumn(told, values) {
  const value = Float64Array.from(values, (v) => (v === null ? NaN : Number(v)));
  const has = Uint8Array.from(values, (v) => (v === null ? 0 : 1));
  let low = Infinity;
  let high = -Infinity;
  for (const v of value) {
    if (!Number.isFinite(v)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  const extent = low <= high ? { low, high } : { low: NaN, high: NaN };
  return { kind: "number", words: [], ...told, value, has, ...extent };
}

function wordColumn(told, words, index) {
  const value = Float64Array.from(index, (place) => (place < 0 ? NaN : place));
  const has = Uint8Array.from(index, (place) => (place < 0 ? 0 : 1));
  return { kind: "words", ...told, words, value, has, low: 0, high: words.length - 1 };
}

function indexed(texts) {
  const words = [...new Set(texts)].sort(compareNames);
  const place = new Map(words.map((word, i) => [word, i]));
  return [words, texts.map((text) => place.get(text))];
}

function spreadOf({ std, count }) {
  if (!count) return {};
  return { std: Float64Array.from(std, (v) => (v === null ? NaN : Number(v))), count };
}

/** What a request says of a metric of a reply. */
export const asked = ({ key, tag, group, how, goal, amount }) => ({
  key,
  tag,
  group,
  how,
  goal,
  amount,
});

/** Write one cell; "" where nothing was logged. */
export function cellText(column, row) {
  if (!column.has[row]) return "";
  const value = column.value[row];
  if (column.kind === "words") return column.words[value];
  if (column.kind === "time") return dateTime(value);
  if (column.kind === "duration") return duration(value);
  const write = column.role === "metric" ? metricNumber : shortNumber;
  const std = column.std?.[row];
  return Number.isFinite(std) ? `${write(value)} ± ${shortNumber(std, 2)}` : write(value);
}

/** Write a measured number: those of usual size with four decimals, so that a column lines up. */
export function metricNumber(value) {
  const size = Math.abs(value);
  if (!(size >= 1e-3 && size < 1000)) return shortNumber(value);
  return value.toFixed(size >= 100 ? 2 : 4);
}

/** Write a number with up to `digits` significant ones and no needless zeros: 0.001, 3.2e-5. */
export function shortNumber(value, digits = 5) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    const [mantissa, exponent] = value.toExponential(Math.min(digits, 4) - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(Math.max(digits, Math.floor(Math.log10(size)) + 1))));
}

/**
 * Whether a row passes what is asked of one column. `spec` may hold `low` and `high` (either may be
 * null), `words`, `re` (searched in the text of the cell) and `missing`: whether what was not logged
 * passes, or is not finite; `none`: nothing else passes.
 */
export function passes(spec, column, row) {
  const value = column.value[row];
  if (!Number.isFinite(value)) return spec.missing === true;
  if (spec.none) return false;
  if (column.kind === "words") {
    const word = column.words[value];
    if (spec.words && !spec.words.includes(word)) return false;
    return !spec.regex || spec.regex.test(word);
  }
  if (spec.words && !spec.words.includes(shortNumber(value))) return false;
  if (spec.regex && !spec.regex.test(shortNumber(value))) return false;
  return (spec.low ?? -Infinity) <= value && value <= (spec.high ?? Infinity);
}

/** Return the rows among `rows` that pass all specs, by column key; unknown columns ask nothing. */
export function filtered(trials, specs, rows) {
  const asked = Object.entries(specs)
    .map(([key, spec]) => [withRegex(spec), trials.columns.get(key)])
    .filter(([, column]) => column);
  if (asked.length === 0) return rows;
  const tests = asked.map(([spec, column]) => tester(spec, column));
  return rows.filter((row) => tests.every((test) => test(row)));
}

/** Words are looked up once and not for each of ten thousand rows. */
function tester(spec, column) {
  if (column.kind !== "words") return (row) => passes(spec, column, row);
  const probe = { ...column, value: Float64Array.from(column.words, (_, i) => i) };
  const known = column.words.map((_, place) => passes(spec, probe, place));
  return (row) => known[column.value[row]] ?? spec.missing === true;
}

function withRegex(spec) {
  if (!spec.re) return spec;
  try {
    return { ...spec, regex: new RegExp(spec.re, "i") };
  } catch {
    return { ...spec, none: true };
  }
}

/** Say what a spec asks, such as "0.001 – 0.01" or "adam, sgd". */
export function specText(spec, column) {
  const parts = [];
  const write = (v) => (column.kind === "time" ? dateTime(v) : shortNumber(v, 4));
  if (spec.re) parts.push(`/${spec.re}/`);
  if (spec.words)
    parts.push(spec.words.slice(0, 4).join(", ") + (spec.words.length > 4 ? " …" : ""));
  const hasLow = Number.isFinite(spec.low ?? NaN);
  const hasHigh = Number.isFinite(spec.high ?? NaN);
  if (hasLow && hasHigh) parts.push(`${write(spec.low)} – ${write(spec.high)}`);
  else if (hasLow) parts.push(`≥ ${write(spec.low)}`);
  else if (hasHigh) parts.push(`≤ ${write(spec.high)}`);
  if (spec.missing && (spec.none || parts.length === 0)) parts.push("undefined or NaN");
  if (!spec.missing && parts.length === 0) parts.push("defined");
  return parts.join(" and ");
}

/** Sort rows by a column, "-key" for descending; what has no number stands last either way. */
export function sorted(trials, rows, sort) {
  const isDown = sort.startsWith("-");
  const column = trials.columns.get(sort.replace(/^-/, ""));
  const order = Int32Array.from(rows);
  if (!column) return order;
  const { value } = column;
  const sign = isDown ? -1 : 1;
  return order.sort((a, b) => {
    const [x, y] = [value[a], value[b]];
    if (x === y) return a - b;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return sign * (x < y ? -1 : 1);
  });
}

/** Return the row with the best value of a metric column, -1 without a finite one. */
export function bestRow(column, rows) {
  let best = -1;
  const sign = column.goal === "max" ? -1 : 1;
  for (const row of rows) {
    const value = column.value[row];
    if (Number.isFinite(value) && (best < 0 || sign * value < sign * column.value[best]))
      best = row;
  }
  return best;
}

/**
 * Return Spearman's rank correlation of two columns, NaN below three pairs. Of very many rows an
 * even choice of `MOST_RANKED` is looked at: two digits are shown, and brushes redraw often.
 */
export function rankCorrelation(a, b, rows) {
  const stride = Math.max(rows.length / MOST_RANKED, 1);
  const count = Math.min(rows.length, MOST_RANKED);
  const pairs = Array.from({ length: count }, (_, i) => rows[Math.floor(i * stride)]).filter(
    (row) => Number.isFinite(a.value[row]) && Number.isFinite(b.value[row]),
  );
  if (pairs.length < 3) return NaN;
  const x = ranks(pairs.map((row) => a.value[row]));
  const y = ranks(pairs.map((row) => b.value[row]));
  const middle = (pairs.length - 1) / 2;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) ** 2;
    yy += (y[i] - middle) ** 2;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}

function ranks(values) {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) found[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return found;
}
