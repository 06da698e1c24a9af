/**
 * Hold what the user chose on this page: one object for all modules, mirrored in the URL and in
 * localStorage.
 *
 * A value comes from the URL, else from localStorage, else from its default; an address that
 * carries any choice is complete in itself. Only what differs from the default is written, so
 * short addresses stay short.
 */

/** Where a key is kept; "url" survives in links, "local" in this browser, "memory" in the page. */
const URL_ONLY = { url: true, local: false };
const LOCAL_ONLY = { url: false, local: true };
const URL_AND_LOCAL = { url: true, local: true };
const MEMORY = { url: false, local: false };

const isNumber = (v) => typeof v === "number" && Number.isFinite(v);
const isNumbers = (v) => v.length <= 50 && v.every(isNumber);
const isTexts = (v) => v.every((one) => typeof one === "string");
const isFlags = (v) => Object.values(v).every((one) => typeof one === "boolean");
const isPair = (v) => Array.isArray(v) && v.length === 2 && isNumber(v[0]);
const isRange = (v) => v === null || (isPair(v) && isNumber(v[1]) && v[1] > v[0]);
const isStep = (v) => v === null || isNumber(v);
const isPlace = (v) => v === null || (isPair(v) && (v[1] === null || isNumber(v[1])));

/**
 * Every key there is, with its default; the type of the default is the type of the key, and
 * `check`, where there is one, has to hold as well.
 */
export const KEYS = {
  // frame
  theme: { ...LOCAL_ONLY, readsUrl: true, default: "auto", choices: ["auto", "light", "dark"] },
  rail: { ...LOCAL_ONLY, default: "auto", choices: ["auto", "wide", "narrow"] },
  panel: { ...LOCAL_ONLY, default: true },
  panelWidth: { ...LOCAL_ONLY, default: 264, min: 200, max: 640 },
  // runs: "" (the default choice), "all", "none", "re:PATTERN", "+HASHES" or "-HASHES", see runs.js
  runs: { ...URL_ONLY, default: "" },
  runFilter: { ...URL_ONLY, default: "" },
  sort: { ...URL_ONLY, default: "name" }, // a column, descending with a leading "-"
  colourBy: { ...URL_ONLY, default: "run" }, // "run" or "re:PATTERN", see colours.js
  colours: { ...LOCAL_ONLY, default: {} }, // by run or group name, as #rrggbb
  // charts
  tagFilter: { ...URL_ONLY, default: "" },
  x: {
    ...URL_AND_LOCAL,
    default: "step",
    choices: ["step", "relative", "wall", "active", "index"],
  },
  smoothing: { ...URL_AND_LOCAL, default: 0.6, min: 0, max: 0.9999 },
  smoothKind: { ...URL_AND_LOCAL, default: "ema", choices: ["none", "ema", "gaussian", "mean"] },
  outliers: { ...URL_AND_LOCAL, default: true }, // true: the y range leaves outliers out
  logY: { ...URL_AND_LOCAL, default: false },
  fold: { ...URL_ONLY, default: null }, // null or the `fold` of a curves request
  pins: { ...URL_AND_LOCAL, default: [] },
  cardWidth: { ...LOCAL_ONLY, default: 360, min: 240, max: 1600 },
  plotHeight: { ...LOCAL_ONLY, default: 216, min: 120, max: 1200 }, // of every card
  xLog: { ...URL_ONLY, default: false },
  tagRegex: { ...URL_ONLY, default: true },
  yMode: { ...URL_ONLY, default: "own", choices: ["own", "shared", "fixed"] },
  yFixed: { ...URL_ONLY, default: null, check: isRange },
  overwritten: { ...URL_ONLY, default: false },
  nanMarkers: { ...URL_ONLY, default: true },
  marks: { ...URL_ONLY, default: [], check: isNumbers }, // vertical lines
  stepMark: { ...URL_ONLY, default: "off", choices: ["off", "step", "range"] },
  linkSteps: { ...URL_ONLY, default: true },
  at: { ...URL_ONLY, default: null, check: isPlace }, // [x, null] or [x0, x1]
  cardTables: { ...URL_ONLY, default: false },
  tableColumns: { ...URL_ONLY, default: [], check: isTexts }, // none: what suits the chart
  tipSort: {
    ...URL_ONLY,
    default: "nearest",
    choices: ["nearest", "nearestY", "descending", "ascending", "alphabetical"],
  },
  tipRows: { ...URL_ONLY, default: 10, min: 1, max: 200, check: Number.isInteger },
  groups: { ...URL_ONLY, default: {}, check: isFlags }, // by tag prefix: opened by hand, or closed
  wide: { ...URL_ONLY, default: [], check: isTexts }, // tags whose card takes the full width
  logTags: { ...URL_ONLY, default: {}, check: isFlags }, // by tag: unlike the page's `logY`
  open: { ...URL_ONLY, default: "" }, // tag of the opened card
  stepAt: { ...URL_ONLY, default: null, check: isStep }, // step that all cards show, null: the last
  // what other modules say, kept nowhere
  version: { ...MEMORY, default: 0 }, // of the store
  status: { ...MEMORY, default: null }, // what `api/v1/status` said last
  runsVersion: { ...MEMORY, default: 0 }, // grows whenever runs.js has new rows; 0: none yet
  runsError: { ...MEMORY, default: "" }, // why the run list could not be read
  selected: { ...MEMORY, default: null }, // Int32Array of run ids in natural order, null: not known
  palette: { ...MEMORY, default: 0 }, // grows whenever any run changes its colour
  dark: { ...MEMORY, default: false }, // the theme in force, whatever asked for it
  picked: { ...MEMORY, default: null }, // key of the run or group that stands out in all charts
  hover: { ...MEMORY, default: -1 }, // run id under the pointer, in the table or in a chart
};

