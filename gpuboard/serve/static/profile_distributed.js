/** The Distributed tab: what each rank did, who waits for whom, and every collective. */

import { getJson, columns as getColumns } from "./api.js";
import { make } from "./chart_elements.js";
import { count, plural, size } from "./format.js";
import { gantt } from "./profile_gantt.js";
import { matrix } from "./profile_matrix.js";
import { cancelTraces, openTraces } from "./profile_open.js";
import { absent, card, column, figures, legend, stack } from "./profile_parts.js";
import { ProfileTable } from "./profile_table.js";
import { KEPT, define } from "./state.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const isTexts = (v) => v.every((one) => typeof one === "string");
define({
  rankTraces: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // ids that are compared
});

const FREE_BYTES = 64e6; // ranks that take no more together are read without being asked for
const FREE_RANKS = 64;
const PARTS = [
  ["compute", "computing", "Computation alone: covered by kernels that are no communication"],
  ["overlap", "overlapped", "Communication while it computed as well"],
  ["comm", "exposed", "Exposed communication: communication while nothing was computed"],
  ["copy", "copying", "Copies and fills while nothing was computed or communicated"],
  ["idle", "idle", "No work on the device"],
];
const RECORD = `with profile(
    activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA],
    on_trace_ready=tensorboard_trace_handler("runs/job"),  # on every rank
):`;

class Distributed {
  constructor(stage, profile) {
    this.profile = profile;
    this.stage = stage;
    this.stop = new AbortController();
    this.made = [];
    const { job, traces } = profile;
    const here = job.traces.find(({ id }) => id === profile.trace);
    this.all = job.traces.filter(({ span: one }) => one === here.span);
    this.start(traces.map(({ trace }) => trace));
  }

  /** Compare what was compared last, else the chosen ranks, else all where that costs little. */
  start(chosen) {
    const known = new Set(this.all.map(({ id }) => id));
    const kept = state.get("rankTraces").filter((id) => known.has(id));
    const bytes = this.all.reduce((sum, one) => sum + one.bytes, 0);
    const isFree = bytes <= FREE_BYTES && this.all.length <= FREE_RANKS;
    const all = this.all.map(({ id }) => id);
    if (kept.length > 1) this.load(kept);
    else this.load(chosen.length > 1 ? chosen : isFree ? all : chosen);
  }

  async load(ids) {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    const meter = make("progress", { class: "nu-progress pf-progress", max: 1, value: 0 });
    const line = make("p", { text: `reading ${plural(ids.length, "rank")}` });
    const cancel = make("button", { type: "button", class: "button", text: "Cancel" });
    cancel.addEventListener("click", () => {
      cancelTraces(ids.filter((id) => !this.profile.traces.some(({ trace }) => trace === id)));
      this.load(this.profile.traces.map(({ trace }) => trace));
    });
    const slow = setTimeout(() => {
      this.clear();
      this.stage.replaceChildren(make("div", { class: "pf-reading" }, meter, line, cancel));
    }, 250);
    try {
      await openTraces(ids, (fraction, sentence) => {
        meter.value = fraction;
        line.textContent = `${plural(ids.length, "rank")}: ${sentence || "reading"}, ${Math.round(100 * fraction)} %`;
      }, signal);
      const query = { traces: ids.join() };
      const [ranks, list] = await Promise.all([
        getJson("profile/ranks", { query, signal }),
        getColumns("profile/collectives", { query, signal }),
      ]);
      clearTimeout(slow);
      this.ids = ids;
      this.build(ranks, list);
    } catch (error) {
      clearTimeout(slow);
      if (error.name === "AbortError" || signal.aborted) return;
      this.stage.replaceChildren(column(absent("The ranks cannot be compared", error.message)));
    }
  }

