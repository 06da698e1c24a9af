/** The Scalars page: toolbar, grid of cards, and one card opened in full resolution. */

import * as api from "./api.js";
import { Card } from "./card.js";
import { CardGrid } from "./card_grid.js";
import { counters } from "./chart.js";
import { make, iconButton, shorten } from "./chart_elements.js";
import { ChartTip } from "./chart_tip.js";
import { colourOf, colourOfGroup } from "./colours.js";
import { padded } from "./curves.js";
import { plural } from "./format.js";
import { indexOf, selectOnly, selectRows } from "./runs.js";
import { ScalarsBar } from "./scalars_bar.js";
import { get, set, subscribe } from "./state.js";
import { tagPattern } from "./tag_pattern.js";
import { readTheme } from "./theme_colours.js";

const PARALLEL = 4;
const TAGS_LISTED = 5_000; // early.js asks for as many
const TAGS_AGAIN_MS = 2_000; // a growing log directory changes its list of tags at most this often
const TYPING_MS = 120;

/** What has to be asked of the server, and what only changes how it is drawn. */
const FETCH_KEYS = ["selected", "x", "smoothing", "smoothKind", "overwritten", "fold", "version"];
const STYLE_KEYS = [
  "xLog",
  "yMode",
  "yFixed",
  "logY",
  "outliers",
  "marks",
  "stepMark",
  "linkSteps",
  "at",
  "cardTables",
  "tableColumns",
  "picked",
  "logTags",
  "wide",
];

/** Let at most `PARALLEL` tasks run at a time, in the order they came. */
class Queue {
  constructor() {
    this.waiting = [];
    this.running = 0;
  }

  add(task) {
    this.waiting.push(task);
    this.next();
  }

  async next() {
    if (this.running >= PARALLEL || !this.waiting.length) return;
    this.running++;
    try {
      await this.waiting.shift()();
    } finally {
      this.running--;
      this.next();
    }
  }
}

class ScalarsPage {
  constructor(el) {
    this.queue = new Queue();
    this.tip = new ChartTip();
    this.counts = { shown: 0, unchanged: 0, tags: 0 };
    this.look = null;
    this.detail = null;
    this.typing = 0;
    this.tagTimer = 0;
    this.bar = new ScalarsBar();
    this.grid = new CardGrid(this);
    this.note = make("div", { class: "empty", hidden: true, role: "status" });
    this.stage = make("div", { class: "sc-stage", hidden: true });
    this.chip = make("div", { class: "sc-chip", hidden: true });
    this.root = make(
      "div",
      { class: "page sc-page" },
      this.bar.element,
      this.note,
      this.stage,
      this.grid.element,
      this.chip,
    );
    el.replaceChildren(this.root);
    this.ends = [
      subscribe(FETCH_KEYS, (changed) => this.onFetch(changed)),
      subscribe(STYLE_KEYS, () => this.eachCard((card) => card.restyle())),
      subscribe(["nanMarkers"], () => this.eachCard((card) => card.show())),
      subscribe(["palette"], () => this.eachCard((card) => card.recolour())),
      subscribe(["dark"], () => this.onTheme()),
      subscribe(["pins", "groups", "wide"], () => this.onLayout()),
      subscribe(["tagFilter", "tagRegex"], () => this.onSearch()),
      subscribe(["cardWidth", "plotHeight"], () => this.onCardSize()),
      subscribe(["open"], () => this.onOpen()),
      subscribe(["picked"], () => this.onPicked()),
    ];
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.onCardSize();
    this.onOpen();
    this.loadTags();
    (window.__gpuboard ??= {}).charts = counters;
    window.__gpuboard.scalars = this.counts;
  }

