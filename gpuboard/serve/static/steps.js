/**
 * Know at which steps the tags on a page have values: one request a tag for all runs, shared by all
 * cards that ask in the same turn, and asked again when the store has changed.
 */

import * as api from "./api.js";
import { idRanges } from "./runs.js";
import { get } from "./state.js";

const NOTHING = Object.freeze({ step: [], label: [], wall: [], ref: [] });

export class StepTable {
  constructor() {
    this.known = new Map(); // tag -> {version, runs: Map(run -> steps)}
    this.asked = new Map(); // tag -> {runs: Set, answer: promise}
    this.listeners = new Set();
  }

  /** Call `fn` whenever new steps have become known. */
  onChange(fn) {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  /**
   * Return the steps of a tag in one run: columns `step` (numbers), `label` (exact texts), `wall`
   * and `ref`; empty when nothing is known of it.
   */
  of(tag, run) {
    return this.known.get(tag)?.runs.get(run) ?? NOTHING;
  }

  /** Make sure that the steps of a tag are known for these runs, as of the store's version. */
  async load(tag, runs) {
    const known = this.known.get(tag);
    const isFresh = known && known.version >= get("version");
    if (isFresh && runs.every((run) => known.runs.has(run))) return;
    const asked = this.asked.get(tag) ?? this.ask(tag);
    for (const run of runs) asked.runs.add(run);
    if (known) for (const run of known.runs.keys()) asked.runs.add(run);
    await asked.answer;
  }

  ask(tag) {
    const asked = { runs: new Set(), answer: null };
    // The request leaves after this turn, so that all cards of the tag are in it.
    asked.answer = Promise.resolve().then(() => this.fetch(tag, asked));
    this.asked.set(tag, asked);
    return asked;
  }

  async fetch(tag, asked) {
    await null;
    this.asked.delete(tag);
    const runs = [...asked.runs];
    const reply = await api.postJson("steps", { tag, runs: idRanges(runs) });
    const table = new Map(runs.map((run) => [run, NOTHING]));
    for (const row of reply.runs) table.set(row.run, columnsOf(row));
    this.known.set(tag, { version: reply.version, runs: table });
    for (const fn of this.listeners) fn();
  }
}

function columnsOf({ step, wall_time: wall, ref }) {
  return { step: step.map(Number), label: step.map(String), wall: wall.map(Number), ref };
}

/** Return the last index whose step is at or before `at`: 0 when all come later, -1 for none. */
export function indexAt(steps, at) {
  if (!steps.length) return -1;
  if (at === null) return steps.length - 1;
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

/** Return the distinct steps of several ascending columns, in order. */
export function unionOf(columns) {
  const seen = new Set();
  for (const column of columns) for (const step of column) seen.add(step);
  return Float64Array.from(seen).sort();
}
