/** The Histograms page: how tensors are distributed, step by step. */

import { make, popover } from "./chart_elements.js";
import { visible } from "./dom.js";
import { histogramTools } from "./histograms_bar.js";
import { HistogramCard } from "./histograms_card.js";
import { unionOfRanges } from "./histograms_data.js";
import { saveBuckets, savePicture } from "./histograms_export.js";
import { HistogramTip } from "./histograms_tip.js";
import { nameOf, runs } from "./runs.js";
import { KEPT, define, get, set, subscribe } from "./state.js";
import { unionOf } from "./steps.js";
import { ValuePage } from "./value_page.js";

const isRange = (v) => v === null || (Array.isArray(v) && v.length === 2 && v[1] > v[0]);

define({
  histView: {
    ...KEPT.URL_AND_LOCAL,
    default: "ridge",
    choices: ["ridge", "overlay", "bands", "heat"],
  },
  histRuns: { ...KEPT.URL_ONLY, default: false }, // one card a tag: its runs over each other
  histAxis: { ...KEPT.URL_AND_LOCAL, default: "step", choices: ["step", "relative", "wall"] },
  histHeights: { ...KEPT.URL_AND_LOCAL, default: "share", choices: ["share", "count", "own"] },
  histLog: { ...KEPT.URL_AND_LOCAL, default: false },
  histCut: { ...KEPT.URL_ONLY, default: true }, // whether lone spikes are cut
  histRange: { ...KEPT.URL_ONLY, default: "robust", choices: ["all", "robust", "fixed"] },
  histFixed: { ...KEPT.URL_ONLY, default: null, check: isRange },
  histShared: { ...KEPT.URL_ONLY, default: false },
  histBins: { ...KEPT.URL_ONLY, default: 100, min: 10, max: 500, check: Number.isInteger },
  histRows: { ...KEPT.URL_ONLY, default: 60, min: 2, max: 400, check: Number.isInteger },
  histTable: { ...KEPT.URL_AND_LOCAL, default: true },
});

const PICTURE_KEYS = [
  "histView",
  "histAxis",
  "histHeights",
  "histLog",
  "histCut",
  "histRange",
  "histFixed",
  "histShared",
  "histBins",
  "histRows",
  "histTable",
];

const EMPTY = {
  title: "No histograms yet",
  text: "Log a tensor at some steps, and see here how its values move:",
  code: 'writer.add_histogram("layer1/weight", model.layer1.weight, step)',
};

class HistogramPage extends ValuePage {
  constructor(el) {
    const { tools, end } = histogramTools();
    super(el, {
      kind: "histogram",
      title: "Histograms",
      per: get("histRuns") ? "tag" : "run",
      makeCard: (info, page) =>
        new HistogramCard({ ...info, isOverlaid: get("histRuns") && info.runs.length > 1 }, page),
      tools,
      redraw: PICTURE_KEYS,
      empty: EMPTY,
    });
    this.ends.push(
      end,
      subscribe(["histRuns"], () => this.onPer()),
      subscribe(["open", "selected", "runsVersion"], () => this.stageCard()),
      subscribe(["stepAt", "linkSteps"], () => this.staged?.update()),
      subscribe(PICTURE_KEYS, () => this.staged?.restyle()),
      subscribe(["palette"], () => this.staged?.recolour()),
      subscribe(["cardWidth", "plotHeight"], () => this.size()),
    );
    this.size();
    this.stageCard();
  }

  /** One tooltip for all cards; made before the first of them. */
  get tip() {
    return (this.ownTip ??= new HistogramTip());
  }

  /** By tag, for each run that has been read: the range of its values, "all" and "robust". */
  get extents() {
    return (this.ownExtents ??= new Map());
  }

  destroy() {
    this.staged?.destroy();
    this.tip.destroy();
    super.destroy();
  }

  size() {
    this.root.style.setProperty("--card", `${get("cardWidth")}px`);
    this.root.style.setProperty("--plot", `${get("plotHeight")}px`);
  }