  destroy() {
    for (const end of this.ends) end();
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.typing);
    clearTimeout(this.tagTimer);
    this.bar.destroy();
    this.grid.destroy();
    this.detail?.destroy();
    this.tip.destroy();
    this.root.remove();
  }

  /* what cards ask of the page */

  selected() {
    return get("selected");
  }

  theme() {
    return (this.look ??= readTheme(this.root));
  }

  colourOf = (line) =>
    line.group === null || line.group === undefined
      ? colourOf(line.run)
      : colourOfGroup(line.group);

  count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  onShown(card) {
    this.count("shown");
    if (this.counts.shown === 1) performance.mark("gpuboard-first-curves");
    if (get("yMode") === "shared" && !card.detail) this.shareSoon();
  }

  /** Union of the y ranges of all cards on screen in one group. */
  sharedY(card) {
    if (card.detail) return null;
    const extents = this.grid
      .companions(card)
      .map((one) => one.extent())
      .filter(Boolean);
    if (!extents.length) return null;
    const range = [Math.min(...extents.map((e) => e[0])), Math.max(...extents.map((e) => e[1]))];
    return padded(range, card.isLogY());
  }

  shareSoon() {
    cancelAnimationFrame(this.sharing);
    this.sharing = requestAnimationFrame(() => this.grid.each((card) => card.restyle()));
  }

  /** Let a run stand out in all charts; once more lets it go. */
  pick(series) {
    const key = series && series.key !== get("picked") ? series.key : null;
    this.pickedSeries = key === null ? null : series;
    set("picked", key);
  }

  hovered(run) {
    set("hover", run);
  }

  /* what changes */

  eachCard(fn) {
    this.grid.each(fn);
    if (this.detail) fn(this.detail);
  }

  onFetch(changed) {
    if (changed.has("version") && get("version") !== this.tagsVersion) this.tagsSoon();
    if (changed.has("fold")) set("picked", null);
    this.eachCard((card) => {
      card.restyle();
      card.refresh();
    });
  }

  onTheme() {
    this.look = null;
    // The variables change with the attribute, which the frame sets in the same turn or the next.
    requestAnimationFrame(() => {
      this.look = null;
      this.eachCard((card) => card.recolour());
    });
  }

  onLayout() {
    this.grid.layout();
    this.eachCard((card) => card.restyle());
  }

  onCardSize() {
    const { style } = this.grid.element;
    style.setProperty("--card", `${get("cardWidth")}px`);
    style.setProperty("--plot", `${get("plotHeight")}px`);
  }

  onSearch() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.loadTags(), TYPING_MS);
  }

  tagsSoon() {
    if (this.tagTimer) return;
    this.tagTimer = setTimeout(
      () => {
        this.tagTimer = 0;
        this.loadTags();
      },
      this.counts.tags ? TAGS_AGAIN_MS : 0,
    );
  }

  async loadTags() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const q = tagPattern(get("tagFilter"), get("tagRegex"));
    try {
      const query = { kind: "scalar", q: q || null, limit: TAGS_LISTED };
      const reply = await api.getJson("tags", { query });
      if (turn !== this.turn) return;
      this.tagsVersion = reply.version;
      this.grid.setTags(reply.tags);
      this.count("tags");
      this.bar.setFound(reply.tags.length, reply.total, "");
      this.bar.offer(reply.tags.map(({ tag }) => tag));
      this.sayEmpty(reply);
    } catch (error) {
      if (turn === this.turn) this.bar.setFound(0, 0, error.message);
    }
  }

  sayEmpty(reply) {
    const isEmpty = !reply.total && !get("open");
    this.note.hidden = !isEmpty;
    if (!isEmpty) return;
    const [title, line] = get("tagFilter")
      ? ["No tag matches", "Try fewer letters, or clear the search."]
      : ["No scalars yet", "Curves appear here as soon as a training script logs its first value."];
    this.note.replaceChildren(make("h2", { text: title }), make("p", { text: line }));
  }

  /* the opened card */

  onOpen() {
    const tag = get("open");
    if (this.detail?.tag === tag) return;
    this.detail?.destroy();
    this.detail = null;
    this.tip.hide();
    this.stage.hidden = !tag;
    this.grid.element.hidden = Boolean(tag);
    if (!tag) return this.stage.replaceChildren();
    const info = this.grid.tags.find((one) => one.tag === tag) ?? { tag };
    this.note.hidden = true;
    this.detail = new Card(info, this, { detail: true });
    const back = iconButton("back", "Back to all charts (Esc)", () => set("open", ""));
    this.detail.element.querySelector(".sc-head").prepend(back);
    this.stage.replaceChildren(this.detail.element);
    this.detail.refresh();
    return undefined;
  }

  key(event) {
    const isTyping = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape" && !isTyping && !document.querySelector(".popover:popover-open")) {
      if (get("picked") !== null) this.pick(null);
      else set("open", "");
    }
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.bar.focusSearch();
    }
  }

  /** Name the picked run, and offer what can be done with it. */
  onPicked() {
    const one = get("picked") === null ? null : this.pickedSeries;
    this.chip.hidden = !one;
    if (!one) return;
    const swatch = make("i", { class: "gb-swatch" });
    swatch.style.background = this.colourOf({ run: one.run, group: one.group });
    const button = (text, fn) =>
      make("button", { type: "button", class: "link", text, on: { click: fn } });
    const isRun = one.run !== null && one.run !== undefined;
    const row = isRun ? indexOf(one.run) : -1;
    this.chip.replaceChildren(
      swatch,
      make("span", { class: "sc-chip-name", text: shorten(one.name, 72), title: one.name }),
      ...(isRun
        ? [
            button("Only this run", () => selectOnly(row)),
            button("Hide", () => {
              selectRows([row], false);
              this.pick(null);
            }),
          ]
        : []),
      button("Copy name", () => navigator.clipboard?.writeText(one.name)),
      iconButton("close", "Let it go (Esc)", () => this.pick(null)),
    );
  }
}

export default {
  render({ el }) {
    const page = new ScalarsPage(el);
    return () => page.destroy();
  },
};
