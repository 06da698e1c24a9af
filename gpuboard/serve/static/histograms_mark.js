/** Paint what changes often above a picture of histograms: the chosen step, and the pointer's. */

import { mix } from "./histograms_colour.js";
import { heightsOf } from "./histograms_data.js";
import { MEDIAN, clipTo, crisp, ridgeAt, rowOf, segment, trace } from "./histograms_paint.js";

/**
 * Paint the chosen step above the base.
 *
 * @param {{x: number, count: Float32Array, total: number, quantiles: number[]}} chosen
 */
export function paintChosen(ctx, frame, chosen) {
  if (!chosen || chosen.x === null || frame.view === "runs") return;
  const { theme, colour } = frame;
  ctx.save();
  if (frame.isAcross) {
    clipTo(ctx, frame, 4);
    paintUpright(ctx, frame, chosen.x, theme.text, []);
    if (frame.view === "bands") {
      for (const k of [0, 2, MEDIAN, 6, 8]) paintDot(ctx, frame, chosen.x, chosen.quantiles[k]);
    }
  } else {
    clipTo(ctx, frame);
    const high = heightsOf(chosen.count, [chosen.total], frame.bins, frame);
    const floor = frame.view === "ridge" ? crisp(frame.sy.to(chosen.x)) : frame.sy.to(0);
    if (trace(ctx, frame, high, floor, true)) {
      ctx.fillStyle = colour;
      ctx.globalAlpha = frame.view === "ridge" ? 0.9 : 0.16;
      ctx.fill();
      ctx.globalAlpha = 1;
    }
    ctx.lineJoin = "round";
    ctx.lineWidth = 1.7;
    ctx.strokeStyle = theme.text;
    if (trace(ctx, frame, high, floor, false)) ctx.stroke();
  }
  ctx.restore();
  if (frame.view === "ridge") paintTick(ctx, frame, chosen.x);
}

/** A small triangle on the step axis of a ridge. */
function paintTick(ctx, { sy, box, theme }, x) {
  const y = sy.to(x);
  ctx.beginPath();
  ctx.moveTo(box.right + 1, y);
  ctx.lineTo(box.right + 6, y - 3.5);
  ctx.lineTo(box.right + 6, y + 3.5);
  ctx.closePath();
  ctx.fillStyle = theme.text;
  ctx.fill();
}

function paintUpright(ctx, { sx, box }, x, colour, dash) {
  ctx.setLineDash(dash);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  segment(ctx, crisp(sx.to(x)), box.top, crisp(sx.to(x)), box.bottom);
  ctx.stroke();
  ctx.setLineDash([]);
}

function paintDot(ctx, { sx, sy, theme, colour }, x, y) {
  if (!Number.isFinite(y)) return;
  ctx.beginPath();
  ctx.arc(crisp(sx.to(x)), sy.to(y), 2.8, 0, 2 * Math.PI);
  ctx.fillStyle = theme.surface;
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/** Paint what the pointer is at: `hit` as `hitTest` answers. */
export function paintHit(ctx, frame, hit) {
  const { theme, colour, sx, header, bins } = frame;
  ctx.save();
  clipTo(ctx, frame);
  if (frame.isAcross) paintUpright(ctx, frame, frame.columns.x[hit.row], theme.muted, [3, 3]);
  else {
    const shade = frame.colours?.[hit.row] ?? colour;
    const floor = frame.sy.to(frame.base(hit.row));
    ctx.lineJoin = "round";
    ctx.lineWidth = 1.6;
    ctx.strokeStyle = mix(shade, theme.text, 0.45);
    if (trace(ctx, frame, rowOf(frame, hit.row), floor, false)) ctx.stroke();
    const width = (header.range[1] - header.range[0]) / bins;
    ctx.beginPath();
    const x = sx.to(header.range[0] + (hit.bin + 0.5) * width);
    ctx.arc(x, ridgeAt(frame, hit.row, hit.bin).top, 3, 0, 2 * Math.PI);
    ctx.fillStyle = shade;
    ctx.fill();
    ctx.lineWidth = 1.2;
    ctx.strokeStyle = theme.surface;
    ctx.stroke();
  }
  ctx.restore();
}