  build(ranks, list) {
    this.clear();
    this.ranks = ranks;
    this.list = list;
    const isSeveral = ranks.trace.length > 1;
    const parts = [this.lead(), this.rankCard()];
    if (isSeveral && !ranks.absent) parts.push(this.waitingCards());
    parts.push(...this.collectiveCards());
    if (isSeveral) parts.push(this.clockCard());
    this.stage.replaceChildren(column(...parts.filter(Boolean)));
    (window.__gpuboard ??= {}).distributed = this;
  }

  name(k) {
    const one = this.all.find(({ id }) => id === this.ranks.trace[k]);
    return one && one.rank === null ? one.worker || `rank ${this.ranks.rank[k]}` : `rank ${this.ranks.rank[k]}`;
  }

  lead() {
    const { ranks } = this;
    const total = (key) => ranks[key].reduce((sum, one) => sum + one, 0);
    const window = total("window_ns") || 1;
    const exposed = `${percent(total("exposed_ns") / window)} of the time is exposed communication, ${percent(total("idle_ns") / window)} idle`;
    if (ranks.trace.length < 2) return make("p", { class: "pk-lead", text: `One rank: ${exposed}` });
    if (!ranks.worst.length) return make("p", { class: "pk-lead", text: `${plural(ranks.trace.length, "rank")}: ${exposed}` });
    const caused = Math.max(...ranks.caused_ns);
    const share = caused / (total("caused_ns") || 1);
    const who = `Rank ${ranks.worst[0]} makes the others wait ${span(caused)}`;
    return make("p", { class: "pk-lead" }, `${who}, ${percent(share)} of all waiting`, make("small", { text: `${exposed}` }));
  }

  rankCard() {
    const { ranks } = this;
    const longest = Math.max(...ranks.window_ns, 1);
    const alone = ranks.computing_ns.map((all, k) => all - ranks.overlapped_ns[k]);
    const values = { computing: alone, overlapped: ranks.overlapped_ns, exposed: ranks.exposed_ns, copying: ranks.copying_ns, idle: ranks.idle_ns };
    const split = (cell, k) => {
      const parts = PARTS.map(([role, key]) => ({ role, value: values[key][k], title: `${key}: ${span(values[key][k])}, ${percent(values[key][k] / (ranks.window_ns[k] || 1))}` }));
      cell.replaceChildren(stack(parts, longest));
    };
    const share = (key) => (k) => ranks[key][k] / (ranks.window_ns[k] || 1);
    const several = ranks.trace.length > 1 && !ranks.absent;
    const table = this.table({
      label: "Ranks",
      noun: "rank",
      tools: [legend(PARTS.map(([role, text, about]) => [role, text, about]))],
      sort: "rank",
      rows: 16,
      file: `${this.profile.job.name} ranks`,
      columns: [
        { key: "rank", title: "Rank", width: 76, grow: 0.15, kind: "text", text: (k) => this.name(k) },
        { key: "window_ns", title: "Window", width: 86, kind: "ns", tip: "From the first start to the last end of work on its devices" },
        { key: "split", title: "Where its time went", width: 150, grow: 1, isQuiet: true, paint: split },
        { key: "computing", title: "Computing", width: 86, kind: "percent", value: share("computing_ns"), tip: "Share of the window covered by computation" },
        { key: "communicating", title: "Comm.", width: 74, kind: "percent", value: share("communicating_ns"), tip: "Share of the window covered by communication" },
        { key: "overlap", title: "Overlapped", width: 92, kind: "percent", value: (k) => ranks.overlapped_ns[k] / (ranks.communicating_ns[k] || NaN), tip: "Share of its communication that ran while it computed" },
        { key: "exposed", title: "Exposed", width: 76, kind: "percent", value: share("exposed_ns"), tip: "Share of the window with communication and no computation" },
        ...(several
          ? [
              { key: "waiting_ns", title: "Waited", width: 88, kind: "ns", bar: true, tip: "In all matched collectives, what this rank took longer than the quickest" },
              { key: "caused_ns", title: "Made others wait", width: 122, kind: "ns", bar: true, tip: "Over collectives that it started last: its start - start of each other rank, summed over them" },
              { key: "last", title: "Last in", width: 66, kind: "count", tip: "How many collectives it started last" },
              { key: "gain_ns", title: "Gain", width: 84, kind: "ns", tip: "What all would gain if it came no later than the next to last" },
            ]
          : []),
      ],
      go: (k) => this.profile.show("timeline", { profileTraces: [ranks.trace[k]], timeWindow: null, timeEvent: null }),
    });
    const box = card("Ranks", { tools: [this.rankTools()] }, table.element);
    table.show({ n: ranks.trace.length, ...ranks });
    return box;
  }

