/** A card of histograms: one tag of one run over all its steps, or several runs at one step. */

import { fit, ruler } from "./chart.js";
import { iconButton, make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { visible } from "./dom.js";
import { exactCount } from "./format.js";
import { fetchPicture, unionOfRanges } from "./histograms_data.js";
import { hitTest } from "./histograms_hit.js";
import { paintChosen, paintHit } from "./histograms_mark.js";
import { frameOf, paintBase } from "./histograms_paint.js";
import { tipLines } from "./histograms_tip.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { formatValue, groupDigits } from "./ticks.js";
import { ValueCard } from "./value_card.js";

const LINE_PIXELS = 4.5; // between two ridges: closer ones are a grey area
const WIDTH_STEP = 128; // pictures are asked for widths of this grid, so that resizing asks seldom

/** How long painting took, for whoever looks into it: the whole picture, and the chosen step. */
export const counters = { paints: 0, worstPaintMs: 0, worstOverMs: 0 };
(window.__gpuboard ??= {}).histograms = counters;

export class HistogramCard extends ValueCard {
  constructor(info, page, { isLarge = false } = {}) {
    super(info, page);
    this.isLarge = isLarge;
    this.isOverlaid = info.isOverlaid ?? false;
    this.picture = null; // the last reply, but for the chosen step
    this.chosen = null;
    this.pictureKey = "";
    this.hit = null;
    this.base = make("canvas", { class: "hg-canvas" });
    this.over = make("canvas", { class: "hg-canvas hg-over" });
    this.plot = make("div", { class: "hg-plot", role: "img" }, this.base, this.over);
    this.facts = make("dl", { class: "hg-facts" });
    this.note = make("p", { class: "hg-note", hidden: true });
    this.element.classList.add("hg");
    this.tools.append(...this.buttons());
    this.listen();
    this.resized = new ResizeObserver(() => this.onResize());
    this.resized.observe(this.plot);
  }

  destroy() {
    this.resized.disconnect();
    this.page.tip.hide(this);
    super.destroy();
  }

  buttons() {
    const open = iconButton("open", "Open in full size", () => this.page.open(this));
    const more = iconButton("more", "Download", () => this.page.openMenu(more, this), {
      "aria-haspopup": "menu",
    });
    return this.isLarge ? [more] : [open, more];
  }

  recolour() {
    super.recolour();
    if (this.picture) this.paint();
  }

  /* what is asked for */

  get view() {
    return this.isOverlaid ? "runs" : get("histView");
  }

  /** Pixels across that a picture is prepared for. */
  get wide() {
    return Math.ceil((this.plot.clientWidth || 320) / WIDTH_STEP) * WIDTH_STEP;
  }

  /** Pixels down that steps are laid out in; a card that is not in the page yet has its usual. */
  get tall() {
    return (this.plot.clientHeight || get("plotHeight")) * 0.6;
  }

  range() {
    const mode = get("histRange");
    if (mode === "fixed") return get("histFixed") ?? "all";
    if (!get("histShared") || this.isOverlaid) return mode;
    const known = this.page.extents.get(this.tag);
    const shown = [...(known ?? [])].filter(([run]) => this.page.isSelected(run));
    // Alone, a run has the range that the server knows it to have.
    return shown.length < 2 ? mode : unionOfRanges(shown.map(([, extent]) => extent[mode]));
  }

  /** What is asked for besides the step. */
  request() {
    const view = this.view;
    const isWide = view === "bands" || view === "heat";
    return {
      tag: this.tag,
      ...(this.isOverlaid ? { runs: this.runs.join(",") } : { run: this.run }),
      mode: view,
      x: get("histAxis"),
      range: this.range(),
      bins: Math.min(get("histBins") * (this.isLarge ? 2 : 1), 1024),
      rows: Math.max(2, Math.min(get("histRows"), Math.round(this.tall / LINE_PIXELS))),
      width: isWide ? this.wide : 320,
    };
  }

  keyOf(places) {
    const count = places.map((place) => place.count).join(",");
    return `${super.keyOf(places)} ${count} ${JSON.stringify(this.request())} ${styleKey()}`;
  }

  async draw(places) {
    if (!this.plot.isConnected) this.body.replaceChildren(this.plot, this.facts, this.note);
    const request = this.request();
    const { ref } = places[0];
    const key = `${JSON.stringify(request)} ${places.map((place) => place.count).join(",")}`;
    const isSame = key === this.pictureKey && this.picture !== null;
    if (this.isOverlaid) {
      if (!isSame || this.drawnAt !== this.at) {
        const at = this.at === null ? {} : { at: this.at };
        this.take(await fetchPicture({ ...request, ...at }), true);
        this.drawnAt = this.at;
      }
    } else if (!isSame) this.take(await fetchPicture({ ...request, ref }), true);
    else if (this.chosen?.ref !== ref) {
      const { range } = this.picture.header;
      this.take(await fetchPicture({ ...request, range, mode: "step", ref }));
    }
    this.pictureKey = key;
    if (this.isGone) return;
    const style = styleKey();
    if (isSame && style === this.paintedStyle && this.frame && !this.isOverlaid) {
      this.paintOver();
      this.describe();
    } else this.paint();
    this.paintedStyle = style;
  }

  take({ header, columns }, isWhole = false) {
    if (isWhole) {
      if (this.isOverlaid) {
        columns.total = Float64Array.from(header.rows, (row) => Number(row.total ?? 0));
      }
      this.picture = { header, columns };
      this.hit = null;
      if (!this.isOverlaid) this.page.learn(this.tag, this.run, header.extent);
    }
    if (this.isOverlaid) return;
    const quantiles = (header.chosen.quantiles ?? []).map(Number);
    this.chosen = { ...header.chosen, count: columns.chosen, quantiles };
  }

  /* painting */

  paint() {
    const began = performance.now();
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!this.picture || !width || !height) return;
    const theme = this.page.theme();
    const context = fit(this.base, width, height);
    const [view, colour] = [this.view, colourOf(this.run)];
    const rows = this.picture.header.rows;
    this.frame = frameOf({
      ...this.picture,
      view,
      colour,
      colours: rows?.map((row) => colourOf(row.run)),
      width,
      height,
      theme,
      measure: ruler(`11px ${theme.font}`),
      heights: get("histHeights"),
      log: get("histLog"),
      cutsSpikes: get("histCut"),
    });
    context.clearRect(0, 0, width, height);
    paintBase(context, this.frame);
    this.paintOver();
    counters.paints++;
    counters.worstPaintMs = Math.max(counters.worstPaintMs, performance.now() - began);
    this.describe();
  }

  /** Paint what changes often: the chosen step, and what is under the pointer. */
  paintOver() {
    if (!this.frame) return;
    const began = performance.now();
    const { width, height } = this.frame;
    const context = fit(this.over, width, height);
    context.clearRect(0, 0, width, height);
    if (!this.chosen?.error) paintChosen(context, this.frame, this.chosen);
    if (this.hit) paintHit(context, this.frame, this.hit);
    counters.worstOverMs = Math.max(counters.worstOverMs, performance.now() - began);
  }

  onResize() {
    if (!this.frame) return;
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (width === this.frame.width && height === this.frame.height) return;
    this.paint();
    this.update();
  }

  /** Fill the table, and say on the element what is drawn: for tests and for people who listen. */
  describe() {
    const { header } = this.picture;
    const { dataset } = this.plot;
    dataset.view = this.view;
    dataset.drawn = String(Number(dataset.drawn ?? 0) + 1);
    dataset.rows = String(this.frame.rows ?? this.picture.columns.x?.length ?? 0);
    dataset.step = String(this.chosen?.step ?? "");
    dataset.range = header.range.join(" ");
    this.plot.setAttribute("aria-label", `${VIEW_NAMES[this.view]} of ${this.tag}`);
    this.showFacts();
    const notes = notesOf(header, this.chosen);
    this.note.hidden = !notes.length;
    this.note.textContent = notes.join(" ");
  }

  /** What a saved figure says below its title. */
  caption() {
    const names = this.isOverlaid ? `${this.runs.length} runs` : nameOf(this.run);
    const step = this.isOverlaid ? this.at : (this.chosen?.step ?? null);
    const at = step === null ? "last step" : `step ${exactCount(String(step))}`;
    return `${VIEW_NAMES[this.view]} · ${visible(names)} · ${at}`;
  }

  showFacts() {
    const isShown = get("histTable") && !this.isOverlaid && this.chosen && !this.chosen.error;
    this.facts.hidden = !isShown;
    if (!isShown) return;
    this.facts.replaceChildren(...factsOf(this.chosen, this.isLarge).map(factCell));
  }

  /* the pointer */

  listen() {
    this.over.addEventListener("pointermove", (event) => this.onMove(event));
    this.over.addEventListener("pointerleave", () => this.onLeave());
    this.over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.over.setPointerCapture(event.pointerId);
      this.isPicking = true;
      this.pick();
    });
    this.over.addEventListener("pointerup", () => (this.isPicking = false));
    this.over.addEventListener("pointercancel", () => (this.isPicking = false));
    this.over.addEventListener("dblclick", () => !this.isLarge && this.page.open(this));
  }

  onMove(event) {
    if (!this.frame) return;
    const { left, top } = this.over.getBoundingClientRect();
    const hit = hitTest(this.frame, event.clientX - left, event.clientY - top);
    const isNew = hit?.row !== this.hit?.row || hit?.bin !== this.hit?.bin;
    this.hit = hit;
    if (isNew) this.paintOver();
    if (!hit) return this.page.tip.hide(this);
    this.page.tip.show(this, event, tipLines(this.frame, hit, this.rowNames()));
    if (this.isPicking && isNew) this.pick();
    return undefined;
  }

  onLeave() {
    this.hit = null;
    this.page.tip.hide(this);
    this.paintOver();
  }

  rowNames() {
    return this.picture.header.rows?.map((row) => visible(nameOf(row.run)));
  }

  /** Let all cards show the step under the pointer. */
  pick() {
    if (!this.hit || this.isOverlaid) return;
    const { step } = this.page.steps.of(this.tag, this.run);
    const wanted = this.stepAt(this.hit.row);
    if (wanted === null) return;
    const at = wanted >= step[step.length - 1] ? null : wanted;
    if (get("linkSteps")) set("stepAt", at);
    else {
      this.own = at;
      this.update();
    }
  }

  /** The step of a row of the picture; bands have an x only. */
  stepAt(row) {
    const { header, columns } = this.picture;
    if (header.step) return Number(header.step[row]);
    const { step, wall } = this.page.steps.of(this.tag, this.run);
    const x = columns.x[row];
    if (header.x === "index") return step[Math.round(x)] ?? null;
    if (header.x === "step") return nearestOf(step, step, x);
    // Relative and wall time run alike: the first step stands at the least x.
    const shift = header.x === "wall" ? 0 : Math.min(...wall) - header.x_extent[0];
    return nearestOf(wall, step, x + shift);
  }
}

