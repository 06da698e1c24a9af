/** The Compare tab: two traces, or two groups of ranks, side by side; the largest changes first. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { plural, size } from "./format.js";
import { cancelTraces, openTraces } from "./profile_open.js";
import { absent, card, column, segments } from "./profile_parts.js";
import { stepBars } from "./profile_compare_steps.js";
import { CLASSES, PARTS } from "./profile_palette.js";
import { ProfileTable, WRITE } from "./profile_table.js";
import { KEPT, define } from "./state.js";
import * as state from "./state.js";
import { span } from "./timeline_time.js";

const isTexts = (v) => v.every((one) => typeof one === "string");
define({
  compareBefore: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // ids of traces
  compareAfter: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  compareWhat: {
    ...KEPT.URL_ONLY,
    default: "kernels",
    choices: ["kernels", "kernel_classes", "classes", "operators", "operator_kernels"],
  },
});

const WHAT = [
  ["kernels", "Kernels", "Device work by name"],
  ["kernel_classes", "Kernel classes", "Device work by what kernels are for"],
  ["operators", "Operators", "Time on the host, with all that runs under them"],
  ["operator_kernels", "Operators on the device", "Device work by the operator that launched it"],
  ["classes", "Kinds of work", "Computation, communication, copies, fills"],
];
const STATUS = [
  ["", "All"],
  ["added", "Added"],
  ["removed", "Removed"],
  ["more", "More often"],
  ["fewer", "Less often"],
];
const partName = (name) => PARTS[name]?.title ?? name.replaceAll("_", " ");

class Compare {
  constructor(stage, profile) {
    this.stage = stage;
    this.profile = profile;
    this.stop = new AbortController();
    this.made = [];
    this.status = "";
    this.begin();
  }

  async begin() {
    try {
      this.groups = groupsOf(await getJson("profile/jobs"));
    } catch (error) {
      return this.stage.replaceChildren(column(absent("Nothing can be compared", error.message)));
    }
    if (this.isOver) return;
    this.sides = [this.side("compareBefore", 0), this.side("compareAfter", 1)];
    this.body = make("div", { class: "pc-body" });
    const swap = make("button", { type: "button", class: "button", text: "Swap", title: "Compare the other way round" });
    swap.addEventListener("click", () => this.swap());
    const head = make("div", { class: "pc-head" }, this.sides[0].element, swap, this.sides[1].element);
    this.stage.replaceChildren(column(head, this.body));
    (window.__gpuboard ??= {}).compare = this;
    this.load();
  }

  /** One side: which recording, and which of its ranks. */
  side(key, place) {
    const side = { key, place };
    side.select = make("select", { class: "select", "aria-label": place ? "After" : "Before" });
    side.select.append(...options(this.groups));
    side.ranks = make("input", { class: "input pc-ranks", "aria-label": "Ranks", title: 'Ranks, such as "0-3,7"' });
    side.note = make("span", { class: "field-error", role: "alert" });
    this.adopt(side);
    side.select.addEventListener("change", () => {
      side.ranks.value = "";
      this.chosen(side);
    });
    side.ranks.addEventListener("change", () => this.chosen(side));
    side.element = make(
      "div",
      { class: `pc-side ${place ? "is-after" : "is-before"}` },
      make("strong", { text: place ? "After" : "Before" }),
      make("div", { class: "picker" }, side.select, icon("down")),
      side.ranks,
      side.note,
    );
    return side;
  }

  /** Show what the address says, or what suggests itself. */
  adopt(side) {
    const ids = state.get(side.key);
    const known = this.groups.find((group) => ids.length && ids.every((id) => group.traces.some((one) => one.id === id)));
    const group = known ?? this.suggested(side.place);
    side.ids = known ? ids : group.traces.map(({ id }) => id);
    this.showSide(side, group);
  }

  /** The chosen recording, then the next of its job, or the next job. */
  suggested(place) {
    const at = this.groups.findIndex(({ traces }) => traces.some(({ id }) => id === this.profile.trace));
    const here = this.groups[Math.max(at, 0)];
    const of = this.groups.filter(({ job }) => job === here.job);
    const pair = of.length > 1 ? of : [here, this.groups[at + 1] ?? this.groups[at - 1] ?? here];
    if (of.length > 1 && place === 0) return of[0];
    return place === 0 ? here : (pair.find((one) => one !== pair[0]) ?? pair[0]);
  }

  showSide(side, group) {
    side.group = group;
    side.select.value = group.key;
    const several = group.traces.length > 1;
    side.ranks.hidden = !several;
    side.ranks.placeholder = `all ${group.traces.length} ranks`;
    side.ranks.value = side.ids.length < group.traces.length ? side.ids.map((id) => group.traces.findIndex((one) => one.id === id)).map((k) => rankOf(group, k)).join() : "";
  }

  chosen(side) {
    const group = this.groups.find(({ key }) => key === side.select.value);
    const wanted = ranksOf(side.ranks.value);
    side.note.textContent = "";
    const ids = group.traces.filter((_, k) => !wanted || wanted.has(rankOf(group, k))).map(({ id }) => id);
    if (!ids.length) {
      side.note.textContent = "no such rank";
      return;
    }
    side.ids = ids;
    this.showSide(side, group);
    state.set(side.key, ids);
    this.load();
  }

  swap() {
    const [before, after] = this.sides;
    const kept = [before.ids, before.group];
    [before.ids, after.ids] = [after.ids, before.ids];
    this.showSide(before, after.group);
    this.showSide(after, kept[1]);
    for (const side of this.sides) state.set(side.key, side.ids);
    this.load();
  }

  async load() {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    const [before, after] = this.sides.map(({ ids }) => ids);
    if (before.join() === after.join()) return this.say("Choose another recording to compare with", "both sides are the same");
    const ids = [...new Set([...before, ...after])];
    const line = make("p", {});
    const meter = make("progress", { class: "nu-progress pf-progress", max: 1, value: 0 });
    const cancel = make("button", { type: "button", class: "button", text: "Cancel" });
    cancel.addEventListener("click", () => {
      this.stop.abort();
      cancelTraces(ids.filter((id) => id !== this.profile.trace));
      this.say("Not compared", "reading was cancelled");
    });
    const slow = setTimeout(() => {
      this.clear();
      this.body.replaceChildren(make("div", { class: "pf-reading" }, meter, line, cancel));
    }, 250);
    try {
      await openTraces(ids, (fraction, sentence) => {
        meter.value = fraction;
        line.textContent = `${plural(ids.length, "trace")}: ${sentence || "reading"}, ${Math.round(100 * fraction)} %`;
      }, signal);
      const found = await getJson("profile/compare", { query: { before: before.join(), after: after.join() }, signal });
      clearTimeout(slow);
      this.show(found);
    } catch (error) {
      clearTimeout(slow);
      if (error.name !== "AbortError" && !signal.aborted) this.say("These cannot be compared", error.message);
    }
  }

  say(title, why) {
    this.clear();
    this.body.replaceChildren(make("section", { class: "pk-card pc-say" }, absent(title, why)));
  }

  show(found) {
    this.clear();
    this.found = found;
    const lead = make("p", { class: `pk-lead ${found.ratio > 1.01 ? "is-worse" : found.ratio < 0.99 ? "is-better" : ""}` }, visible(found.text));
    if (found.caution) lead.append(make("small", { class: "pc-caution", text: found.caution }));
    const parts = [lead, make("div", { class: "pk-pair" }, this.figureCard(), found.parts.length ? this.partCard() : this.classCard())];
    if (found.steps.every(({ ns }) => ns.length > 1)) parts.push(this.stepCard());
    parts.push(this.tableCard());
    this.body.replaceChildren(...parts);
  }

  figureCard() {
    const { figures } = this.found;
    const rows = figures.filter(({ before, after }) => before || after);
    return this.small("Figures", `mean of a ${this.found.per}`, rows);
  }

  partCard() {
    const rows = this.found.parts.map((one) => ({ ...one, name: partName(one.name) })).filter(({ before, after }) => before || after);
    return this.small("What a step went into", "parts sum up to the step", rows);
  }

  classCard() {
    const { name, before, after } = this.found.tables.kernel_classes;
    const rows = name.map((one, k) => ({ name: CLASSES[one]?.title ?? one, unit: "ns", before: before[k], after: after[k] }));
    return this.small("Device work by class of kernel", `per ${this.found.per}`, rows);
  }

  /** A small table of figures with both sides. */
  small(title, note, rows) {
    const kind = (k) => ({ ns: "ns", bytes: "bytes" })[rows[k].unit] ?? "mean";
    const value = (side) => (k) => rows[k][side] ?? NaN;
    const change = (k) => (rows[k].after ?? NaN) - (rows[k].before ?? NaN);
    const most = {};
    rows.forEach((row, k) => (most[row.unit] = Math.max(most[row.unit] ?? 0, Math.abs(change(k)) || 0)));
    const table = this.table({
      label: title,
      noun: "figure",
      rows: 12,
      sort: "place",
      file: title,
      columns: [
        { key: "name", title: "", width: 150, grow: 1 },
        { key: "before", title: "Before", width: 92, kind: "ns", value: value("before"), text: (k) => WRITE[kind(k)](value("before")(k)) },
        { key: "after", title: "After", width: 92, kind: "ns", value: value("after"), text: (k) => WRITE[kind(k)](value("after")(k)) },
        { key: "change", title: "Change", width: 132, kind: "change", value: change, text: (k) => changeText(change(k), kind(k)), bar: "diverging", share: (k) => change(k) / (most[rows[k].unit] || 1) },
        { key: "ratio", title: "Ratio", width: 70, kind: "number", value: (k) => value("after")(k) / value("before")(k), text: (k) => ratioText(value("before")(k), value("after")(k)) },
        { key: "place", title: "", width: 0, kind: "count", isQuiet: true, value: (k) => k, paint: () => {} },
      ],
    });
    const box = card(title, { note }, table.element);
    table.tools.hidden = true;
    table.show({ n: rows.length, name: rows.map(({ name }) => name) });
    return box;
  }

  stepCard() {
    const drawing = stepBars(this.found.steps);
    this.made.push(drawing);
    const means = this.found.steps.map(({ ns }) => span(ns.reduce((sum, one) => sum + one, 0) / ns.length));
    return card("Steps, one by one", { note: `mean ${means[0]} before, ${means[1]} after`, tools: [make("span", { class: "pk-legend" }, make("span", {}, make("i", { class: "is-before" }), "before"), make("span", {}, make("i", { class: "is-after" }), "after"))] }, drawing.element);
  }

  tableCard() {
    const data = () => this.rows;
    const name = (k) => (state.get("compareWhat") === "kernel_classes" ? (CLASSES[data().name[k]]?.title ?? data().name[k]) : data().name[k]);
    const diff = (k) => data().after[k] - data().before[k];
    this.table_ = this.table({
      label: "Changes",
      noun: "name",
      rows: 18,
      sort: "-size",
      file: "changes",
      find: (k) => name(k),
      tools: [
        segments("State", STATUS, this.status, (one) => {
          this.status = one;
          this.table_.arrange();
        }),
      ],
      order: (table) => table.ordered().filter((k) => !this.status || data().status[k] === this.status),
      columns: [
        { key: "name", title: "Name", width: 220, grow: 1, text: name, value: name },
        { key: "status", title: "", width: 84, paint: (cell, k) => tag(cell, data().status[k]), csv: (k) => data().status[k], text: (k) => data().status[k] },
        { key: "count_before", title: "Count before", width: 100, kind: "mean" },
        { key: "count_after", title: "After", width: 80, kind: "mean" },
        { key: "before", title: "Time before", width: 100, kind: "ns" },
        { key: "after", title: "After", width: 90, kind: "ns" },
        { key: "size", title: "Change", width: 170, kind: "change", value: (k) => Math.abs(diff(k)), text: (k) => WRITE.change(diff(k)), csv: diff, bar: "diverging", share: diff },
        { key: "ratio", title: "Ratio", width: 76, kind: "number", value: (k) => data().after[k] / data().before[k], text: (k) => ratioText(data().before[k], data().after[k]) },
      ],
    });
    const what = segments("What is compared", WHAT, state.get("compareWhat"), (one) => {
      state.set("compareWhat", one);
      this.choose(one);
    });
    this.holder = make("div", {}, this.table_.element);
    this.changes = card("Changes", { tools: [what] }, this.holder);
    this.choose(state.get("compareWhat"));
    return this.changes;
  }

  choose(what) {
    this.rows = this.found.tables[what];
    const { rows } = this;
    this.holder.replaceChildren(rows.absent ? absent("Nothing to compare", rows.absent) : this.table_.element);
    const total = rows.all_after - rows.all_before;
    this.changes.say(`per ${this.found.per}; all together ${WRITE.change(total)}`);
    if (!rows.absent) this.table_.show({ n: rows.name.length, ...rows });
  }

  table(options) {
    const table = new ProfileTable(options);
    this.made.push(table);
    return table;
  }

  clear() {
    this.made.splice(0).forEach((one) => one.dispose());
  }

  destroy() {
    this.isOver = true;
    this.stop.abort();
    this.clear();
  }
}

