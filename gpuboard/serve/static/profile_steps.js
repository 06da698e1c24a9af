/** The Steps tab: what the time of each step went into, which steps stand out, all numbers. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural } from "./format.js";
import { StepTimes } from "./profile_step_times.js";
import { absence, card, legend, segments, toTimeline } from "./profile_kit.js";
import { PARTS, ROLES } from "./profile_palette.js";
import { partsOf } from "./profile_overview.js";
import { stepsOf } from "./profile_rows.js";
import { StackChart } from "./profile_stack.js";
import { ProfileTable } from "./profile_table.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const FAR = 3.5; // modified z-score (Iglewicz and Hoaglin 1993) from which a step stands out
const LEAST = 0.02; // of the median: smaller differences never do
const FEWEST = 5; // steps for a judgement

const WAYS = {
  parts: ["By cause", "What the device did or waited for; the parts exclude each other"],
  roles: ["By role", "Who was at work, as the profiler plugin of TensorBoard counts"],
  plugin: ["Plugin's own steps", "The same for the steps as the plugin takes them: it drops a cut-off end, and work whose launch crosses the end of a step lengthens none"],
};

class StepsTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.parts = [];
    this.element = make("div", { class: "pg-page" });
    stage.append(this.element);
    (window.__gpuboard ??= {}).steps = this;
    this.load();
  }

  async load() {
    try {
      const { header, columns } = await stepsOf(this.profile);
      if (!this.isOver) this.start(header, columns);
    } catch (error) {
      if (!this.isOver) this.element.replaceChildren(absence(error.message));
      if (error.name !== "ApiError") throw error;
    }
  }

  start(header, columns) {
    Object.assign(this, { header, columns });
    if (!header.total) {
      const how = "Call profiler.step() after each step of the training, or name each step with torch.profiler.record_function(f\"step {i}\").";
      this.element.replaceChildren(card("Steps", {}, absence(header.how), absence(how)));
      return;
    }
    const total = columns.end.map((end, i) => end - columns.start[i]);
    this.total = total;
    this.middle = median(total);
    this.outliers = farOff(total);
    this.ways = Object.keys(WAYS).filter((way) => !header[`${way}_absent`] && (way !== "plugin" || !header.is_plugin_alike));
    const wanted = state.get("profileParts");
    this.way = this.ways.includes(wanted) ? wanted : this.ways[0];
    this.keys = make("div");
    this.chart = new StackChart({ label: "Time of each step by what it went into", hint: "click: on the timeline", height: 240, pick: (at) => this.go(at) });
    this.tableBox = make("div", { class: "pr-steps" });
    this.parts.push(this.chart);
    this.element.replaceChildren(this.lead(), this.chartCard(), ...this.timesCard(), card("All steps", { name: "is-table", note: this.note() }, this.tableBox));
    this.fill();
  }

  lead() {
    const { total, middle, outliers, header } = this;
    const [least, most] = [Math.min(...total), Math.max(...total)];
    const mean = total.reduce((sum, one) => sum + one, 0) / total.length;
    const spread = Math.sqrt(total.reduce((sum, one) => sum + (one - mean) ** 2, 0) / total.length);
    const rows = [
      ["Steps", count(header.total)],
      ["Mean", span(mean)],
      ["Median", span(middle)],
      ["Fastest", span(least)],
      ["Slowest", span(most)],
      ["Spread", total.length > 1 ? `${span(spread, 3)} · ${percent(spread / mean)}` : "", "Standard deviation"],
      ["Standing out", total.length >= FEWEST ? count(outliers.length) : "", `Further than ${FAR} times the usual distance from the median (modified z-score), and by more than ${percent(LEAST)}`],
      ["Steps a second", mean < 1e6 ? count(Math.round(1e9 / mean)) : (1e9 / mean).toPrecision(3)],
    ];
    const figures = make("dl", { class: "pr-figures" });
    for (const [name, value, title] of rows) if (value) figures.append(make("div", { title }, make("dt", { text: name }), make("dd", { text: value })));
    const told = header.source === "inferred" ? `The file marks no steps; these are inferred: ${header.how}` : `Told by ${header.how}`;
    return card("Steps", { note: told }, figures);
  }

  chartCard() {
    const choices = this.ways.map((way) => [way, ...WAYS[way]]);
    const choose = (way) => {
      this.way = way;
      state.set("profileParts", way);
      this.fill();
    };
    const tools = choices.length > 1 ? segments("How steps are split", choices, this.way, choose) : [];
    return card("What each step went into", { note: this.outliers.length ? "red dots: steps that stand out" : "", tools }, this.chart.element, this.keys);
  }

  timesCard() {
    if (this.total.length < FEWEST) return [];
    const times = new StepTimes({ names: this.header.name, total: this.total, middle: this.middle, outliers: this.outliers, pick: (at) => this.go(at) });
    this.parts.push(times);
    return [card("Step time", { note: "line: the median" }, times.element)];
  }

  note() {
    const { total, name } = this.header;
    return total > name.length ? `the first ${count(name.length)} of ${plural(total, "step")}` : "";
  }

  shown() {
    const { header, columns, way } = this;
    if (way === "parts") return partsOf(header.parts, PARTS, columns.parts_ns);
    return partsOf(header.roles, ROLES, way === "plugin" ? columns.plugin_ns : columns.roles_ns);
  }

  fill() {
    const shown = this.shown();
    const c = shown.parts.length;
    const n = c ? shown.ns.length / c : 0;
    const names = this.header.name.slice(0, n);
    this.chart.show({ names, ...shown, marked: this.outliers });
    const sums = shown.parts.map((_, k) => sumOf(shown.ns, k, c));
    const all = sums.reduce((sum, one) => sum + one, 0) || 1;
    this.keys.replaceChildren(legend(shown.parts.map((one, k) => ({ ...one, amount: percent(sums[k] / all) }))));
    this.fillTable(shown, names, n, c);
  }

  fillTable({ parts, ns }, names, n, c) {
    this.table?.dispose();
    const { columns, middle } = this;
    const marked = new Set(this.outliers);
    const data = { n, name: [...names, `mean of ${n}`] };
    const withMean = (values) => {
      const row = Float64Array.from({ length: n + 1 }, (_, i) => values(i));
      let sum = 0;
      for (let i = 0; i < n; i++) sum += row[i];
      row[n] = n ? sum / n : NaN;
      return row;
    };
    const total = (i) => ns.subarray(i * c, i * c + c).reduce((sum, one) => sum + one, 0);
    data.start = withMean((i) => (i < n ? columns.start[i] : NaN));
    data.start[n] = NaN;
    data.duration = withMean(total);
    data.off = withMean((i) => data.duration[i] / middle - 1);
    data.works = withMean((i) => (i < n ? columns.works[i] : 0));
    parts.forEach(({ key }, k) => (data[key] = withMean((i) => ns[i * c + k])));
    this.table = new ProfileTable({
      label: "Steps",
      noun: "step",
      sort: "start",
      rows: 16,
      file: "steps",
      find: (row) => data.name[row],
      order: (table) => [n, ...table.ordered()],
      columns: [
        { key: "name", title: "Step", width: 130, grow: 1, text: (row) => visible(data.name[row]), paint: (cell, row) => paintName(cell, data.name[row], row === n, marked.has(row)) },
        { key: "start", title: "At", kind: "ns", width: 84 },
        { key: "duration", title: "Duration", kind: "ns", width: 104, bar: true },
        { key: "off", title: "Off median", kind: "percent", width: 88, tip: "How far the duration is from the median" },
        { key: "works", title: "Launched", kind: "mean", width: 80, tip: "Kernels, copies and fills that it launched" },
        ...parts.map(({ key, title, what }) => ({ key, title, kind: "ns", width: Math.max(84, title.length * 7 + 20), tip: what })),
      ],
      canGo: (row) => row < n,
      go: (row) => this.go(row),
    });
    this.table.show(data);
    this.tableBox.replaceChildren(this.table.element);
  }

  go(at) {
    toTimeline(this.profile, { t0: this.columns.start[at], t1: this.columns.end[at] });
  }

  destroy() {
    this.isOver = true;
    this.table?.dispose();
    this.parts.forEach((part) => part.destroy());
  }
}

function paintName(cell, name, isMean, isFar) {
  cell.title = isFar ? `${visible(name)} stands out` : visible(name);
  cell.replaceChildren(make("span", { class: `pr-kernel ${isMean ? "is-mean" : ""}`, text: visible(name) }), ...(isFar ? [make("i", { class: "pr-far" })] : []));
}

function sumOf(ns, k, c) {
  let sum = 0;
  for (let i = k; i < ns.length; i += c) sum += ns[i];
  return sum;
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Return the steps whose duration is unlike that of the others. */
export function farOff(total) {
  if (total.length < FEWEST) return [];
  const middle = median(total);
  const usual = median(total.map((one) => Math.abs(one - middle)));
  const limit = Math.max((FAR * usual) / 0.6745, LEAST * middle);
  return [...total.keys()].filter((i) => Math.abs(total[i] - middle) > limit);
}

export function open(stage, profile) {
  const tab = new StepsTab(stage, profile);
  return () => tab.destroy();
}