function nearestOf(column, answers, at) {
  let best = 0;
  for (let k = 1; k < column.length; k++) {
    if (Math.abs(column[k] - at) < Math.abs(column[best] - at)) best = k;
  }
  return answers[best] ?? null;
}

export const VIEW_NAMES = {
  ridge: "Ridge",
  overlay: "Overlay",
  bands: "Percentile bands",
  heat: "Heat map",
  runs: "Runs at one step",
};

/** What changes a picture without a new request. */
const styleKey = () =>
  ["histHeights", "histLog", "histCut", "histTable", "dark"].map((key) => get(key)).join(" ");

/** Return the rows of the small table: name, text, and what to say on hover. */
export function factsOf(chosen, isLarge) {
  const names = ["min", "max", "num", "total", "mean", "std"];
  const [min, max, num, total, mean, std] = names.map((name) => Number(chosen[name]));
  const sign = chosen.is_exact ? "" : "≈ ";
  const origin = chosen.is_exact
    ? "from the logged sums"
    : "from the buckets, as sums were not logged or may hold other values";
  const missing = num - total;
  const digits = isLarge ? 6 : 3;
  const row = (name, value, about, mark = "") => [
    name,
    mark + formatValue(value, digits),
    `${about}: ${formatValue(value, 9)}`,
  ];
  const rows = [
    row("Min", min, "Least value"),
    row("Median", chosen.quantiles[4], "By a straight line within its bucket"),
    row("Max", max, "Greatest value"),
    row("Mean", mean, `Mean, ${origin}`, sign),
    row("Std", std, `Standard deviation, ${origin}`, sign),
    ["Values", groupDigits(String(Math.round(num))), "How many values were logged"],
  ];
  if (missing >= 1) {
    const share = (100 * missing) / num;
    rows.push([
      "In no bucket",
      `${groupDigits(String(Math.round(missing)))} (${formatValue(share, 2)}%)`,
      "NaN, infinite, or beyond the outermost edges: the file does not say which",
    ]);
  }
  return rows;
}

const factCell = ([name, text, title]) =>
  make(
    "div",
    { title, class: name === "In no bucket" ? "is-warn" : "" },
    make("dt", { text: name }),
    make("dd", { text }),
  );

function notesOf(header, chosen) {
  const notes = [];
  const count = (n) => groupDigits(String(n));
  const { read, steps, unreadable } = header;
  if (chosen?.error) notes.push(`Step ${exactCount(String(chosen.step))}: ${chosen.error}.`);
  if (unreadable) {
    notes.push(`${count(unreadable)} of ${count(read)} steps cannot be read; see Health.`);
  }
  if (read < steps) notes.push(`Drawn from ${count(read)} of ${count(steps)} steps.`);
  if (header.x === "index" && steps > 1) {
    notes.push("All steps are at one place; laid out in their order.");
  }
  return notes;
}
