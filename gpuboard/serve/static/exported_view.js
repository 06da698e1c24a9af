/** The viewer of an exported view: draws what the file holds, without a server. */

import { LineChart } from "./chart.js";
import { fileName, iconButton, make, saveAs } from "./chart_elements.js";
import { chartSvg, saveChart } from "./chart_export.js";
import { ChartTip } from "./chart_tip.js";
import { decodeCurves, linesOf, toSeries } from "./curves.js";
import { NEUTRAL, PALETTE } from "./palette.js";
import { PLAIN, legendButton, nameTags, styleOfTag } from "./tag_styles.js";
import { readTheme } from "./theme_colours.js";

const HEX = /^#[0-9a-f]{6}$/i;
const PICTURE = /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$/;
const TIP_ROWS = 12;

const read = (id) => JSON.parse(document.getElementById(id).textContent);

/** Unpack the curves of one card. */
async function curvesOf(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return linesOf(decodeCurves(await new Response(stream).arrayBuffer()));
}

class Viewer {
  constructor(root) {
    this.view = read("view");
    this.extras = read("extras"); // what the page that exported it has added
    this.tip = new ChartTip();
    this.cards = [];
    this.hidden = new Set(); // ids of runs
    this.picked = null;
    this.runs = new Map(this.view.runs.map((run) => [run.id, run]));
    this.groups = new Map();
    this.setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
    this.grid = make("div", { class: "vw-grid" });
    root.className = "page xv";
    root.append(this.head(), this.legend(), this.grid);
    for (const card of this.view.cards) this.grid.append(this.frame(card));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
      this.setTheme(matches);
      this.restyle();
    });
  }

  head() {
    const made = new Date(this.view.made * 1000);
    const theme = make("button", {
      type: "button",
      class: "button",
      text: "Light or dark",
      on: {
        click: () => {
          this.setTheme(!this.isDark);
          this.restyle();
        },
      },
    });
    return make(
      "header",
      { class: "xv-head" },
      make("h1", { text: this.view.title }),
      make("span", {
        class: "xv-made",
        text: `gpuboard ${this.view.gpuboard}, exported ${made.toLocaleString()}`,
      }),
      theme,
    );
  }

  /** One button for each run: it hides the run in all charts. */
  legend() {
    const buttons = this.view.runs.map(({ id, name }) =>
      hiding(name, this.hidden, id, { colour: this.colourOfRun(id), then: () => this.show() }),
    );
    return make("div", { class: "xv-runs", role: "group", "aria-label": "Runs" }, ...buttons);
  }

  setTheme(isDark) {
    this.isDark = isDark;
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    this.look = readTheme(document.documentElement);
  }

  restyle() {
    for (const card of this.cards) card.chart.update({ theme: this.look });
  }

  show() {
    for (const card of this.cards) card.show();
  }

  pick(series) {
    const wanted = series ? (series.pick ?? series.key) : null;
    this.picked = wanted === this.picked ? null : wanted;
    for (const card of this.cards) card.chart.update({ picked: this.picked });
  }

  colourOfRun(id) {
    const run = this.runs.get(id);
    if (!run) return NEUTRAL;
    const own = Object.hasOwn(this.extras.colours ?? {}, run.name)
      ? this.extras.colours[run.name]
      : "";
    return HEX.test(own) ? own : PALETTE[run.row % PALETTE.length];
  }

  colourOfGroup(name) {
    if (!this.groups.has(name)) this.groups.set(name, this.groups.size);
    return PALETTE[this.groups.get(name) % PALETTE.length];
  }

  nameOf(id) {
    return this.runs.get(id)?.name ?? "";
  }

  frame(card) {
    const box = make("article", { class: "sc-card vw-card", "aria-label": card.title });
    box.style.gridColumn = `span ${card.width}`;
    box.style.gridRow = `span ${card.height}`;
    const title = make("h3", { class: "sc-title", text: card.title, title: card.title });
    const head = make("header", { class: "sc-head" }, title);
    box.append(head);
    const source = [...document.querySelectorAll("script.curves")].find(
      ({ dataset }) => dataset.card === card.id,
    );
    if (source) {
      this.cards.push(new ExportedChart(this, card, box, source));
    } else box.append(this.body(card));
    return box;
  }

  body({ id, kind, spec, failure }) {
    if (kind === "note") return make("p", { class: "vw-note", text: String(spec.text ?? "") });
    const picture = Object.hasOwn(this.extras.pictures ?? {}, id) ? this.extras.pictures[id] : "";
    if (PICTURE.test(picture)) {
      return make("div", { class: "xv-picture" }, make("img", { src: picture, alt: "" }));
    }
    const text = failure ?? `A card of the page "${kind}" is not part of this file.`;
    return make("p", { class: "xv-absent", text });
  }
}

