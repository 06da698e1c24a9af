/**
 * Scatter matrix: each column against each other, the spread of each on the diagonal, and above it
 * how strongly the ranks of two columns go together. Drag in a cell to brush both its columns.
 */

import { make } from "./chart_elements.js";
import { h, visible } from "./dom.js";
import { rounded } from "./hparams_brush.js";
import { PAD, correlation, histogram } from "./hparams_cells.js";
import { cellText, rankCorrelation } from "./hparams_model.js";
import { Slices, batches, cutText, fit, labelsAcross, mixed, opacity } from "./hparams_paint.js";
import { scaleOf } from "./hparams_scale.js";
import { get, set } from "./state.js";
import { readTheme } from "./theme_colours.js";

export const MOST_COLUMNS = 6;
const LEFT = 56;
const BOTTOM = 34;
const GAP = 8;
const NEAR = 7;

/** The columns of the matrix: as chosen, else the metric and what goes with it most. */
export function matrixColumns(board) {
  const chosen = board.trials.pick(get("hpMatrix"));
  if (chosen.length) return chosen.slice(0, MOST_COLUMNS);
  const all = board.columns().filter(({ key }) => key !== "status" && key !== "size");
  const metrics = all.filter(({ role }) => role === "metric").slice(0, 2);
  if (metrics.length === 0) return all.slice(0, 4);
  const strength = (column) =>
    Math.abs(rankCorrelation(column, metrics[0], board.trials.rows)) || 0;
  const others = all
    .filter(
      ({ role, kind, words }) => role === "hparam" && (kind !== "words" || words.length <= 12),
    )
    .map((column) => ({ column, of: strength(column) }))
    .sort((a, b) => b.of - a.of)
    .slice(0, 5 - metrics.length)
    .map(({ column }) => column);
  return [...all.filter((column) => others.includes(column)), ...metrics];
}

