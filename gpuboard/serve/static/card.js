/** One card of the grid: fetches the curves of a tag, draws them, and offers what can be done. */

import { AtTable } from "./at_table.js";
import * as api from "./api.js";
import { saveChart } from "./chart_export.js";
import { follow, iconButton, make, popover } from "./chart_elements.js";
import { LineChart } from "./chart.js";
import { linesOf, toSeries, yExtent } from "./curves.js";
import { idRanges, nameOf } from "./runs.js";
import { get, set } from "./state.js";

const CARD_BUCKETS = 40_000; // over all lines of one card: what can be drawn while typing
const DETAIL_BUCKETS = 200_000;
const RAW_LINES = 60; // with more runs the faint lines of logged values would be one grey area
const REFINE_MS = 250;
const NO_DATA = "No data for the selected runs.";
const NOTHING = { version: -1, lines: [], markers: [], xExtent: null };

export class Card {
  /**
   * @param {{tag: string, runs: number, points: number}} info row of api/v1/tags.
   * @param {object} page what all cards share: queue, tip, theme(), colourOf(line), ...
   */
  constructor(info, page, { detail = false, name = info.tag } = {}) {
    Object.assign(this, { info, page, detail });
    this.tag = info.tag;
    this.reply = null; // the answer on screen: lines, and the runs, key and width it was made for
    this.widest = null; // the answer with the most runs
    this.fullX = null;
    this.isBusy = false;
    this.wanted = false;
    this.isDead = false;
    this.ownAt = null;
    this.element = this.build(name);
    this.chart = new LineChart(this.plot, {
      zoom: (xView) => this.onZoom(xView),
      hover: (hit) => this.onHover(hit),
      leave: () => this.onLeave(),
      pick: (series, event) => page.pick(series, event),
      mark: (at) => this.setAt(at),
    });
    this.restyle();
  }

  build(title) {
    const short = this.detail ? this.tag : title;
    this.title = make("h3", { class: "sc-title", text: short, title: this.describe() });
    this.note = make("p", { class: "sc-note", hidden: true, role: "status" });
    this.plot = make("div", { class: "sc-plot" });
    const head = make("header", { class: "sc-head" }, this.title, ...this.buttons());
    const name = this.detail ? "sc-card sc-detail" : "sc-card";
    const attributes = { class: name, "aria-label": this.tag, data: { tag: this.tag } };
    return make("article", attributes, head, this.plot, this.note);
  }

  describe() {
    const { runs, points, description } = this.info;
    const size = runs === undefined ? "" : `\n${runs} runs, ${points?.toLocaleString("en")} points`;
    return `${this.tag}${description ? `\n${description}` : ""}${size}`;
  }

  buttons() {
    const isPinned = get("pins").includes(this.tag);
    this.pinButton = iconButton("pin", "Pin to the top", () => this.togglePin(), {
      "aria-pressed": String(isPinned),
    });
    const more = iconButton("more", "More", () => this.openMenu(more), {
      "aria-haspopup": "dialog",
    });
    const fitButton = iconButton("fit", "Fit to the data", () => this.chart.reset());
    if (this.detail) return [this.pinButton, fitButton, more];
    const open = iconButton("open", "Open in full resolution", () => set("open", this.tag));
    return [this.pinButton, fitButton, open, more];
  }

  openMenu(anchor) {
    const item = (text, fn, checked) =>
      make("button", {
        type: "button",
        class: "sc-item",
        role: checked === undefined ? null : "menuitemcheckbox",
        "aria-checked": checked === undefined ? null : String(checked),
        text,
        on: {
          click: () => {
            box.hidePopover();
            fn();
          },
        },
      });
    const line = () => make("hr");
    const isWide = get("wide").includes(this.tag);
    const box = popover(
      anchor,
      make(
        "div",
        { class: "sc-menu" },
        item("Log y axis", () => this.toggleLog(), this.isLogY()),
        this.detail ? null : item("Full width", () => toggle("wide", this.tag), isWide),
        item("Pin to the top", () => this.togglePin(), get("pins").includes(this.tag)),
        item("Copy the tag's name", () => navigator.clipboard?.writeText(this.tag)),
        line(),
        ...["csv", "json", "parquet"].map((format) =>
          item(`Data as ${FORMATS[format]}`, () => this.download(format)),
        ),
        line(),
        item("Figure as PNG", () => saveChart(this.chart, this.tag, "png")),
        item("Figure as SVG", () => saveChart(this.chart, this.tag, "svg")),
      ),
    );
  }

  togglePin() {
    toggle("pins", this.tag);
  }

  isLogY() {
    return get("logTags")[this.tag] ?? get("logY");
  }