/** Recordings in their order: [{key, job, name, traces: [{id, rank, bytes}]}]. */
function groupsOf(columns) {
  const groups = new Map();
  columns.trace.forEach((id, i) => {
    const key = `${columns.job[i]}/${columns.span[i]}`;
    if (!groups.has(key)) {
      const recording = columns.span_name[i];
      groups.set(key, { key, job: columns.job[i], name: columns.name[i], recording, traces: [] });
    }
    groups.get(key).traces.push({ id, rank: columns.rank[i], bytes: columns.bytes[i] });
  });
  return [...groups.values()];
}

function options(groups) {
  return groups.map((group) => {
    const bytes = group.traces.reduce((sum, one) => sum + one.bytes, 0);
    const recording = group.recording ? ` · recording ${group.recording}` : "";
    const ranks = group.traces.length > 1 ? ` · ${group.traces.length} ranks` : "";
    return make("option", { value: group.key, text: `${visible(group.name)}${visible(recording)}${ranks} (${size(bytes)})` });
  });
}

const rankOf = (group, k) => group.traces[k].rank ?? k;

/** Read "0-3,7" as a set of numbers, null for everything. */
function ranksOf(text) {
  if (!text.trim()) return null;
  const found = new Set();
  for (const part of text.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*$/.exec(part) ?? [];
    if (first === undefined) return new Set();
    for (let k = Number(first); k <= Number(last) && found.size < 10_000; k++) found.add(k);
  }
  return found;
}

function changeText(change, kind) {
  if (!Number.isFinite(change)) return "–";
  if (kind === "ns") return WRITE.change(change);
  const text = WRITE[kind](Math.abs(change));
  return change === 0 ? "0" : `${change > 0 ? "+" : "−"}${text}`;
}

function ratioText(before, after) {
  if (!(before > 0)) return after > 0 ? "new" : "–";
  if (!Number.isFinite(after)) return "–";
  const ratio = after / before;
  return ratio >= 100 ? `×${Math.round(ratio)}` : `×${ratio.toFixed(2)}`;
}

function tag(cell, status) {
  const words = { added: "added", removed: "removed", more: "more often", fewer: "less often" };
  cell.replaceChildren(words[status] ? make("span", { class: `pk-tag is-${status}`, text: words[status] }) : "");
}

export function open(stage, profile) {
  const tab = new Compare(stage, profile);
  return () => tab.destroy();
}
