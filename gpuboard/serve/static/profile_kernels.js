/** The Kernels tab: what ran on the device, by name or launch, and what launching it cost. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural, size } from "./format.js";
import { Histogram } from "./profile_histogram.js";
import { absence, nameOf, segments, splitBar, swatch, toTimeline } from "./profile_kit.js";
import { Launching } from "./profile_launching.js";
import { CLASSES, CORES } from "./profile_palette.js";
import { RowPanel, askRows, csvButton, presetFilter, searchOf, stepPicker, withinQuery } from "./profile_rows.js";
import { ProfileTable } from "./profile_table.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const BY_NUMBER = ["other", "gemm", "convolution", "attention", "normalisation", "elementwise", "reduction", "copy", "communication", "optimizer", "sort_index", "random", "triton"];

class KernelsTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.chosen = -1;
    this.panel = new RowPanel(() => this.choose(-1));
    this.top = make("div", { class: "pr-top" });
    this.tableBox = make("div", { class: "pr-table" });
    this.element = make("div", { class: "pr-tab" });
    stage.append(this.element);
    (window.__gpuboard ??= {}).kernels = this;
    this.end = state.subscribe(["kernelView", "kernelBy", "kernelSort", "kernelQuery", "kernelClasses", "kernelCores"], () => this.adopt());
    this.start();
  }

  /** Follow links to this tab, and the history: what was chosen here is shown already. */
  adopt() {
    if (state.get("kernelView") !== this.view) this.start();
    else if (this.view === "table" && JSON.stringify(this.query()) !== this.lastQuery) {
      if (this.table) presetFilter(this.table, state.get("kernelQuery"));
      this.changed();
    }
  }

  async start() {
    this.launching?.destroy();
    this.launching = null;
    this.view = state.get("kernelView");
    const choices = [["table", "Kernels"], ["launching", "Launching and queues"]];
    const bar = make("div", { class: "pr-views" }, segments("What to see", choices, this.view, (value) => state.set("kernelView", value)));
    if (this.view === "launching") {
      this.launching = new Launching(this.profile);
      this.element.replaceChildren(bar, this.launching.element);
      return;
    }
    this.element.replaceChildren(bar, this.top, this.tableBox, this.panel.element);
    if (this.table) presetFilter(this.table, state.get("kernelQuery"));
    this.steps ??= await stepPicker(this.profile, () => this.changed()).catch(() => null);
    if (!this.isOver) await this.load();
  }

  get by() {
    return state.get("kernelBy");
  }

  query() {
    const cores = state.get("kernelCores");
    return {
      trace: this.profile.trace,
      by: this.by,
      sort: state.get("kernelSort"),
      class: state.get("kernelClasses"),
      ...(cores ? { cores } : {}),
      ...searchOf(state.get("kernelQuery")),
      ...withinQuery(this.profile, { onDevice: true }),
    };
  }

  async load() {
    this.asked?.abort();
    this.asked = new AbortController();
    this.lastQuery = JSON.stringify(this.query());
    try {
      const found = await askRows("profile/kernels", this.query(), this.asked.signal);
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
    const isNew = !this.table || this.found.by !== found.by;
    this.found = found;
    this.showTop(found);
    if (isNew) this.build(found);
    this.table.show(found);
  }

  // Filters: classes, tensor cores.

  showTop(found) {
    const classes = state.get("kernelClasses");
    const cores = state.get("kernelCores");
    const ofClass = found.classes.map((key, i) => ({ ...CLASSES[key], ns: found.class_ns[i], runs: found.class_count[i] }));
    const tip = (one, share) => `${one.title}: ${span(one.ns, 3)}, ${percent(share)}${one.runs ? `, ${plural(one.runs, "run")}` : ""}`;
    const first = splitBar(ofClass, { tip, pick: ({ key }) => this.toggle(key), isOn: ({ key }) => !classes.length || classes.includes(key) });
    const ofCores = [2, 1, 0].map((k) => ({ ...CORES[k], ns: found.cores_ns[k] }));
    const coresTip = (one, share) => `tensor cores ${one.title}: ${span(one.ns, 3)}, ${percent(share)} of the time of kernels`;
    const pick = ({ key }) => {
      state.set("kernelCores", cores === key ? "" : key);
      this.changed();
    };
    const second = splitBar(ofCores, { tip: coresTip, pick, isOn: ({ key }) => !cores || cores === key });
    this.label(first, ofClass);
    this.label(second, ofCores);
    const isFiltered = classes.length || cores;
    const clear = make("button", { type: "button", class: "link", text: "All", hidden: !isFiltered, on: { click: () => this.clear() } });
    this.top.replaceChildren(
      barLine("Class", first, span(found.sum_ns, 3), "A click shows kernels of that class alone"),
      barLine("Tensor cores", second, found.tensor_share === null ? "–" : percent(found.tensor_share), found.no_tensor_cores || "Told from the names of kernels"),
      ...(isFiltered ? [make("div", { class: "pr-filtered" }, make("span", { text: "Shown: " + [...classes.map((key) => CLASSES[key]?.title), cores ? `tensor cores ${CORES.find(({ key }) => key === cores)?.title}` : ""].filter(Boolean).join(", ") }), clear)] : []),
    );
    this.top.hidden = !found.classes.length;
  }

  label(bar, parts) {
    bar.classList.add("is-named");
    const shown = parts.filter(({ ns }) => ns > 0);
    [...bar.children].forEach((piece, i) => piece.append(make("span", { text: shown[i].title })));
  }

  toggle(key) {
    const classes = state.get("kernelClasses");
    state.set("kernelClasses", classes.includes(key) ? classes.filter((one) => one !== key) : [...classes, key]);
    this.changed();
  }

  clear() {
    state.set("kernelClasses", []);
    state.set("kernelCores", "");
    this.changed();
  }

  build(found) {
    this.table?.dispose();
    const by = segments("Kernels by", [["name", "Name"], ["launch", "Launch shape"], ["operator", "Operator"]], this.by, (value) => {
      state.set("kernelBy", value);
      this.changed();
    });
    this.table = new ProfileTable({
      label: "Kernels",
      noun: "kernel",
      columns: this.columns(found),
      sort: state.get("kernelSort") || "-total_ns",
      rows: 0,
      tools: [by, this.steps, csvButton("profile/kernels", () => this.query())].filter(Boolean),
      ask: (sort, text) => {
        state.set("kernelSort", sort);
        state.set("kernelQuery", text);
        this.changed();
      },
      onPick: (row) => this.choose(row === this.chosen ? -1 : row),
      isOn: (row) => row === this.chosen,
      go: (row) => toTimeline(this.profile, { t0: this.found.at[row], t1: this.found.at[row] + this.found.max_ns[row], row: this.found.row[row] }),
    });
    presetFilter(this.table, state.get("kernelQuery"));
    const why = [found.absent, found.no_tensor_cores, found.suspects ? `${plural(found.suspects, "work")} of impossible duration count nowhere` : ""].filter(Boolean);
    this.tableBox.replaceChildren(this.table.element, ...why.map((text) => absence(text)));
  }

  columns(found) {
    const at = (key) => (row) => this.found[key][row];
    const one = (key, title, kind, width, more = {}) => ({ key, title, kind, width, value: at(key), ...more });
    const launch = [
      { key: "grid", title: "Grid", width: 106, isQuiet: true, paint: (cell, row) => (cell.textContent = brief(this.found.grid[row])) },
      { key: "block", title: "Block", width: 66, isQuiet: true, paint: (cell, row) => (cell.textContent = brief(this.found.block[row])) },
      one("registers", "Registers", "count", 72, { tip: "Of a thread" }),
      one("shared_memory", "Shared", "count", 72, { tip: "Shared memory of a block", text: (row) => (this.found.shared_memory[row] >= 0 ? size(this.found.shared_memory[row]) : "–") }),
    ];
    const operator = [{ key: "operator", title: "Launched by", width: 150, grow: 1, isQuiet: true, paint: (cell, row) => ((cell.textContent = visible(this.found.operator[row] || "–")), (cell.title = visible(this.found.operator[row]))) }];
    return [
      { key: "name", title: "Kernel", width: 180, grow: 3, text: (row) => visible(this.found.name[row]), paint: (cell, row) => this.paintName(cell, row) },
      ...(found.by === "launch" ? launch : found.by === "operator" ? operator : []),
      { key: "tensor_cores", title: "Tensor cores", width: 88, kind: "count", value: at("tensor_cores"), paint: (cell, row) => this.paintCores(cell, row) },
      one("count", "Runs", "count", 66),
      one("total_ns", "Total", "ns", 102, { bar: true }),
      one("share", "Share", "percent", 66, { tip: "Of the device time of all rows" }),
      one("mean_ns", "Mean", "ns", 84),
      ...(found.by === "launch" ? [] : [one("min_ns", "Shortest", "ns", 84)]),
      one("max_ns", "Longest", "ns", 84),
      ...(found.has_occupancy ? [one("occupancy", "Occupancy", "percent", 92, { bar: (row) => this.found.occupancy[row] || 0, tip: "Estimated achieved occupancy, mean by duration" })] : []),
      ...(found.has_blocks ? [one("blocks_per_sm", "Blocks/SM", "number", 86, { tip: "Mean by duration; below 1 some multiprocessors have nothing to do" })] : []),
    ];
  }

  paintName(cell, row) {
    const { title, colour } = CLASSES[BY_NUMBER[this.found.kernel_class[row]] ?? "other"];
    const mark = swatch(colour);
    mark.title = title;
    cell.title = visible(this.found.name[row]);
    cell.replaceChildren(mark, make("span", { class: "pr-kernel", text: nameOf(this.found.name[row], 110) }));
  }

  paintCores(cell, row) {
    const is = this.found.tensor_cores[row];
    const isCopy = BY_NUMBER[this.found.kernel_class[row]] === "copy" && is === 1;
    const { title } = CORES[is];
    cell.textContent = isCopy || is === 0 ? "–" : title;
    cell.title = is === 0 ? "Its name does not tell" : "";
    cell.classList.toggle("is-muted", is !== 2);
  }

  // One row.

  async choose(row) {
    this.chosen = row;
    this.table?.refresh();
    if (row < 0) return this.panel.hide();
    const name = this.found.name[row];
    this.panel.wait(name);
    const query = { trace: this.profile.trace, by: this.by, id: this.found.id[row], ...withinQuery(this.profile, { onDevice: true }) };
    try {
      const found = await getJson("profile/kernel", { query });
      if (!this.isOver && this.chosen === row) this.showRow(found);
    } catch (error) {
      if (this.isOver) return;
      this.panel.fail(name, error);
      if (error.name !== "ApiError") throw error;
    }
  }

  showRow({ name, count: runs, histogram, quantiles, runs: longest, operators, shapes }) {
    const find = make("button", { type: "button", class: "button", text: "Find on the timeline", on: { click: () => this.profile.show("timeline", { timeQuery: name, timeRegex: false }) } });
    const chart = new Histogram({ label: "Durations", edges: histogram.edges, counts: histogram.count, isLog: histogram.is_log, height: 190 });
    const [low, middle, high] = quantiles;
    this.panel.show(name, `${plural(runs, "run")} · median ${span(middle, 3)}, 90 % between ${span(low, 3)} and ${span(high, 3)}`, [
      ["Durations", histogram.is_log ? "logarithmic scale" : "", chart],
      ["Longest runs", runs > longest.row.length ? `${longest.row.length} of ${count(runs)}` : "", this.runTable(longest)],
      ["Launched by", "", this.shareTable(operators.name.map((one) => one || "not known"), operators, "Operator", (row) => operators.name[row] && this.profile.show("operators", { opQuery: operators.name[row] }))],
      ["Launch shapes", "grid, block", this.shareTable(shapes.grid.map((grid, i) => (grid ? `${brief(grid)} , ${brief(shapes.block[i])}` : "not in the file")), shapes, "Grid, block")],
    ], [find]);
  }

  runTable(runs) {
    const hasDevice = runs.device.some((one) => one >= 0);
    const table = new ProfileTable({
      label: "Runs",
      sort: "-dur",
      rows: 8,
      columns: [
        { key: "start", title: "At", kind: "ns", width: 70 },
        { key: "dur", title: "Duration", kind: "ns", width: 84, bar: true },
        { key: "stream", title: "Stream", width: 60, grow: 1, value: (row) => (hasDevice ? `${runs.stream[row]} of GPU ${runs.device[row]}` : runs.stream[row]) },
      ],
      go: (row) => toTimeline(this.profile, { t0: runs.start[row], t1: runs.start[row] + runs.dur[row], row: runs.row[row] }),
    });
    table.show({ ...runs, n: runs.row.length });
    return table;
  }

  shareTable(names, found, title, onPick) {
    const table = new ProfileTable({
      label: title,
      sort: "-ns",
      rows: 8,
      columns: [
        { key: "name", title, width: 90, grow: 1, value: (row) => names[row], text: (row) => visible(names[row]) },
        { key: "count", title: "Runs", kind: "count", width: 54 },
        { key: "ns", title: "Total", kind: "ns", width: 80, bar: true },
      ],
      onPick,
    });
    table.show({ ...found, n: names.length });
    return table;
  }

  destroy() {
    this.isOver = true;
    this.end();
    this.asked?.abort();
    this.table?.dispose();
    this.panel.clear();
    this.launching?.destroy();
  }
}

/** "256 × 1 × 1" -> "256": ones at the end say nothing. */
const brief = (shape) => shape.replace(/( × 1)+$/, "") || "–";

const barLine = (title, bar, value, tip) =>
  make("div", { class: "pr-topbar is-wide", title: tip }, make("span", { class: "pr-topname", text: title }), bar, make("b", { text: value }));

export function open(stage, profile) {
  const tab = new KernelsTab(stage, profile);
  return () => tab.destroy();
}
