/** The Operators tab: what each operator cost on host and device, its calls and its kernels. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural } from "./format.js";
import { PALETTE } from "./palette.js";
import { absence, nameOf, segments, splitBar, swatch, toTimeline } from "./profile_kit.js";
import { CORES } from "./profile_palette.js";
import { RowPanel, askRows, csvButton, presetFilter, searchOf, stepPicker, withinQuery } from "./profile_rows.js";
import { sequenceTable } from "./profile_sequences.js";
import { ProfileTable } from "./profile_table.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const REST = "#8b919b";
const PACKAGES = /^\S*\/(?:site-packages|dist-packages|lib\/python[\d.]+)\//;

class OperatorsTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.chosen = -1;
    this.panel = new RowPanel(() => this.choose(-1));
    this.top = make("div", { class: "pr-top" });
    this.tableBox = make("div", { class: "pr-table" });
    this.element = make("div", { class: "pr-tab" }, this.top, this.tableBox, this.panel.element);
    stage.append(this.element);
    (window.__gpuboard ??= {}).operators = this;
    this.end = state.subscribe(["opBy", "opSort", "opQuery"], () => this.adopt());
    this.start();
  }

  /** Follow links to this tab, and the history: what was chosen here is shown already. */
  adopt() {
    if (JSON.stringify(this.query()) === this.lastQuery) return;
    if (this.table) presetFilter(this.table, state.get("opQuery"));
    this.changed();
  }

  async start() {
    this.steps = await stepPicker(this.profile, () => this.changed()).catch(() => null);
    if (!this.isOver) await this.load();
  }

  get by() {
    return state.get("opBy");
  }

  query() {
    const sort = state.get("opSort");
    return { trace: this.profile.trace, by: this.by, sort, ...searchOf(state.get("opQuery")), ...withinQuery(this.profile) };
  }

  async load() {
    this.asked?.abort();
    this.asked = new AbortController();
    this.lastQuery = JSON.stringify(this.query());
    try {
      const found = await askRows("profile/operators", this.query(), this.asked.signal);
      if (!this.isOver) this.show(found);
    } catch (error) {
      if (this.isOver || error.name === "AbortError") return;
      if (this.table && error.status === 400) return; // half a pattern: what was found stays
      this.tableBox.replaceChildren(absence(error.message));
      if (error.name !== "ApiError") throw error;
    }
  }

  changed() {
    this.choose(-1);
    this.load();
  }

  show(found) {
    const needsTable = !this.table || this.found.by !== found.by || !this.found.host_absent !== !found.host_absent;
    this.found = found;
    this.showTop(found);
    if (needsTable) this.build(found);
    this.table.show(found);
  }

  showTop(found) {
    const colours = new Map();
    const colour = (name) => {
      if (!colours.has(name)) colours.set(name, PALETTE[colours.size % PALETTE.length]);
      return colours.get(name);
    };
    const rows = [
      ["Device", found.top_device, found.sum_device_self_ns, "own time of operators on the device"],
      ["Host", found.top_host, found.sum_host_self_ns, "own time of operators on the host"],
    ].filter(([, , total]) => total > 0);
    this.top.replaceChildren(...rows.map(([title, top, total, what]) => this.topBar(title, top, total, what, colour)));
    this.top.hidden = !rows.length;
  }

  topBar(title, top, total, what, colour) {
    const parts = top.name.map((name, i) => ({ title: name, colour: colour(name), ns: top.ns[i] }));
    if (top.rest_ns > 0) parts.push({ title: "all others", colour: REST, ns: top.rest_ns, isRest: true });
    const bar = splitBar(parts, {
      tip: (one, share) => `${one.title}: ${span(one.ns, 3)}, ${percent(share)}`,
      pick: (one) => !one.isRest && this.search(one.title),
    });
    bar.classList.add("is-named");
    [...bar.children].forEach((piece, i) => piece.append(make("span", { text: nameOf(parts[i].title, 40) })));
    return make("div", { class: "pr-topbar", title: what }, make("span", { class: "pr-topname", text: title }), bar, make("b", { text: span(total, 3) }));
  }

  search(text) {
    state.set("opQuery", text);
    presetFilter(this.table, text);
    this.changed();
  }

  build(found) {
    this.table?.dispose();
    const by = segments("Operators by", [["name", "Name"], ["shapes", "Name and shapes"], ["stack", "Name and call stack"]], this.by, (value) => {
      state.set("opBy", value);
      this.changed();
    });
    this.table = new ProfileTable({
      label: "Operators",
      noun: "operator",
      columns: this.columns(found),
      sort: state.get("opSort") || "-device_self_ns",
      rows: 0,
      tools: [by, this.steps, csvButton("profile/operators", () => this.query())].filter(Boolean),
      ask: (sort, text) => {
        state.set("opSort", sort);
        state.set("opQuery", text);
        this.changed();
      },
      onPick: (row) => this.choose(row === this.chosen ? -1 : row),
      isOn: (row) => row === this.chosen,
      canGo: (row) => this.found.row[row] >= 0,
      go: (row) => this.goFirst(row),
    });
    presetFilter(this.table, state.get("opQuery"));
    const why = [found.host_absent, found.shapes_absent, found.stack_absent, found.absent].filter(Boolean);
    this.tableBox.replaceChildren(this.table.element, ...why.map((text) => absence(text)));
  }

  columns(found) {
    const at = (key) => (row) => this.found[key][row];
    const bar = (key) => ({ key, kind: "ns", width: 112, bar: true, value: at(key) });
    const more = { shapes: { key: "shapes", title: "Shapes of inputs", width: 180, grow: 2, isQuiet: true, text: at("shapes"), paint: (cell, row) => this.paintText(cell, this.found.shapes[row]) }, stack: { key: "stack", title: "Called from", width: 220, grow: 3, isQuiet: true, paint: (cell, row) => this.paintStack(cell, this.found.stack[row]) } };
    const host = found.host_absent ? [] : [
      { ...bar("host_self_ns"), title: "Host own", tip: "Time on the host without operators and calls of the runtime under it" },
      { key: "host_total_ns", title: "Host total", kind: "ns", width: 92, value: at("host_total_ns"), tip: "Time on the host with all under it" },
    ];
    const backward = found.backward_absent ? [] : [
      { key: "backward_device_ns", title: "Backward", kind: "ns", width: 92, value: at("backward_device_ns"), tip: "Device time of the backward operators that belong to it" },
    ];
    return [
      { key: "name", title: "Operator", width: 200, grow: 3, text: (row) => visible(this.found.name[row]) },
      ...(more[found.by] ? [more[found.by]] : []),
      { key: "calls", title: "Calls", kind: "count", width: 76, value: at("calls") },
      { ...bar("device_self_ns"), title: "Device own", tip: "Sum of the durations of the kernels, copies and fills that it launched itself" },
      { key: "device_total_ns", title: "Device total", kind: "ns", width: 96, value: at("device_total_ns"), tip: "With those of the operators under it" },
      ...host,
      { key: "device_work", title: "Launched", kind: "count", width: 82, value: at("device_work"), tip: "Kernels, copies and fills that it launched itself" },
      { key: "tensor_share", title: "Tensor cores", kind: "percent", width: 108, value: at("tensor_share"), bar: (row) => this.found.tensor_share[row] || 0, tip: "Part of its device time in kernels that use tensor cores; no number where it has none" },
      { key: "eligible", title: "Eligible", kind: "count", width: 66, value: at("eligible"), tip: "It multiplies matrices, or holds operators that do, and so could use tensor cores", paint: (cell, row) => (cell.textContent = this.found.eligible[row] ? "yes" : "") },
      ...backward,
    ];
  }

  paintText(cell, text) {
    cell.textContent = visible(text || "–");
    cell.title = visible(text);
  }

  paintStack(cell, text) {
    const frames = text.split("\n").filter(Boolean);
    const own = frames.findLast((frame) => /\.pyx?\(\d+\)/.test(frame)) ?? frames.at(-1) ?? "–";
    cell.replaceChildren(make("span", { class: "pr-kernel", text: visible(own.replace(PACKAGES, "")) }));
    cell.title = frames.map((frame) => visible(frame)).reverse().join("\n");
  }

  goFirst(row) {
    const t0 = this.found.at[row];
    toTimeline(this.profile, { t0, t1: t0 + this.found.host_total_ns[row] / Math.max(this.found.calls[row], 1), row: this.found.row[row] });
  }

  // One row.

  async choose(row) {
    this.chosen = row;
    this.table?.refresh();
    if (row < 0) return this.panel.hide();
    const name = this.found.name[row];
    this.panel.wait(name);
    const query = { trace: this.profile.trace, by: this.by, id: this.found.id[row], ...withinQuery(this.profile) };
    try {
      const found = await getJson("profile/operator", { query });
      if (!this.isOver && this.chosen === row) this.showRow(found);
    } catch (error) {
      if (this.isOver) return;
      this.panel.fail(name, error);
      if (error.name !== "ApiError") throw error;
    }
  }

  showRow({ name, shapes, stack, calls, kernels, sequences }) {
    const find = make("button", { type: "button", class: "button", text: "Find on the timeline", on: { click: () => this.profile.show("timeline", { timeQuery: name, timeRegex: false }) } });
    const note = [shapes && shapes !== "[]" ? visible(shapes) : "", plural(calls.total, "call")].filter(Boolean).join(" · ");
    this.panel.show(name, note, [
      ["Calls", calls.total > calls.row.length ? `the ${calls.row.length} longest of ${count(calls.total)}` : "longest first", this.callTable(calls)],
      ["Kernels", "of it and all under it", kernels.name.length ? this.kernelTable(kernels) : absence("it launched no work of a device")],
      stack ? ["Called from", "innermost first", stackList(stack)] : null,
      ["Sequences", "kernels that came again and again under it", sequences.absent ? absence(sequences.absent) : sequenceTable(sequences, this.profile)],
    ], [find]);
  }

  callTable(calls) {
    const table = new ProfileTable({
      label: "Calls",
      noun: "call",
      sort: "-dur",
      rows: 8,
      columns: [
        { key: "start", title: "At", kind: "ns", width: 70 },
        { key: "dur", title: "Host", kind: "ns", width: 84, bar: true },
        { key: "device_ns", title: "Device", kind: "ns", width: 84, bar: true, tip: "Of the work that the call launched itself" },
        { key: "thread", title: "Thread", width: 50, grow: 1 },
      ],
      go: (row) => toTimeline(this.profile, { t0: calls.start[row], t1: calls.start[row] + calls.dur[row], row: calls.row[row] }),
    });
    table.show({ ...calls, n: calls.row.length });
    return table;
  }

  kernelTable(kernels) {
    const open = (row) => this.profile.show("kernels", { kernelQuery: kernels.name[row], kernelClasses: [] });
    const table = new ProfileTable({
      label: "Kernels",
      noun: "kernel",
      sort: "-ns",
      rows: 8,
      columns: [
        { key: "name", title: "Kernel", width: 90, grow: 1, text: (row) => visible(kernels.name[row]), paint: (cell, row) => this.paintKernel(cell, kernels, row) },
        { key: "count", title: "Runs", kind: "count", width: 50 },
        { key: "ns", title: "Total", kind: "ns", width: 80, bar: true },
        { key: "max_ns", title: "Longest", kind: "ns", width: 70 },
      ],
      onPick: open,
      go: (row) => toTimeline(this.profile, { t0: kernels.start[row], t1: kernels.start[row] + kernels.dur[row], row: kernels.row[row] }),
    });
    table.show({ ...kernels, n: kernels.name.length });
    return table;
  }

  paintKernel(cell, kernels, row) {
    const { title, colour } = CORES[kernels.cores[row]];
    const mark = swatch(colour);
    mark.title = `tensor cores: ${title}`;
    cell.title = visible(kernels.name[row]);
    cell.replaceChildren(mark, make("span", { class: "pr-kernel", text: nameOf(kernels.name[row], 80) }));
  }

  destroy() {
    this.isOver = true;
    this.end();
    this.asked?.abort();
    this.table?.dispose();
    this.panel.clear();
  }
}

function stackList(stack) {
  const frames = stack.split("\n").filter(Boolean).reverse();
  return make("ol", { class: "pr-stack" }, ...frames.map((frame) => make("li", { text: visible(frame), title: visible(frame) })));
}

export function open(stage, profile) {
  const tab = new OperatorsTab(stage, profile);
  return () => tab.destroy();
}
