/**
 * Hold what all views of the HParams page share: the trials, which of them pass, and their colours.
 *
 * Filters take rows out of every view. Brushes, drawn on axes and in the matrix, only pick some of
 * the shown rows out. A trial counts as selected when one of its runs is selected in the run panel;
 * before anybody has chosen runs, all do.
 */

import { route } from "./api.js";
import { colouring } from "./hparams_colour.js";
import { Trials, filtered } from "./hparams_model.js";
import { standardScale } from "./hparams_scale.js";
import { codeOf, indexOf, selectThese } from "./runs.js";
import { KEPT, define, get, set, subscribe } from "./state.js";

const isObject = (v) => v !== null && typeof v === "object" && !Array.isArray(v);
const isTexts = (v) => v.every((one) => typeof one === "string");
const isSpec = (v) =>
  isObject(v) &&
  [v.low, v.high].every((n) => n === undefined || n === null || Number.isFinite(n)) &&
  (v.words === undefined || (Array.isArray(v.words) && isTexts(v.words))) &&
  (v.re === undefined || typeof v.re === "string");
const isSpecs = (v) => Object.values(v).every(isSpec);
const isMetric = (v) =>
  isObject(v) && ["tag", "group", "how", "goal", "key"].every((k) => typeof v[k] === "string");

define({
  hpView: {
    ...KEPT.URL_ONLY,
    default: "table",
    choices: ["table", "parallel", "scatter", "importance"],
  },
  hpMetrics: { ...KEPT.URL_ONLY, default: [], check: (v) => v.every(isMetric) }, // none: likely ones
  hpColumns: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // none: what differs, and metrics
  hpSort: { ...KEPT.URL_ONLY, default: "name" },
  hpFilters: { ...KEPT.URL_ONLY, default: {}, check: isSpecs },
  hpBrush: { ...KEPT.URL_ONLY, default: {}, check: isSpecs },
  hpScales: { ...KEPT.URL_ONLY, default: {} },
  hpColour: { ...KEPT.URL_ONLY, default: "" }, // a column, "run", or "" for the first metric
  hpFold: { ...KEPT.URL_ONLY, default: null, check: (v) => v === null || isTexts(v) },
  hpStat: {
    ...KEPT.URL_ONLY,
    default: "mean",
    choices: ["mean", "median", "min", "max", "std"],
  },
  hpMatrix: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  hpPicked: { ...KEPT.URL_ONLY, default: "" }, // code of the trial that is opened
  hpImportance: { ...KEPT.URL_ONLY, default: "" }, // column of the metric to explain
});

const ASKS = ["hpMetrics", "hpFold", "hpStat", "hpColumns"];
const REST_MS = 500;
const LOOK_MS = 10_000; // files beside the runs may change without any event

export class Board {
  /** @param {(what: Set<string>) => void} onChange Told "trials", "rows", "colour", "hover"... */
  constructor(onChange) {
    this.onChange = onChange;
    this.trials = null;
    this.error = "";
    this.etag = "";
    this.hover = -1;
    this.isAsking = false;
    this.isStale = false;
    this.restUntil = 0;
    this.timer = 0;
    this.ends = [
      subscribe(["version"], () => this.askSoon()),
      subscribe(ASKS, (changed) => this.follow(changed)),
      subscribe(["hpFilters", "hpBrush", "selected", "runs", "runsVersion"], () => this.choose()),
      subscribe(["hpColour", "hpScales", "dark", "palette"], () => this.paint()),
      subscribe("hover", () => this.hoverRun(get("hover"))),
    ];
    this.looking = setInterval(() => document.hidden || this.askSoon(), LOOK_MS);
    this.ask();
  }

  dispose() {
    this.ends.forEach((end) => end());
    clearTimeout(this.timer);
    clearInterval(this.looking);
  }

  /** What a request for this table says, but for what is known already. */
  request() {
    const fold = get("hpFold");
    const columns = get("hpColumns").filter((key) => key.startsWith("h:"));
    return {
      metrics: get("hpMetrics").length ? get("hpMetrics") : null,
      hparams: columns.map((key) => key.slice(2)),
      fold,
      stat: get("hpStat"),
    };
  }

  follow(changed) {
    const isShown = get("hpColumns").every((key) => this.trials?.columns.has(key));
    if (changed.size === 1 && changed.has("hpColumns") && isShown) return this.tell("columns");
    this.etag = "";
    return this.ask();
  }

  askSoon() {
    this.timer ||= setTimeout(
      () => {
        this.timer = 0;
        this.ask();
      },
      Math.max(this.restUntil - performance.now(), 0),
    );
  }

