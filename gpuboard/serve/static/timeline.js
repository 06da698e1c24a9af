/** The Timeline tab: every event of one or several traces, from hours down to nanoseconds. */

import { getJson, route } from "./api.js";
import { follow, iconButton, make, popover } from "./chart_elements.js";
import { icon as arrow, visible } from "./dom.js";
import { count } from "./format.js";
import * as state from "./state.js";
import { Details } from "./timeline_details.js";
import { paintOf } from "./timeline_marks.js";
import { Overview } from "./timeline_overview.js";
import { TimelineSearch } from "./timeline_search.js";
import { valueAt, valueText } from "./timeline_series.js";
import { span } from "./timeline_time.js";
import { TimelineView } from "./timeline_view.js";

const STILL_MS = 160;
const ARROWS_MS = 140;
const FEW_SLICES = 8_000; // in sight: of more, arrows are not even asked for

const KEYS = [
  ["w  s", "zoom in and out at the pointer; so does the wheel"],
  ["a  d", "move; drag to pan, shift + wheel too"],
  ["shift + drag", "sum up an area; drag on the ruler for all tracks"],
  ["f", "show the selected event, or everything"],
  ["double click", "zoom to an event"],
  ["← →", "the event before and after, on its line"],
  ["↑ ↓", "the event around it; back inside"],
  ["/  n  N", "find; next and last hit"],
  ["Escape", "close what is open"],
];

class TimelineTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.stage = stage;
    this.isOver = false;
    this.start();
  }

  async start() {
    try {
      const { traces } = this.profile;
      const [models, aligned] = await Promise.all([
        Promise.all(traces.map(({ trace }) => getJson("timeline/tracks", { query: { trace } }))),
        this.align(),
      ]);
      if (this.isOver) return;
      models.forEach((model, i) => {
        model.offset = aligned.offset[i];
        model.name = traces[i].name;
      });
      this.aligned = aligned;
      this.build(models);
    } catch (error) {
      if (this.isOver) return;
      this.stage.replaceChildren(make("div", { class: "empty" }, make("h2", { text: "The timeline cannot be shown" }), make("p", { text: error.message })));
    }
  }

  async align() {
    const { traces } = this.profile;
    if (traces.length === 1) return { offset: [0], how: "clock", note: "" };
    const ids = traces.map(({ trace }) => trace).join();
    return getJson("timeline/align", { query: { traces: ids, how: state.get("timeAlign") } });
  }

  build(models) {
    this.view = new TimelineView(models, {
      moved: () => this.moved(),
      hover: (mark, at) => this.hover(mark, at),
      select: (mark) => this.select(mark),
      open: (mark) => this.openMark(mark),
      area: (area) => this.chooseArea(area),
      fold: (key, value) => this.fold(key, value),
      pin: (key) => this.pin(key),
      fit: () => this.fit(),
      key: (event) => this.key(event),
    });
    const { view } = this;
    this.overview = new Overview(view);
    this.search = new TimelineSearch(view, {
      found: (spread) => this.overview.mark(spread),
      go: (hit) => this.go(hit),
    });
    this.details = new Details(view, {
      go: (slice, zoomed) => this.go(slice, zoomed),
      find: (name) => this.search.exactly(name),
      close: () => this.letGo(),
      zoom: (t0, t1) => view.show(t0, t1),
    });
    this.tip = make("div", { class: "tl-tip", hidden: true });
    view.element.append(this.tip);
    this.stage.replaceChildren(
      make("div", { class: "tl-tab" }, this.bar(models), this.overview.element, view.element, this.details.element),
    );
    this.follow();
    view.recolour(state.get("dark"));
    this.arrange();
    const wanted = state.get("timeWindow");
    if (wanted) view.show(...wanted);
    else view.fit();
    this.adoptEvent();
    (window.__gpuboard ??= {}).timeline = this;
    view.canvas.focus({ preventScroll: true });
  }

  bar(models) {
    const square = { class: "button is-square" };
    const arrows = make("button", { type: "button", class: "button", text: "Arrows", title: "Arrows from launches to what they launch, where few are in sight", "aria-pressed": String(state.get("timeArrows")) });
    arrows.addEventListener("click", () => state.set("timeArrows", !state.get("timeArrows")));
    this.arrowButton = arrows;
    this.alignBox = models.length > 1 ? this.alignPicker() : null;
    const help = make("button", { type: "button", class: "button is-square", text: "?", title: "Keys", "aria-label": "Keys" });
    help.addEventListener("click", () => popover(help, keyList()));
    const save = make("button", { type: "button", class: "button", text: "Save window", title: "Save what is in sight as Chrome JSON, for ui.perfetto.dev and others" });
    save.addEventListener("click", () => this.save());
    this.where = make("span", { class: "tl-where", role: "status" });
    return make(
      "div",
      { class: "tl-bar", role: "toolbar", "aria-label": "Timeline" },
      this.search.element,
      this.where,
      make("span", { class: "push" }),
      this.alignBox,
      arrows,
      save,
      iconButton("fit", "Show everything (0)", () => this.view.fit(), square),
      help,
    );
  }

  alignPicker() {
    const names = { clock: "By the clock", collective: "By the first collective", start: "By the first event" };
    const select = make("select", { class: "select tl-align", title: "How the traces are put on one time line" });
    for (const [value, text] of Object.entries(names)) {
      select.append(make("option", { value, text, selected: value === this.aligned.how }));
    }
    select.addEventListener("change", () => state.set("timeAlign", select.value));
    select.title = `Aligned ${this.aligned.note}`;
    return make("div", { class: "picker" }, select, arrow("down"));
  }

  follow() {
    this.ends = [
      state.subscribe(["dark"], () => {
        this.view.recolour(state.get("dark"));
        this.overview.draw();
      }),
      state.subscribe(["timeFolds", "timePins"], () => this.arrange()),
      state.subscribe(["timeEvent"], () => this.adoptEvent()),
      state.subscribe(["timeArrows"], () => this.askArrows()),
      state.subscribe(["timeAlign"], () => this.realign()),
    ];
    const onKey = (event) => this.pageKey(event);
    document.addEventListener("keydown", onKey);
    this.ends.push(() => document.removeEventListener("keydown", onKey));
  }

  async realign() {
    this.aligned = await this.align();
    if (this.isOver) return;
    const { view } = this;
    view.models.forEach((model, i) => (model.offset = this.aligned.offset[i]));
    const models = view.models;
    this.end();
    this.build(models);
  }

  arrange() {
    this.view.arrange(state.get("timeFolds"), state.get("timePins"));
  }

  // Moving.

  moved() {
    const { view } = this;
    this.overview?.draw();
    this.tip && (this.tip.hidden = true);
    this.where.textContent = `${span(view.t1 - view.t0)} of ${span(view.high - view.low)}`;
    clearTimeout(this.still);
    this.still = setTimeout(() => this.keep(), STILL_MS);
    this.search?.moved();
    if (view.faintArrows.length) view.faintArrows = view.faintArrows.filter(({ age }) => age === 0);
    this.askArrows();
  }

  keep() {
    const { view } = this;
    const isAll = view.t1 - view.t0 >= view.high - view.low;
    const digits = (time) => Math.round(time * 10) / 10;
    state.set("timeWindow", isAll ? null : [digits(view.t0), digits(view.t1)]);
  }

  fit() {
    if (this.view.selected) this.view.reveal(this.view.selected, true);
    else this.view.fit();
  }

  // What is under the pointer.

  hover(mark, at) {
    if (!mark && !this.seriesTip(at)) {
      this.tip.hidden = true;
      return;
    }
    if (mark) this.markTip(mark);
    this.tip.hidden = false;
    const { clientWidth: wide, clientHeight: tall } = this.view.element;
    const [w, hgt] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const x = at.x + 14 + w > wide ? Math.max(at.x - 14 - w, 4) : at.x + 14;
    const y = at.y + 18 + hgt > tall ? Math.max(at.y - 12 - hgt, 4) : at.y + 18;
    this.tip.style.transform = `translate(${x}px, ${y}px)`;
  }

  markTip({ answer, at }) {
    const n = answer.count[at];
    const swatch = make("i", { class: "gb-swatch" });
    swatch.style.background = paintOf(answer, at, this.view.paints);
    const name = visible(answer.names[answer.name[at]]);
    const wide = answer.extent[at] * (answer.t1 - answer.t0);
    const line =
      n > 1
        ? `${count(n)} events in ${span(wide)}, busy ${Math.round((100 * answer.share[at]) / 255)} % · longest ${span(answer.longest[at])}`
        : span(answer.longest[at], 5);
    this.tip.replaceChildren(
      make("div", { class: "tl-tip-name" }, swatch, make("span", { text: n > 1 ? `${name} and ${count(n - 1)} more` : name })),
      make("div", { class: "tl-tip-line", text: line }),
    );
  }

  seriesTip(at) {
    const row = at?.place?.row;
    if (row?.type !== "series" || at.x < this.view.left) return false;
    const [one] = row.series;
    const answer = this.view.series.answers.get(`${row.model}/${one.key}`);
    const found = answer && valueAt(answer, this.view.timeAt(at.x));
    if (!found) return false;
    const [low, high] = found;
    const text = low === high ? valueText(high, one.unit) : `${valueText(low, one.unit)} to ${valueText(high, one.unit)}`;
    this.tip.replaceChildren(make("div", { class: "tl-tip-name" }, make("span", { text: visible(one.name) })), make("div", { class: "tl-tip-line", text }));
    return true;
  }

  // What is selected.

  select(mark) {
    if (!mark) return this.letGo();
    const row = mark.answer.row[mark.at];
    if (this.view.area) this.chooseArea(null);
    state.set("timeEvent", [this.view.models[mark.model].trace, row]);
    return undefined;
  }

  async adoptEvent() {
    const chosen = state.get("timeEvent");
    const model = chosen ? this.view.models.findIndex(({ trace }) => trace === chosen[0]) : -1;
    if (model < 0) {
      this.view.selected = null;
      this.view.arrows = [];
      if (!this.view.area) this.details.close();
      this.view.draw();
      return;
    }
    const isKnown = this.view.selected?.model === model && this.view.selected.row === chosen[1];
    if (isKnown) return;
    const event = await this.details.event(model, chosen[1]);
    if (event) this.take(model, event);
  }

  take(model, event) {
    const { view } = this;
    view.selected = { ...event, model };
    view.arrows = arrowsOf(event.arrows, model, view.models[model].offset);
    view.draw();
  }

  /** Select a slice and bring it into sight. */
  async go(slice, zoomed = false) {
    const { view } = this;
    if (view.area) this.chooseArea(null);
    view.reveal(slice, zoomed);
    const event = await this.details.event(slice.model, slice.row);
    if (!event) return;
    this.take(slice.model, event);
    view.reveal(view.selected, zoomed);
    state.set("timeEvent", [view.models[slice.model].trace, event.row]);
  }

  openMark(mark) {
    const { answer, at, model } = mark;
    if (answer.count[at] > 1) {
      const begin = answer.t0 + answer.x[at] * (answer.t1 - answer.t0);
      const wide = answer.extent[at] * (answer.t1 - answer.t0);
      this.view.show(begin - wide * 0.3, begin + wide * 1.3);
      return;
    }
    const start = answer.t0 + answer.x[at] * (answer.t1 - answer.t0) - this.view.models[model].offset;
    this.view.reveal({ model, start, duration: answer.longest[at], lane: mark.lane }, true);
  }

  async step(by) {
    const { selected } = this.view;
    if (!selected) return;
    const event = await this.details.event(selected.model, selected.row, by);
    if (!event) return;
    this.take(selected.model, event);
    this.view.reveal(this.view.selected);
    state.set("timeEvent", [this.view.models[selected.model].trace, event.row]);
  }

  up() {
    const { selected } = this.view;
    const [around] = selected?.above ?? [];
    if (!around) return;
    this.inside = [...(this.inside ?? []), selected];
    this.go({ ...around, model: selected.model });
  }

  down() {
    const last = this.inside?.pop();
    if (last) this.go(last);
  }

  letGo() {
    this.view.area = null;
    state.set("timeEvent", null);
    this.view.selected = null;
    this.view.arrows = [];
    this.details.close();
    this.view.draw();
  }

  chooseArea(area) {
    this.view.area = area && { ...area, y0: undefined, y1: undefined };
    if (area) {
      this.view.selected = null;
      this.view.arrows = [];
      state.set("timeEvent", null);
      this.details.area(this.view.area);
    } else this.details.close();
    this.view.draw();
  }

  // Arrows of what is in sight, where they are few.

  askArrows() {
    this.arrowButton?.setAttribute("aria-pressed", String(state.get("timeArrows")));
    clearTimeout(this.arrowTimer);
    if (!state.get("timeArrows")) {
      this.view.faintArrows = [];
      this.view.draw();
      return;
    }
    this.arrowTimer = setTimeout(() => this.loadArrows(), ARROWS_MS);
  }

  async loadArrows() {
    const { view } = this;
    const { t0, t1 } = view;
    const inSight = view.data.answers.reduce((sum, answer) => sum + (answer?.slices ?? 0), 0);
    if (inSight > FEW_SLICES) {
      view.faintArrows = [];
      return;
    }
    const replies = await Promise.all(
      view.models.map(({ trace, offset, slices }) =>
        slices ? getJson("timeline/arrows", { query: { trace, t0: Math.floor(t0 - offset), t1: Math.ceil(t1 - offset) } }) : null,
      ),
    ).catch(() => []);
    if (this.isOver || view.t0 !== t0 || view.t1 !== t1) return;
    view.faintArrows = replies.flatMap((reply, model) => (reply ? arrowsOf(reply, model, view.models[model].offset) : []));
    view.draw();
  }

  // Rows.

  fold(key, value) {
    const folds = { ...state.get("timeFolds") };
    if (value === undefined) delete folds[key];
    else folds[key] = value;
    state.set("timeFolds", folds);
  }

  pin(key) {
    const pins = state.get("timePins");
    state.set("timePins", pins.includes(key) ? pins.filter((one) => one !== key) : [...pins, key]);
  }

  save() {
    const { view } = this;
    for (const { trace, offset, span: all } of view.models) {
      const t0 = Math.max(Math.floor(view.t0 - offset), 0);
      const t1 = Math.min(Math.ceil(view.t1 - offset), all + 1);
      if (t1 > t0) follow(route("timeline/save", { trace, t0, t1 }), "");
    }
  }

  // Keys.

  key(event) {
    const acts = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      ArrowUp: () => this.up(),
      ArrowDown: () => this.down(),
      Escape: () => this.letGo(),
      Enter: () => this.fit(),
      n: () => this.search.step(),
      N: () => this.search.step(true),
    };
    const act = acts[event.key];
    if (!act) return false;
    act();
    return true;
  }

  pageKey(event) {
    if (event.target.closest?.("input, select, textarea") || event.ctrlKey || event.metaKey) return;
    if (event.key === "/") {
      event.preventDefault();
      this.search.focus();
    } else if (event.target !== this.view.canvas && this.key(event)) event.preventDefault();
  }

  end() {
    clearTimeout(this.still);
    clearTimeout(this.arrowTimer);
    this.ends?.forEach((end) => end());
    this.search?.destroy();
    this.overview?.destroy();
    this.view?.destroy();
  }

  destroy() {
    this.isOver = true;
    this.end();
  }
}

function arrowsOf(columns, model, offset) {
  return columns.label.map((label, i) => ({
    label,
    model,
    sourceTime: columns.source_time[i] + offset,
    targetTime: columns.target_time[i] + offset,
    sourceLane: columns.source_lane[i],
    targetLane: columns.target_lane[i],
  }));
}

function keyList() {
  const list = make("dl", { class: "tl-keys" });
  for (const [key, text] of KEYS) list.append(make("dt", {}, make("kbd", { text: key })), make("dd", { text }));
  return list;
}

/** Fill `stage` with the timeline of a profile; returns a function that clears up. */
export function open(stage, profile) {
  const tab = new TimelineTab(stage, profile);
  return () => tab.destroy();
}
