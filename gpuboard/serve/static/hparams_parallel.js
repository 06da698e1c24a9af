/**
 * Parallel coordinates: one line a trial, one axis a column.
 *
 * Drag on an axis to brush, drag a brush or its ends, click it away; drag an axis title to another
 * place; click a line to open its trial. What has no number lies on a lane of its own, below.
 */

import { h, visible } from "./dom.js";
import { make } from "./chart_elements.js";
import { TOP, gripAt, spansOf, specOf } from "./hparams_brush.js";
import { followDrag } from "./hparams_drag.js";
import { openAxis } from "./hparams_filter.js";
import { cellText } from "./hparams_model.js";
import { Slices, batches, cutText, fit, hairline, mixed, opacity } from "./hparams_paint.js";
import { scaleOf } from "./hparams_scale.js";
import { get, set } from "./state.js";
import { readTheme } from "./theme_colours.js";

const BOTTOM = 40;
const LANE = 20; // between the axis and the lane below it
const LEFT = 60;
const RIGHT = 76; // for the labels of the last axis
const LEAST_GAP = 96; // between axes; with more of them the plot scrolls
const GRAB = 13; // pixels beside an axis that belong to it
const NEAR = 6; // pixels from a line that hit it
const MANY = 1200; // lines from which on they are hairlines