  async ask() {
    if (this.isAsking) {
      this.isStale = true;
      return;
    }
    this.isAsking = true;
    this.isStale = false;
    const start = performance.now();
    const asked = JSON.stringify(this.request());
    try {
      const reply = await fetchTrials({ ...this.request(), since: this.etag });
      if (asked === JSON.stringify(this.request())) this.take(reply);
      else this.isStale = true;
    } catch (error) {
      this.error = error.message;
      this.tell("trials");
    }
    this.isAsking = false;
    this.restUntil = performance.now() + Math.max(REST_MS, 4 * (performance.now() - start));
    if (this.isStale) this.ask();
  }

  take(reply) {
    if (this.error) {
      this.error = "";
      this.tell("trials");
    }
    if (reply === null) return;
    this.etag = reply.etag;
    this.trials = new Trials(reply);
    this.choose(false);
    this.paint(false);
    this.tell("trials");
  }

  /** Find out anew which rows pass. */
  choose(isTold = true) {
    const { trials } = this;
    if (!trials) return;
    this.inPanel = inPanel(trials);
    this.shown = filtered(trials, get("hpFilters"), trials.rows);
    const isAll = this.inPanel.every(Boolean);
    const selected = isAll ? this.shown : this.shown.filter((row) => this.inPanel[row]);
    this.front = filtered(trials, get("hpBrush"), selected);
    this.listed = filtered(trials, get("hpBrush"), this.shown);
    this.isFront = new Uint8Array(trials.count);
    for (const row of this.front) this.isFront[row] = 1;
    if (isTold) this.tell("rows");
  }

  /** Give colours anew. */
  paint(isTold = true) {
    if (!this.trials) return;
    const column = this.colourColumn();
    this.colour = colouring(this.trials, column, this.scaleKind(column), get("dark"));
    if (isTold) this.tell("colour");
  }

  colourColumn() {
    const key = get("hpColour");
    if (key === "run") return null;
    const first = [...this.trials.columns.values()].find(({ role }) => role === "metric");
    return this.trials.columns.get(key) ?? first ?? null;
  }

  colourOf(row) {
    return this.colour.colours[this.colour.indexOf(row)];
  }

  scaleKind(column) {
    return column ? (get("hpScales")[column.key] ?? standardScale(column)) : "linear";
  }

  /** The columns of the table and the axes, in order. */
  columns() {
    const keys = get("hpColumns");
    return this.trials.pick(keys.length ? keys : this.trials.standardKeys(get("hpFold") ?? []));
  }

  /** Choose and order columns; null for those that show themselves. */
  setColumns(keys) {
    set("hpColumns", keys ?? []);
  }

  /** Move the column `key` before `other`, or to the end for null. */
  moveColumn(key, other) {
    const keys = this.columns()
      .map((column) => column.key)
      .filter((one) => one !== key);
    const place = other === null ? keys.length : keys.indexOf(other);
    keys.splice(place < 0 ? keys.length : place, 0, key);
    this.setColumns(keys);
  }

  /** Ask something of one column, or with null nothing any more; `where` is hpFilters or hpBrush. */
  setSpec(where, key, spec) {
    const { [key]: _, ...others } = get(where);
    set(where, spec ? { ...others, [key]: spec } : others);
  }

  get isNarrowed() {
    return this.front.length < this.trials.count;
  }

  /** Select the runs of the trials that stand out, for this page and all others. */
  showOnly(rows = this.front) {
    const ids = Array.from(rows).flatMap((row) => this.trials.members[row]);
    selectThese(ids.map(indexOf).filter((row) => row >= 0));
  }

  /** The row of the opened trial, -1 for none. */
  pickedRow() {
    const code = get("hpPicked");
    return code ? this.trials.name.findIndex((name) => codeOf(name) === code) : -1;
  }

  pick(row) {
    const code = row < 0 ? "" : codeOf(this.trials.name[row]);
    set("hpPicked", code === get("hpPicked") ? "" : code);
  }

  /** Let a row stand out in all views while the pointer is on it. */
  setHover(row) {
    set("hover", row < 0 ? -1 : this.trials.run[row]);
  }

  hoverRun(id) {
    const row = id < 0 ? -1 : (this.trials?.rowOfRun.get(id) ?? -1);
    if (row === this.hover) return;
    this.hover = row;
    this.tell("hover");
  }

  tell(what) {
    this.onChange(what);
  }
}

function inPanel(trials) {
  const flags = new Uint8Array(trials.count);
  const selected = get("selected");
  if (get("runs") === "" || get("runs") === "all" || selected === null) return flags.fill(1);
  for (const id of selected) {
    const row = trials.rowOfRun.get(id);
    if (row !== undefined) flags[row] = 1;
  }
  return flags;
}

async function fetchTrials(body) {
  const reply = await send("trials", body);
  return reply.status === 204 ? null : reply.json();
}

/** Send a JSON body and return the reply; throws an Error with the server's sentence. */
export async function send(path, body, signal) {
  let reply;
  try {
    reply = await fetch(route(path), {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is gpuboard serve still running?");
  }
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => null);
  throw new Error(told?.error?.message ?? `The server answered ${reply.status}`);
}