  onPer() {
    this.options.per = get("histRuns") ? "tag" : "run";
    this.grid.setCards([]); // cards of one run are not those of several
    this.layout();
    this.stageCard();
  }

  onTheme() {
    super.onTheme();
    requestAnimationFrame(() => this.staged?.restyle());
  }

  isSelected(run) {
    return get("selected")?.includes(run) ?? false;
  }

  /** Take in the range of a run's values; other cards of the tag may have to share it. */
  learn(tag, run, extent) {
    if (!this.extents.has(tag)) this.extents.set(tag, new Map());
    const known = this.extents.get(tag);
    const union = () => String(unionOfRanges([...known.values()].map(({ all }) => all)));
    const before = union();
    known.set(run, { all: extent.all.map(Number), robust: extent.robust.map(Number) });
    if (!get("histShared") || union() === before) return;
    queueMicrotask(() => this.grid.each((card) => card.tag === tag && card.update()));
  }

  /* one card in full size */

  open(card) {
    set("open", JSON.stringify(card.isOverlaid ? [card.tag] : [card.tag, nameOf(card.run)]));
  }

  close() {
    set("open", "");
  }

  /** Show the opened card, or the grid where none is opened. */
  stageCard() {
    const info = this.opened();
    const key = info ? JSON.stringify(info) : "";
    this.grid.element.hidden = info !== null;
    this.stage.hidden = info === null;
    if (key === this.stagedKey) return;
    this.stagedKey = key;
    this.staged?.destroy();
    this.staged = null;
    if (!info) {
      this.stage.replaceChildren();
      this.grid.wakeFirst();
      this.offerSteps();
      return;
    }
    this.staged = new HistogramCard(info, this, { isLarge: true });
    const back = make("button", {
      type: "button",
      class: "button",
      text: "Back to all cards",
      on: { click: () => this.close() },
    });
    this.stage.replaceChildren(make("div", { class: "hg-back" }, back), this.staged.element);
    this.staged.refresh();
  }

  /** What the address says is opened, null for nothing that is there. */
  opened() {
    const [tag, name] = parsed(get("open"));
    if (typeof tag !== "string" || get("selected") === null) return null;
    if (name === undefined) {
      const having = this.tags?.find((one) => one.tag === tag)?.runs;
      const chosen = Array.from(get("selected")).filter((run) => having?.has(run));
      return chosen.length ? { tag, name: tag, runs: chosen, isOverlaid: chosen.length > 1 } : null;
    }
    const row = runs.name.indexOf(name);
    return row < 0 ? null : { tag, name: tag, runs: [runs.id[row]], isOverlaid: false };
  }

  async load() {
    await super.load();
    this.stageCard();
    this.staged?.refresh();
  }

  offerSteps() {
    if (!this.staged) return super.offerSteps();
    const { tag, runs: shown } = this.staged;
    return this.bar.offer(unionOf(shown.map((run) => this.steps.of(tag, run).step)));
  }

  key(event) {
    if (event.key === "Escape" && get("open")) this.close();
    super.key(event);
  }

  /** Offer what a card can be saved as. */
  openMenu(anchor, card) {
    const item = (text, fn) =>
      make("button", {
        type: "button",
        class: "hg-item",
        role: "menuitem",
        text,
        on: {
          click: () => {
            box.hidePopover();
            fn();
          },
        },
      });
    const step = card.chosen && !card.isOverlaid ? `step ${card.chosen.step}` : "";
    const box = popover(
      anchor,
      make(
        "div",
        { class: "hg-menu", role: "menu", "aria-label": `Save ${visible(card.tag)}` },
        item("Picture as PNG", () => savePicture(card, "png")),
        item("Picture as SVG", () => savePicture(card, "svg")),
        step ? item(`Buckets of ${step} as CSV`, () => saveBuckets(card, "csv")) : null,
        step ? item(`Buckets of ${step} as JSON`, () => saveBuckets(card, "json")) : null,
      ),
    );
  }
}

function parsed(text) {
  try {
    const found = JSON.parse(text || "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

export default {
  render({ el }) {
    const page = new HistogramPage(el);
    return () => page.destroy();
  },
};
