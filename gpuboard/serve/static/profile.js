/** The Profile page: which traces to look at, and the tabs that each answer one question of them. */

import "./profile_state.js";
import { getJson } from "./api.js";
import { icon as strokes, make, popover } from "./chart_elements.js";
import { h, icon, visible } from "./dom.js";
import { count, plural, size } from "./format.js";
import { cancelTraces, openTraces } from "./profile_open.js";
import { OF_THE_TRACES } from "./profile_state.js";
import { TABS } from "./profile_tabs.js";
import { span as spanText } from "./timeline_time.js";
import * as state from "./state.js";

const AGAIN_MS = 4_000;
const CODE = `from torch.profiler import profile, schedule, tensorboard_trace_handler

with profile(
    schedule=schedule(wait=5, warmup=2, active=3),
    on_trace_ready=tensorboard_trace_handler("runs/first"),
    record_shapes=True,
    profile_memory=True,
) as profiler:
    for batch in loader:
        train_step(batch)
        profiler.step()`;

class ProfilePage {
  constructor(el) {
    this.jobs = [];
    this.opened = ""; // ids of the traces on screen
    this.build(el);
    this.ends = [
      state.subscribe(["version"], () => this.soon()),
      state.subscribe(["profileJob", "profileSpan", "profileTraces"], () => this.adopt()),
      state.subscribe(["profileTab"], () => this.showTab()),
    ];
    (window.__gpuboard ??= {}).profile = this;
    this.load();
  }

  build(el) {
    this.job = picker("Job", "pf-job", (id) => this.chooseJob(id));
    this.span = picker("Recording", "pf-span", (span) => this.chooseSpan(Number(span)));
    this.ranks = make(
      "button",
      { type: "button", class: "button pf-ranks", "aria-haspopup": "dialog", on: { click: () => this.openRanks() } },
    );
    this.tabs = make("div", { class: "segments", role: "tablist", "aria-label": "View" });
    this.facts = make("span", { class: "pf-facts" });
    this.problems = make("button", { type: "button", class: "badge is-warn", hidden: true, on: { click: () => this.openProblems() } });
    this.bar = make(
      "header",
      { class: "page-head pf-bar", role: "toolbar", "aria-label": "Profile" },
      this.job,
      this.span,
      this.ranks,
      this.tabs,
      make("span", { class: "push" }),
      this.facts,
      this.problems,
    );
    this.reading = make("div", { class: "pf-reading", hidden: true, role: "status" });
    this.empty = make("div", { class: "empty pf-empty", hidden: true });
    this.stage = make("div", { class: "pf-stage" });
    el.replaceChildren(
      make("section", { class: "page page-fixed pf-page" }, this.bar, this.stage, this.reading, this.empty),
    );
  }

