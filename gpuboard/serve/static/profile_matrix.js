/** Draw a square of values between pairs, such as which rank waited for which. */

import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import { span } from "./timeline_time.js";

const LABEL = 54;
const TOP = 22;
const MAX_CELL = 58;

/**
 * @param {number[][]} values Row by row, nanoseconds.
 * @param {string[]} names
 * @param {{cell: (row: number, column: number, value: number) => string[]}} say Lines of the tip.
 */
export function matrix(values, names, say) {
  const n = names.length;
  const most = Math.max(...values.flat(), 1);
  const drawing = new Drawing("pd-matrix", "Waiting of each rank for each other", paint);
  const high = Math.min(Math.max(n * 26, 120), 420);
  drawing.element.style.height = `${TOP + high + 12}px`;
  let box = { width: 1, height: 1 };

  function paint(ctx, width) {
    const read = themeOf(drawing.element);
    box = { width: Math.min((width - LABEL - 16) / n, 2 * MAX_CELL), height: high / n };
    ctx.font = `11px ${read("--font")}`;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) cell(ctx, read, i, j);
    labels(ctx, read);
  }

  function cell(ctx, read, i, j) {
    const value = values[i][j];
    const x = LABEL + j * box.width;
    const y = TOP + i * box.height;
    const gap = box.height < 6 ? 0 : 1;
    ctx.fillStyle = read("--sunken");
    ctx.fillRect(x, y, box.width - gap, box.height - gap);
    if (i === j || value <= 0) return;
    ctx.globalAlpha = 0.12 + 0.88 * (value / most);
    ctx.fillStyle = read("--pk-comm");
    ctx.fillRect(x, y, box.width - gap, box.height - gap);
    ctx.globalAlpha = 1;
    const text = span(value, 2);
    if (box.height < 15 || ctx.measureText(text).width > box.width - 6) return;
    ctx.fillStyle = read("--text");
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, x + box.width / 2, y + box.height / 2);
  }

  function labels(ctx, read) {
    ctx.fillStyle = read("--muted");
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    const down = Math.ceil(14 / box.height);
    for (let i = 0; i < n; i += down) ctx.fillText(names[i], LABEL - 8, TOP + (i + 0.5) * box.height, LABEL - 10);
    ctx.textAlign = "center";
    const widest = Math.max(...names.map((name) => ctx.measureText(name).width)) + 6;
    const across = Math.ceil(widest / box.width);
    for (let j = 0; j < n; j += across) ctx.fillText(names[j], LABEL + (j + 0.5) * box.width, TOP / 2);
  }

  drawing.canvas.addEventListener("pointermove", (event) => {
    const [x, y] = drawing.at(event);
    const j = Math.floor((x - LABEL) / box.width);
    const i = Math.floor((y - TOP) / box.height);
    const isInside = i >= 0 && j >= 0 && i < n && j < n && i !== j;
    drawing.say(isInside ? say.cell(i, j, values[i][j]) : null, x, y);
  });
  return drawing;
}