const PREFIX = "gpuboard.";
const URL_WRITE_MS = 150; // browsers refuse more than about 100 rewrites in 30 s
const MAX_URL_VALUE = 30_000; // longer ones would not fit a request header

const values = new Map();
const listeners = new Map(Object.keys(KEYS).map((key) => [key, new Set()]));
const outdated = new Set(); // keys whose value in the address no longer holds
let changed = new Set();
let urlTimer = 0;

/** Where a key is kept, for `define`. */
export const KEPT = { URL_ONLY, LOCAL_ONLY, URL_AND_LOCAL, MEMORY };

/**
 * Add the keys of one page, as in `KEYS`; call it once, before anything reads them.
 *
 * @example define({ ridge: { ...KEPT.URL_ONLY, default: "offset", choices: ["offset", "overlay"] } });
 */
export function define(keys) {
  const params = new URLSearchParams(location.search);
  for (const key of Object.keys(keys)) {
    if (key in KEYS) throw new Error(`there is a state key "${key}" already`);
    listeners.set(key, new Set());
  }
  Object.assign(KEYS, keys);
  const link = isLink(params);
  for (const [key, spec] of Object.entries(keys)) values.set(key, wanted(key, spec, params, link));
}

/** Return the value of a key; treat it as immutable. */
export function get(key) {
  if (!values.has(key)) throw new Error(`there is no state key "${key}"`);
  return values.get(key);
}

/** Change one key: subscribers hear of it once, after the current turn, if it really differs. */
export function set(key, value) {
  const accepted = accept(key, value);
  if (accepted === undefined) throw new Error(`"${key}" cannot be ${JSON.stringify(value)}`);
  if (same(get(key), accepted)) return;
  values.set(key, accepted);
  if (KEYS[key].local) writeLocal(key, accepted);
  if (KEYS[key].readsUrl) outdated.add(key);
  if (KEYS[key].url || KEYS[key].readsUrl) scheduleUrl();
  announce(key);
}

/**
 * Call `fn(changed: Set<string>)` after any of `keys` changed, once for all changes of one turn.
 *
 * @returns {() => void} ends the subscription.
 */
export function subscribe(keys, fn) {
  for (const key of [keys].flat()) listeners.get(key).add(fn);
  return () => [keys].flat().forEach((key) => listeners.get(key).delete(fn));
}

/** Return the query string of everything chosen, "" or with a leading "?". */
export function query() {
  const query = new URLSearchParams(location.search);
  for (const [key, spec] of Object.entries(KEYS)) {
    if (!spec.url) continue;
    const text = same(get(key), spec.default) ? "" : write(get(key));
    if (text && text.length <= MAX_URL_VALUE) query.set(key, text);
    else query.delete(key);
  }
  for (const key of outdated) query.delete(key);
  const text = query.toString();
  return text && `?${text}`;
}