  toggleLog() {
    const { [this.tag]: _, ...others } = get("logTags");
    const wanted = !this.isLogY();
    set("logTags", wanted === get("logY") ? others : { ...others, [this.tag]: wanted });
  }

  download(format) {
    const run = [...(get("selected") ?? [])];
    follow(api.route("scalars", { tag: this.tag, run, format, view: "current" }));
  }

  destroy() {
    this.isDead = true;
    clearTimeout(this.refining);
    this.chart.destroy();
    this.table?.destroy();
    this.element.remove();
  }

  /** Take over options that need no new data. */
  restyle() {
    const { chart, page } = this;
    this.pinButton.setAttribute("aria-pressed", String(get("pins").includes(this.tag)));
    this.element.classList.toggle("sc-wide", !this.detail && get("wide").includes(this.tag));
    const kind = get("x");
    if (kind !== chart.spec.xKind) {
      this.fullX = null;
      chart.update({ xView: null });
    }
    const yLog = this.isLogY();
    if (yLog !== chart.spec.yLog) chart.update({ yView: null });
    chart.update({
      xKind: kind,
      xLog: get("xLog"),
      yLog,
      ignoreOutliers: get("outliers"),
      picked: get("picked"),
      marks: get("marks"),
      at: this.at(),
      theme: page.theme(),
      wheelZooms: this.detail,
      yRange: this.yRange(),
    });
    this.restyleTable();
  }

  yRange() {
    const mode = get("yMode");
    if (mode === "fixed") return get("yFixed");
    return mode === "shared" ? (this.page.sharedY?.(this) ?? null) : null;
  }

  /** The y range of this card alone, before padding; what a shared range is made of. */
  extent() {
    const { series, yLog, ignoreOutliers } = this.chart.spec;
    return yExtent(series, { ignoreOutliers, positive: yLog });
  }

  at() {
    const mode = get("stepMark");
    if (mode === "off") return null;
    const chosen = (get("linkSteps") ? get("at") : this.ownAt) ?? null;
    const [lo, hi] = chosen ?? this.fullX ?? this.chart.fullX();
    if (mode === "step") return [chosen ? lo : hi, null];
    return [lo, chosen && chosen[1] === null ? this.chart.fullX()[1] : hi];
  }

  setAt(at) {
    if (get("linkSteps")) return set("at", at);
    this.ownAt = at;
    return this.restyle();
  }

  restyleTable() {
    const wanted = this.detail || (get("cardTables") && get("stepMark") !== "off");
    if (!wanted) {
      this.table?.destroy();
      this.table = null;
      return;
    }
    if (!this.table) {
      this.table = new AtTable(this);
      this.element.append(this.table.element);
    }
    this.table.refresh();
  }

  /** Ask for curves if what is shown is not what is wanted; the newest wish wins. */
  refresh() {
    this.wanted = true;
    if (this.isBusy || this.isDead) return;
    this.isBusy = true;
    this.page.queue.add(() => this.fetchWanted());
  }

  async fetchWanted() {
    try {
      while (this.wanted && !this.isDead) {
        this.wanted = false;
        await this.fetchOnce();
      }
    } finally {
      this.isBusy = false;
    }
  }

  async fetchOnce() {
    const runs = this.page.selected();
    if (runs === null) return undefined;
    const request = this.request(runs);
    const key = JSON.stringify({ ...request, runs: 0, width: 0 });
    if (!runs.length) return this.take(NOTHING, { runs, key, request });
    if (this.showKnown(runs, key, request)) return undefined;
    const { reply } = this;
    const isSame =
      reply?.key === key && reply.ranges === request.runs && reply.width === request.width;
    const version = get("version");
    try {
      const answer = await api.curves({ ...request, since: isSame ? reply.version : null });
      if (this.isDead) return undefined;
      if (answer) this.take(linesOf(answer), { runs, key, request });
      else this.keep(reply, version);
      this.say(this.chart.spec.series.length ? "" : NO_DATA);
    } catch (error) {
      if (!this.isDead) this.say(error.message);
    }
    return undefined;
  }

  /** Nothing has changed up to this version. */
  keep(reply, version) {
    reply.version = Math.max(reply.version, version);
    this.page.count("unchanged");
  }

