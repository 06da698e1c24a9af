/** The Modules tab: the model as a tree, with the time of each module on host and device. */

import { columns as getColumns } from "./api.js";
import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { count } from "./format.js";
import { Icicle } from "./profile_icicle.js";
import { card, column, cutName, figures, nothing, segments, whose } from "./profile_parts.js";
import { ProfileTable } from "./profile_table.js";
import { Tree } from "./profile_tree.js";
import { KEPT, define } from "./state.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

define({
  moduleBy: { ...KEPT.URL_ONLY, default: "", choices: ["", "device", "forward", "backward", "host"] },
});

const OPEN_AT_FIRST = 60;
const RECORD = "with profile(..., with_stack=True) as profiler:";
const SOURCES = {
  python: "from Python functions (with_stack=True)",
  lightning: "from annotations of Lightning",
  hierarchy: "from the module hierarchy of TorchScript",
};

class ModulesTab {
  constructor(stage, profile) {
    this.stage = stage;
    this.profile = profile;
    this.made = [];
    this.marked = -1;
    this.load();
  }

  async load() {
    try {
      const { header, columns } = await getColumns("profile/modules", { query: { trace: this.profile.trace } });
      if (this.isOver) return;
      if (header.absent) return this.stage.replaceChildren(nothing("No modules", header.absent, RECORD));
      this.build(header, columns);
    } catch (error) {
      if (!this.isOver) this.stage.replaceChildren(nothing("Modules cannot be shown", error.message));
    }
  }

  build(header, columns) {
    this.header = header;
    this.c = columns;
    this.tree = new Tree(columns.parent);
    this.tree.openSome(OPEN_AT_FIRST);
    this.values = {
      device: columns.device_ns.map((one, k) => one + columns.backward_ns[k]),
      forward: columns.device_ns,
      backward: columns.backward_ns,
      host: columns.host_ns.map((one, k) => Math.max(one, 0) + columns.backward_host_ns[k]),
    };
    const has = (key) => this.values[key].some((one) => one > 0);
    const choices = [
      ["device", "Device", "Device work of forward and backward pass"],
      ["forward", "Forward", "Device work that the forward pass launched"],
      ["backward", "Backward", "Device work of the backward pass of its operators"],
      ["host", "Host", "Time on the host, forward and backward"],
    ].filter(([key]) => has(key));
    const wanted = state.get("moduleBy");
    this.by = choices.some(([key]) => key === wanted) ? wanted : (choices[0]?.[0] ?? "host");
    this.has = Object.fromEntries(["device", "backward", "host"].map((key) => [key, has(key)]));
    const icicle = this.icicleCard(choices);
    this.stage.replaceChildren(column(whose(this.profile), icicle, this.tableCard()));
    this.icicle.show(this.values[this.by]);
    this.table.show(this.rows());
    (window.__gpuboard ??= {}).modules = this;
  }

  path(row) {
    const names = [];
    for (let at = row; at >= 0; at = this.c.parent[at]) names.unshift(this.header.name[at]);
    return names.join(".");
  }

  icicleCard(choices) {
    const { header, c } = this;
    this.icicle = new Icicle(this.tree, {
      name: (row) => header.name[row],
      lines: (row) => this.lines(row),
      pick: (row) => this.choose(row, true),
    });
    this.made.push(this.icicle);
    const all = make("button", { type: "button", class: "button is-quiet", text: "All", title: "Show the whole model (double click zooms into a module)" });
    all.addEventListener("click", () => this.icicle.zoom(-1));
    const by = segments("Width by", choices, this.by, (one) => {
      this.by = one;
      state.set("moduleBy", one === choices[0][0] ? "" : one);
      this.icicle.show(this.values[one]);
    });
    const roots = this.tree.roots;
    const sum = (column) => roots.reduce((total, row) => total + Math.max(column[row], 0), 0);
    const inside = sum(c.device_ns) + sum(c.backward_ns);
    const facts = figures([
      ["modules", count(header.total)],
      ["device, forward", this.has.device ? span(sum(c.device_ns)) : ""],
      ["device, backward", this.has.backward ? span(sum(c.backward_ns)) : ""],
      ["in no module", header.has_device ? `${span(header.unassigned_ns)} (${percent(header.unassigned_ns / (inside + header.unassigned_ns || 1))})` : "", "Device work that belongs to no module: the optimizer, the loss, copies of batches"],
      ["host, forward", this.has.host ? span(sum(c.host_ns)) : ""],
    ]);
    const note = header.backward_absent ? make("p", { class: "pk-body pk-text", text: `Backward pass not assigned: ${header.backward_absent}` }) : null;
    return card("Modules", { note: SOURCES[header.source] ?? "", tools: [by, all] }, facts, note, make("div", { class: "pt-box" }, this.icicle.element));
  }

  lines(row) {
    const { c } = this;
    const lines = [this.path(row)];
    if (c.occurrences[row] >= 0) lines.push(`${count(c.occurrences[row])} calls, ${count(c.operators[row])} operators of its own`);
    if (this.has.device) lines.push(`device ${span(c.device_ns[row])} forward, ${span(c.backward_ns[row])} backward`);
    if (c.host_ns[row] >= 0) lines.push(`host ${span(c.host_ns[row])}, of its own ${span(c.host_own_ns[row])}`);
    return lines;
  }

