/** The launching side of the Kernels tab: queues, delays, short kernels, sequences, CUDA graphs. */

import { columns, getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural } from "./format.js";
import { Histogram } from "./profile_histogram.js";
import { absence, card, factList, nameOf, toTimeline } from "./profile_kit.js";
import { QueueChart } from "./profile_queue.js";
import { sequenceTable } from "./profile_sequences.js";
import { ProfileTable } from "./profile_table.js";
import { percent, span } from "./timeline_time.js";

export class Launching {
  constructor(profile) {
    this.profile = profile;
    this.parts = [];
    this.element = make("div", { class: "pg-page pr-launching" }, absence("reading"));
    this.load();
  }

  async load() {
    const query = { trace: this.profile.trace };
    try {
      const [found, queues] = await Promise.all([getJson("profile/launches", { query }), columns("profile/queues", { query })]);
      if (!this.isOver) this.show(found, queues);
    } catch (error) {
      if (!this.isOver) this.element.replaceChildren(absence(error.message));
      if (error.name !== "ApiError") throw error;
    }
  }

  keep(part) {
    this.parts.push(part);
    return part.element;
  }

  show(found, queues) {
    this.element.replaceChildren(
      this.factsCard(found),
      this.queueCard(queues),
      make("div", { class: "pr-two" }, this.shortCard(found.short), this.delayCard(found)),
      this.sequenceCard(found.sequences),
      this.launchCard(found),
      this.graphCard(found.graphs),
    );
  }

  factsCard({ sums, short, slow_call_ns: slow, late_ns: late, in_graphs: inGraphs, unjoined, absent, graphs }) {
    if (absent) return card("Launching", {}, absence(absent));
    const of = (n) => `${count(n)} · ${percent(n / (sums.count || 1))}`;
    const rows = [
      ["Launches", count(sums.count)],
      ["Mean call", span(sums.call_ns / (sums.count || 1), 3), "Duration of the launching call on the host"],
      ["Mean delay", span(sums.delay_ns / (sums.count || 1), 3), "From the end of the call to the start on the device"],
      ["Shorter than their call", of(sums.short), "The device was done sooner than the host: fusing or a CUDA graph would help"],
      [`Calls over ${span(slow)}`, of(sums.slow_calls)],
      [`Delays over ${span(late)}`, of(sums.late), "They waited in the queue"],
      [`Kernels under ${span(short.short_ns)}`, `${count(short.short_count)} · ${span(short.short_total_ns, 3)}`],
      ["In CUDA graphs", inGraphs || graphs.launches ? `${count(inGraphs)} works, ${plural(graphs.launches, "launch").replace("launchs", "launches")}` : ""],
      ["Without their call", unjoined ? count(unjoined) : "", "Work whose launching call is not in the trace"],
      ["Before their call", sums.early ? count(sums.early) : "", "The clocks of host and device differ"],
    ];
    const figures = make("dl", { class: "pr-figures" });
    for (const [name, value, title] of rows) {
      if (value) figures.append(make("div", { title }, make("dt", { text: name }), make("dd", { text: value })));
    }
    return card("Launching", { note: "what it costs the host to keep the device busy" }, figures);
  }

  queueCard({ header, columns: found }) {
    if (!header.max.length) return card("Queues", {}, absence(header.absent || "no launch waited"));
    const chart = new QueueChart(header, found.most, (t0, t1) => toTimeline(this.profile, { t0, t1 }));
    const left = [header.early ? `${plural(header.early, "launch").replace("launchs", "launches")} left out that began before their call` : "", chart.more ? `${chart.more} quieter streams are not shown` : ""].filter(Boolean);
    const note = `launches that wait for each stream; an empty queue is a device without work${left.length ? ` · ${left.join(" · ")}` : ""}`;
    return card("Queues", { note }, this.keep(chart));
  }

  shortCard(short) {
    if (!short.count.some((one) => one)) return card("Durations of kernels", {}, absence("the trace holds no kernel"));
    const { edges, counts } = trimmed([...short.edges, Infinity], short.count);
    const chart = new Histogram({ label: "Kernels by duration", edges, counts, isEven: true, until: 8_193, noun: "kernel" });
    return card("Durations of kernels", { note: "each bar twice as long as the one before; orange: below 8 µs" }, this.keep(chart));
  }

  delayCard({ delays, absent }) {
    if (absent) return card("Delays", {}, absence(absent));
    const { edges, counts } = trimmed([-Infinity, ...delays.edges, Infinity], delays.count);
    const chart = new Histogram({ label: "Launches by delay", edges, counts, isEven: true, noun: "launch" });
    return card("Delays", { note: "from the end of the call to the start on the device" }, this.keep(chart));
  }