  /**
   * Draw the wanted runs from an answer that holds more of them. Where it is coarser than wanted, a
   * finer one is asked for once the choice rests: typing a run filter costs no journey for each key.
   */
  showKnown(runs, key, request) {
    clearTimeout(this.refining);
    if (get("fold")) return false;
    const isUsable = (one) =>
      one?.key === key && one.version >= get("version") && runs.every((run) => one.runs.has(run));
    const known = [this.reply, this.widest].find(isUsable);
    if (!known) return false;
    const isFine = known.width >= request.width * 0.8;
    if (this.mustRefine && !isFine) {
      this.mustRefine = false;
      return false;
    }
    const isDrawn = known === this.reply && runs === this.drawnRuns;
    this.reply = known;
    if (!isDrawn) this.show();
    if (!isFine) {
      this.refining = setTimeout(() => {
        this.mustRefine = true;
        this.refresh();
      }, REFINE_MS);
    }
    return true;
  }

  /** What to ask for; many lines get fewer points each, so that all of them stay quick to draw. */
  request(runs) {
    const { clientWidth } = this.plot;
    const ratio = this.detail ? Math.min(2, window.devicePixelRatio || 1) : 1;
    const width = Math.round(Math.max(120, (clientWidth || 320) - 56) * ratio);
    const kind = get("smoothing") > 0 ? get("smoothKind") : "none";
    const roles = kind === "none" || runs.length > RAW_LINES ? 1 : 2;
    const room = (this.detail ? DETAIL_BUCKETS : CARD_BUCKETS) / Math.max(1, runs.length) / roles;
    return {
      tag: this.tag,
      runs: idRanges(runs),
      x: get("x"),
      x_log: get("xLog"),
      smooth: { kind, amount: get("smoothing") },
      // Whole steps of 32 pixels: a window drawn larger by a hair asks nothing anew.
      width: Math.max(1, Math.floor(Math.min(width + 31, room) / 32)) * 32,
      range: this.chart.spec.xView,
      overwritten: get("overwritten"),
      fold: isComplete(get("fold")) ? get("fold") : null,
    };
  }

  take(reply, { runs, key, request }) {
    const { width } = request;
    this.reply = { ...reply, runs: new Set(runs), ranges: request.runs, width, key };
    const { widest } = this;
    const isWider =
      widest?.key !== key || widest.version < reply.version || runs.length >= widest.runs.size;
    if (isWider) this.widest = this.reply;
    this.fullX = reply.xExtent;
    this.show();
  }

  /** Draw what is known of the runs that are selected now. */
  show() {
    const { reply, page } = this;
    if (!reply) return;
    this.drawnRuns = page.selected();
    const wanted = new Set(this.drawnRuns);
    const isAll = get("fold") || wanted.size === reply.runs.size;
    const lines = isAll ? reply.lines : reply.lines.filter((line) => wanted.has(line.run));
    const series = toSeries({ lines }, { nameOf, colourOf: page.colourOf });
    const markers = get("nanMarkers") ? reply.markers : [];
    const range = this.chart.spec.xView && this.fullX ? this.fullX : null;
    const isUsable = range && (!get("xLog") || range[0] > 0);
    this.chart.update({ series, markers, xRange: isUsable ? range : null, isKnown: true });
    this.say(series.length ? "" : NO_DATA);
    page.onShown(this);
    this.restyle();
  }

  recolour() {
    for (const one of this.chart.spec.series) {
      one.colour = this.page.colourOf(one.line ?? one.raw ?? { run: one.run, group: one.group });
    }
    this.chart.update({ theme: this.page.theme() });
    this.chart.redraw();
    this.table?.recolour();
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  onZoom(xView) {
    this.refresh();
    if (!this.detail) return;
    this.table?.refresh();
    this.page.onZoomed?.(xView);
  }

  onHover(hit) {
    const { page } = this;
    const run = hit.nearest?.series.run ?? -1;
    page.hovered(run);
    page.tip.show(hit, {
      sort: get("tipSort"),
      limit: get("tipRows"),
      smoothed: hit.rows.some((row) => row.series.raw),
      details: (x, runs) => this.details(x, null, runs),
    });
    this.table?.follow(hit.x);
  }

  onLeave() {
    this.page.hovered(-1);
    this.page.tip.hide();
    this.table?.follow(null);
  }

  /** Ask api/v1/at for these runs; null where it fails: a tooltip is no place for errors. */
  async details(at, to, runs) {
    const { x, smooth } = this.request(runs);
    try {
      return await api.postJson("at", { tag: this.tag, runs: idRanges(runs), x, smooth, at, to });
    } catch {
      return null;
    }
  }
}

const FORMATS = { csv: "CSV", json: "JSON", parquet: "Parquet" };

/** Put a tag into a list of the state, or take it out. */
export function toggle(key, tag) {
  const list = get(key);
  set(key, list.includes(tag) ? list.filter((one) => one !== tag) : [...list, tag]);
}

/** A fold by hyperparameters of which none is named yet asks for nothing. */
function isComplete(fold) {
  return fold?.by !== "hparam" || fold.names?.length > 0;
}
