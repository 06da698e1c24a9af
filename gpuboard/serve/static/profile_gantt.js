/** Draw one collective: when each rank started, how long it waited, when it ended. */

import { Drawing } from "./profile_drawing.js";
import { themeOf } from "./profile_parts.js";
import { rulerMarks, span } from "./timeline_time.js";

const ROW = 18;
const TOP = 22;
const MOST = 64;

/**
 * @param {{start: number[], end: number[], waiting_ns: number[], late_ns: number[]}} one
 * @param {string[]} names
 * @param {{open: (i: number) => void}} on A click on a bar.
 */
export function gantt(one, names, on) {
  const n = Math.min(names.length, MOST);
  const low = Math.min(...one.start);
  const high = Math.max(...one.end);
  const last = Math.max(...one.start);
  const drawing = new Drawing("pd-gantt", "Start and end on each rank", paint);
  drawing.element.style.height = `${TOP + n * ROW + 6}px`;
  let left = 0;
  let scale = 1;

  function paint(ctx, width) {
    const read = themeOf(drawing.element);
    ctx.font = `11px ${read("--font")}`;
    left = Math.ceil(Math.max(...names.slice(0, n).map((name) => ctx.measureText(name).width))) + 14;
    scale = (width - left - 76) / (high - low || 1);
    ruler(ctx, read, width);
    for (let i = 0; i < n; i++) bar(ctx, read, i);
  }

  const x = (time) => left + (time - low) * scale;

  function ruler(ctx, read, width) {
    const { marks } = rulerMarks(0, high - low, Math.max(2, (width - left) / 110));
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    ctx.strokeStyle = read("--grid");
    ctx.fillStyle = read("--muted");
    ctx.beginPath();
    for (const { time, text } of marks) {
      const at = Math.round(x(low + time)) + 0.5;
      ctx.moveTo(at, TOP - 4);
      ctx.lineTo(at, TOP + n * ROW);
      ctx.fillText(text, at, 2);
    }
    ctx.stroke();
    const at = Math.round(x(last)) + 0.5;
    ctx.strokeStyle = read("--bad");
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(at, TOP - 4);
    ctx.lineTo(at, TOP + n * ROW);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  function bar(ctx, read, i) {
    const y = TOP + i * ROW + 3;
    const from = x(one.start[i]);
    const to = Math.max(x(one.end[i]), from + 1);
    const turn = Math.min(Math.max(x(last), from), to);
    ctx.fillStyle = read("--pk-wait");
    ctx.fillRect(from, y, turn - from, ROW - 6);
    ctx.fillStyle = read("--pk-comm");
    ctx.fillRect(turn, y, Math.max(to - turn, 1), ROW - 6);
    ctx.fillStyle = read("--muted");
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillText(names[i], 0, y + ROW / 2 - 3);
    ctx.fillText(span(one.end[i] - one.start[i]), to + 6, y + ROW / 2 - 3);
  }

  const rowAt = (event) => {
    const [, y] = drawing.at(event);
    const i = Math.floor((y - TOP) / ROW);
    return i >= 0 && i < n ? i : -1;
  };
  drawing.canvas.addEventListener("pointermove", (event) => {
    const i = rowAt(event);
    drawing.canvas.style.cursor = i < 0 ? "" : "pointer";
    if (i < 0) return drawing.say(null);
    const lines = [
      names[i],
      `ran ${span(one.end[i] - one.start[i])}, of it waited ${span(one.waiting_ns[i])}`,
      `started ${span(one.late_ns[i])} after the first`,
    ];
    drawing.say(lines, ...drawing.at(event));
  });
  drawing.canvas.addEventListener("click", (event) => {
    const i = rowAt(event);
    if (i >= 0) on.open(i);
  });
  return drawing;
}
