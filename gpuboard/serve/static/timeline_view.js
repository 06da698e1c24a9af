/** Show traces on a canvas: zoom, pan and scroll, hover, select slices and areas. */

import { make } from "./chart_elements.js";
import { oncePerFrame } from "./dom.js";
import { paintArea, paintArrows, paintRows, paintRuler, RULER, STEPS } from "./timeline_chrome.js";
import { paints } from "./timeline_colour.js";
import { TimelineData } from "./timeline_data.js";
import { listen } from "./timeline_input.js";
import { MARK_HEIGHT, markAt, paintMarks, placeOf, topsOf } from "./timeline_marks.js";
import { lineTop, lineAt, rowsOf } from "./timeline_rows.js";
import { SeriesData } from "./timeline_series.js";
import { Letters } from "./timeline_text.js";

const LEAST_NS = 20; // across the window
const BEYOND = 0.02; // of everything, that can be seen beside it
const AHEAD = 260; // pixels above and below the window whose lines are fetched as well

export class TimelineView {
  /**
   * @param {object[]} models What `api/v1/timeline/tracks` says of each trace, with `name` and
   *   `offset`, its start on the common clock.
   * @param {object} on What to tell: `moved()`, `hover(mark)`, `select(mark)`, `open(mark)`,
   *   `area(area)`, `fold(key, value)`, `pin(key)`, `key(event)`.
   */
  constructor(models, on) {
    this.models = models;
    this.on = on;
    this.low = Math.min(...models.map(({ offset }) => offset));
    this.high = Math.max(...models.map(({ offset, span }) => offset + span));
    this.steps = stepsOf(models);
    this.t0 = this.low;
    this.t1 = this.high;
    this.scroll = 0;
    this.left = 200; // width of the gutter
    this.hover = null;
    this.selected = null;
    this.area = null;
    this.arrows = [];
    this.faintArrows = [];
    this.found = null;
    this.foundPlaces = [];
    this.canvas = make("canvas", { class: "tl-canvas", tabIndex: 0, role: "application" });
    this.canvas.setAttribute(
      "aria-label",
      "Timeline; w and s zoom, a and d move, arrows walk from event to event, f shows everything",
    );
    this.element = make("div", { class: "tl-view" }, this.canvas);
    this.data = new TimelineData(models, () => this.draw());
    this.series = new SeriesData(models, () => this.draw());
    this.draw = oncePerFrame(() => this.paint());
    this.counts = { draws: 0, ms: 0, marks: 0 };
    this.pins = [];
    this.arrange({}, []);
    this.ends = listen(this);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.element);
  }

  /** Lay out the rows anew: what is folded, by key, and the keys of pinned tracks. */
  arrange(folds, pins) {
    const { rows } = rowsOf(this.models, folds);
    const byKey = new Map(rows.map((row) => [row.key, row]));
    this.pinned = pins.map((key) => byKey.get(key)).filter((row) => row?.type === "track");
    for (const row of this.pinned) row.pinned = true;
    this.rows = rows.filter((row) => !row.pinned);
    let y = 0;
    for (const row of this.rows) {
      row.y = y;
      y += row.height;
    }
    this.tall = y;
    this.changed();
  }

  /** Paint with the colours of the theme in force. */
  recolour(isDark) {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    const font = read("--font") || "sans-serif";
    this.theme = {
      surface: read("--surface"),
      sunken: read("--sunken"),
      head: read("--bg"),
      line: read("--line"),
      lineStrong: read("--line-strong"),
      grid: read("--grid"),
      axis: read("--line-strong"),
      text: read("--text"),
      muted: read("--muted"),
      faint: read("--faint"),
      accent: read("--accent"),
      accentText: read("--accent-text"),
      accentSoft: read("--accent-soft"),
      band: isDark ? "#2a3040" : "#dfe3fa",
      bandOdd: isDark ? "#23282f" : "#e9ebef",
      arrow: isDark ? "#ffb86b" : "#c05a00",
      arrowOther: isDark ? "#7fd6c8" : "#0b7f72",
      curves: isDark ? CURVES_DARK : CURVES_LIGHT,
      small: `11px ${font}`,
      strong: `600 11.5px ${font}`,
    };
    this.paints = paints(isDark, this.theme.surface);
    const pen = this.canvas.getContext("2d", { alpha: false });
    this.letters = new Letters(pen, this.theme.small);
    this.bold = new Letters(pen, this.theme.strong);
    this.draw();
  }

  // Where things are.

  get width() {
    return Math.max(this.element.clientWidth - this.left, 1);
  }

  /** Height of ruler and steps. */
  get top() {
    return RULER + (this.steps ? STEPS : 0);
  }

  get pinnedHeight() {
    return this.pinned.reduce((sum, { height }) => sum + height, 0);
  }

  timeAt(x) {
    return this.t0 + ((x - this.left) / this.width) * (this.t1 - this.t0);
  }

  /** Return the rows in sight with their tops on the canvas; `ahead` pixels further as well. */
  placements(ahead = 0) {
    const found = [];
    let y = this.top;
    for (const row of this.pinned) {
      found.push({ row, y });
      y += row.height;
    }
    const shift = y - this.scroll;
    for (const row of this.rows) {
      const at = row.y + shift;
      if (at + row.height < y - ahead) continue;
      if (at > this.element.clientHeight + ahead) break;
      found.push({ row, y: at });
    }
    return found;
  }

  /** Return the row at a height of the canvas: {row, y}, or undefined. */
  rowAt(y) {
    if (y < this.top) return undefined;
    const isPinned = y < this.top + this.pinnedHeight;
    return this.placements().find(
      ({ row, y: at }) => Boolean(row.pinned) === isPinned && y >= at && y < at + row.height,
    );
  }

  /** Return the mark under a point, null for none. */
  markAt(x, y) {
    const place = this.rowAt(y);
    if (!place || place.row.type !== "track" || x < this.left) return null;
    const { row } = place;
    const line = lineAt(row, y - place.y);
    if (line < 0) return null;
    const lane = row.firstLane + line;
    const answer = this.data.answers[row.model];
    const at = markAt(answer, lane, x, this.look());
    return at < 0 ? null : { model: row.model, answer, at, lane, row, top: place.y + lineTop(line) };
  }

  /** Return the top of a lane on the canvas, NaN where it is not shown. */
  topOf(model, lane) {
    for (const { row, y } of this.placements(1e9)) {
      if (row.type !== "track" || row.model !== model) continue;
      if (lane >= row.firstLane && lane < row.firstLane + row.total) {
        return y + lineTop(Math.min(lane - row.firstLane, row.lanes - 1));
      }
    }
    return NaN;
  }

  // Moving.

  /** Show a window of time; it stays within everything that there is. */
  show(t0, t1) {
    const all = this.high - this.low;
    const room = BEYOND * all;
    const span = Math.min(Math.max(t1 - t0, LEAST_NS), all + 2 * room);
    const middle = (t0 + t1) / 2;
    this.t0 = Math.min(Math.max(middle - span / 2, this.low - room), this.high + room - span);
    this.t1 = this.t0 + span;
    this.changed();
    this.on.moved();
  }

  fit() {
    this.show(this.low, this.high);
  }

  zoom(factor, x = this.left + this.width / 2) {
    const at = Math.max(x, this.left);
    const time = this.timeAt(at);
    const span = (this.t1 - this.t0) * factor;
    if (span < LEAST_NS && factor < 1) return;
    const part = (at - this.left) / this.width;
    this.show(time - part * span, time + (1 - part) * span);
  }

  pan(pixels) {
    const by = (pixels / this.width) * (this.t1 - this.t0);
    this.show(this.t0 + by, this.t1 + by);
  }

  scrollBy(pixels) {
    const room = Math.max(0, this.tall + this.top + this.pinnedHeight - this.element.clientHeight);
    this.scroll = Math.min(Math.max(this.scroll + pixels, 0), room);
    this.changed();
  }

  /** Move so that a slice is in sight; `zoomed` so that it fills a good part of the window. */
  reveal({ model, start, duration, lane }, zoomed = false) {
    const begin = start + this.models[model].offset;
    const end = begin + duration;
    const span = this.t1 - this.t0;
    if (zoomed) {
      const wide = Math.max(duration * 1.6, 200);
      this.show((begin + end - wide) / 2, (begin + end + wide) / 2);
    } else if (duration > 0 && duration < span / 400) {
      const wide = Math.max(duration * 60, 200);
      this.show((begin + end - wide) / 2, (begin + end + wide) / 2);
    } else if (begin < this.t0 || end > this.t1) {
      const wide = Math.max(span, duration * 1.3);
      this.show((begin + end - wide) / 2, (begin + end + wide) / 2);
    }
    this.scrollTo(model, lane);
  }

  scrollTo(model, lane) {
    const top = this.topOf(model, lane);
    if (!(top === top)) return;
    const first = this.top + this.pinnedHeight;
    const isPinned = this.pinned.some(
      (row) => row.model === model && lane >= row.firstLane && lane < row.firstLane + row.total,
    );
    if (isPinned) return;
    const last = this.element.clientHeight - 40;
    if (top < first + 8) this.scrollBy(top - first - 40);
    else if (top > last) this.scrollBy(top - last);
  }

  changed() {
    this.ask();
    this.draw();
  }

  ask() {
    if (!this.element.clientHeight) return;
    const places = this.placements(AHEAD);
    const lanes = this.models.map(() => []);
    for (const { row } of places) {
      if (row.type === "track") for (let k = 0; k < row.lanes; k++) lanes[row.model].push(row.firstLane + k);
    }
    for (const list of lanes) list.sort((a, b) => a - b);
    const window = { t0: this.t0, t1: this.t1, pixels: Math.round(this.width * this.ratio) };
    this.data.want({ ...window, lanes });
    const rows = places.map(({ row }) => row).filter(({ type }) => type === "series");
    if (rows.length) this.series.want({ ...window, rows });
  }

  // Drawing.

  get ratio() {
    return devicePixelRatio || 1;
  }

  look() {
    const { left, width, t0, t1 } = this;
    return { left, width, t0, t1 };
  }

  paint() {
    if (!this.theme || !this.canvas.width) return;
    const began = performance.now();
    const pen = this.canvas.getContext("2d", { alpha: false });
    const { clientWidth: wide, clientHeight: tall } = this.element;
    const { theme, letters, bold, series } = this;
    const look = { ...this.look(), theme, letters, bold, series, top: this.top, bottom: tall };
    look.hoverRow = this.hoverRow;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.fillStyle = theme.surface;
    pen.fillRect(0, 0, wide, tall);
    paintRuler(pen, look, this.steps);
    const places = this.placements();
    const [held, loose] = [places.filter(({ row }) => row.pinned), places.filter(({ row }) => !row.pinned)];
    const first = this.top + this.pinnedHeight;
    this.region(pen, held, { ...look, bottom: first }, this.top, first);
    this.region(pen, loose, { ...look, top: first }, first, tall);
    this.paintBorders(pen, first, tall);
    this.over(pen, { ...look, top: this.top }, places);
    this.paintBar(pen, first, tall, wide);
    this.counts.draws++;
    this.counts.ms = performance.now() - began;
  }

  region(pen, places, look, top, bottom) {
    if (!places.length || bottom <= top) return;
    pen.save();
    pen.beginPath();
    pen.rect(0, top, this.left + this.width, bottom - top);
    pen.clip();
    paintRows(pen, places, look);
    pen.beginPath();
    pen.rect(this.left, top, this.width, bottom - top);
    pen.clip();
    const { paints: colours, letters, found } = this;
    for (const answer of this.data.answers) {
      if (!answer) continue;
      const tops = topsOf(answer, places);
      paintMarks(pen, answer, { ...look, tops, paints: colours, letters, found });
    }
    this.paintFound(pen, places, look);
    pen.restore();
  }

  /** Tick the places of hits within marks that stand for several slices. */
  paintFound(pen, places, look) {
    pen.fillStyle = this.theme.accent;
    for (const { model, lanes, line, x, t0, t1 } of this.foundPlaces) {
      const tops = topsOf({ lanes, model, lineOf: new Map(lanes.map((lane, k) => [lane, k])) }, places);
      const scale = ((t1 - t0) / (look.t1 - look.t0)) * look.width;
      const shift = look.left + ((t0 - look.t0) / (look.t1 - look.t0)) * look.width;
      for (let k = 0; k < x.length; k++) {
        const top = tops[line[k]];
        if (top === top) pen.fillRect(shift + x[k] * scale, top + MARK_HEIGHT - 2, 2, 2);
      }
    }
  }

  paintBorders(pen, first, tall) {
    pen.fillStyle = this.theme.line;
    pen.fillRect(this.left - 1, 0, 1, tall);
    if (this.pinned.length) {
      pen.fillStyle = this.theme.lineStrong;
      pen.fillRect(0, first - 1, this.left + this.width, 1);
    }
  }

  /** Paint what lies over the marks: area, arrows, what is selected and what is under the pointer. */
  over(pen, look) {
    pen.save();
    pen.beginPath();
    pen.rect(this.left, 0, this.width, look.bottom);
    pen.clip();
    if (this.area) paintArea(pen, this.placedArea(), look);
    const yOf = (model, lane) => this.topOf(model, lane);
    pen.beginPath();
    pen.rect(this.left, this.top, this.width, look.bottom);
    pen.clip();
    paintArrows(pen, this.faintArrows, look, yOf, { faint: true });
    paintArrows(pen, this.arrows, look, yOf);
    if (this.selected) this.outlineSlice(pen, this.selected, look);
    if (this.hover) this.outline(pen, this.hover);
    if (this.cursor !== undefined && !this.dragging) {
      pen.fillStyle = this.theme.lineStrong;
      pen.fillRect(Math.round(this.cursor), this.top, 1, look.bottom);
    }
    pen.restore();
  }

  placedArea() {
    const { area } = this;
    if (area.y0 !== undefined) return area;
    const tops = area.lanes.flatMap((lanes, model) => lanes.map((lane) => this.topOf(model, lane)));
    const known = tops.filter((top) => top === top);
    return { ...area, y0: Math.min(...known) - 2, y1: Math.max(...known) + MARK_HEIGHT + 2 };
  }

  outlineSlice(pen, { model, start, duration, lane }, { left, width, t0, t1 }) {
    const top = this.topOf(model, lane);
    if (!(top === top)) return;
    const begin = start + this.models[model].offset;
    const x = left + ((begin - t0) / (t1 - t0)) * width;
    const wide = Math.max((duration / (t1 - t0)) * width, 2);
    const from = Math.max(x, left - 4);
    const until = Math.min(x + wide, left + width + 4);
    if (until < left || from > left + width) return;
    pen.strokeStyle = this.theme.text;
    pen.lineWidth = 2;
    pen.strokeRect(from, top, until - from, MARK_HEIGHT);
  }

  outline(pen, mark) {
    const top = this.topOf(mark.model, mark.lane);
    const [x, y, wide, tall] = placeOf(mark.answer, mark.at, this.look(), top);
    pen.strokeStyle = this.theme.muted;
    pen.lineWidth = 1;
    pen.strokeRect(Math.max(x, this.left - 2) - 0.5, y - 0.5, Math.min(wide, this.width + 8) + 1, tall + 1);
  }

  /** Paint where in all rows the ones in sight are. */
  paintBar(pen, first, tall, wide) {
    const room = tall - first;
    if (this.tall <= room || room < 40) return;
    const height = Math.max((room / this.tall) * room, 24);
    const y = first + (this.scroll / (this.tall - room)) * (room - height);
    pen.fillStyle = this.theme.lineStrong;
    pen.globalAlpha = 0.8;
    pen.beginPath();
    pen.roundRect(wide - 7, y + 2, 5, height - 4, 2.5);
    pen.fill();
    pen.globalAlpha = 1;
  }

  resize() {
    const { clientWidth: wide, clientHeight: tall } = this.element;
    if (!wide || !tall) return;
    this.canvas.width = Math.round(wide * this.ratio);
    this.canvas.height = Math.round(tall * this.ratio);
    this.scrollBy(0);
    this.paint(); // at once: a cleared canvas would flash
  }

  destroy() {
    this.resizes.disconnect();
    this.data.destroy();
    this.series.destroy();
    this.ends();
  }
}

const CURVES_LIGHT = [
  { fill: "#cfd9f6", line: "#4a66c9" },
  { fill: "#cfe9dc", line: "#2c8a61" },
  { fill: "#f3dfc6", line: "#b0701b" },
  { fill: "#ecd3e8", line: "#a3499a" },
];
const CURVES_DARK = [
  { fill: "#27355f", line: "#8ea5f2" },
  { fill: "#1f4436", line: "#69c79c" },
  { fill: "#4a361d", line: "#e0ab62" },
  { fill: "#45294a", line: "#d48ad0" },
];

/** Return the steps of the first trace that has any, on the common clock. */
function stepsOf(models) {
  const model = models.find(({ steps }) => steps.name.length);
  if (!model) return null;
  const { name, start, end } = model.steps;
  const moved = (times) => times.map((time) => time + model.offset);
  return { name, start: moved(start), end: moved(end) };
}