  rankTools() {
    const missing = this.all.filter(({ id }) => !this.ids.includes(id));
    if (!missing.length) return make("span", { class: "pk-note", text: this.all.length > 1 ? `all ${this.all.length} ranks` : "the only trace of this recording" });
    const bytes = missing.reduce((sum, one) => sum + one.bytes, 0);
    const more = make("button", { type: "button", class: "button", text: `Load all ${this.all.length} ranks`, title: `${plural(missing.length, "more trace")}, ${size(bytes)}` });
    more.addEventListener("click", () => {
      const ids = this.all.map(({ id }) => id);
      state.set("rankTraces", ids);
      this.load(ids);
    });
    const note = make("span", { class: "pk-note", text: `${this.ids.length} of ${this.all.length} ranks` });
    return make("span", { class: "pd-tools" }, note, more);
  }

  waitingCards() {
    const { ranks } = this;
    const drawing = matrix(ranks.waits, ranks.trace.map((_, k) => this.name(k)), {
      cell: (k, j, ns) => [`${this.name(k)} waited ${span(ns)} for ${this.name(j)}`],
    });
    this.made.push(drawing);
    const left = card("Who waits for whom", { note: "row waits for column" }, drawing.element);
    return make("div", { class: "pk-pair" }, left, card("Stragglers", {}, make("div", { class: "pk-body" }, ...this.stragglers())));
  }

  stragglers() {
    const { ranks } = this;
    const late = ranks.late;
    const ours = ranks.worst.slice(0, 5).map((rank) => {
      const k = ranks.rank.indexOf(rank);
      return make("li", {}, make("strong", { text: `rank ${rank}` }), ` made others wait ${span(ranks.caused_ns[k])} as the last in ${plural(ranks.last[k], "collective")}; ${span(ranks.gain_ns[k])} to gain`);
    });
    const theirs = late.absent
      ? `Holistic Trace Analysis: nobody (${late.absent})`
      : `Holistic Trace Analysis suspects ${late.rank.map((rank, i) => `rank ${rank}${late.times[i] > 1 ? ` (${late.times[i]} steps)` : ""}`).join(", ")}`;
    return [
      make("ol", { class: "pd-worst" }, ...ours),
      make("p", { class: "pk-text", text: "A rank waits in a collective from its own start until the last rank has started; that one is the cause. Summed over all matched collectives. The gain is what all would save if it came with the next to last." }),
      make("p", { class: "pd-hta", text: theirs }),
      make("p", { class: "pk-text", text: `Their rule looks at one collective of a step, the long kernel whose durations differ most over ranks, and names the two ranks that start it latest${late.absent ? "" : "; it names two, however little they are late"}.` }),
      late.kernel ? make("p", { class: "pk-text pd-kernel", text: late.kernel, title: late.kernel }) : null,
    ].filter(Boolean);
  }

  collectiveCards() {
    const { ranks, list } = this;
    const several = ranks.trace.length > 1 && !ranks.absent;
    if (!list.header.total) {
      const why = several || ranks.trace.length < 2 ? ranks.absent_own : ranks.absent;
      const own = ranks.absent_own || why || "no collectives";
      return [card("Collectives", {}, absent("No collectives", own, ranks.trace.length < 2 ? RECORD : ""))];
    }
    return [this.collectiveCard(several), this.groupCard(several)];
  }