export class Scatter {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.points = h("canvas", { class: "hp-canvas" });
    this.over = h("canvas", { class: "hp-canvas" });
    this.tip = h("div", { class: "hp-tip", hidden: true });
    this.element = h("div", { class: "hp-scatter" }, this.points, this.over, this.tip);
    this.slices = new Slices();
    this.drag = null;
    this.columns = [];
    this.over.addEventListener("pointerdown", (event) => this.onDown(event));
    this.over.addEventListener("pointermove", (event) => this.onMove(event));
    this.over.addEventListener("pointerup", (event) => this.onUp(event));
    this.over.addEventListener("pointercancel", () => (this.drag = null));
    this.over.addEventListener("pointerleave", () => this.leave());
    this.over.addEventListener("dblclick", () => set("hpBrush", {}));
    this.sizes = new ResizeObserver(() => this.update());
    this.sizes.observe(this.element);
  }

  dispose() {
    this.sizes.disconnect();
    this.slices.stop();
  }

  update() {
    const { board } = this;
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (!board.trials || this.width < 120 || this.height < 120) return;
    this.theme = readTheme(this.element);
    this.columns = matrixColumns(board);
    const count = Math.max(this.columns.length, 1);
    this.cellWidth = (this.width - LEFT - 12 - (count - 1) * GAP) / count;
    this.cellHeight = (this.height - BOTTOM - 10 - (count - 1) * GAP) / count;
    this.axes = this.columns.map((column) => this.axis(column));
    this.updateRows();
  }

  /** Where each trial lies within a cell, as x and as y, without the cell's own place. */
  axis(column) {
    const kind = this.board.scaleKind(column);
    const x = scaleOf(column, kind, PAD, this.cellWidth - PAD, 64);
    const y = scaleOf(column, kind, this.cellHeight - PAD, PAD, 34);
    const places = Float32Array.from(column.value, x.to);
    const xs = places.slice();
    const ys = Float32Array.from(column.value, y.to);
    if (column.kind === "words") scatter(column, xs, ys, this.cellWidth, this.cellHeight);
    return { column, x, y, xs, ys, places };
  }

  updateRows() {
    if (!this.theme || this.columns.length === 0) return;
    const context = fit(this.points, this.width, this.height);
    this.slices.start(this.painting(context));
    this.paintOver();
  }

  *painting(context) {
    const { board } = this;
    const back = Array.from(board.shown).filter((row) => !board.isFront[row]);
    for (let i = 0; i < this.axes.length; i++) this.frameCell(context, i);
    yield;
    const size = board.shown.length > 2000 ? 2 : board.shown.length > 300 ? 3 : 4.5;
    const cells = this.cells();
    const grey = { colours: [this.theme.axis], indexOf: () => 0 };
    const layers = [
      [batches(back, grey), opacity(back.length, 0.25, 0.8)],
      [mixed(batches(board.front, board.colour)), opacity(board.front.length, 0.45, 0.95)],
    ];
    for (const [list, alpha] of layers) {
      for (const { colour, rows } of list) {
        context.globalAlpha = alpha;
        context.fillStyle = colour;
        for (const cell of cells) this.dots(context, cell, rows, size);
        yield;
      }
    }
    context.globalAlpha = 1;
    for (const [row, column] of cells) {
      const [left, top] = this.corner(column, row);
      const pair = [this.axes[column].column, this.axes[row].column];
      const place = { left, top, ...this.size() };
      correlation(context, { pair, rows: board.front, theme: this.theme, ...place });
      yield;
    }
  }

  cells() {
    const found = [];
    for (let row = 0; row < this.axes.length; row++) {
      for (let column = 0; column < row; column++) found.push([column, row]);
    }
    return found;
  }

  dots(context, [column, row], rows, size) {
    const [left, top] = this.corner(column, row);
    const { xs } = this.axes[column];
    const { ys } = this.axes[row];
    const half = size / 2;
    if (size > 3) {
      for (const i of rows) {
        if (Number.isNaN(xs[i] + ys[i])) continue;
        context.beginPath();
        context.arc(left + xs[i], top + ys[i], half, 0, 2 * Math.PI);
        context.fill();
      }
      return;
    }
    for (const i of rows) {
      if (Number.isNaN(xs[i] + ys[i])) continue;
      context.fillRect(left + xs[i] - half, top + ys[i] - half, size, size);
    }
  }

  size() {
    return { width: this.cellWidth, height: this.cellHeight };
  }

  corner(column, row) {
    return [LEFT + column * (this.cellWidth + GAP), 8 + row * (this.cellHeight + GAP)];
  }

  /** Frames, ticks, the spread on the diagonal and the correlations above it. */
  frameCell(context, i) {
    const { theme, axes } = this;
    for (let column = 0; column <= i; column++) this.frame(context, column, i);
    const [x, y] = this.corner(i, i);
    histogram(context, {
      axis: axes[i],
      board: this.board,
      theme,
      left: x,
      top: y,
      ...this.size(),
    });
    context.font = `11px ${theme.font}`;
    context.fillStyle = theme.muted;
    const [left, top] = this.corner(i, i);
    if (i > 0) {
      context.textAlign = "right";
      context.textBaseline = "middle";
      for (const { at, label } of axes[i].y.ticks) {
        context.fillText(
          cutText(context, visible(label), LEFT - 12),
          LEFT - 6,
          this.corner(0, i)[1] + at,
        );
      }
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    const bottom = this.corner(0, axes.length - 1)[1] + this.cellHeight;
    const ticks = axes[i].x.ticks.map(({ at, label }) => ({
      at: left + at,
      label: visible(label),
    }));
    labelsAcross(context, ticks, {
      left: left - 2,
      right: left + this.cellWidth + 2,
      y: bottom + 5,
    });
    context.textAlign = "left";
    context.fillStyle = theme.text;
    context.font = `600 12px ${theme.font}`;
    const title = cutText(context, visible(axes[i].column.title), this.cellWidth - 14);
    context.fillText(title, left + 7, top + 6);
  }

  frame(context, column, row) {
    const [left, top] = this.corner(column, row);
    context.strokeStyle = this.theme.grid;
    context.lineWidth = 1;
    context.strokeRect(
      Math.round(left) + 0.5,
      Math.round(top) + 0.5,
      Math.round(this.cellWidth) - 1,
      Math.round(this.cellHeight) - 1,
    );
  }

  paintOver() {
    if (!this.theme || this.columns.length === 0) return;
    const context = fit(this.over, this.width, this.height);
    this.paintBrushes(context);
    for (const row of [this.board.pickedRow(), this.board.hover]) {
      if (row >= 0) this.ring(context, row);
    }
  }

  paintBrushes(context) {
    const brush = get("hpBrush");
    const ranges = this.axes.map(({ column, x, y }) => {
      const spec = brush[column.key];
      if (!spec || spec.none) return null;
      return {
        x: pixels(column, x, spec, 0, this.cellWidth),
        y: pixels(column, y, spec, this.cellHeight, 0),
      };
    });
    context.fillStyle = this.theme.accent;
    context.strokeStyle = this.theme.accent;
    for (const [column, row] of this.cells()) {
      const [a, b] = [ranges[column]?.x, ranges[row]?.y];
      if (!a && !b) continue;
      const [left, top] = this.corner(column, row);
      const [x0, x1] = a ?? [0, this.cellWidth];
      const [y1, y0] = b ?? [this.cellHeight, 0];
      context.globalAlpha = 0.1;
      context.fillRect(left + x0, top + y0, x1 - x0, y1 - y0);
      context.globalAlpha = 0.7;
      context.lineWidth = 1;
      context.strokeRect(left + x0 + 0.5, top + y0 + 0.5, x1 - x0 - 1, y1 - y0 - 1);
    }
    context.globalAlpha = 1;
  }

  ring(context, row) {
    for (const [column, line] of this.cells()) {
      const [left, top] = this.corner(column, line);
      const [x, y] = [this.axes[column].xs[row], this.axes[line].ys[row]];
      if (Number.isNaN(x + y)) continue;
      context.beginPath();
      context.arc(left + x, top + y, 5, 0, 2 * Math.PI);
      context.fillStyle = this.board.colourOf(row);
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = this.theme.text;
      context.stroke();
    }
  }

  cellAt(x, y) {
    return this.cells().find(([column, row]) => {
      const [left, top] = this.corner(column, row);
      return x >= left && x <= left + this.cellWidth && y >= top && y <= top + this.cellHeight;
    });
  }

  place(event) {
    const box = this.over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  onDown(event) {
    const [x, y] = this.place(event);
    const cell = event.button === 0 ? this.cellAt(x, y) : null;
    if (!cell) return;
    this.over.setPointerCapture(event.pointerId);
    this.drag = { cell, x, y, moved: false };
  }

  onMove(event) {
    const [x, y] = this.place(event);
    if (!this.drag) return this.hoverAt(x, y);
    this.drag.moved ||= Math.hypot(x - this.drag.x, y - this.drag.y) > 3;
    if (this.drag.moved) this.brush(x, y);
    return undefined;
  }

  brush(x, y) {
    const [column, row] = this.drag.cell;
    const [left, top] = this.corner(column, row);
    const across = this.specOf(
      this.axes[column],
      "x",
      this.drag.x - left,
      x - left,
      this.cellWidth,
    );
    const up = this.specOf(this.axes[row], "y", this.drag.y - top, y - top, this.cellHeight);
    const kept = get("hpBrush");
    set("hpBrush", {
      ...kept,
      [this.axes[column].column.key]: across,
      [this.axes[row].column.key]: up,
    });
  }

  specOf({ column, x, y }, side, a, b, room) {
    const scale = side === "x" ? x : y;
    const [from, to] = [Math.max(Math.min(a, b), 0), Math.min(Math.max(a, b), room)];
    if (column.kind === "words") {
      const words = column.words.filter((_, i) => from - 1 <= scale.to(i) && scale.to(i) <= to + 1);
      return words.length ? { words } : { none: true };
    }
    if (scale.kind === "single") return { low: column.low, high: column.high };
    const values = [scale.from(from), scale.from(to)].sort((p, q) => p - q);
    // the margin of a cell belongs to the value at its edge
    return { low: rounded(values[0]), high: rounded(values[1]) };
  }

  onUp(event) {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.moved) return;
    const [x, y] = this.place(event);
    const row = this.rowAt(x, y);
    if (row >= 0) this.board.pick(row);
    else set("hpBrush", {});
  }

  hoverAt(x, y) {
    const row = this.rowAt(x, y);
    this.over.style.cursor = row >= 0 ? "pointer" : this.cellAt(x, y) ? "crosshair" : "default";
    this.board.setHover(row);
    this.tip.hidden = row < 0;
    if (row < 0) return;
    const lines = this.columns.map((column) =>
      make("span", {}, make("i", { text: visible(column.title) }), cellText(column, row) || "–"),
    );
    this.tip.replaceChildren(
      make("strong", { text: visible(this.board.trials.name[row]) }),
      ...lines,
    );
    this.tip.style.left = `${Math.min(x + 14, this.width - this.tip.offsetWidth - 8)}px`;
    this.tip.style.top = `${Math.min(y + 14, this.height - this.tip.offsetHeight - 8)}px`;
  }

  leave() {
    this.tip.hidden = true;
    this.board.setHover(-1);
  }

  rowAt(x, y) {
    const cell = this.cellAt(x, y);
    if (!cell) return -1;
    const [left, top] = this.corner(...cell);
    const { xs } = this.axes[cell[0]];
    const { ys } = this.axes[cell[1]];
    let best = -1;
    let least = NEAR;
    for (const row of this.board.front) {
      const apart = Math.hypot(left + xs[row] - x, top + ys[row] - y);
      if (apart < least) [best, least] = [row, apart];
    }
    return best;
  }
}

