/** What line charts share on a page: queue of requests, tooltip, theme, colours, the picked run. */

import { counters } from "./chart.js";
import { iconButton, make, shorten } from "./chart_elements.js";
import { ChartTip } from "./chart_tip.js";
import { colourOf, colourOfGroup } from "./colours.js";
import { Queue } from "./queue.js";
import { indexOf, selectOnly, selectRows } from "./runs.js";
import * as state from "./state.js";
import { get, set } from "./state.js";
import { readTheme } from "./theme_colours.js";

/** What has to be asked of the server, and what only changes how it is drawn. */
const FETCH_KEYS = ["selected", "x", "smoothing", "smoothKind", "overwritten", "fold", "version"];
const STYLE_KEYS = [
  "xLog",
  "yMode",
  "yFixed",
  "logY",
  "outliers",
  "marks",
  "stepMark",
  "linkSteps",
  "at",
  "cardTables",
  "tableColumns",
  "picked",
  "logTags",
  "wide",
];

/** Base of pages with line charts; a page says which there are by `eachCard(fn)`. */
export class ChartHost {
  /** @param {object} [from] Where choices are kept: the state of the page, or a `Scope`. */
  constructor(from = state) {
    this.state = from;
    this.queue = new Queue();
    this.tip = new ChartTip();
    this.counts = { shown: 0, unchanged: 0, loads: 0 };
    this.look = null;
    this.ends = [];
    this.chip = make("div", { class: "sc-chip", hidden: true });
    this.root = null; // the element that holds the charts
    (window.__gpuboard ??= {}).charts = counters;
    window.__gpuboard.scalars = this.counts;
  }

  /** Let the charts follow what changes; called once `root` is there. */
  followState() {
    const subscribe = (keys, fn) => this.state.subscribe(keys, fn);
    this.ends.push(
      subscribe(FETCH_KEYS, (changed) => this.onFetch(changed)),
      subscribe(STYLE_KEYS, () => this.eachCard((card) => card.restyle())),
      subscribe(["nanMarkers"], () => this.eachCard((card) => card.show())),
      subscribe(["palette"], () => this.eachCard((card) => card.recolour())),
      subscribe(["dark"], () => this.onTheme()),
      subscribe(["picked"], () => this.onPicked()),
    );
  }

  destroy() {
    for (const end of this.ends) end();
    this.tip.destroy();
    this.root.remove();
  }

  /* what cards ask of the page */

  selected() {
    return get("selected");
  }

  theme() {
    return (this.look ??= readTheme(this.root));
  }

  colourOf = (line) =>
    line.group === null || line.group === undefined
      ? colourOf(line.run)
      : colourOfGroup(line.group);

  count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  onShown() {
    this.count("shown");
    if (this.counts.shown === 1) performance.mark("gpuboard-first-curves");
  }

  /** Let a run stand out in all charts; once more lets it go. */
  pick(series) {
    const wanted = series ? (series.pick ?? series.key) : null;
    const key = wanted === get("picked") ? null : wanted;
    this.pickedSeries = key === null ? null : series;
    set("picked", key);
  }

  hovered(run) {
    set("hover", run);
  }

  /* what changes */

  onFetch(changed) {
    if (changed.has("fold")) set("picked", null);
    this.eachCard((card) => {
      card.restyle();
      card.refresh();
    });
  }

  onTheme() {
    this.look = null;
    // The variables change with the attribute, which the frame sets in the same turn or the next.
    requestAnimationFrame(() => {
      this.look = null;
      this.eachCard((card) => card.recolour());
    });
  }

  /** Name the picked run, and offer what can be done with it. */
  onPicked() {
    const one = get("picked") === null ? null : this.pickedSeries;
    this.chip.hidden = !one;
    if (!one) return;
    const swatch = make("i", { class: "gb-swatch" });
    swatch.style.background = this.colourOf({ run: one.run, group: one.group });
    const button = (text, fn) =>
      make("button", { type: "button", class: "link", text, on: { click: fn } });
    const isRun = one.run !== null && one.run !== undefined;
    const row = isRun ? indexOf(one.run) : -1;
    this.chip.replaceChildren(
      swatch,
      make("span", { class: "sc-chip-name", text: shorten(one.name, 72), title: one.name }),
      ...(isRun
        ? [
            button("Only this run", () => selectOnly(row)),
            button("Hide", () => {
              selectRows([row], false);
              this.pick(null);
            }),
          ]
        : []),
      button("Copy name", () => navigator.clipboard?.writeText(one.name)),
      iconButton("close", "Let it go (Esc)", () => this.pick(null)),
    );
  }
}
