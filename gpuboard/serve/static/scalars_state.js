/**
 * Hold what only charts of scalars let people choose, beside `state.js` and with its manners:
 * `get`, `set`, `subscribe`, mirrored in the URL, only where it differs from the default.
 *
 * Keys that `state.js` has are passed on to it, so callers need not know where a key lives.
 */

import * as shared from "./state.js";

export const TABLE_COLUMNS = {
  smoothed: "Smoothed",
  value: "Value",
  step: "Step",
  wall_time: "Time",
  relative: "Relative",
  start: "Start",
  end: "End",
  min: "Min",
  max: "Max",
  mean: "Mean",
  delta: "Change",
  percent: "Change %",
};

/** Every key with its default; `check` tells whether a value from a link may be taken. */
const isNumber = (v) => typeof v === "number" && Number.isFinite(v);
const isBoolean = (v) => typeof v === "boolean";
const isRange = (v) =>
  v === null ||
  (Array.isArray(v) && v.length === 2 && isNumber(v[0]) && (v[1] === null || isNumber(v[1])));
const oneOf =
  (...choices) =>
  (v) =>
    choices.includes(v);
const isTexts = (v) => Array.isArray(v) && v.every((one) => typeof one === "string");
const isFlags = (v) =>
  v !== null && typeof v === "object" && !Array.isArray(v) && Object.values(v).every(isBoolean);

const KEYS = {
  xLog: { default: false, check: isBoolean },
  tagRegex: { default: true, check: isBoolean },
  yMode: { default: "own", check: oneOf("own", "shared", "fixed") },
  yFixed: {
    default: null,
    check: (v) => isRange(v) && (v === null || (v[1] !== null && v[1] > v[0])),
  },
  overwritten: { default: false, check: isBoolean },
  nanMarkers: { default: true, check: isBoolean },
  marks: { default: [], check: (v) => Array.isArray(v) && v.length <= 50 && v.every(isNumber) },
  stepMark: { default: "off", check: oneOf("off", "step", "range") },
  linkSteps: { default: true, check: isBoolean },
  at: { default: null, check: isRange },
  cardTables: { default: false, check: isBoolean },
  tableColumns: { default: [], check: isTexts }, // none: what suits the chart and its mark
  tipSort: {
    default: "nearest",
    check: oneOf("nearest", "descending", "ascending", "alphabetical"),
  },
  tipRows: { default: 10, check: (v) => Number.isInteger(v) && v >= 1 && v <= 200 },
  groups: { default: {}, check: isFlags }, // by tag prefix: opened or closed by hand
  wide: { default: [], check: isTexts }, // tags whose card takes the full width
  logTags: { default: {}, check: isFlags }, // by tag: a log y axis other than the page's
  open: { default: "", check: (v) => typeof v === "string" }, // tag of the opened card
  picked: { default: null, check: () => false }, // key of the run or group that stands out
};

const values = new Map();
const listeners = new Map(Object.keys(KEYS).map((key) => [key, new Set()]));
let told = new Set();
let urlTimer = 0;

const isMine = (key) => key in KEYS && !(key in shared.KEYS);
const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

export function get(key) {
  return isMine(key) ? values.get(key) : shared.get(key);
}

export function set(key, value) {
  if (!isMine(key)) return shared.set(key, value);
  if (same(get(key), value)) return undefined;
  values.set(key, value);
  clearTimeout(urlTimer);
  urlTimer = setTimeout(writeUrl, 150);
  announce(key);
  return undefined;
}

/** Call `fn(changed: Set<string>)` after any of `keys` changed; the answer ends the subscription. */
export function subscribe(keys, fn) {
  const theirs = keys.filter((key) => !isMine(key));
  const end = theirs.length ? shared.subscribe(theirs, fn) : () => {};
  for (const key of keys) if (isMine(key)) listeners.get(key).add(fn);
  return () => {
    end();
    for (const key of keys) if (isMine(key)) listeners.get(key).delete(fn);
  };
}

function announce(key) {
  if (told.size === 0) queueMicrotask(tell);
  told.add(key);
}

function tell() {
  const changed = told;
  told = new Set();
  for (const fn of new Set([...changed].flatMap((key) => [...listeners.get(key)]))) fn(changed);
}

const write = (value) =>
  typeof value === "string"
    ? value
    : typeof value === "boolean"
      ? value
        ? "1"
        : "0"
      : JSON.stringify(value);

function read(key, text) {
  const { default: standard, check } = KEYS[key];
  try {
    const value =
      typeof standard === "string"
        ? text
        : typeof standard === "boolean"
          ? text === "1"
          : JSON.parse(text);
    return check(value) ? value : undefined;
  } catch {
    return undefined; // a hand-made or outdated link: the default stands
  }
}

function writeUrl() {
  const url = new URL(location.href);
  for (const [key, { default: standard, check }] of Object.entries(KEYS)) {
    if (!isMine(key)) continue;
    const value = get(key);
    if (same(value, standard) || !check(value)) url.searchParams.delete(key);
    else url.searchParams.set(key, write(value));
  }
  if (url.search.length < 30_000 && url.href !== location.href) {
    history.replaceState(history.state, "", url.href);
  }
}

function readAll() {
  const params = new URLSearchParams(location.search);
  for (const key of Object.keys(KEYS)) {
    const text = params.get(key);
    const value = (text === null ? undefined : read(key, text)) ?? KEYS[key].default;
    if (values.has(key) && !same(values.get(key), value)) announce(key);
    values.set(key, value);
  }
}

readAll();
addEventListener("popstate", readAll);
