/** The Roofline tab: what operators achieved against what the device can do. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { count, size } from "./format.js";
import { stepBars } from "./profile_compare_steps.js";
import { absent, card, column, figures, legend, nothing, whose } from "./profile_parts.js";
import { peakForm } from "./profile_roofline_form.js";
import { Scatter } from "./profile_roofline_scatter.js";
import { ProfileTable } from "./profile_table.js";
import { scaled } from "./profile_units.js";
import { KEPT, define } from "./state.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const isPeaks = (v) => Object.values(v).every((one) => Number.isFinite(one) && one > 0);
define({
  roofPeaks: { ...KEPT.URL_ONLY, default: {}, check: isPeaks }, // by type: FLOP/s; bandwidth: B/s
});

const RECORD = "with profile(..., record_shapes=True) as profiler:";
const BOUND = ["", "memory", "compute"];
const COLUMNS = ["calls", "time_ns", "flops", "bytes", "intensity", "flop_rate", "byte_rate", "attainable", "share", "lost_ns", "start", "duration"];
const number = (one) => (one === "Infinity" ? Infinity : one === "NaN" || one === null ? NaN : one);

class RooflineTab {
  constructor(stage, profile) {
    this.stage = stage;
    this.profile = profile;
    this.made = [];
    this.end = state.subscribe("roofPeaks", () => this.load());
    this.load();
  }

  async load() {
    const peaks = Object.entries(state.get("roofPeaks")).map(([key, value]) => `${key}:${value}`).join();
    try {
      const found = await getJson("profile/roofline", { query: { trace: this.profile.trace, peaks: peaks || null } });
      if (!this.isOver) this.build(found);
    } catch (error) {
      if (!this.isOver) this.stage.replaceChildren(nothing("The roofline cannot be shown", error.message));
    }
  }

  build(found) {
    this.clear();
    this.found = found;
    if (found.absent) return this.stage.replaceChildren(nothing("Operations and bytes are not known", found.absent, RECORD));
    const { operators } = found;
    this.rows = { n: operators.name.length, total: operators.total, name: operators.name, dims: operators.dims, family: operators.family, dtype: operators.dtype, bound: operators.bound };
    for (const key of COLUMNS) this.rows[key] = operators[key].map(number);
    const parts = [whose(this.profile), this.figureCard(), this.scatterCard(), this.tableCard(), this.lowerCards(), this.unknownCard()];
    this.stage.replaceChildren(column(...parts.filter(Boolean)));
    (window.__gpuboard ??= {}).roofline = this;
  }

  figureCard() {
    const { found } = this;
    const { peak, utilisation } = found;
    const lost = this.rows.lost_ns.reduce((sum, one) => sum + (one || 0), 0);
    const mfu = number(utilisation.overall);
    const known = number(found.known_share);
    const facts = figures([
      ["FLOPs utilisation (MFU)", Number.isFinite(mfu) ? percent(mfu) : "", "Time that products, convolutions and attention take at the peaks of their types / time of the steps"],
      ["operations", `${scaled(found.total_flops)}FLOP`, "Of all calls that are counted"],
      ["moved at least", size(found.total_bytes), "Bytes of inputs and outputs of all calls that are counted"],
      ["counted", Number.isFinite(known) ? percent(known) : "", "Share of device time under operators whose work is known; where it is low, utilisation is a lower bound", known < 0.8 ? "is-warn" : ""],
      ["lost below the roof", found.absent_roof ? "" : span(lost), "Time that would be saved if all counted operators ran at the roof"],
      ["bandwidth", peak.bandwidth ? `${scaled(peak.bandwidth)}B/s` : ""],
      ...Object.entries(peak.matrix).filter(([type]) => found.roofs.some(({ name }) => name.startsWith(`${type},`))).map(([type, flops]) => [`${type} peak`, `${scaled(flops)}FLOP/s`, "Of matrix units, dense"]),
    ]);
    const edit = make("button", { type: "button", class: "button", text: "Peaks…", title: "Give the peaks of the device by hand" });
    const form = peakForm(peak, state.get("roofPeaks"), (given) => state.set("roofPeaks", given));
    const isHost = found.basis !== "device";
    form.hidden = !peak.absent || isHost;
    edit.addEventListener("click", () => (form.hidden = !form.hidden));
    const source = peak.source ? `${peak.name}: ${peak.source}` : found.device;
    const why = found.absent_roof ? absent(isHost ? "No roof" : "The device is not known", isHost ? "operators ran on the host alone, for which no peaks are known" : found.absent_roof) : null;
    return card("Device and utilisation", { note: source, tools: isHost ? [] : [edit] }, facts, why, form);
  }

  scatterCard() {
    const points = [];
    for (let k = 0; k < this.rows.n; k++) {
      const { intensity, flop_rate: rate } = this.rows;
      if (intensity[k] > 0 && Number.isFinite(intensity[k]) && rate[k] > 0) points.push(k);
    }
    if (!points.length) return null;
    this.scatter = new Scatter(this.rows, points, this.found, {
      pick: (k) => this.choose(k, true),
      lines: (k) => this.tip(k),
    });
    this.made.push(this.scatter);
    const families = this.scatter.families.map(({ name, colour }) => {
      const key = make("i");
      key.style.background = colour;
      return make("span", {}, key, name);
    });
    return card("Roofline", { note: "size of a dot: its time", tools: [make("div", { class: "pk-legend" }, ...families)] }, this.scatter.element);
  }

  tip(k) {
    const { rows } = this;
    const share = Number.isFinite(rows.share[k]) ? `, ${percent(rows.share[k])} of the roof` : "";
    return [
      rows.name[k],
      rows.dims[k],
      `${scaled(rows.flop_rate[k])}FLOP/s at ${Number(rows.intensity[k].toPrecision(3))} FLOP/B${share}`,
      `${rows.dtype[k]}, ${BOUND[rows.bound[k]] ? `${BOUND[rows.bound[k]]} bound, ` : ""}${count(rows.calls[k])} calls, ${span(rows.time_ns[k])}`,
    ];
  }

  tableCard() {
    const { rows, found } = this;
    const rate = (key, unit) => (k) => (rows[key][k] > 0 && Number.isFinite(rows[key][k]) ? `${scaled(rows[key][k])}${unit}` : "–");
    const intensity = (k) => (Number.isFinite(rows.intensity[k]) ? String(Number(rows.intensity[k].toPrecision(3))) : "∞");
    const roofs = !found.absent_roof;
    this.operators = this.table({
      label: "Operators",
      noun: "row",
      rows: 18,
      sort: "-time_ns",
      file: "roofline",
      find: (k) => `${rows.name[k]} ${rows.dims[k]} ${rows.family[k]}`,
      isOn: (k) => k === this.chosen,
      onPick: (k) => this.choose(k, false),
      columns: [
        { key: "name", title: "Operator", width: 150, grow: 1 },
        { key: "dims", title: "Inputs", width: 120, grow: 0.8 },
        { key: "dtype", title: "Type", width: 58 },
        { key: "calls", title: "Calls", width: 62, kind: "count" },
        { key: "time_ns", title: "Time", width: 92, kind: "ns", bar: true, tip: found.basis === "device" ? "Device time of all calls" : "Time on the host of all calls" },
        { key: "intensity", title: "FLOP/B", width: 74, kind: "number", text: intensity, tip: "Arithmetic intensity: operations / bytes moved at least" },
        { key: "flop_rate", title: "Achieved", width: 104, kind: "number", text: rate("flop_rate", "FLOP/s") },
        { key: "byte_rate", title: "Bytes", width: 84, kind: "number", text: rate("byte_rate", "B/s"), tip: "Bytes a second, of those that had to be moved at least" },
        ...(roofs
          ? [
              { key: "attainable", title: "Attainable", width: 104, kind: "number", text: rate("attainable", "FLOP/s"), tip: "min(peak of its type, intensity x bandwidth)" },
              { key: "bound", title: "Bound", width: 74, text: (k) => BOUND[rows.bound[k]] || "–" },
              { key: "share", title: "Of the roof", width: 94, kind: "percent", bar: (k) => rows.share[k], tip: "Achieved / attainable; above 1 where data stayed in a cache" },
              { key: "lost_ns", title: "Lost", width: 92, kind: "ns", bar: true, tip: "Time that would be saved at the roof" },
            ]
          : []),
      ],
      canGo: (k) => rows.start[k] >= 0,
      go: (k) => this.go(k),
    });
    const note = found.basis === "device" ? "" : "times on the host: the trace has no device work";
    const box = card("Operators with known work", { note }, this.operators.element);
    this.operators.show(rows);
    return box;
  }

  choose(k, reveals) {
    this.chosen = k;
    this.scatter?.mark(k);
    this.operators.refresh();
    if (reveals) {
      this.operators.reveal(k);
      this.operators.element.scrollIntoView({ block: "nearest" });
    }
  }

  go(k) {
    const { start, duration } = this.rows;
    const room = Math.max(duration[k], 1000);
    this.profile.show("timeline", { timeWindow: [start[k] - room, start[k] + duration[k] + room], timeEvent: [this.profile.trace, this.found.operators.row[k]] });
  }

  lowerCards() {
    return make("div", { class: "pk-pair pf-roof-pair" }, this.familyCard(), this.utilisationCard());
  }

  familyCard() {
    const { families } = this.found;
    const col = (key) => families.map((one) => number(one[key]));
    const table = this.table({
      label: "Families",
      noun: "family",
      rows: 12,
      sort: "-time_ns",
      file: "roofline families",
      columns: [
        { key: "family", title: "Family", width: 120, grow: 1 },
        { key: "calls", title: "Calls", width: 68, kind: "count" },
        { key: "time_ns", title: "Time", width: 92, kind: "ns", bar: true },
        { key: "rate", title: "Achieved", width: 104, kind: "number", text: (k) => (families[k].flops ? `${scaled(families[k].flops / (families[k].time_ns / 1e9))}FLOP/s` : "–") },
        { key: "share", title: "Of the roof", width: 90, kind: "percent", bar: (k) => number(families[k].share) },
      ],
    });
    const box = card("By family", {}, table.element);
    table.tools.hidden = true;
    const rate = families.map((one) => one.flops / (one.time_ns / 1e9 || NaN));
    table.show({ n: families.length, family: families.map(({ family }) => family), calls: col("calls"), time_ns: col("time_ns"), share: col("share"), rate });
    return box;
  }

  utilisationCard() {
    const { utilisation: used, known_share: known } = this.found;
    if (used.absent) return card("Utilisation of each step", {}, absent("Not known", used.absent));
    const values = used.utilisation.map(number);
    const drawing = stepBars([{ name: used.step, ns: values }], { words: ["MFU"], colours: ["--pk-compute"], write: (one) => percent(one) });
    this.made.push(drawing);
    const note = `model FLOPs / peak; ${percent(number(known))} of device time is counted`;
    return card("Utilisation of each step", { note }, drawing.element, legend([["compute", "FLOPs utilisation"]]));
  }

  unknownCard() {
    const { unknown } = this.found;
    if (!unknown.name.length) return null;
    const share = unknown.device_ns.map((ns) => ns / (unknown.all_ns || NaN));
    const table = this.table({
      label: "Operators with unknown work",
      noun: "operator",
      rows: 8,
      sort: "-device_ns",
      file: "unknown work",
      find: (k) => unknown.name[k],
      columns: [
        { key: "name", title: "Operator", width: 200, grow: 1 },
        { key: "works", title: "Kernels and copies", width: 130, kind: "count" },
        { key: "device_ns", title: "Device time", width: 110, kind: "ns", bar: true },
        { key: "share", title: "Share", width: 80, kind: "percent", tip: "Of the device time of computation and of copies in device memory" },
      ],
    });
    const whole = share.reduce((sum, one) => sum + one, 0);
    const box = card("Not counted", { note: `${percent(whole)} of device time lies under operators without a known formula, shapes or types` }, table.element);
    table.show({ n: unknown.name.length, total: unknown.total, ...unknown, share });
    return box;
  }

  table(options) {
    const table = new ProfileTable({ ...options, file: `${this.profile.job.name} ${options.file}` });
    this.made.push(table);
    return table;
  }

  clear() {
    this.made.splice(0).forEach((one) => one.dispose());
    this.scatter = null;
    this.chosen = -1;
  }

  destroy() {
    this.isOver = true;
    this.end();
    this.clear();
  }
}

export function open(stage, profile) {
  const tab = new RooflineTab(stage, profile);
  return () => tab.destroy();
}
