/** The Overview tab: what holds a run back, what was recorded, and where the time went. */

import { columns, getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural, size } from "./format.js";
import { gauges } from "./profile_gauges.js";
import { absence, card, factList, fitted, legend, meter, segments, sentence, splitBar, toTimeline } from "./profile_kit.js";
import { CAUSES, CLASSES, PARTS, ROLES } from "./profile_palette.js";
import { devicesCard, ranksCard } from "./profile_ranks.js";
import { StackChart } from "./profile_stack.js";
import { BusyStrip } from "./profile_strip.js";
import { showVerdict } from "./profile_verdict.js";
import * as state from "./state.js";
import { percent, span } from "./timeline_time.js";

const SHOWN_PAUSES = 5;
const FEW_STEPS = 3; // are shown lying
const FREE_BYTES = 64e6; // ranks that take no more together are judged without being asked for
const FREE_RANKS = 16;

/** The chosen ranks; where none was chosen by hand, all of the recording, if that costs little. */
function judgedTogether({ job, trace, traces }) {
  const chosen = traces.map((one) => one.trace);
  if (state.get("profileTraces").length) return chosen;
  const { span: recording } = job.traces.find(({ id }) => id === trace);
  const all = job.traces.filter((one) => one.span === recording);
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  return bytes <= FREE_BYTES && all.length <= FREE_RANKS ? all.map(({ id }) => id) : chosen;
}

class OverviewTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.ends = [];
    this.build(stage);
    (window.__gpuboard ??= {}).overview = this;
    this.load();
  }

  build(stage) {
    this.verdict = make("div", { class: "po-verdict" }, ...[1, 2].map(() => make("div", { class: "po-finding is-waiting" })));
    this.judged = judgedTogether(this.profile);
    const several = this.judged.length > 1;
    const note = several ? `${this.judged.length} ranks, judged together` : "waiting before slow work, the worst first";
    this.side = make("div", { class: "po-side" });
    this.body = make("div", { class: "po-body" });
    this.note = make("span", { class: "pg-note", text: note });
    const head = make("header", { class: "po-title" }, make("h2", { text: "What holds it back" }), this.note);
    const first = make("section", { class: "po-main", "aria-label": "Verdict" }, head, this.verdict);
    this.element = make("div", { class: "pg-page po-page" }, make("div", { class: "po-top" }, first, this.side), this.body);
    stage.append(this.element);
  }

  async load() {
    const { trace, traces } = this.profile;
    const verdict = getJson("profile/verdict", { query: { traces: this.judged.join() } });
    const steps = columns("profile/steps", { query: { trace } });
    const top = getJson("profile/top", { query: { trace } });
    const all = Promise.all(traces.map((one) => getJson("profile/overview", { query: { trace: one.trace } })));
    await Promise.all([
      this.put(this.side, all, (found) => this.showFacts(found)),
      this.put(this.verdict, verdict, (found) => this.showVerdict(found)),
      this.put(this.body, all.then(async (found) => [found, await steps, await top]), ([found, ofSteps, most]) => this.showBody(found, ofSteps, most)),
    ]);
    this.isShown = !this.isOver;
  }

  /** Show what a reply says in `box`, or why there is none. */
  async put(box, reply, show) {
    try {
      const found = await reply;
      if (!this.isOver) show(found);
    } catch (error) {
      if (!this.isOver) box.replaceChildren(absence(error.message));
      if (!(error.name === "ApiError")) throw error;
    }
  }

  showVerdict(found) {
    showVerdict(this.verdict, found, this.profile);
    const most = Math.max(...found.window_ns);
    if (found.findings.length) this.note.textContent += ` · shares of ${found.window_ns.length > 1 ? "up to " : ""}${span(most, 3)}`;
  }

  // Beside the verdict.

  showFacts([first, ...others]) {
    const facts = factList(factsOf(first, this.profile));
    const [device] = first.devices;
    const title = !device ? (first.temporal.absent ? "No device" : "Accelerator") : device.name || `${device.vendor || "GPU"} ${Math.max(device.number, 0)}`;
    const note = first.devices.length > 1 ? `and ${plural(first.devices.length - 1, "more device")}` : others.length ? this.profile.traces[0].name : "";
    this.side.replaceChildren(
      card(visible(title), { note, name: "po-device" }, gauges(first.gauges, this.means(first, others)), facts),
    );
  }

  means(first, others) {
    if (!others.length) return null;
    return first.gauges.map(({ value }, k) => {
      const known = [value, ...others.map(({ gauges: all }) => all[k].value)].filter((one) => one !== null);
      return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : null;
    });
  }

  // Below.

  showBody(found, steps, top) {
    const [first] = found;
    this.chart?.destroy();
    const parts = [
      found.length > 1 ? ranksCard(found, this.profile) : devicesCard(first),
      this.stripCard(first, steps),
      this.stepsCard(steps),
      make("div", { class: "po-three" }, this.idleCard(first), this.topCard("Operators", "operators", top.operators), this.topCard("Kernels", "kernels", top.kernels, top.classes)),
      this.problemsCard(first),
    ];
    this.body.replaceChildren(...parts.filter(Boolean));
  }

  stripCard(first, { header, columns: found }) {
    if (!first.busy.busy.length) return null;
    const strip = new BusyStrip(first.busy, (t0, t1) => toTimeline(this.profile, { t0, t1 }));
    strip.setSteps({ start: found.start, end: found.end, name: header.name });
    this.ends.push(() => strip.destroy());
    const note = `${first.busy.sm.length ? "filled: a kernel ran · line: multiprocessors in use" : "a kernel ran"} · drag to see a part on the timeline`;
    return card("Device over time", { note }, strip.element);
  }

  stepsCard({ header, columns: found }) {
    const { total, parts_absent: partsAbsent, roles_absent: rolesAbsent } = header;
    if (!total) return card("Steps", { note: "" }, absence(`No step breakdown: ${header.how}. Call profiler.step() after each step, and the profiler marks them.`));
    const both = !partsAbsent && !rolesAbsent;
    const kind = partsAbsent || state.get("profileParts") !== "parts" ? "roles" : "parts";
    const keys = make("div");
    const pick = (at) => toTimeline(this.profile, { t0: found.start[at], t1: found.end[at] });
    if (total <= FEW_STEPS) this.chart = new StepBars(pick);
    else this.chart = new StackChart({
      label: "Time of each step by what it went into",
      hint: "click: on the timeline",
      pick,
    });
    this.ends.push(() => this.chart.destroy());
    const fill = (one) => {
      const shown = one === "parts" ? partsOf(header.parts, PARTS, found.parts_ns) : partsOf(header.roles, ROLES, found.roles_ns);
      this.chart.show({ names: header.name, ...shown });
      keys.replaceChildren(legend(meansOf(shown, header.name.length)));
    };
    const choose = (one) => {
      state.set("profileParts", one);
      fill(one);
    };
    const choices = [
      ["parts", "By cause", "What the device did or waited for; the parts exclude each other"],
      ["roles", "By role", "Who was at work, as the profiler plugin of TensorBoard counts"],
    ];
    const more = make("button", { type: "button", class: "link", text: "All steps", on: { click: () => this.profile.show("steps") } });
    const tools = [more, both ? segments("How steps are split", choices, kind, choose) : null].filter(Boolean);
    const section = card("Step time", { note: stepNote(header), tools, name: "po-proof" }, this.chart.element, keys);
    fill(kind);
    return section;
  }

  idleCard({ idle, time }) {
    if (idle.absent || !idle.window) return card("Idle time", {}, absence(idle.absent || time.absent));
    const whole = idle.window[1] - idle.window[0];
    const parts = Object.values(CAUSES).map((one) => ({ ...one, ns: idle.causes[one.key] ?? 0 }));
    const total = parts.reduce((sum, { ns }) => sum + ns, 0);
    const rows = parts
      .filter(({ ns }) => ns > 0)
      .sort((a, b) => b.ns - a.ns)
      .map((one) => barRow({ name: make("span", { text: one.title }), title: one.what, share: one.ns / total, colour: one.colour, value: span(one.ns, 3), part: percent(one.ns / whole) }));
    const pauses = make("div", { class: "po-pauses" }, make("h3", { text: "Longest pauses" }));
    idle.pauses.start.slice(0, SHOWN_PAUSES).forEach((t0, i) => {
      const t1 = idle.pauses.end[i];
      const { title, colour, what } = CAUSES[idle.pauses.cause[i]];
      const go = () => toTimeline(this.profile, { t0, t1 });
      pauses.append(barRow({ name: make("span", { text: title }), title: `${what}; at ${span(t0)}`, share: (t1 - t0) / (idle.pauses.end[0] - idle.pauses.start[0] || 1), colour, value: span(t1 - t0, 3), part: `at ${span(t0, 3)}`, go }));
    });
    const note = `${percent(total / whole)} of ${span(whole, 3)} · ${plural(idle.gaps, "pause")}`;
    return card("Idle time", { note }, splitBar(parts, { tip: (one, share) => `${one.title}: ${span(one.ns, 3)}, ${percent(share)} of idle time` }), make("div", { class: "po-rows" }, ...rows), pauses);
  }

  topCard(title, view, top, classes = null) {
    const open = (choices = {}) => this.profile.show(view, choices);
    const more = make("button", { type: "button", class: "link", text: `All ${title.toLowerCase()}`, on: { click: () => open() } });
    if (!top.name.length) return card(title, {}, absence(top.absent));
    const note = view === "operators" ? (top.is_device ? "own device time" : "own host time") : "device time";
    const query = view === "operators" ? "opQuery" : "kernelQuery";
    const rows = top.name.map((name, i) =>
      barRow({
        name: fitted(name),
        title: `${name}: ${plural(top.calls[i], "call")}`,
        share: top.ns[i] / (top.ns[0] || 1),
        value: span(top.ns[i], 3),
        part: percent(top.ns[i] / (top.of_ns || 1)),
        go: () => open({ [query]: name }),
      }),
    );
    const extra = classes ? this.classBar(classes, top.of_ns) : [];
    return card(title, { note, tools: more }, ...extra, make("div", { class: "po-rows" }, ...rows));
  }

  classBar(classes, whole) {
    const parts = classes.name.map((key, i) => ({ ...CLASSES[key], ns: classes.ns[i] }));
    const pick = ({ key }) => this.profile.show("kernels", { kernelClasses: [key], kernelQuery: "" });
    const tip = (one) => `${one.title}: ${span(one.ns, 3)}, ${percent(one.ns / whole)}`;
    const most = parts.slice(0, 4).map((one) => ({ ...one, amount: percent(one.ns / whole) }));
    return [splitBar(parts, { tip, pick }), legend(most)];
  }

  problemsCard({ problems }) {
    const rows = problems.kind.map((kind, i) => [kind.replaceAll("_", " "), problems.count[i], problems.message[i]]);
    const repairs = [
      [problems.suspects, "works with impossible durations", "left out of sums, cut in unions"],
      [problems.same_stream_overlaps, "works that begin before the one before them on their stream has ended", "kept as they are"],
      [problems.early_launches, "works that begin before the call that launched them", "the clocks of host and device differ; left out of queue lengths"],
      [problems.nesting_overlaps, "events that outlast the event in which they begin", "drawn on a line of their own"],
    ].filter(([number]) => number > 0);
    if (!rows.length && !repairs.length) return null;
    const list = make("ul", { class: "po-problems" });
    for (const [kind, number, message] of rows) list.append(problemRow(number, kind, message));
    for (const [number, what, done] of repairs) list.append(problemRow(number, what, sentence(done)));
    return card("Problems and repairs", { note: "what was odd about the file, and what became of it" }, list);
  }

  destroy() {
    this.isOver = true;
    this.ends.forEach((end) => end());
  }
}

