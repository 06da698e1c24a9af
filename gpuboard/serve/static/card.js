/** One card of the grid: fetches the curves of a tag, draws them, and offers what can be done. */

import { AtTable } from "./at_table.js";
import * as api from "./api.js";
import { LINE, openMenu } from "./card_menu.js";
import { saveChart } from "./chart_export.js";
import { follow, iconButton, make } from "./chart_elements.js";
import { LineChart } from "./chart.js";
import { linesOf, toSeries, yExtent } from "./curves.js";
import { idRanges, nameOf } from "./runs.js";
import * as state from "./state.js";
import { addToView } from "./view_pins.js";
import { settingsOf } from "./view_settings.js";

const CARD_BUCKETS = 40_000; // over all lines of one card: what can be drawn while typing
const DETAIL_BUCKETS = 200_000;
const RAW_LINES = 60; // with more runs the faint lines of logged values would be one grey area
const REFINE_MS = 250;
const NO_DATA = "No data for the selected runs.";
const NOTHING = { version: -1, lines: [], markers: [], xExtent: null };

export class Card {
  /**
   * @param {{tag: string, runs: number, points: number}} info row of api/v1/tags.
   * @param {object} page what all cards share: queue, tip, theme(), colourOf(line), selected(), ...
   * @param {object} [options]
   * @param {boolean} [options.detail] Whether it is opened in full resolution.
   * @param {string} [options.name] Its title.
   * @param {object} [options.from] Where choices are kept: the page's state, or a `Scope`.
   */
  constructor(info, page, { detail = false, name, from = page.state } = {}) {
    Object.assign(this, { info, page, detail });
    this.state = from;
    this.tag = info.tag;
    this.reply = null; // the answer on screen: lines, and the runs, key and width it was made for
    this.widest = null; // the answer with the most runs
    this.fullX = null;
    this.isBusy = false;
    this.wanted = false;
    this.isDead = false;
    this.ownAt = null;
    this.element = this.build(name ?? info.short ?? info.tag);
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
    const short = this.detail ? (this.info.title ?? this.tag) : title;
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

  /** The buttons of the card's head; the last one opens the menu. */
  buttons() {
    this.pinButton = iconButton("pin", "Pin to the top", () => this.togglePin());
    return [this.pinButton, ...this.usualButtons()];
  }

  usualButtons() {
    this.moreButton = iconButton("more", "More", () => this.openMenu(), {
      "aria-haspopup": "dialog",
    });
    const fitButton = iconButton("fit", "Fit to the data", () => this.chart.reset());
    if (this.detail || !this.page.openKey) return [fitButton, this.moreButton];
    const open = iconButton("open", "Open in full resolution", () =>
      this.state.set(this.page.openKey, this.tag),
    );
    return [fitButton, open, this.moreButton];
  }

  openMenu() {
    openMenu(this.moreButton, this.menu());
  }

  /** What the menu offers, see card_menu.js. */
  menu() {
    const isWide = this.get("wide").includes(this.tag);
    const isPinned = this.get("pins").includes(this.tag);
    return [
      { text: "Log y axis", fn: () => this.toggleLog(), checked: this.isLogY() },
      this.detail ? null : { text: "Full width", fn: () => this.toggleWide(), checked: isWide },
      { text: "Pin to the top", fn: () => this.togglePin(), checked: isPinned },
      { text: "Add to a view", fn: () => addToView(this.viewSpec(), this.moreButton) },
      { text: "Copy the tag's name", fn: () => navigator.clipboard?.writeText(this.tag) },
      LINE,
      ...this.dataItems(),
      LINE,
      ...this.figureItems(),
    ];
  }

  dataItems() {
    return Object.entries(FORMATS).map(([format, name]) => ({
      text: `Data as ${name}`,
      fn: () => this.download(this.tag, format),
    }));
  }

  figureItems() {
    const save = (format) => saveChart(this.chart, this.info.title ?? this.tag, format);
    return [
      { text: "Figure as PNG", fn: () => save("png") },
      { text: "Figure as SVG", fn: () => save("svg") },
    ];
  }

  /** What a view keeps of this card, see view_cards.js. */
  viewSpec() {
    return { kind: "scalar", title: this.tag, tag: this.tag, ...this.viewStyle() };
  }

  /** How a view draws it: the choices in force, and its own axis where that differs. */
  viewStyle() {
    const isLog = this.isLogY();
    const own = isLog === this.get("logY") ? {} : { logY: isLog };
    return { settings: settingsOf(this.state), ...own };
  }

  get(key) {
    return this.state.get(key);
  }

  togglePin() {
    toggle("pins", this.tag);
  }

  isLogY() {
    return this.get("logTags")[this.tag] ?? this.get("logY");
  }

  toggleWide() {
    toggle("wide", this.tag);
  }

  toggleLog() {
    const { [this.tag]: _, ...others } = this.get("logTags");
    const wanted = !this.isLogY();
    this.state.set(
      "logTags",
      wanted === this.get("logY") ? others : { ...others, [this.tag]: wanted },
    );
  }

  download(tag, format) {
    const run = [...(this.page.selected() ?? [])];
    follow(api.route("scalars", { tag, run, format, view: "current" }));
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
    this.pinButton?.setAttribute("aria-pressed", String(this.get("pins").includes(this.tag)));
    this.element.classList.toggle("sc-wide", !this.detail && this.get("wide").includes(this.tag));
    const kind = this.get("x");
    if (kind !== chart.spec.xKind) {
      this.fullX = null;
      chart.update({ xView: null });
    }
    const yLog = this.isLogY();
    if (yLog !== chart.spec.yLog) chart.update({ yView: null });
    chart.update({
      xKind: kind,
      xLog: this.get("xLog"),
      yLog,
      ignoreOutliers: this.get("outliers"),
      picked: this.get("picked"),
      marks: this.get("marks"),
      at: this.at(),
      theme: page.theme(),
      wheelZooms: this.detail,
      yRange: this.yRange(),
    });
    this.restyleTable();
  }

  yRange() {
    const mode = this.get("yMode");
    if (mode === "fixed") return this.get("yFixed");
    return mode === "shared" ? (this.page.sharedY?.(this) ?? null) : null;
  }

  /** The y range of this card alone, before padding; what a shared range is made of. */
  extent() {
    const { series, yLog, ignoreOutliers } = this.chart.spec;
    return yExtent(series, { ignoreOutliers, positive: yLog });
  }

  at() {
    const mode = this.get("stepMark");
    if (mode === "off") return null;
    const chosen = (this.get("linkSteps") ? this.get("at") : this.ownAt) ?? null;
    const [lo, hi] = chosen ?? this.fullX ?? this.chart.fullX();
    if (mode === "step") return [chosen ? lo : hi, null];
    return [lo, chosen && chosen[1] === null ? this.chart.fullX()[1] : hi];
  }

  setAt(at) {
    if (this.get("linkSteps")) return this.state.set("at", at);
    this.ownAt = at;
    return this.restyle();
  }

  restyleTable() {
    const wanted = this.detail || (this.get("cardTables") && this.get("stepMark") !== "off");
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
    const version = this.get("version");
    try {
      const answer = await this.ask({ ...request, since: isSame ? reply.version : null });
      if (this.isDead) return undefined;
      if (answer) this.take(linesOf(answer), { runs, key, request });
      else this.keep(reply, version);
      this.say(this.chart.spec.series.length ? "" : this.emptyText());
    } catch (error) {
      if (!this.isDead) this.say(error.message);
    }
    return undefined;
  }

  /** Ask for the curves of a request; null where nothing has changed. */
  ask(request) {
    return api.curves(request);
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
    if (this.get("fold")) return false;
    const isUsable = (one) =>
      one?.key === key &&
      one.version >= this.get("version") &&
      runs.every((run) => one.runs.has(run));
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
    const kind = this.get("smoothing") > 0 ? this.get("smoothKind") : "none";
    const lines = this.lineCount(runs);
    const roles = kind === "none" || lines > RAW_LINES ? 1 : 2;
    const room = (this.detail ? DETAIL_BUCKETS : CARD_BUCKETS) / Math.max(1, lines) / roles;
    return {
      tag: this.tag,
      runs: idRanges(runs),
      x: this.get("x"),
      x_log: this.get("xLog"),
      smooth: { kind, amount: this.get("smoothing") },
      // Whole steps of 32 pixels: a window drawn larger by a hair asks nothing anew.
      width: Math.max(1, Math.floor(Math.min(width + 31, room) / 32)) * 32,
      range: this.chart.spec.xView,
      overwritten: this.get("overwritten"),
      fold: isComplete(this.get("fold")) ? this.get("fold") : null,
    };
  }

  /** How many lines these runs are likely to give. */
  lineCount(runs) {
    return runs.length;
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
    const isAll = this.get("fold") || wanted.size === reply.runs.size;
    const lines = isAll ? reply.lines : reply.lines.filter((line) => wanted.has(line.run));
    const series = this.seriesOf(lines);
    const markers = this.get("nanMarkers") ? reply.markers : [];
    const range = this.chart.spec.xView && this.fullX ? this.fullX : null;
    const isUsable = range && (!this.get("xLog") || range[0] > 0);
    this.chart.update({ series, markers, xRange: isUsable ? range : null, isKnown: true });
    this.say(series.length ? "" : this.emptyText());
    page.onShown(this);
    this.restyle();
  }

  /** Gather lines into the series of the chart. */
  seriesOf(lines) {
    return toSeries({ lines }, { nameOf, colourOf: this.page.colourOf });
  }

  colourOf(series) {
    return this.page.colourOf({ run: series.run, group: series.group });
  }

  recolour() {
    for (const one of this.chart.spec.series) one.colour = this.colourOf(one);
    this.chart.update({ theme: this.page.theme() });
    this.chart.redraw();
    this.table?.recolour();
  }

  emptyText() {
    return NO_DATA;
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
      sort: this.get("tipSort"),
      limit: this.get("tipRows"),
      smoothed: hit.rows.some((row) => row.series.raw),
      details: (x, series) => this.details(x, null, series),
    });
    this.table?.follow(hit.x);
  }

  onLeave() {
    this.page.hovered(-1);
    this.page.tip.hide();
    this.table?.follow(null);
  }

  /** The series that a table under the chart is about; a row for each of them that has points. */
  tableSeries() {
    return Array.from(this.page.selected() ?? [], (run) => ({ run }));
  }

  /** Ask api/v1/at for these series; null where it fails: a tooltip is no place for errors. */
  async details(at, to, series) {
    const { x, smooth } = this.request(series.map(({ run }) => run));
    try {
      return await this.askAt({ x, smooth, at, to }, series);
    } catch {
      return null;
    }
  }

  /** Answer api/v1/at with one more column, `key`: which series a row belongs to. */
  async askAt(request, series) {
    const runs = idRanges(series.map(({ run }) => run));
    const columns = await api.postJson("at", { tag: this.tag, runs, ...request });
    return { ...columns, key: columns.run };
  }
}

const FORMATS = { csv: "CSV", json: "JSON", parquet: "Parquet" };

/** Put a tag into a list of the state, or take it out. */
export function toggle(key, tag) {
  const list = state.get(key);
  state.set(key, list.includes(tag) ? list.filter((one) => one !== tag) : [...list, tag]);
}

/** A fold by hyperparameters of which none is named yet asks for nothing. */
function isComplete(fold) {
  return fold?.by !== "hparam" || fold.names?.length > 0;
}
