/** Draw a figure of each step as bars: how long it took on two sides, how well it used the device. */

import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import { niceStep } from "./ticks.js";
import { span } from "./timeline_time.js";

const BOX = { left: 66, top: 10, right: 16, bottom: 24 };
const MAX_BARS = 120;

/**
 * @param {{name: string[], ns: number[]}[]} sides What is set side by side.
 * @param {{words?: string[], colours?: string[], write?: (value: number) => string}} [how]
 */
export function stepBars(sides, { words = ["before", "after"], colours = ["--pc-before", "--pc-after"], write = span } = {}) {
  const most = sides.reduce((top, { ns }) => ns.reduce((a, b) => Math.max(a, b), top), 0) * 1.05 || 1;
  const n = Math.max(...sides.map(({ ns }) => ns.length));
  const drawing = new Drawing("pc-steps", `Each step: ${words.join(", ")}`, paint);
  let width = 1;

  function paint(ctx, whole, height) {
    const read = themeOf(drawing.element);
    ctx.font = `11px ${read("--font")}`;
    width = whole - BOX.left - BOX.right;
    const y = (ns) => height - BOX.bottom - (ns / most) * (height - BOX.top - BOX.bottom);
    grid(ctx, read, whole, y);
    sides.forEach(({ ns }, side) => {
      const colour = read(colours[side]);
      if (n <= MAX_BARS) bars(ctx, colour, ns, side, y);
      else line(ctx, colour, ns, y);
      mean(ctx, colour, ns, y, whole);
    });
    ctx.fillStyle = read("--muted");
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    const every = Math.max(1, Math.ceil((n * 34) / width));
    for (let i = 0; i < n; i += every) ctx.fillText(String(i + 1), BOX.left + ((i + 0.5) * width) / n, height - BOX.bottom + 7);
  }

  function grid(ctx, read, whole, y) {
    ctx.strokeStyle = read("--grid");
    ctx.fillStyle = read("--muted");
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.beginPath();
    const step = niceStep(most, 4);
    for (let ns = 0; ns <= most; ns += step) {
      const at = Math.round(y(ns)) + 0.5;
      ctx.moveTo(BOX.left, at);
      ctx.lineTo(whole - BOX.right, at);
      ctx.fillText(ns ? write(ns, 3) : "0", BOX.left - 8, at);
    }
    ctx.stroke();
  }

  function bars(ctx, colour, ns, side, y) {
    const slot = width / n;
    const bar = Math.min(slot * 0.36, 34);
    ctx.fillStyle = colour;
    ns.forEach((one, i) => {
      const x = BOX.left + (i + 0.5) * slot + (sides.length < 2 ? -bar / 2 : side ? 1 : -bar - 1);
      ctx.fillRect(x, y(one), bar, y(0) - y(one));
    });
  }

  function line(ctx, colour, ns, y) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.4;
    ctx.beginPath();
    ns.forEach((one, i) => ctx.lineTo(BOX.left + ((i + 0.5) * width) / n, y(one)));
    ctx.stroke();
    ctx.lineWidth = 1;
  }

  function mean(ctx, colour, ns, y, whole) {
    const at = Math.round(y(ns.reduce((sum, one) => sum + one, 0) / ns.length)) + 0.5;
    ctx.strokeStyle = colour;
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(BOX.left, at);
    ctx.lineTo(whole - BOX.right, at);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  drawing.canvas.addEventListener("pointermove", (event) => {
    const [x, y] = drawing.at(event);
    const i = Math.floor(((x - BOX.left) / width) * n);
    if (i < 0 || i >= n) return drawing.say(null);
    const lines = sides.map(({ name, ns }, side) => (i < ns.length ? `${words[side]}: ${write(ns[i])} (${name[i]})` : `${words[side]}: no such step`));
    drawing.say([`step ${i + 1}`, ...lines], x, y);
  });
  return drawing;
}