/** Few steps as bars that lie across the page; same use as `StackChart`. */
class StepBars {
  constructor(pick) {
    this.pick = pick;
    this.element = make("div", { class: "po-ranks" });
  }

  show({ names, parts, ns }) {
    const c = parts.length;
    const totals = names.map((_, i) => ns.subarray(i * c, i * c + c).reduce((sum, one) => sum + one, 0));
    const most = Math.max(...totals, 1);
    const tip = (one, share) => `${one.title}: ${span(one.ns, 3)}, ${percent(share)}`;
    this.element.replaceChildren(
      ...names.map((name, i) => {
        const bar = splitBar(parts.map((one, k) => ({ ...one, ns: ns[i * c + k] })), { tip });
        bar.classList.add("is-tall");
        bar.style.width = `${(100 * totals[i]) / most}%`;
        const title = "Show on the timeline";
        const link = make("button", { type: "button", class: "link po-rank-name", text: visible(name), title, on: { click: () => this.pick(i) } });
        return make("div", { class: "po-rank-row is-step" }, link, make("div", { class: "po-rank-bar" }, bar), make("span", { class: "po-row-value", text: span(totals[i], 4) }));
      }),
    );
  }

  destroy() {}
}

const problemRow = (number, what, message) =>
  make("li", {}, make("b", { text: count(number) }), make("span", { text: what }), make("span", { class: "pg-note", text: visible(message) }));