/** Return a value as a key takes it, undefined for one that it does not take. */
export function accept(key, value) {
  const { default: standard, choices, check, min = -Infinity, max = Infinity } = KEYS[key];
  if (choices && !choices.includes(value)) return undefined;
  if (standard !== null && !isAlike(standard, value)) return undefined;
  if (check && !check(value)) return undefined;
  return typeof standard === "number" ? Math.min(max, Math.max(min, value)) : value;
}

function isAlike(standard, value) {
  if (typeof value !== typeof standard || value === null) return false;
  if (Array.isArray(standard) !== Array.isArray(value)) return false;
  return typeof standard !== "number" || Number.isFinite(value);
}

function same(a, b) {
  return a === b || (isPlain(a) && isPlain(b) && JSON.stringify(a) === JSON.stringify(b));
}

function isPlain(value) {
  return (
    Array.isArray(value) || (value !== null && Object.getPrototypeOf(value) === Object.prototype)
  );
}

function write(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function read(key, text) {
  try {
    return accept(key, parse(KEYS[key].default, text));
  } catch {
    return undefined; // a hand-made or outdated link: the default stands
  }
}

function parse(standard, text) {
  if (typeof standard === "string") return text;
  if (typeof standard === "number") return text.trim() === "" ? NaN : Number(text);
  if (typeof standard === "boolean") return text !== "0" && text !== "false";
  return JSON.parse(text);
}

function announce(key) {
  if (changed.size === 0) queueMicrotask(tell);
  changed.add(key);
}

function tell() {
  const told = changed;
  changed = new Set();
  for (const fn of new Set([...told].flatMap((key) => [...listeners.get(key)]))) {
    try {
      fn(told);
    } catch (error) {
      reportError(error); // one broken listener must not silence the others
    }
  }
}

function scheduleUrl() {
  clearTimeout(urlTimer);
  urlTimer = setTimeout(writeUrl, URL_WRITE_MS);
}

function writeUrl() {
  clearTimeout(urlTimer);
  const wanted = query();
  if (wanted === location.search) return;
  history.replaceState(history.state, "", `${location.pathname}${wanted}${location.hash}`);
}

function writeLocal(key, value) {
  try {
    if (same(value, KEYS[key].default)) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, write(value));
  } catch {
    // storage is full or forbidden: the choice lives as long as the page
  }
}

function readLocal(key) {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function wanted(key, spec, params, isFromLink) {
  const sources = [
    spec.url || spec.readsUrl ? params.get(key) : null,
    spec.local && !(spec.url && isFromLink) ? readLocal(key) : null,
  ];
  for (const text of sources) {
    const value = text === null ? undefined : read(key, text);
    if (value !== undefined) return value;
  }
  return spec.default;
}

/** Tell a link, which shows what its sender saw: a key that it leaves out had its default there. */
function isLink(params) {
  return Object.entries(KEYS).some(([key, spec]) => spec.url && params.has(key));
}

function readAll(isFirst) {
  const params = new URLSearchParams(location.search);
  const link = isLink(params);
  for (const [key, spec] of Object.entries(KEYS)) {
    if (!isFirst && !spec.url) continue;
    const value = wanted(key, spec, params, link);
    if (values.has(key) && same(values.get(key), value)) continue;
    values.set(key, value);
    if (!isFirst) announce(key);
  }
}

readAll(true);
writeUrl(); // so that a copied address shows local preferences too
addEventListener("popstate", () => readAll(false));
addEventListener("pagehide", writeUrl);
addEventListener("storage", ({ key, newValue }) => {
  const name = key?.startsWith(PREFIX) ? key.slice(PREFIX.length) : "";
  // what a link can hold belongs to its tab; the rest follows the user through all tabs
  if (!KEYS[name]?.local || KEYS[name].url) return;
  const value = newValue === null ? KEYS[name].default : read(name, newValue);
  if (value === undefined || same(get(name), value)) return;
  values.set(name, value);
  announce(name);
});