  collectiveCard(several) {
    const { header, columns: c } = this.list;
    const { ranks } = this;
    this.chosen = -1;
    const kind = (k) => header.kinds[c.kind[k]];
    const table = this.table({
      label: "Collectives",
      noun: "collective",
      sort: several ? "-waiting" : "-latency",
      rows: 12,
      file: `${this.profile.job.name} collectives`,
      find: (k) => `${kind(k)} ${header.groups[c.group[k]]}`,
      columns: [
        { key: "kind", title: "Collective", width: 118, grow: 1, text: kind, value: kind },
        { key: "group", title: "Group", width: 92, grow: 0.6, text: (k) => groupText(header.groups[c.group[k]], c.ranks[k]), value: (k) => header.groups[c.group[k]] },
        { key: "start", title: "Start", width: 98, kind: "ns", tip: "On the common clock, from the start of the first rank" },
        { key: "bytes", title: "Message", width: 84, kind: "bytes", tip: "As NCCL-tests count: input of all-reduce, reduce-scatter, broadcast, all-to-all; output of all-gather" },
        { key: "latency", title: several ? "Transfer" : "Duration", width: 98, kind: "ns", bar: true, tip: several ? "Shortest duration over ranks: whoever came last waited for nobody" : "With waiting for other ranks in it" },
        ...(several
          ? [
              { key: "waiting", title: "Waited, all ranks", width: 124, kind: "ns", bar: true, tip: "Sum over ranks of duration - transfer" },
              { key: "skew", title: "Starts apart", width: 98, kind: "ns", tip: "Last start - first start" },
              { key: "last", title: "Last", width: 86, text: (k) => this.name(c.last[k]), value: (k) => c.last[k] },
            ]
          : []),
        { key: "algorithm", title: "Algorithm bw", width: 104, kind: "rate", tip: `Message / ${several ? "transfer" : "duration"}, 10⁹ bytes a second` },
        { key: "bus", title: "Bus bw", width: 92, kind: "rate", tip: "Algorithm bandwidth x factor of the collective (nccl-tests): comparable with the bandwidth of links" },
      ],
      isOn: (k) => k === this.chosen,
      onPick: several ? (k) => this.pick(k) : undefined,
      go: (k) => this.toTimeline(k, several),
    });
    this.detail = make("div", { class: "pd-detail", hidden: true });
    const note = several ? `matched by ${ranks.how}${header.total > c.number.length ? `; the ${count(c.number.length)} that took most` : ""}; click one to see each rank` : ranks.trace.length > 1 ? ranks.absent : "";
    const box = card("Collectives", { note }, table.element, this.detail);
    this.collectiveTable = table;
    table.show({ n: c.number.length, total: header.total, ...c });
    if (several) this.pick(table.grid.rows[0]);
    return box;
  }

  async pick(k) {
    this.chosen = k;
    this.collectiveTable.refresh();
    const number = this.list.columns.number[k];
    const query = { traces: this.ids.join(), number };
    const one = await getJson("profile/collective", { query }).catch(() => null);
    if (!one || this.chosen !== k) return;
    this.drawing?.dispose();
    const names = one.rank.map((rank) => `rank ${rank}`);
    this.drawing = gantt(one, names, {
      open: (i) => this.show([one.trace[i]], one.start[i], one.end[i], [one.trace[i], one.row[i]]),
    });
    const facts = figures([
      ["collective", one.kind],
      ["message", one.bytes === null ? "" : size(one.bytes)],
      ["transfer", span(one.latency_ns)],
      ["starts apart", span(Math.max(...one.late_ns))],
      ["last to start", `rank ${one.last}`],
    ]);
    this.detail.hidden = false;
    this.detail.replaceChildren(facts, this.drawing.element, legend([["wait", "waiting for the last rank"], ["comm", "after the last rank has started"]]));
  }

  toTimeline(k, several) {
    const { columns: c } = this.list;
    if (!several) return this.show([this.ids[0]], c.start[k], c.start[k] + c.latency[k], null);
    const length = c.skew[k] + c.latency[k];
    this.show(this.ids, c.start[k] - 0.05 * length, c.start[k] + 1.05 * length, null);
  }