function barRow({ name, title, share, colour = "", value, part = "", go = null }) {
  const cells = [
    make("span", { class: "po-row-name" }, name),
    make("span", { class: "po-row-value", text: value }),
    make("span", { class: "po-row-part", text: part }),
    meter(share, colour),
  ];
  return go
    ? make("button", { type: "button", class: "po-row", title, on: { click: go } }, ...cells)
    : make("div", { class: "po-row", title }, ...cells);
}

/** Take the parts that any step has, in their order, with their columns. */
export function partsOf(keys, known, ns) {
  const c = keys.length;
  const n = c ? ns.length / c : 0;
  const kept = keys.map((_, k) => k).filter((k) => {
    for (let i = 0; i < n; i++) if (ns[i * c + k] > 0) return true;
    return false;
  });
  const shown = new Float64Array(n * kept.length);
  for (let i = 0; i < n; i++) kept.forEach((k, at) => (shown[i * kept.length + at] = ns[i * c + k]));
  return { parts: kept.map((k) => known[keys[k]]), ns: shown };
}

function meansOf({ parts, ns }, n) {
  const sums = parts.map((_, k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += ns[i * parts.length + k];
    return sum;
  });
  const total = sums.reduce((sum, one) => sum + one, 0) || 1;
  return parts.map((one, k) => ({ ...one, amount: percent(sums[k] / total) }));
}

function stepNote({ total, source, how }) {
  const told = { marked: `by ${how}`, annotated: `by ${how}`, inferred: `inferred: ${how}` }[source] ?? how;
  return `${plural(total, "step")}, ${told}`;
}

function factsOf(first, profile) {
  const [device] = first.devices;
  const { steps, idle, temporal } = first;
  const isOther = !first.works && !temporal.absent && temporal.total_ns > 0; // no GPU, but a chip
  const ofChip = (ns) => (isOther ? `${span(ns, 4)} · ${percent(ns / temporal.total_ns)}` : "");
  const window = idle.window ? idle.window[1] - idle.window[0] : 0;
  const busy = window - Object.values(idle.causes).reduce((sum, one) => sum + one, 0);
  const told = { marked: "", annotated: "named ranges", inferred: "inferred" }[steps.source];
  const badge = told ? make("span", { class: `pg-tag ${steps.source === "inferred" ? "is-warn" : ""}`, title: sentence(steps.how), text: told }) : null;
  const number = make("span", { class: "po-steps" }, make("span", { text: steps.count ? count(steps.count) : "none found" }), badge);
  return [
    ["Capability", device?.capability ?? ""],
    ["Memory", device?.memory ? gibibytes(device.memory) : ""],
    ["Multiprocessors", device?.sms ? count(device.sms) : ""],
    ["Window", span(window || first.span, 4), windowTip(first)],
    ["Busy", window ? `${span(busy, 4)} · ${percent(busy / window)}` : "", "Part of the window in which any kernel, copy or fill ran"],
    ["Steps", number, sentence(steps.how)],
    ["Step time", steps.count ? `${span(steps.mean_ns, 4)}${steps.count > 1 ? ` (${span(steps.min_ns, 3)} to ${span(steps.max_ns, 3)})` : ""}` : ""],
    ["Host busy", `${span(first.host_busy_ns, 4)} · ${percent(first.host_busy_ns / (first.span || 1))}`, "Covered by operators, ranges, calls or functions of any thread"],
    ["Device work", first.works ? `${plural(first.works, "kernel")} and copies` : isOther ? "" : "none"],
    ["Computing", ofChip(temporal.compute_ns), "Work of the chip that computes"],
    ["Other work", ofChip(temporal.non_compute_ns), "Copies and communication while it does not compute"],
    ["Idle", ofChip(temporal.idle_ns), "From the first work to the last, nothing of it ran"],
    ["Rank", first.world_size ? `${first.rank ?? "?"} of ${first.world_size}${first.backend ? ` (${first.backend})` : ""}` : ""],
    ["File", fileOf(first, profile)],
  ];
}

function windowTip({ idle, steps }) {
  if (!idle.window) return "The whole trace: it holds no work of a device";
  return steps.count ? "From the beginning of the first step to the end of the last, and of what it launched" : "From the first work of a device to the end of the last";
}

const fileOf = ({ place, file_bytes: bytes }) => {
  const name = place.split("/").at(-1);
  return make("span", { title: visible(place) }, fitted(name), make("span", { class: "pg-note po-size", text: ` ${size(bytes)}` }));
};

const gibibytes = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function open(stage, profile) {
  const tab = new OverviewTab(stage, profile);
  return () => tab.destroy();
}
