/** Draw a tree as boxes: each row of the drawing one level, widths by a value, children below. */

import { visible } from "./dom.js";
import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import * as state from "./state.js";
import { colourOf, paints } from "./timeline_colour.js";

const ROW = 22;
const LEAST_PX = 1;
const MAX_LEVELS = 24;

export class Icicle {
  /**
   * @param {{children: number[][], roots: number[], parent: ArrayLike<number>}} tree
   * @param {{name: (row: number) => string, lines: (row: number) => string[], pick: (row: number) => void}} on
   */
  constructor(tree, on) {
    Object.assign(this, { tree, on });
    this.top = -1; // row that takes the full width, -1: all
    this.marked = -1;
    this.drawing = new Drawing("pt-icicle", "Modules by time", (...all) => this.paint(...all));
    this.element = this.drawing.element;
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("click", (event) => {
      const row = this.at(event);
      if (row >= 0) on.pick(row);
    });
    canvas.addEventListener("dblclick", (event) => this.zoom(this.at(event)));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "Home") this.zoom(-1);
      else if (event.key === "Enter") this.zoom(this.marked);
    });
  }

  /** Draw widths by other values, one for each row. */
  show(values) {
    this.values = values;
    const levels = this.levels(this.tree.roots, 0);
    this.element.style.height = `${Math.min(levels, MAX_LEVELS) * ROW + 2}px`;
    this.drawing.draw();
  }

  levels(rows, depth) {
    if (depth >= MAX_LEVELS) return depth;
    return rows.reduce((most, row) => (this.values[row] > 0 ? Math.max(most, this.levels(this.tree.children[row], depth + 1)) : most), depth);
  }

  /** Give a row the full width; the row that has it gives it to the one above. */
  zoom(row) {
    this.top = row === this.top && row >= 0 ? this.tree.parent[row] : row;
    this.drawing.draw();
  }

  mark(row) {
    this.marked = row;
    this.drawing.draw();
  }

  paint(ctx, width) {
    const read = themeOf(this.element);
    const look = paints(state.get("dark"), read("--surface"));
    this.boxes = [];
    const { tree, values } = this;
    const chain = [];
    for (let row = this.top; row >= 0; row = tree.parent[row]) chain.unshift(row);
    const above = chain.slice(0, -1);
    above.forEach((row, level) => this.boxes.push({ row, x: 0, width, level, isAbove: true }));
    const rows = this.top >= 0 ? [this.top] : tree.roots;
    const whole = rows.reduce((sum, row) => sum + values[row], 0) || 1;
    this.lay(rows, 0, width / whole, above.length);
    ctx.font = `12px ${read("--font")}`;
    ctx.textBaseline = "middle";
    for (const box of this.boxes) this.box(ctx, look, read, box);
  }

  lay(rows, x, scale, level) {
    if (level >= MAX_LEVELS) return;
    let at = x;
    for (const row of rows) {
      const width = this.values[row] * scale;
      if (width >= LEAST_PX) {
        this.boxes.push({ row, x: at, width, level });
        this.lay(this.tree.children[row], at, scale, level + 1);
      }
      at += Math.max(width, 0);
    }
  }

  box(ctx, look, read, { row, x, width, level, isAbove }) {
    const name = this.on.name(row);
    const colour = colourOf(name.replace(/_\d+$/, ""), 1);
    const y = level * ROW;
    ctx.globalAlpha = isAbove ? 0.55 : 1;
    ctx.fillStyle = look.fills[colour][4];
    ctx.fillRect(x, y, Math.max(width - 1, 0.5), ROW - 1);
    ctx.globalAlpha = 1;
    if (row === this.marked) {
      ctx.strokeStyle = read("--text");
      ctx.lineWidth = 1.5;
      ctx.strokeRect(x + 0.75, y + 0.75, Math.max(width - 2.5, 1), ROW - 2.5);
    }
    if (width < 30) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, width - 4, ROW);
    ctx.clip();
    ctx.fillStyle = look.ink;
    ctx.fillText(visible(name), x + 5, y + ROW / 2);
    ctx.restore();
  }

  at(event) {
    const [x, y] = this.drawing.at(event);
    const level = Math.floor(y / ROW);
    const hit = this.boxes?.find((box) => box.level === level && x >= box.x && x < box.x + box.width);
    return hit ? hit.row : -1;
  }

  hover(event) {
    const row = this.at(event);
    this.drawing.canvas.style.cursor = row < 0 ? "" : "pointer";
    this.drawing.say(row < 0 ? null : this.on.lines(row), ...this.drawing.at(event));
  }

  dispose() {
    this.drawing.dispose();
  }
}