  sequenceCard(found) {
    const note = found.absent ? "" : "of the same kernels in the same order; between them the device waits";
    if (found.absent) return card("Sequences that come again", {}, absence(found.absent));
    const table = sequenceTable(found, this.profile, 10);
    return card("Sequences that come again", { note, name: "is-table" }, this.keep({ element: table.element, destroy: () => table.dispose() }));
  }

  launchCard({ rows, total, absent }) {
    if (absent) return card("Launches by kernel", {}, absence(absent));
    const table = new ProfileTable({
      label: "Launches",
      noun: "kernel",
      sort: "-count",
      rows: 12,
      file: "launches",
      find: (row) => rows.name[row],
      columns: [
        { key: "name", title: "Kernel, copy or fill", width: 200, grow: 1, text: (row) => visible(rows.name[row]), paint: (cell, row) => cell.replaceChildren(make("span", { class: "pr-kernel", title: visible(rows.name[row]), text: nameOf(rows.name[row], 110) })) },
        { key: "count", title: "Launches", kind: "count", width: 84, bar: true },
        { key: "device_ns", title: "Device", kind: "ns", width: 96, bar: true, tip: "Sum of durations on the device" },
        { key: "call_ns", title: "Calls", kind: "ns", width: 96, bar: true, tip: "Sum of durations of the launching calls" },
        { key: "call_max_ns", title: "Slowest call", kind: "ns", width: 100 },
        { key: "delay_ns", title: "Delays", kind: "ns", width: 96, bar: true, tip: "Sum of the times from the end of the call to the start on the device" },
        { key: "delay_max_ns", title: "Longest delay", kind: "ns", width: 108 },
        { key: "short", title: "Short", kind: "count", width: 70, tip: "Ran shorter on the device than their call on the host" },
        { key: "slow_calls", title: "Slow calls", kind: "count", width: 86 },
        { key: "late", title: "Late", kind: "count", width: 70 },
      ],
      onPick: (row) => this.profile.show("kernels", { kernelQuery: rows.name[row], kernelClasses: [], kernelView: "table" }),
    });
    table.show({ ...rows, n: rows.name.length, total });
    return card("Launches by kernel", { name: "is-table" }, this.keep({ element: table.element, destroy: () => table.dispose() }));
  }

  graphCard(graphs) {
    if (graphs.absent) return card("CUDA graphs", {}, absence(`${graphs.absent} Launches of a graph replace thousands of single ones: torch.cuda.graph, or torch.compile(mode="reduce-overhead").`));
    const { kinds } = graphs;
    const table = new ProfileTable({
      label: "CUDA graphs",
      noun: "graph",
      sort: "-device_ns",
      rows: 8,
      columns: [
        { key: "graph", title: "Graph", width: 120, grow: 1, value: (row) => (kinds.graph[row] >= 0 ? String(kinds.graph[row]) : "without a number") },
        { key: "launches", title: "Launches", kind: "count", width: 90 },
        { key: "work", title: "Works of one", kind: "count", width: 100, tip: "Kernels, copies and fills of one launch" },
        { key: "device_ns", title: "Device", kind: "ns", width: 110, bar: true },
        { key: "span_ns", title: "Span", kind: "ns", width: 110, tip: "From the start of the first work to the end of the last, over all launches" },
        { key: "call_ns", title: "Calls", kind: "ns", width: 110 },
      ],
      go: (row) => toTimeline(this.profile, { t0: graphs.start[row], t1: graphs.start[row] + kinds.call_ns[row] / Math.max(kinds.launches[row], 1), row: graphs.row[row] }),
    });
    table.show({ ...kinds, n: kinds.graph.length });
    const facts = factList([
      ["Share of device time in graphs", graphs.share === null ? "" : percent(graphs.share)],
      ["Launches without work in the trace", graphs.empty ? count(graphs.empty) : ""],
      ["Capturing and building", graphs.capture_calls ? `${count(graphs.capture_calls)} calls, ${span(graphs.capture_ns, 3)}` : ""],
    ]);
    facts.classList.add("is-left");
    return card("CUDA graphs", { name: "is-table" }, facts, this.keep({ element: table.element, destroy: () => table.dispose() }));
  }

  destroy() {
    this.isOver = true;
    this.parts.forEach((part) => part.destroy());
  }
}

/** Leave out the empty bins at both ends. */
function trimmed(edges, counts) {
  const first = Math.max(counts.findIndex((one) => one > 0), 0);
  const last = counts.findLastIndex((one) => one > 0);
  return { edges: edges.slice(first, last + 2), counts: counts.slice(first, last + 1) };
}