  rows() {
    const n = this.header.name.length;
    const known = (column) => Array.from(column, (one) => (one < 0 ? NaN : one));
    const rows = { n, total: this.header.total, all: this.values.device };
    for (const key of ["occurrences", "operators", "host_ns", "host_own_ns", "device_ns", "device_own_ns", "backward_ns", "backward_own_ns", "backward_host_ns"]) rows[key] = known(this.c[key]);
    return rows;
  }

  tableCard() {
    const { header, has } = this;
    const ns = (key, title, width, more = {}) => ({ key, title, width, kind: "ns", ...more });
    const device = has.device
      ? [
          ns("all", "Device, both", 108, { bar: true, tip: "Forward and backward, all modules under it included" }),
          ns("device_ns", "Forward", 100, { bar: true, tip: "Device work that its forward pass launched" }),
          ns("device_own_ns", "own", 88, { tip: "Without modules under it" }),
          ns("backward_ns", "Backward", 100, { bar: true, tip: "Device work of the backward pass of its operators" }),
          ns("backward_own_ns", "own", 88, { tip: "Without modules under it" }),
        ]
      : [];
    const tools = [
      ["Expand all", () => this.tree.openAll()],
      ["Collapse", () => this.tree.opened.clear()],
    ].map(([text, act]) => {
      const button = make("button", { type: "button", class: "button is-quiet", text });
      button.addEventListener("click", () => {
        act();
        this.table.arrange();
      });
      return button;
    });
    this.table = new ProfileTable({
      label: "Modules",
      noun: "module",
      rows: 22,
      sort: "place",
      file: `${this.profile.job.name} modules`,
      find: (row) => header.name[row],
      tools,
      isOn: (row) => row === this.marked,
      onPick: (row) => this.choose(row, false),
      order: (table) => this.tree.order(table.sort === "place" ? null : table.compare(), table.text ? (row) => table.test(header.name[row]) : null),
      key: (row, event) => this.key(row, event),
      canGo: (row) => this.c.duration[row] >= 0,
      go: (row) => this.go(row),
      columns: [
        { key: "place", title: "Module", width: 240, grow: 1, paint: (cell, row) => this.name(cell, row), kind: "text", value: (row) => row, text: (row) => header.name[row], csv: (row) => this.path(row) },
        { key: "occurrences", title: "Calls", width: 68, kind: "count" },
        { key: "operators", title: "Operators", width: 86, kind: "count", tip: "Outermost operators that ran in it, not in a module under it" },
        ...device,
        ns("host_ns", "Host", 100, { bar: true, tip: "From its calls to their ends, all modules under it included" }),
        ns("host_own_ns", "own", 88, { tip: "Without modules under it" }),
        ns("backward_host_ns", "Host, backward", 116, { tip: "Outermost backward operators on the host" }),
      ],
    });
    this.made.push(this.table);
    return card("Tree", { note: "arrows open and close; click a head to sort siblings" }, this.table.element);
  }

  name(cell, row) {
    const twist = make("button", { type: "button", class: "pt-twist", tabIndex: -1, hidden: !this.tree.hasChildren(row), "aria-label": this.tree.isOpen(row) ? "Close" : "Open" }, icon("down"));
    if (!this.tree.isOpen(row) && !this.table.text) twist.classList.add("is-closed");
    twist.addEventListener("click", () => {
      this.tree.toggle(row);
      this.table.arrange();
    });
    const name = make("span", { class: "pt-name" });
    cutName(name, this.header.name[row], this.path(row));
    cell.style.paddingLeft = `${this.c.depth[row] * 16}px`;
    cell.replaceChildren(make("span", { class: "pt-gap" }, twist), name);
  }

  key(row, event) {
    if (event.key === " ") this.tree.toggle(row);
    else if (event.key === "ArrowRight" && this.tree.hasChildren(row)) this.tree.toggle(row, true);
    else if (event.key === "ArrowLeft" && this.tree.isOpen(row)) this.tree.toggle(row, false);
    else if (event.key === "ArrowLeft" && this.c.parent[row] >= 0) {
      this.table.reveal(this.c.parent[row]);
      event.preventDefault();
      return true;
    } else return false;
    event.preventDefault();
    this.table.arrange();
    return true;
  }

  choose(row, reveals) {
    this.marked = row;
    this.icicle.mark(row);
    if (reveals) {
      this.tree.show(row);
      this.table.arrange();
      this.table.reveal(row);
    }
    this.table.refresh();
  }

  go(row) {
    const { start, duration } = this.c;
    const room = Math.max(0.1 * duration[row], 1000);
    this.profile.show("timeline", { timeWindow: [Math.floor(start[row] - room), Math.ceil(start[row] + duration[row] + room)], timeEvent: [this.profile.trace, this.c.row[row]] });
  }

  destroy() {
    this.isOver = true;
    this.made.forEach((one) => one.dispose());
  }
}

export function open(stage, profile) {
  const tab = new ModulesTab(stage, profile);
  return () => tab.destroy();
}