/** Trials of one word lie a little apart, always in the same way, so that they can be told apart. */
function scatter({ words }, xs, ys, width, height) {
  const apart = (room) => Math.min((0.5 * room) / Math.max(words.length - 1, 1), 22);
  for (let row = 0; row < xs.length; row++) {
    const inside = (v, room) => Math.min(Math.max(v, 4), room - 4);
    xs[row] = inside(xs[row] + (((row * 0.618034) % 1) - 0.5) * apart(width), width);
    ys[row] = inside(ys[row] + (((row * 0.754878) % 1) - 0.5) * apart(height), height);
  }
}

function pixels(column, scale, spec, from, to) {
  if (column.kind === "words") {
    const places = column.words
      .map((word, i) => (spec.words?.includes(word) ? scale.to(i) : NaN))
      .filter((place) => !Number.isNaN(place));
    if (places.length === 0) return null;
    const sign = to > from ? 1 : -1;
    const ends = [Math.min(...places) - 6, Math.max(...places) + 6];
    return sign > 0 ? ends : ends.reverse();
  }
  const at = (v, standing) => {
    const place =
      v === null || v === undefined
        ? NaN
        : scale.to(Math.min(Math.max(v, column.low), column.high));
    return Number.isNaN(place) ? standing : place;
  };
  return [at(spec.low, from), at(spec.high, to)];
}