export class Parallel {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.back = h("canvas", { class: "hp-canvas" });
    this.front = h("canvas", { class: "hp-canvas" });
    this.over = h("canvas", { class: "hp-canvas" });
    this.titles = h("div", { class: "hp-axes" });
    this.tip = h("div", { class: "hp-tip", hidden: true });
    this.stage = h("div", { class: "hp-stage" }, this.back, this.front, this.over, this.titles);
    this.element = h("div", { class: "hp-parallel" }, this.stage, this.tip);
    this.slices = new Slices();
    this.backSlices = new Slices();
    this.axes = [];
    this.drag = null;
    this.over.addEventListener("pointerdown", (event) => this.onDown(event));
    this.over.addEventListener("pointermove", (event) => this.onMove(event));
    this.over.addEventListener("pointerup", (event) => this.onUp(event));
    this.over.addEventListener("pointercancel", () => this.onCancel());
    this.over.addEventListener("pointerleave", () => this.drag || this.leave());
    this.over.addEventListener("dblclick", (event) => this.onDouble(event));
    this.sizes = new ResizeObserver(() => this.update());
    this.sizes.observe(this.element);
  }

  dispose() {
    this.sizes.disconnect();
    this.slices.stop();
    this.backSlices.stop();
  }

  /** Lay the axes out anew and paint everything. */
  update() {
    const { board } = this;
    const room = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (!board.trials || room === 0 || this.height < 80) return;
    const columns = board.columns().filter(({ key }) => key !== "name");
    const gap = Math.max(LEAST_GAP, (room - LEFT - RIGHT) / Math.max(columns.length - 1, 1));
    this.width = Math.max(room, Math.round(LEFT + RIGHT + gap * (columns.length - 1)));
    this.stage.style.width = `${this.width}px`;
    this.gap = gap;
    this.low = this.height - BOTTOM;
    this.lane = this.low + LANE;
    this.axes = columns.map((column, i) =>
      this.axis(column, columns.length === 1 ? this.width / 2 : LEFT + i * gap),
    );
    this.theme = readTheme(this.element);
    this.placeTitles();
    this.paintBack();
    this.paintFront();
    this.paintOver();
  }

  /** Other rows stand out; the lines behind them all stay where they are. */
  updateRows() {
    if (!this.theme) return;
    this.paintBack();
    this.paintFront();
    this.paintOver();
  }

  axis(column, x) {
    const kind = this.board.scaleKind(column);
    const scale = scaleOf(column, kind, this.low, TOP);
    const { trials } = this.board;
    const y = new Float32Array(trials.count);
    let hasLane = false;
    for (let row = 0; row < trials.count; row++) {
      const place = scale.to(column.value[row]);
      y[row] = Number.isNaN(place) ? this.lane : place;
      hasLane ||= Number.isNaN(place);
    }
    return { column, scale, kind, x, y, hasLane };
  }

  placeTitles() {
    const buttons = this.axes.map((axis) => this.title(axis));
    this.titles.replaceChildren(...buttons);
  }

  title(axis) {
    const { column } = axis;
    const name = visible(column.title);
    const button = make(
      "button",
      {
        type: "button",
        class: `hp-axis${column.role === "metric" ? " is-metric" : ""}`,
        title: `${name}\nClick for scale, range and colour; drag to move`,
        data: { key: column.key },
        on: {
          click: () => this.wasMoved || openAxis(this.board, column.key, button),
          pointerdown: (event) => this.grabTitle(event, axis, button),
        },
      },
      make("span", { class: "hp-axis-name", text: name }),
      make("span", {
        class: "hp-axis-kind",
        text: { log: "log", quantile: "quantile" }[axis.kind] ?? "",
      }),
    );
    button.style.left = `${axis.x}px`;
    button.style.maxWidth = `${Math.min(this.gap - 8, 200)}px`;
    return button;
  }

  grabTitle(event, axis, button) {
    this.wasMoved = false;
    if (event.button !== 0) return;
    const shifted = (x) => axis.x + x - event.clientX;
    followDrag(event, {
      move: (x) => {
        this.wasMoved = true;
        button.classList.add("is-dragged");
        this.dropAt = shifted(x);
        button.style.left = `${this.dropAt}px`;
        this.paintOver();
      },
      end: (x) => {
        this.dropAt = null;
        this.paintOver();
        const next =
          x === null ? axis : this.axes.find((one) => one !== axis && shifted(x) < one.x);
        const after = this.axes[this.axes.indexOf(axis) + 1];
        if (next === axis || next === after) this.placeTitles();
        else this.board.moveColumn(axis.column.key, next?.column.key ?? null);
      },
    });
  }

  /** All lines in grey, painted once and only if some of them do not stand out. */
  paintBack() {
    const { board } = this;
    const isNeeded = board.front.length < board.shown.length;
    this.back.hidden = !isNeeded;
    if (!isNeeded || (this.backOf === board.shown && this.backAxes === this.axes)) return;
    this.backOf = board.shown;
    this.backAxes = this.axes;
    const context = fit(this.back, this.width, this.height);
    const grey = { colours: [this.theme.axis], indexOf: () => 0 };
    context.globalAlpha = opacity(board.shown.length, 0.06, 0.5);
    context.lineWidth = hairline();
    this.backSlices.start(this.lines(context, batches(board.shown, grey)));
  }

  paintFront() {
    const { board } = this;
    const context = fit(this.front, this.width, this.height);
    const count = board.front.length;
    context.globalAlpha = opacity(count, 0.16, 0.85);
    context.lineWidth = count > MANY ? hairline() : 1.2;
    context.lineJoin = "round";
    this.slices.start(this.lines(context, mixed(batches(board.front, board.colour))));
  }

  *lines(context, list) {
    for (const { colour, rows } of list) {
      context.strokeStyle = colour;
      context.beginPath();
      for (const row of rows) this.trace(context, row);
      context.stroke();
      yield;
    }
  }

  trace(context, row) {
    const { axes } = this;
    if (axes.length === 1) {
      context.moveTo(axes[0].x - 14, axes[0].y[row]);
      context.lineTo(axes[0].x + 14, axes[0].y[row]);
      return;
    }
    for (let i = 0; i < axes.length; i++) {
      if (i === 0) context.moveTo(axes[i].x, axes[i].y[row]);
      else context.lineTo(axes[i].x, axes[i].y[row]);
    }
  }

  /** Axes, ticks, brushes and the line that stands out. */
  paintOver() {
    if (!this.theme) return;
    const context = fit(this.over, this.width, this.height);
    this.paintStanding(context);
    for (const axis of this.axes) this.paintAxis(context, axis);
    for (const axis of this.axes) this.paintBrush(context, axis);
    if (Number.isFinite(this.dropAt ?? NaN)) this.paintDrop(context);
  }

  paintAxis(context, { x, scale, hasLane, column }) {
    const { theme } = this;
    context.lineWidth = 1;
    context.strokeStyle = theme.muted;
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, TOP);
    context.lineTo(Math.round(x) + 0.5, this.low);
    context.stroke();
    context.font = `11px ${theme.font}`;
    context.textBaseline = "middle";
    const most = this.gap - 22;
    for (const { at, label } of scale.ticks) {
      context.fillStyle = theme.muted;
      context.fillRect(Math.round(x) - 3, Math.round(at), 7, 1);
      this.label(context, cutText(context, visible(label), most), x + 8, at);
    }
    if (hasLane) {
      context.fillStyle = theme.muted;
      context.fillRect(Math.round(x) - 3, this.lane, 7, 1);
      this.label(context, laneText(column, scale), x + 8, this.lane, theme.muted);
    }
  }

  /** Write over lines so that it can be read: with an edge in the colour of the page. */
  label(context, text, x, y, colour = this.theme.text) {
    context.lineWidth = 3.5;
    context.lineJoin = "round";
    context.strokeStyle = this.theme.surface;
    context.globalAlpha = 0.85;
    context.strokeText(text, x, y);
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  paintBrush(context, axis) {
    for (const [from, to] of this.spans(axis)) {
      const top = Math.min(from, to);
      const height = Math.max(Math.abs(to - from), 3);
      context.fillStyle = this.theme.accent;
      context.globalAlpha = 0.22;
      context.fillRect(axis.x - 8, top, 16, height);
      context.globalAlpha = 1;
      context.strokeStyle = this.theme.accent;
      context.lineWidth = 1;
      context.strokeRect(Math.round(axis.x) - 7.5, Math.round(top) + 0.5, 15, Math.round(height));
      context.fillRect(axis.x - 5, top - 1, 10, 2);
      context.fillRect(axis.x - 5, top + height - 1, 10, 2);
    }
  }

  paintDrop(context) {
    context.globalAlpha = 0.35;
    context.fillStyle = this.theme.accent;
    context.fillRect(this.dropAt - 1, TOP - 8, 2, this.low - TOP + 8);
    context.globalAlpha = 1;
  }

  paintStanding(context) {
    const { board } = this;
    for (const row of [board.pickedRow(), board.hover]) {
      if (row < 0 || this.axes.length === 0) continue;
      context.lineJoin = "round";
      for (const [width, colour] of [
        [5, this.theme.surface],
        [2.4, board.colourOf(row)],
      ]) {
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.beginPath();
        this.trace(context, row);
        context.stroke();
      }
      context.fillStyle = board.colourOf(row);
      for (const { x, y } of this.axes) {
        context.beginPath();
        context.arc(x, y[row], 3, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  spans(axis) {
    if (this.drag?.axis === axis && this.drag.span) return [this.drag.span];
    return spansOf(axis, get("hpBrush")[axis.column.key], this);
  }

  axisAt(x) {
    return this.axes.find((axis) => Math.abs(axis.x - x) <= GRAB);
  }

  place(event) {
    const box = this.over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  onDown(event) {
    const [x, y] = this.place(event);
    const axis = this.axisAt(x);
    if (event.button !== 0 || !axis || y < TOP - 14) {
      this.pressed = [x, y];
      return;
    }
    this.over.setPointerCapture(event.pointerId);
    this.pressed = null;
    this.drag = { axis, start: y, moved: false, span: null, ...gripAt(this.spans(axis), y) };
    this.leaveTip();
  }

  onMove(event) {
    const [x, y] = this.place(event);
    if (!this.drag) return this.hoverAt(x, y, event);
    const { drag } = this;
    if (!drag.moved && Math.abs(y - drag.start) < 3) return undefined;
    drag.moved = true;
    const [first, last] = [TOP, drag.axis.hasLane ? this.lane + 8 : this.low];
    const clamp = (v) => Math.max(first, Math.min(last, v));
    if (drag.kind === "new") drag.span = [clamp(drag.start), clamp(y)];
    else if (drag.kind === "end") drag.span = [drag.fixed, clamp(y)];
    else {
      const shift = Math.max(first - drag.top, Math.min(last - drag.bottom, y - drag.start));
      drag.span = [drag.top + shift, drag.bottom + shift];
    }
    this.board.setSpec("hpBrush", drag.axis.column.key, specOf(drag.axis, drag.span, this));
    return undefined;
  }

  onUp(event) {
    const { drag } = this;
    this.drag = null;
    if (drag) {
      if (!drag.moved) this.board.setSpec("hpBrush", drag.axis.column.key, null);
      this.paintOver();
      return;
    }
    const [x, y] = this.place(event);
    if (!this.pressed || Math.hypot(x - this.pressed[0], y - this.pressed[1]) > 4) return;
    const row = this.rowAt(x, y);
    if (row >= 0) this.board.pick(row);
    else if (get("hpPicked")) set("hpPicked", "");
  }

  onCancel() {
    this.drag = null;
    this.paintOver();
  }

  onDouble(event) {
    if (!this.axisAt(this.place(event)[0])) set("hpBrush", {});
  }

  hoverAt(x, y, event) {
    const axis = y >= TOP - 14 ? this.axisAt(x) : null;
    if (axis) {
      const { kind } = gripAt(this.spans(axis), y);
      this.over.style.cursor = { new: "crosshair", move: "grab", end: "ns-resize" }[kind];
    }
    const row = axis ? -1 : this.rowAt(x, y);
    if (!axis) this.over.style.cursor = row >= 0 ? "pointer" : "default";
    this.board.setHover(row);
    if (row < 0) return this.leaveTip();
    return this.showTip(row, event);
  }

  showTip(row, event) {
    const { board } = this;
    const metrics = [...board.trials.columns.values()].filter(({ role }) => role === "metric");
    this.tip.replaceChildren(
      make("strong", { text: visible(board.trials.name[row]) }),
      ...metrics
        .slice(0, 6)
        .map((column) =>
          make(
            "span",
            {},
            make("i", { text: visible(column.title) }),
            cellText(column, row) || "–",
          ),
        ),
    );
    this.tip.hidden = false;
    const box = this.element.getBoundingClientRect();
    const x = event.clientX - box.left + this.element.scrollLeft;
    const left = Math.min(x + 14, this.element.scrollLeft + box.width - this.tip.offsetWidth - 8);
    this.tip.style.left = `${Math.max(left, 4)}px`;
    const y = event.clientY - box.top + 14;
    this.tip.style.top = `${y + this.tip.offsetHeight > box.height ? y - this.tip.offsetHeight - 22 : y}px`;
  }

  leaveTip() {
    this.tip.hidden = true;
  }

  leave() {
    this.leaveTip();
    this.board.setHover(-1);
  }

  /** The row whose line runs nearest to a place, those that stand out first, -1 for none near. */
  rowAt(x, y) {
    const right = this.axes.findIndex((axis) => axis.x >= x);
    if (right <= 0) return -1;
    const [a, b] = [this.axes[right - 1], this.axes[right]];
    const share = (x - a.x) / (b.x - a.x);
    let best = -1;
    let least = NEAR;
    for (const row of this.board.front) {
      // a steep line is nearer than it is in y alone
      const rise = b.y[row] - a.y[row];
      const slope = Math.hypot(1, rise / (b.x - a.x));
      const apart = Math.abs(a.y[row] + share * rise - y) / slope;
      if (apart < least) {
        least = apart;
        best = row;
      }
    }
    return best;
  }
}

/** Say what lies on the lane below an axis. */
function laneText({ has, value }, scale) {
  const kinds = new Set();
  value.forEach((v, row) => {
    if (!Number.isNaN(scale.to(v))) return;
    kinds.add(!has[row] ? "none" : Number.isNaN(v) ? "NaN" : Number.isFinite(v) ? "≤ 0" : "∞");
  });
  return [...kinds].sort().join(", ");
}