/** One chart of the file. */
class ExportedChart {
  constructor(viewer, card, box, source) {
    Object.assign(this, { viewer, card });
    const settings = card.spec.settings ?? viewer.view.settings;
    this.settings = settings;
    this.hidden = new Set(card.spec.hidden ?? []);
    this.reply = { lines: [], markers: [], tags: [], problems: [], xExtent: null };
    this.plot = make("div", { class: "sc-plot" });
    this.legend = make("div", { class: "cs-legend", role: "group", "aria-label": "Tags" });
    this.legend.hidden = card.kind !== "custom";
    box.querySelector(".sc-head").append(...this.buttons());
    box.append(this.plot, this.legend);
    this.chart = new LineChart(this.plot, {
      zoom: () => {},
      hover: (hit) =>
        viewer.tip.show(hit, {
          sort: "nearest",
          limit: TIP_ROWS,
          smoothed: hit.rows.some((row) => row.series.raw),
        }),
      leave: () => viewer.tip.hide(),
      pick: (series) => viewer.pick(series),
      mark: () => {},
    });
    this.chart.update({
      xKind: settings.x ?? "step",
      xLog: Boolean(settings.xLog),
      yLog: card.spec.logY ?? Boolean(settings.logY),
      ignoreOutliers: settings.outliers ?? true,
      marks: settings.marks ?? [],
      theme: viewer.look,
    });
    this.load(source);
  }

  buttons() {
    const title = this.card.title || "chart";
    const save = () =>
      saveAs(`${fileName(title)}.svg`, chartSvg(this.chart, title), "image/svg+xml");
    const text = (label, fn) =>
      make("button", { type: "button", class: "link xv-save", text: label, on: { click: fn } });
    return [
      text("SVG", save),
      text("PNG", () => saveChart(this.chart, title, "png")),
      iconButton("fit", "Fit to the data", () => this.chart.reset()),
    ];
  }

  async load(source) {
    this.reply = await curvesOf(source);
    this.show();
    this.showLegend();
  }

  isByTag() {
    return this.card.kind === "custom" && this.viewer.view.runs.length === 1;
  }

  colourOf({ run, group, tag }) {
    if (this.isByTag()) return PALETTE[tag % PALETTE.length];
    const isGroup = group !== null && group !== undefined;
    return isGroup ? this.viewer.colourOfGroup(group) : this.viewer.colourOfRun(run);
  }

  styleOf(index) {
    return this.isByTag() ? PLAIN : styleOfTag(index);
  }

  show() {
    const { viewer, settings } = this;
    const { tags, markers, lines } = this.reply;
    const shown = lines.filter(
      ({ run, tag }) => !viewer.hidden.has(run) && !this.hidden.has(tags[tag]),
    );
    const series = toSeries(
      { lines: shown },
      { nameOf: (id) => viewer.nameOf(id), colourOf: (line) => this.colourOf(line) },
    );
    if (this.card.kind === "custom") nameTags(series, tags, (index) => this.styleOf(index));
    const nan = settings.nanMarkers ?? true;
    const yRange = settings.yMode === "fixed" ? (settings.yFixed ?? null) : null;
    this.chart.update({ series, markers: nan ? markers : [], isKnown: true, yRange });
  }

  showLegend() {
    const { tags, problems } = this.reply;
    const buttons = tags.map((tag, index) => {
      const colour = this.isByTag() ? this.colourOf({ tag: index }) : "currentcolor";
      const style = this.styleOf(index);
      return hiding(tag, this.hidden, tag, { colour, style, then: () => this.show() });
    });
    this.legend.replaceChildren(
      ...buttons,
      ...problems.map(({ message }) => make("p", { class: "cs-problem", text: message })),
    );
  }
}

/** A name in a legend that puts `key` into a set of what is hidden, and takes it out again. */
function hiding(name, hidden, key, { colour, style, then }) {
  const click = () => {
    if (!hidden.delete(key)) hidden.add(key);
    button.setAttribute("aria-pressed", String(!hidden.has(key)));
    then();
  };
  const button = legendButton(name, { colour, style, isShown: !hidden.has(key), click });
  return button;
}

const viewer = new Viewer(document.getElementById("page"));
window.__gpuboard = { viewer };
