/** What a view keeps of how its charts are drawn: some keys of the state, by their own names. */

import * as state from "./state.js";

/** Keys that a view, or one card of it, has values of its own for. */
export const VIEW_KEYS = [
  "x",
  "xLog",
  "smoothing",
  "smoothKind",
  "logY",
  "yMode",
  "yFixed",
  "outliers",
  "overwritten",
  "nanMarkers",
  "marks",
  "fold",
];

/** Return what is chosen now, as a plain object with only what differs from the default. */
export function settingsOf(from = state) {
  const entries = VIEW_KEYS.map((key) => [key, from.get(key)]);
  return Object.fromEntries(entries.filter(([key, value]) => !isDefault(key, value)));
}

function isDefault(key, value) {
  return JSON.stringify(value) === JSON.stringify(state.KEYS[key].default);
}

/**
 * State in which some keys have values of their own; whoever takes `get`, `set` and `subscribe`
 * of state.js can take this in its place.
 */
export class Scope {
  /**
   * @param {object} settings Values of their own; a key of `VIEW_KEYS` that is left out has its
   *   default. Values that a key does not take are left out too.
   * @param {(settings: object) => void} [onChange] Hears of every change by `set`.
   */
  constructor(settings, onChange = () => {}) {
    this.onChange = onChange;
    this.listeners = new Map(VIEW_KEYS.map((key) => [key, new Set()]));
    this.changed = new Set();
    this.adopt(settings);
  }

  /** Take other values, such as those that somebody else has saved; nobody is told of them. */
  adopt(settings) {
    this.values = new Map(
      VIEW_KEYS.map((key) => [key, state.accept(key, settings?.[key]) ?? state.KEYS[key].default]),
    );
  }

  get(key) {
    return this.values.has(key) ? this.values.get(key) : state.get(key);
  }

  set(key, value) {
    if (!this.values.has(key)) return state.set(key, value);
    const taken = state.accept(key, value);
    if (taken === undefined || taken === this.values.get(key)) return undefined;
    this.values.set(key, taken);
    this.announce(key);
    return this.onChange(settingsOf(this));
  }

  /** Tell who subscribed to a key, once for all changes of one turn. */
  announce(key) {
    if (!this.changed.size) queueMicrotask(() => this.tell());
    this.changed.add(key);
  }

  subscribe(keys, fn) {
    const all = [keys].flat();
    const own = all.filter((key) => this.values.has(key));
    for (const key of own) this.listeners.get(key).add(fn);
    const end = state.subscribe(
      all.filter((key) => !this.values.has(key)),
      fn,
    );
    return () => {
      end();
      for (const key of own) this.listeners.get(key).delete(fn);
    };
  }

  tell() {
    const changed = this.changed;
    this.changed = new Set();
    for (const fn of new Set([...changed].flatMap((key) => [...this.listeners.get(key)]))) {
      fn(changed);
    }
  }
}