  /** Go to a window of the common clock with these ranks stacked. */
  show(ids, from, to, event) {
    const first = this.ids[0];
    // Times count from the start of the first rank, so that one stays on top.
    const traces = ids.includes(first) ? ids : [first, ...ids];
    const shifted = this.ranks.clocks.estimated.some((one) => one !== 0);
    const room = 0.05 * (to - from) || 1000;
    this.profile.show("timeline", {
      profileTraces: this.ids.length > 1 ? traces.slice(0, 64) : ids,
      timeAlign: shifted ? "collective" : "clock",
      timeWindow: [Math.floor(from - room), Math.ceil(to + room)],
      timeEvent: event,
    });
  }

  groupCard(several) {
    const { groups } = this.ranks;
    const col = (key) => groups.map((one) => (one[key] === null || one[key] === "NaN" ? NaN : one[key]));
    const table = this.table({
      label: "Collectives by sort and size",
      noun: "sort",
      sort: several ? "-waiting_ns" : "-time_ns",
      rows: 10,
      file: `${this.profile.job.name} collectives by sort`,
      columns: [
        { key: "kind", title: "Collective", width: 118, grow: 1 },
        { key: "group", title: "Group", width: 92, grow: 0.6, text: (k) => groupText(groups[k].group, groups[k].ranks) },
        ...(groups.some(({ dtype }) => dtype) ? [{ key: "dtype", title: "Type", width: 80 }] : []),
        { key: "bytes", title: "Message", width: 90, kind: "bytes" },
        { key: "count", title: "Count", width: 76, kind: "count" },
        { key: "time_ns", title: several ? "Transfer" : "Time", width: 104, kind: "ns", bar: true },
        ...(several ? [{ key: "waiting_ns", title: "Waited, all ranks", width: 126, kind: "ns", bar: true }] : []),
        { key: "bus_gbs", title: several ? "Bus bw, median" : "Bus bw, best", width: 118, kind: "rate" },
      ],
    });
    const box = card("By sort and size", {}, table.element);
    const text = (key) => groups.map((one) => one[key]);
    table.show({ n: groups.length, kind: text("kind"), group: text("group"), dtype: text("dtype"), ...Object.fromEntries(["bytes", "count", "time_ns", "waiting_ns", "bus_gbs"].map((key) => [key, col(key)])) });
    return box;
  }

  clockCard() {
    const { clocks, unmatched, rank } = this.ranks;
    const moved = clocks.estimated.map((ns, k) => [ns, k]).filter(([ns]) => ns !== 0);
    const rows = [
      ["ends apart", span(clocks.spread_ns), "Median over collectives of last end - first end, as the files have them: a collective ends nearly at once on all ranks"],
      ["after alignment", span(clocks.left_ns), "The same on the common clock"],
      ["ranks shifted", moved.length ? `${moved.length} of ${rank.length}` : "none"],
      ["collectives without partner", count(unmatched.reduce((sum, one) => sum + one, 0)), "Those that no other rank has"],
    ];
    const shifts = moved.slice(0, 16).map(([ns, k]) => `${this.name(k)} ${ns > 0 ? "+" : "−"}${span(Math.abs(ns))}`).join(", ");
    return card("Clocks", { note: clocks.how }, figures(rows), shifts ? make("p", { class: "pk-body pk-text", text: shifts }) : null);
  }

  table(options) {
    const table = new ProfileTable(options);
    this.made.push(table);
    return table;
  }

  clear() {
    this.drawing?.dispose();
    this.drawing = null;
    this.made.splice(0).forEach((one) => one.dispose());
    this.stage.replaceChildren();
  }

  destroy() {
    this.stop.abort();
    this.clear();
  }
}

const groupText = (name, ranks) => [name, ranks > 0 ? `${ranks} ranks` : ""].filter(Boolean).join(" · ");

export function open(stage, profile) {
  const tab = new Distributed(stage, profile);
  return () => tab.destroy();
}
