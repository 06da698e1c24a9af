/** The Memory tab: how much was in use when, who held it, what was allocated and how it was freed. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { count, plural, size } from "./format.js";
import { MemoryChart } from "./profile_memory_chart.js";
import { absent, card, column, figures, legend, nothing, segments, whose } from "./profile_parts.js";
import { ProfileTable } from "./profile_table.js";
import { KEPT, define } from "./state.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

define({
  memoryOf: { ...KEPT.URL_ONLY, default: "" }, // label of the device, "" for the first
  memoryBy: { ...KEPT.URL_ONLY, default: "operator", choices: ["operator", "module", "stack"] },
});

const RECORD = "with profile(..., profile_memory=True, with_stack=True) as profiler:";
const NaNs = (values) => values.map((one) => (one === null || one === "NaN" ? NaN : one));

class MemoryTab {
  constructor(stage, profile) {
    this.stage = stage;
    this.profile = profile;
    this.trace = profile.trace;
    this.made = [];
    this.time = null;
    this.load();
  }

  async load() {
    try {
      this.about = await getJson("profile/memory", { query: { trace: this.trace } });
    } catch (error) {
      return this.say("Memory cannot be shown", error.message);
    }
    if (this.isOver) return;
    if (this.about.absent) return this.say("No memory events", this.about.absent, RECORD);
    this.build();
  }

  say(title, why, code) {
    if (!this.isOver) this.stage.replaceChildren(nothing(title, why, code));
  }

  build() {
    this.chart = new MemoryChart(this.trace, this.about, { pick: (time) => this.hold(time) });
    this.made.push(this.chart);
    this.head = make("div", { class: "pm-head" });
    const picker = this.picker();
    const whole = make("button", { type: "button", class: "button is-quiet", text: "All", title: "Show all of it (double click)" });
    whole.addEventListener("click", () => this.chart.zoom(...this.chart.whole));
    const room = make("button", { type: "button", class: "button is-quiet", text: "Capacity", title: "Scale the axis to the memory of the device", "aria-pressed": "false" });
    room.addEventListener("click", () => {
      this.chart.withCapacity = room.getAttribute("aria-pressed") !== "true";
      room.setAttribute("aria-pressed", String(this.chart.withCapacity));
      this.chart.drawing.draw();
    });
    this.room = room;
    const fit = make("button", { type: "button", class: "button is-quiet", text: "Fit", title: "Scale the axis to what is in sight", "aria-pressed": "false" });
    fit.addEventListener("click", () => {
      this.chart.isFitted = fit.getAttribute("aria-pressed") !== "true";
      fit.setAttribute("aria-pressed", String(this.chart.isFitted));
      this.chart.drawing.draw();
    });
    const keys = make("div", { class: "pm-keys" });
    this.keys = keys;
    const curve = card("Memory over time", { tools: [keys, picker, fit, room, whole].filter(Boolean) }, this.head, this.chart.element);
    this.stage.replaceChildren(
      column(
        whose(this.profile),
        curve,
        this.about.driver.absent ? this.holdersCard() : make("div", { class: "pk-pair pm-pair" }, this.holdersCard(), this.driverCard()),
        this.operatorsCard(),
        this.blocksCard(),
      ),
    );
    const wanted = this.about.curves.findIndex(({ label }) => label === state.get("memoryOf"));
    this.choose(Math.max(wanted, 0));
    (window.__gpuboard ??= {}).memory = this;
  }

  picker() {
    const { curves } = this.about;
    if (curves.length < 2) return null;
    const select = make("select", { class: "select", "aria-label": "Device" });
    select.append(...curves.map(({ label }, i) => make("option", { value: String(i), text: label })));
    select.addEventListener("change", () => {
      const label = curves[Number(select.value)].label;
      state.set("memoryOf", Number(select.value) ? label : "");
      this.choose(Number(select.value));
    });
    this.select = select;
    return make("div", { class: "picker pm-picker" }, select, icon("down"));
  }

  choose(number) {
    this.number = number;
    this.curve = this.about.curves[number];
    const { curve } = this;
    if (this.select) this.select.value = String(number);
    this.room.hidden = !curve.capacity;
    this.keys.replaceChildren(legend([["overlap", "allocated", "Bytes in tensors"], ...(curve.peak_reserved ? [["other", "reserved", "What the allocator holds of the driver"]] : [])]));
    this.head.replaceChildren(figures(this.facts()));
    if (curve.from_zero) this.head.append(make("p", { class: "pk-body pk-text", text: "The file gives no totals: the curve counts from 0 at its first event, and what was allocated before is missing." }));
    this.chart.show(number, curve);
    this.hold(null);
    this.loadOperators();
    this.loadBlocks("-bytes", "");
  }

  facts() {
    const { curve, about } = this;
    const share = curve.capacity ? curve.peak / curve.capacity : NaN;
    const held = curve.peak_reserved ?? 0;
    return [
      ["peak allocated", size(curve.peak), "Most bytes in tensors at once"],
      ["peak reserved", held ? size(held) : "", "Most bytes that the allocator held of the driver"],
      ["capacity", curve.capacity ? size(curve.capacity) : "", "Memory of the device"],
      ["used at the peak", Number.isFinite(share) ? percent(share) : "", "Peak allocated / capacity", share > 0.9 ? "is-warn" : ""],
      ["fragmentation, peak", curve.peak_fragmentation >= 0 ? percent(curve.peak_fragmentation) : "", "Share of reserved memory in no tensor when most was allocated"],
      ["fragmentation, mean", curve.mean_fragmentation >= 0 ? percent(curve.mean_fragmentation) : "", "Share of reserved memory in no tensor, over time"],
      ["allocations", count(curve.allocations)],
      ["freed", count(curve.frees)],
      ["segments returned", curve.given_back ? count(curve.given_back) : "", "How often reserved memory fell: the allocator gave segments back to the driver"],
      ["out of memory", about.out_of_memory ? plural(about.out_of_memory, "time") : "", "Allocations that failed", "is-bad"],
    ];
  }

  // Who held it.

  holdersCard() {
    this.held = this.table({
      label: "Holders of memory",
      noun: "holder",
      rows: 10,
      sort: "-bytes",
      file: "memory holders",
      find: (k) => this.held.data.label[k],
      columns: [
        { key: "label", title: "Allocated by", width: 180, grow: 1, isPlain: true, text: (k) => this.held.data.label[k].split("\n").reverse().join(" ‹ "), about: (k) => this.held.data.label[k] },
        { key: "blocks", title: "Blocks", width: 78, kind: "count" },
        { key: "bytes", title: "Bytes", width: 110, kind: "bytes", bar: true },
        { key: "share", title: "Share", width: 72, kind: "percent" },
      ],
    });
    const by = segments("Grouped by", [["operator", "Operator"], ["module", "Module"], ["stack", "Stack"]], state.get("memoryBy"), (one) => {
      state.set("memoryBy", one);
      this.hold(this.time);
    });
    this.heldBody = make("div", {}, this.held.element);
    this.peakButton = make("button", { type: "button", class: "button is-quiet", text: "Peak", title: "Show who held memory at the peak" });
    this.peakButton.addEventListener("click", () => this.hold(null));
    this.holders = card("Who held it", { tools: [this.peakButton, by] }, this.heldBody);
    return this.holders;
  }

  /** Show who held memory at a time, null for the peak. */
  async hold(time) {
    this.time = time;
    this.chart.mark(time);
    this.peakButton.hidden = time === null;
    const query = { trace: this.trace, curve: this.number, by: state.get("memoryBy"), time };
    const found = await getJson("profile/memory/holders", { query }).catch((error) => ({ absent: error.message, label: [] }));
    if (this.isOver || this.time !== time) return;
    if (found.absent) {
      this.holders.say("");
      this.heldBody.replaceChildren(absent("Not known", found.absent));
      return;
    }
    this.heldBody.replaceChildren(this.held.element);
    const when = time === null ? "at the peak" : `at ${span(found.time)}`;
    this.holders.say(`${when}: ${size(found.allocated)}${found.reserved ? ` of ${size(found.reserved)} reserved` : ""}`);
    const whole = found.allocated || 1;
    this.held.show({ n: found.label.length, total: found.total, label: found.label, bytes: found.bytes, blocks: NaNs(found.blocks), share: found.bytes.map((one) => one / whole) });
  }

  // The driver.

  driverCard() {
    const { driver } = this.about;
    const steps = driver.step_calls.reduce((sum, one) => sum + one, 0);
    const inSteps = driver.step_time_ns.reduce((sum, one) => sum + one, 0);
    const facts = figures([
      ["retries", count(driver.retries), "The allocator got nothing, gave back what it had cached and asked again", driver.retries ? "is-bad" : ""],
      ["calls in steps", count(steps), "Each makes the host, and often the device, wait; a steady run has none", steps ? "is-warn" : ""],
      ["time in steps", inSteps ? span(inSteps) : "none"],
    ]);
    if (!driver.name.length) return card("Calls to the driver", {}, facts, make("p", { class: "pk-body pk-text", text: "No memory was got from the driver or given back during the recording: as a steady run should be." }));
    const table = this.table({
      label: "Calls to the driver",
      noun: "call",
      sort: "-time_ns",
      rows: 8,
      file: "driver calls",
      columns: [
        { key: "name", title: "Call", width: 140, grow: 1 },
        { key: "calls", title: "Calls", width: 70, kind: "count" },
        { key: "time_ns", title: "Time", width: 96, kind: "ns", bar: true },
        { key: "step_calls", title: "In steps", width: 80, kind: "count" },
        { key: "step_time_ns", title: "Time in steps", width: 106, kind: "ns" },
      ],
    });
    const box = card("Calls to the driver", { note: "that get memory or give it back" }, facts, table.element);
    table.show({ n: driver.name.length, ...driver });
    return box;
  }

  // Operators and blocks.

  operatorsCard() {
    const tip = (text) => ({ tip: text });
    this.operators = this.table({
      label: "Memory by operator",
      noun: "operator",
      sort: "-own_increase",
      rows: 14,
      file: "memory by operator",
      find: (k) => this.operators.data.name[k],
      columns: [
        { key: "name", title: "Operator", width: 200, grow: 1 },
        { key: "calls", title: "Calls", width: 80, kind: "count" },
        { key: "increase", title: "Increase", width: 116, kind: "bytes", bar: "diverging", ...tip("Bytes allocated less bytes freed while it ran, operators under it included") },
        { key: "own_increase", title: "Own increase", width: 124, kind: "bytes", bar: "diverging", ...tip("Without operators under it") },
        { key: "allocations", title: "Allocations", width: 96, kind: "count" },
        { key: "own_allocations", title: "Own", width: 78, kind: "count" },
        { key: "allocated", title: "Allocated", width: 104, kind: "bytes", ...tip("Bytes of its allocations, frees not subtracted") },
        { key: "own_allocated", title: "Own allocated", width: 116, kind: "bytes", bar: true },
      ],
    });
    this.operatorsBody = make("div", {}, this.operators.element);
    return card("By operator", { note: "a free counts for the operator in which it happened" }, this.operatorsBody);
  }

  async loadOperators() {
    const { number } = this;
    const found = await getJson("profile/memory/operators", { query: { trace: this.trace, curve: number } });
    if (this.isOver || this.number !== number) return;
    this.operatorsBody.replaceChildren(found.absent ? absent("Nothing by operator", found.absent) : this.operators.element);
    if (!found.absent) this.operators.show({ n: found.name.length, ...found });
  }

  blocksCard() {
    const data = () => this.blocks.data;
    this.blocks = this.table({
      label: "Blocks",
      noun: "block",
      sort: "-bytes",
      rows: 16,
      file: "memory blocks",
      ask: (sort, text) => this.loadBlocks(sort, text),
      columns: [
        { key: "address", title: "Address", width: 130 },
        { key: "bytes", title: "Size", width: 110, kind: "bytes", bar: true },
        { key: "lifetime", title: "Lifetime", width: 110, kind: "ns", bar: true, tip: "From allocation to free; a dash where one of them lies outside of the recording" },
        { key: "start", title: "Allocated at", width: 116, kind: "ns", text: (k) => (Number.isFinite(data().start[k]) ? span(data().start[k]) : "before") },
        { key: "end", title: "Freed at", width: 110, kind: "ns", text: (k) => (Number.isFinite(data().end[k]) ? span(data().end[k]) : "not freed") },
        { key: "operator", title: "Allocated by", width: 180, grow: 1, isQuiet: true, text: (k) => data().operator[k] || (Number.isFinite(data().start[k]) ? "outside of every operator" : "") },
      ],
      canGo: (k) => Number.isFinite(data().start[k]) || Number.isFinite(data().end[k]),
      go: (k) => this.go(data().start[k], data().end[k]),
    });
    this.blocksBody = make("div", {}, this.blocks.element);
    return card("Blocks", { note: "pieces of memory from allocation to free" }, this.blocksBody);
  }

  async loadBlocks(sort, text) {
    const { number } = this;
    this.blocksAsked = `${sort} ${text}`;
    const asked = this.blocksAsked;
    const found = await getJson("profile/memory/blocks", { query: { trace: this.trace, curve: number, sort, q: text } });
    if (this.isOver || this.number !== number || this.blocksAsked !== asked) return;
    this.blocksBody.replaceChildren(found.absent ? absent("No blocks", found.absent) : this.blocks.element);
    if (found.absent) return;
    const { operator, address, bytes } = found;
    this.blocks.show({ n: bytes.length, total: found.total, operator, address, bytes, start: NaNs(found.start), end: NaNs(found.end), lifetime: NaNs(found.lifetime) });
  }

  go(start, end) {
    const from = Number.isFinite(start) ? start : end;
    const to = Number.isFinite(end) ? end : this.about.span;
    const room = Math.max(0.05 * (to - from), 1000);
    this.profile.show("timeline", { timeWindow: [Math.floor(from - room), Math.ceil(to + room)] });
  }

  table(options) {
    const table = new ProfileTable({ ...options, file: `${visible(this.profile.job.name)} ${options.file}` });
    this.made.push(table);
    return table;
  }

  destroy() {
    this.isOver = true;
    this.made.forEach((one) => one.dispose());
  }
}

export function open(stage, profile) {
  const tab = new MemoryTab(stage, profile);
  return () => tab.destroy();
}