  // Which traces there are.

  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.load();
    }, AGAIN_MS);
  }

  async load() {
    try {
      this.jobs = jobsOf(await getJson("profile/jobs"));
      this.isRead = true;
      this.adopt();
    } catch (error) {
      if (!this.opened) this.showEmpty("The list of traces cannot be read", error.message);
    }
  }

  /** Show what was chosen, or the first job and its first rank. */
  adopt() {
    if (!this.isRead) return;
    const job = this.jobs.find(({ id }) => id === state.get("profileJob")) ?? this.jobs[0];
    this.bar.hidden = !job;
    if (!job) return this.showNothing();
    const spans = [...new Set(job.traces.map(({ span }) => span))];
    const span = spans.includes(state.get("profileSpan")) ? state.get("profileSpan") : spans[0];
    const all = job.traces.filter((trace) => trace.span === span);
    const wanted = state.get("profileTraces");
    const chosen = all.filter(({ id }) => wanted.includes(id));
    this.current = { job, span, all, chosen: chosen.length ? chosen : [all[0]] };
    this.offer(spans);
    const key = this.current.chosen.map(({ id }) => id).join();
    if (key !== this.opened) this.open(key);
  }

  offer(spans) {
    const { job, span, all, chosen } = this.current;
    fill(this.job, this.jobs.map(({ id, name }) => [id, visible(name)]), job.id);
    const spanName = (one) => job.traces.find((trace) => trace.span === one).spanName;
    fill(this.span, spans.map((one) => [String(one), recording(spanName(one), spans.length)]), String(span));
    this.span.hidden = spans.length < 2;
    this.ranks.hidden = all.length < 2;
    const label = chosen.length === 1 ? nameOf(chosen[0]) : `${chosen.length} of ${all.length} ranks`;
    this.ranks.replaceChildren(h("span", {}, visible(label)), strokes("chevron"));
  }

  chooseJob(id) {
    this.forget();
    state.set("profileTraces", []);
    state.set("profileSpan", 0);
    state.set("profileJob", id);
  }

  chooseSpan(span) {
    this.forget();
    state.set("profileTraces", []);
    state.set("profileSpan", span);
  }

  chooseTraces(ids) {
    if (ids[0] !== this.current.chosen[0].id) this.forget();
    state.set("profileTraces", ids);
  }

  forget() {
    for (const key of OF_THE_TRACES) state.set(key, state.KEYS[key].default);
  }

  openRanks() {
    const { all, chosen } = this.current;
    const picked = new Set(chosen.map(({ id }) => id));
    const apply = () => {
      const ids = all.filter(({ id }) => picked.has(id)).map(({ id }) => id);
      if (ids.length) this.chooseTraces(ids);
    };
    const boxes = all.map((trace) => {
      const box = make("input", { type: "checkbox", checked: picked.has(trace.id) });
      box.addEventListener("change", () => {
        if (box.checked) picked.add(trace.id);
        else picked.delete(trace.id);
        apply();
      });
      const only = make("button", { type: "button", class: "link pf-only", text: "only" });
      only.addEventListener("click", (event) => {
        event.preventDefault();
        picked.clear();
        picked.add(trace.id);
        boxes.forEach((row, i) => (row.querySelector("input").checked = all[i].id === trace.id));
        apply();
      });
      return make(
        "label",
        { class: "pf-rank" },
        box,
        make("span", { text: visible(nameOf(trace)) }),
        make("span", { class: "pf-size", text: size(trace.bytes) }),
        only,
      );
    });
    const everything = make("button", { type: "button", class: "link", text: `All ${all.length}` });
    everything.addEventListener("click", () => {
      all.forEach(({ id }) => picked.add(id));
      boxes.forEach((row) => (row.querySelector("input").checked = true));
      apply();
    });
    const head = make("div", { class: "pf-ranks-head" }, make("strong", { text: "Ranks, stacked on one clock" }), everything);
    popover(this.ranks, make("div", { class: "pf-ranks-list" }, head, ...boxes), { align: "start" });
  }

  // Reading.

  async open(key) {
    this.opened = key;
    this.reader?.abort();
    this.reader = new AbortController();
    const { signal } = this.reader;
    const ids = key.split(",");
    this.empty.hidden = true;
    const slow = setTimeout(() => !signal.aborted && this.showReading(ids, 0, ""), 150);
    try {
      const traces = await openTraces(ids, (fraction, sentence) => {
        if (!this.reading.hidden) this.showReading(ids, fraction, sentence);
      }, signal);
      clearTimeout(slow);
      if (signal.aborted) return;
      const { job } = this.current;
      const rows = this.current.chosen;
      const opened = traces.map((one, i) => ({ ...one, name: nameOf(rows[i]), ranked: rows[i].rank }));
      this.profile = { job, traces: opened, trace: ids[0], show: (tab, choices) => this.show(tab, choices) };
      this.reading.hidden = true;
      this.showFacts(opened);
      await this.showTab(true);
    } catch (error) {
      clearTimeout(slow);
      if (signal.aborted) return;
      this.reading.hidden = true;
      this.facts.textContent = "";
      this.close();
      this.showEmpty("This trace cannot be shown", error.message);
    }
  }

  showReading(ids, fraction, sentence) {
    const { chosen } = this.current;
    const bytes = chosen.reduce((sum, one) => sum + one.bytes, 0);
    if (this.reading.hidden) {
      this.close();
      this.reading.hidden = false;
      this.meter = make("progress", { class: "nu-progress pf-progress", max: 1, value: 0 });
      this.sentence = make("p");
      const cancel = make("button", { type: "button", class: "button", text: "Cancel" });
      cancel.addEventListener("click", () => {
        this.reader.abort();
        cancelTraces(ids);
        this.reading.hidden = true;
        this.showEmpty("Not read", "Choose another trace, or read this one again.", make("button", { type: "button", class: "button", text: "Read it", on: { click: () => this.open(this.opened) } }));
      });
      const what = chosen.length === 1 ? visible(chosen[0].place) : plural(chosen.length, "trace");
      this.reading.replaceChildren(make("h2", { text: what }), this.meter, this.sentence, cancel);
    }
    this.meter.value = fraction;
    this.sentence.textContent = `${sentence || "waiting"} · ${Math.round(100 * fraction)} % of ${size(bytes)}`;
  }

  showFacts(traces) {
    const slices = traces.reduce((sum, one) => sum + one.slices, 0);
    const devices = [...new Set(traces.flatMap((one) => one.devices))];
    const longest = Math.max(...traces.map((one) => one.span));
    const parts = [`${count(slices)} events`, spanText(longest)];
    if (devices.length) parts.unshift(devices.length > 1 ? `${devices[0]} +${devices.length - 1}` : devices[0]);
    this.facts.textContent = parts.map((part) => visible(part)).join(" · ");
    this.facts.title = this.facts.textContent;
    const problems = traces.reduce((sum, one) => sum + one.problems, 0);
    this.problems.hidden = problems === 0;
    this.problems.replaceChildren(icon("warning"), plural(problems, "problem"));
  }

  async openProblems() {
    const list = make("div", { class: "pf-problems" }, make("p", { text: "reading…" }));
    popover(this.problems, list);
    const replies = await Promise.all(
      this.profile.traces.map(({ trace }) => getJson("profile/problems", { query: { trace } })),
    );
    const rows = replies.flatMap((reply, i) => problemRows(reply, this.profile.traces[i]));
    list.replaceChildren(...rows);
  }

  // Tabs.

  show(tab, choices = {}) {
    for (const [key, value] of Object.entries(choices)) state.set(key, value);
    state.set("profileTab", tab === TABS[0].name ? "" : tab);
  }

  async showTab(anew = false) {
    const tab = TABS.find(({ name }) => name === state.get("profileTab")) ?? TABS[0];
    this.tabs.replaceChildren(
      ...TABS.map(({ name, title }) =>
        make("button", {
          type: "button",
          role: "tab",
          text: title,
          "aria-selected": String(name === tab.name),
          on: { click: () => this.show(name) },
        }),
      ),
    );
    this.tabs.hidden = TABS.length < 2;
    if (!this.profile || (!anew && this.shown === tab.name)) return;
    this.close();
    this.shown = tab.name;
    const { profile } = this;
    try {
      const module = await tab.load();
      if (this.profile !== profile || this.shown !== tab.name) return;
      this.stage.replaceChildren();
      this.closeTab = module.open(this.stage, profile);
    } catch (error) {
      this.showEmpty(`${tab.title} cannot be shown`, error.message);
      throw error;
    }
  }

  close() {
    this.closeTab?.();
    this.closeTab = null;
    this.shown = "";
    this.stage.replaceChildren();
  }

  showNothing() {
    this.close();
    this.opened = "";
    this.showEmpty(
      "No trace yet",
      "Record a few steps with torch.profiler into the log directory; Kineto, Chrome, XPlane and Nsight traces are read.",
      make("pre", {}, make("code", { text: CODE })),
    );
  }

  showEmpty(title, line, ...more) {
    this.empty.hidden = false;
    this.empty.replaceChildren(icon("profile"), h("h2", {}, title), h("p", {}, line), ...more);
  }

  destroy() {
    clearTimeout(this.timer);
    this.reader?.abort();
    this.close();
    this.ends.forEach((end) => end());
  }
}

