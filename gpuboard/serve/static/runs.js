/**
 * Hold the run list once for all modules of a page, and which runs are selected.
 *
 * `runs` are columns in natural order of the names. The selection is a short text (state key
 * "runs"): "" for the default, "all", "none", "re:PATTERN", "+" or "-" and five characters for
 * each run that is in, or out. It names runs by what they are called, so a link outlives a
 * restart. `state.selected` holds the ids that it stands for now.
 */

import { getJson } from "./api.js";
import * as state from "./state.js";

/** More runs than this, and only the first so many are selected before the user chooses. */
export const DEFAULT_SELECTED = 100;

const REST_MS = 400;
const NUMBERS = ["id", "start", "end", "tags", "points", "bytes", "files", "problems"];
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODE_LENGTH = 5;

/** The columns of all runs, rows in natural order of names; each is replaced as a whole. */
export const runs = columnsOf({});

let rowOf = new Map();
let isSelected = new Uint8Array(0);
let isLoading = false;
let isStale = false; // the store has changed since the running request
let version = -1; // of the store, at the last answer
let restUntil = 0;
let timer = 0;

/** Return the row of a run id, -1 for one that is not there. */
export const indexOf = (id) => rowOf.get(id) ?? -1;

/** Return the name of a run id, "" for one that is not there. */
export const nameOf = (id) => runs.name[indexOf(id)] ?? "";

/** Return 1 for each selected row, in the order of `runs`. */
export const selectedRows = () => isSelected;

/** Read the list; a call during a running one only makes sure that one more follows. */
export async function reload() {
  if (isLoading) {
    isStale = true;
    return;
  }
  const start = performance.now();
  isLoading = true;
  isStale = false;
  await load();
  isLoading = false;
  // ten thousand runs take their time: ask the less often, the longer an answer takes
  restUntil = performance.now() + Math.max(REST_MS, 4 * (performance.now() - start));
  if (isStale) reloadSoon();
}

function reloadSoon() {
  if (isLoading) isStale = true;
  else timer ||= setTimeout(reloadNow, Math.max(restUntil - performance.now(), 0));
}

function reloadNow() {
  timer = 0;
  reload();
}

async function load() {
  try {
    const reply = await getJson("runs");
    version = reply.version;
    adopt(reply.runs);
    state.set("runsError", "");
  } catch (error) {
    state.set("runsError", error.message);
  }
}

/** Take new columns, which come in natural order of names, and find out what is selected now. */
export function adopt(columns) {
  Object.assign(runs, columnsOf(columns));
  rowOf = new Map(Array.from(runs.id, (id, row) => [id, row]));
  state.set("runsVersion", state.get("runsVersion") + 1);
  applySelection();
}

function columnsOf(columns) {
  const name = (columns.name ?? []).map(String);
  const taken = {
    length: name.length,
    name,
    lower: name.map((one) => one.toLowerCase()),
    code: null,
  };
  for (const key of NUMBERS) {
    taken[key] = Float64Array.from(name, (_, row) => columns[key]?.[row] ?? NaN);
  }
  taken.state = name.map((_, row) => String(columns.state?.[row] ?? ""));
  // exact text: a step may lie beyond 2^53; a run without tags has made no step
  taken.last_step = name.map((_, row) =>
    taken.tags[row] > 0 ? String(columns.last_step[row]) : "",
  );
  return taken;
}

/** Return five characters that stand for a name in a link: 30 bits of its FNV-1a hash. */
export function codeOf(name) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  let code = "";
  for (let i = 0; i < CODE_LENGTH; i++, hash >>>= 6) code += ALPHABET[hash & 63];
  return code;
}

function codes() {
  runs.code ??= runs.name.map(codeOf); // for 10,000 names 10 ms: once per list, and only if asked
  return runs.code;
}

function applySelection() {
  const flags = flagsOf(state.get("runs"));
  const ids = Int32Array.from(runs.id.filter((_, row) => flags[row]));
  isSelected = flags;
  const before = state.get("selected");
  if (before?.length === ids.length && ids.every((id, i) => id === before[i])) return;
  state.set("selected", ids);
}

function flagsOf(text) {
  const flags = new Uint8Array(runs.length);
  if (text === "")
    return flags.fill(1, 0, runs.length > DEFAULT_SELECTED ? DEFAULT_SELECTED : undefined);
  if (text === "all") return flags.fill(1);
  if (text.startsWith("re:")) return matchFlags(text.slice(3), flags);
  if (!/^[+-]/.test(text)) return flags;
  const named = new Set(text.slice(1).match(/.{5}/gs));
  const isIn = text[0] === "+" ? 1 : 0;
  return flags.map((_, row) => (named.has(codes()[row]) ? isIn : 1 - isIn));
}

function matchFlags(pattern, flags) {
  try {
    const regex = new RegExp(pattern, "i");
    return flags.map((_, row) => (regex.test(runs.name[row]) ? 1 : 0));
  } catch {
    return flags;
  }
}

/** Select just these rows. */
export function selectThese(rows) {
  const flags = new Uint8Array(runs.length);
  for (const row of rows) flags[row] = 1;
  choose(textOf(flags));
}

/** Select or leave out some rows and keep the others as they are. */
export function selectRows(rows, isIn) {
  const flags = isSelected.slice();
  for (const row of rows) flags[row] = isIn ? 1 : 0;
  choose(textOf(flags));
}

/** Select one row alone; once more on the same row brings all back. */
export function selectOnly(row) {
  const isAlone = isSelected[row] && state.get("selected").length === 1;
  if (isAlone) choose(runs.length > DEFAULT_SELECTED ? "" : "all");
  else selectThese([row]);
}

/** Select the runs that match a pattern, those that are still to come included. */
export const selectMatching = (pattern) => choose(`re:${pattern}`);

function choose(text) {
  state.set("runs", text);
  applySelection(); // at once: the next click counts on it
}

function textOf(flags) {
  const count = flags.reduce((sum, flag) => sum + flag, 0);
  if (count === flags.length) return "all";
  if (count === 0) return "none";
  const sign = count <= flags.length / 2 ? "+" : "-";
  const wanted = sign === "+" ? 1 : 0;
  return (
    sign +
    codes()
      .filter((_, row) => flags[row] === wanted)
      .join("")
  );
}

/** Write ids as a curves request wants them: "0-99,104". */
export function idRanges(ids) {
  const sorted = Array.from(ids).sort((a, b) => a - b);
  const ranges = [];
  for (const id of sorted) {
    const last = ranges.at(-1);
    if (last && id === last[1] + 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

state.subscribe("runs", applySelection);
state.subscribe("version", () => state.get("version") === version || reloadSoon());
// a run that fell silent is no change of the store, but it is shown as done
document.addEventListener("visibilitychange", () => document.hidden || reloadSoon());