const nameOf = (trace) => (trace.rank === null ? trace.worker || trace.place : `rank ${trace.rank}`);

const recording = (name, total) => (/^\d+$/.test(name) ? `Recording ${name} of ${total}` : visible(name));

function jobsOf(columns) {
  const jobs = new Map();
  columns.trace.forEach((id, i) => {
    const job = columns.job[i];
    if (!jobs.has(job)) jobs.set(job, { id: job, name: columns.name[i], traces: [] });
    jobs.get(job).traces.push({
      id,
      worker: columns.worker[i],
      span: columns.span[i],
      spanName: columns.span_name[i],
      rank: columns.rank[i],
      place: columns.place[i],
      bytes: columns.bytes[i],
    });
  });
  return [...jobs.values()];
}

function problemRows({ kind, message, offset, counts }, trace) {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const rows = kind.map((word, i) =>
    make(
      "div",
      { class: "pf-problem" },
      make("strong", { text: word.replaceAll("_", " ") }),
      make("span", { class: "pf-size", text: offset[i] > 0 ? `byte ${count(offset[i])}` : "" }),
      make("p", { text: visible(message[i]) }),
    ),
  );
  const more = total > kind.length ? make("p", { class: "pf-more", text: `${count(total - kind.length)} more of these kinds` }) : null;
  const heading = make("h3", { text: `${visible(trace.name)}: ${plural(total, "problem")}` });
  return [heading, ...rows, more].filter(Boolean);
}

function picker(label, name, choose) {
  const select = make("select", { class: "select", "aria-label": label, title: label });
  select.addEventListener("change", () => choose(select.value));
  return make("div", { class: `picker ${name}` }, select, icon("down"));
}

function fill(box, rows, chosen) {
  const select = box.querySelector("select");
  select.replaceChildren(
    ...rows.map(([value, text]) => make("option", { value, text, selected: value === chosen })),
  );
  select.disabled = rows.length < 2;
}

export default {
  render({ el }) {
    const page = new ProfilePage(el);
    return () => page.destroy();
  },
};
