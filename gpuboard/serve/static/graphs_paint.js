/** Paint a picture of a graph with a pen: a canvas, or what writes SVG (graphs_export.js). */

import { scopeFill } from "./graphs_colour.js";
import { fitted, widthOf } from "./graphs_letters.js";

const LABEL = 12;
const SUB = 10.5;
const HEADER = 30;
const LEAST_LETTERS = 5; // pixels on screen below which letters are left out
const BIG_LABEL = 12; // on screen, of an open scope whose inside is too small to read

/**
 * Paint boxes and lines.
 *
 * @param {CanvasRenderingContext2D} pen Already moved and scaled to the picture.
 * @param {Scene} scene
 * @param {object} look
 * @param {object} look.theme From `readColours`.
 * @param {(box: number) => object} look.colours From `painter`.
 * @param {number} look.scale Screen pixels per pixel of the picture.
 * @param {number[]} look.area Visible part: left, top, right, bottom.
 * @param {object} [look.frame] Places of boxes on their way, {x, y, width, height, alpha}.
 * @param {number} [look.lineAlpha] Less than 1 while lines fade in.
 * @param {number} [look.hover] Box under the pointer.
 * @param {number} [look.selected]
 * @param {object} [look.ties] From `Scene.ties`, of the box that stands out.
 * @param {Uint8Array} [look.found] 1 for what a search found.
 */
export function paint(pen, scene, look) {
  const places = look.frame ?? scene.boxes;
  const isSeen = seenIn(places, look.area);
  pen.textBaseline = "middle";
  look.titles = []; // of open scopes far away, so that none lies on another
  for (let i = 1; i < scene.count; i++) {
    if (scene.boxes.open[i] && isSeen(i)) openBox(pen, scene, look, places, i);
  }
  paintLines(pen, scene, look);
  for (let i = 1; i < scene.count; i++) {
    if (!isSeen(i)) continue;
    if (scene.boxes.open[i]) header(pen, scene, look, places, i);
    else closedBox(pen, scene, look, places, i);
  }
  pen.globalAlpha = 1;
  paintHidden(pen, scene, look, places);
}

function seenIn({ x, y, width, height }, [left, top, right, bottom]) {
  return (i) =>
    x[i] < right && x[i] + width[i] > left && y[i] < bottom && y[i] + height[i] > top;
}

function alphaOf(scene, look, i) {
  const own = look.frame ? look.frame.alpha[i] : 1;
  const isDim = scene.traced && !scene.traced[i];
  return own * (isDim ? 0.22 : 1);
}

function openBox(pen, scene, { theme, ...look }, places, i) {
  const { depth, apart } = scene.boxes;
  pen.globalAlpha = look.frame ? look.frame.alpha[i] : 1;
  pen.beginPath();
  pen.roundRect(places.x[i], places.y[i], places.width[i], places.height[i], 9);
  pen.fillStyle = scopeFill(depth[i], theme);
  pen.fill();
  pen.setLineDash(apart[i] ? [5, 4] : []);
  outline(pen, { theme, ...look }, i, theme["line-strong"]);
  pen.setLineDash([]);
}

function outline(pen, { theme, selected, hover, ties, found }, i, border) {
  const isTied = ties && (ties.inputs.has(i) || ties.outputs.has(i));
  pen.lineWidth = 1;
  pen.strokeStyle = border;
  if (isTied) [pen.lineWidth, pen.strokeStyle] = [1.6, tieColour(ties, i, theme)];
  if (found?.[i]) [pen.lineWidth, pen.strokeStyle] = [2.2, theme.warn];
  if (i === hover) [pen.lineWidth, pen.strokeStyle] = [1.6, theme.accent];
  if (i === selected) [pen.lineWidth, pen.strokeStyle] = [2.4, theme.accent];
  pen.stroke();
}

const tieColour = (ties, i, theme) => (ties.inputs.has(i) ? theme.accent : theme.warn);

function header(pen, scene, look, places, i) {
  const { theme, scale } = look;
  const { label, sub, depth } = scene.boxes;
  const isSmall = LABEL * scale < LEAST_LETTERS + 2;
  pen.globalAlpha = alphaOf(scene, look, i);
  if (isSmall) return bigLabel(pen, scene, look, places, i);
  const left = places.x[i] + 12;
  const middle = places.y[i] + HEADER / 2 + 1;
  const room = places.width[i] - 44;
  pen.textAlign = "left";
  pen.font = `600 ${LABEL}px ${theme.font}`;
  const shown = fitted(label[i], room, 600, LABEL, theme);
  const width = widthOf(shown, 600, LABEL, theme);
  // Lines come in through the header: the second text ends before them, the title interrupts them.
  const free = Math.min(room, scene.entryX[i] - scene.boxes.x[i] - 18);
  const after = sub[i] && width + 8 + widthOf(sub[i], 400, SUB, theme) <= free ? sub[i] : "";
  if (width > free) {
    pen.fillStyle = scopeFill(depth[i], theme);
    pen.fillRect(left - 2, middle - 8, width + 4, 16);
  }
  pen.fillStyle = theme.text;
  pen.fillText(shown, left, middle);
  if (after) {
    pen.font = `${SUB}px ${theme.font}`;
    pen.fillStyle = theme.muted;
    pen.fillText(after, left + width + 8, middle + 0.5);
  }
  sign(pen, theme, places.x[i] + places.width[i] - 17, middle, false);
}

/** Write the name of an open scope at one size on screen, when nothing else there is legible. */
function bigLabel(pen, scene, { theme, scale, titles }, places, i) {
  const size = BIG_LABEL / scale;
  const { x, y, width, height } = places;
  if (width[i] * scale < 46 || height[i] * scale < 24) return;
  const shown = fitted(scene.boxes.label[i], width[i] * scale - 12, 600, LABEL, theme);
  const left = x[i] + 7 / scale;
  const middle = y[i] + 11 / scale;
  const right = left + widthOf(shown, 600, LABEL, theme) / scale;
  const clashes = (t) =>
    Math.abs(t.middle - middle) * scale < 15 && t.left < right && left < t.right;
  if (titles.some(clashes)) return;
  titles.push({ left, right, middle });
  pen.textAlign = "left";
  pen.font = `600 ${size}px ${theme.font}`;
  pen.fillStyle = theme.text;
  pen.fillText(shown, left, middle);
}

function closedBox(pen, scene, look, places, i) {
  const { theme, scale } = look;
  const { form, kind, apart } = scene.boxes;
  const colours = look.colours(i);
  const [left, top, width, height] = [places.x[i], places.y[i], places.width[i], places.height[i]];
  pen.globalAlpha = alphaOf(scene, look, i);
  const radius = form[i] === "node" ? Math.min(height / 2, kind[i] === "operation" ? 10 : 13) : 6;
  pen.fillStyle = colours.fill;
  if (form[i] === "series") stack(pen, colours, left, top, width, height);
  pen.beginPath();
  pen.roundRect(left, top, width, height, radius);
  pen.fillStyle = colours.fill;
  pen.fill();
  if (apart[i]) pen.setLineDash([4, 3]);
  outline(pen, look, i, colours.border);
  pen.setLineDash([]);
  if (LABEL * scale >= LEAST_LETTERS) texts(pen, scene, look, places, i, colours);
  else if (width * scale > 60 && height * scale > 15) hugeLabel(pen, scene, look, places, i, colours);
  pill(pen, scene, theme, i, left + width, top);
}

/** Two sheets behind a series say that there are more of the kind. */
function stack(pen, colours, left, top, width, height) {
  pen.strokeStyle = colours.border;
  pen.lineWidth = 1;
  for (const away of [6, 3]) {
    pen.beginPath();
    pen.roundRect(left + away, top - away, width - 2, height, 6);
    pen.fill();
    pen.stroke();
  }
}

function texts(pen, scene, { theme, scale }, places, i, colours) {
  const { label, sub, form, kind } = scene.boxes;
  const isScope = form[i] !== "node";
  const middle = places.x[i] + places.width[i] / 2;
  const centre = places.y[i] + places.height[i] / 2;
  const room = places.width[i] - (isScope ? 34 : 18);
  const weight = isScope ? 600 : 500;
  const hasSub = sub[i] && SUB * scale >= LEAST_LETTERS + 1;
  if (kind[i] === "parameter" || kind[i] === "constant") {
    return inLine(pen, label[i], hasSub ? sub[i] : "", { middle, centre, room, colours, theme });
  }
  pen.textAlign = "center";
  pen.font = `${weight} ${LABEL}px ${theme.font}`;
  pen.fillStyle = colours.text;
  const shift = isScope ? -6 : 0;
  pen.fillText(
    fitted(label[i], room, weight, LABEL, theme),
    middle + shift,
    hasSub ? centre - 7 : centre + 0.5,
  );
  if (hasSub) {
    pen.font = `${SUB}px ${theme.font}`;
    pen.fillStyle = colours.sub;
    pen.fillText(fitted(sub[i], room, 400, SUB, theme), middle + shift, centre + 8.5);
  }
  if (isScope) sign(pen, theme, places.x[i] + places.width[i] - 14, centre, true);
}

function inLine(pen, label, sub, { middle, centre, room, colours, theme }) {
  const subWidth = sub ? widthOf(sub, 400, SUB, theme) + 6 : 0;
  const shown = fitted(label, Math.max(room - subWidth, 24), 400, 11.5, theme);
  const width = widthOf(shown, 400, 11.5, theme);
  const rest = sub ? fitted(sub, room - width - 6, 400, SUB, theme) : "";
  const total = width + (rest ? widthOf(rest, 400, SUB, theme) + 6 : 0);
  pen.textAlign = "left";
  pen.font = `11.5px ${theme.font}`;
  pen.fillStyle = colours.text;
  pen.fillText(shown, middle - total / 2, centre + 0.5);
  if (!rest) return;
  pen.font = `${SUB}px ${theme.font}`;
  pen.fillStyle = colours.sub;
  pen.fillText(rest, middle - total / 2 + width + 6, centre + 1);
}

function hugeLabel(pen, scene, { theme, scale }, places, i, colours) {
  const size = 10 / scale;
  const room = (places.width[i] * scale - 8) * (LABEL / 10);
  pen.textAlign = "center";
  pen.font = `500 ${size}px ${theme.font}`;
  pen.fillStyle = colours.text;
  const shown = fitted(scene.boxes.label[i], room, 500, LABEL, theme);
  pen.fillText(shown, places.x[i] + places.width[i] / 2, places.y[i] + places.height[i] / 2);
}

/** A plus on what can be opened, a minus on what can be closed. */
function sign(pen, theme, x, y, isPlus) {
  pen.strokeStyle = theme.faint;
  pen.lineWidth = 1.2;
  pen.beginPath();
  pen.moveTo(x - 3.5, y);
  pen.lineTo(x + 3.5, y);
  if (isPlus) {
    pen.moveTo(x, y - 3.5);
    pen.lineTo(x, y + 3.5);
  }
  pen.stroke();
}

/** Say on a corner that tensors below a box held NaN or infinities. */
function pill(pen, scene, theme, i, right, top) {
  const nan = scene.boxes.nan?.[i] ?? null;
  const infinite = scene.boxes.infinite?.[i] ?? null;
  if (!nan && !infinite) return;
  const shown = nan ? "NaN" : "Inf";
  const width = widthOf(shown, 600, 9, theme) + 10;
  pen.beginPath();
  pen.roundRect(right - width + 5, top - 7, width, 14, 7);
  pen.fillStyle = theme.bad;
  pen.fill();
  pen.font = `600 9px ${theme.font}`;
  pen.textAlign = "center";
  pen.fillStyle = theme.surface;
  pen.fillText(shown, right - width / 2 + 5, top + 0.5);
}

// Lines.

function paintLines(pen, scene, look) {
  const { theme, ties, area } = look;
  const { lines, bounds } = scene;
  const alpha = look.lineAlpha ?? 1;
  if (alpha <= 0) return;
  const [left, top, right, bottom] = area;
  const chosen = [];
  pen.strokeStyle = theme.dark ? "#68717d" : "#98a1ad";
  for (let k = 0; k < lines.count; k++) {
    const b = 4 * k;
    if (bounds[b] > right || bounds[b + 2] < left || bounds[b + 1] > bottom || bounds[b + 3] < top)
      continue;
    if (ties && (ties.linesIn.has(k) || ties.linesOut.has(k))) {
      chosen.push(k);
      continue;
    }
    pen.globalAlpha = alpha * (isDim(scene, k) ? 0.12 : ties ? 0.55 : 0.9);
    line(pen, scene, look, k, pen.strokeStyle);
  }
  for (const k of chosen) {
    pen.globalAlpha = alpha;
    line(pen, scene, look, k, ties.linesIn.has(k) ? theme.accent : theme.warn, 0.8);
  }
  pen.globalAlpha = alpha;
  labels(pen, scene, look, chosen);
}

function isDim(scene, k) {
  const { traced, lines } = scene;
  return traced && !(traced[lines.tail[k]] && traced[lines.head[k]]);
}

function line(pen, scene, look, k, colour, more = 0) {
  const { lines } = scene;
  const width = 1.1 + Math.min(0.42 * Math.log2(lines.tensors[k]), 2.4) + more;
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(lines.control[k] ? [4, 4] : []);
  way(pen, lines.points, lines.start[k], lines.start[k + 1]);
  pen.stroke();
  pen.setLineDash([]);
  if (scene.fromAfar[k]) dot(pen, lines, k, look.theme);
  if (look.scale > 0.22 && !scene.goesOn[k]) arrow(pen, lines, k, width, colour);
}

/** A ring where a line comes in from a place to which no line is drawn. */
function dot(pen, { points, start }, k, theme) {
  const [x, y] = [points[2 * start[k]], points[2 * start[k] + 1]];
  pen.beginPath();
  pen.roundRect(x - 3.5, y - 3.5, 7, 7, 3.5);
  pen.fillStyle = theme.surface;
  pen.fill();
  pen.lineWidth = 1.4;
  pen.stroke();
}

/** Trace a line: straight down where x stays, a swing where it changes. */
function way(pen, points, from, to) {
  pen.beginPath();
  pen.moveTo(points[2 * from], points[2 * from + 1]);
  for (let p = from + 1; p < to; p++) {
    const [x0, y0, x1, y1] = points.subarray(2 * p - 2, 2 * p + 2);
    if (x0 === x1) pen.lineTo(x1, y1);
    else {
      const half = (y0 + y1) / 2;
      pen.bezierCurveTo(x0, half, x1, half, x1, y1);
    }
  }
}

function arrow(pen, { points, start }, k, width, colour) {
  const end = start[k + 1] - 1;
  const [x, y] = [points[2 * end], points[2 * end + 1]];
  const down = y >= points[2 * end - 1] ? 1 : -1;
  const [long, wide] = [5 + 1.3 * width, 2.6 + 0.8 * width];
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - wide, y - down * long);
  pen.lineTo(x + wide, y - down * long);
  pen.closePath();
  pen.fill();
}

/** Write shapes beside the lines that stand out. */
function labels(pen, scene, { theme, scale }, chosen) {
  if (scale < 0.5 || chosen.length > 24) return;
  pen.font = `${SUB}px ${theme.font}`;
  pen.textAlign = "center";
  for (const k of chosen) {
    const text = scene.lines.label[k];
    if (!text || scene.goesOn[k]) continue; // said once, where the line ends
    const [x, y] = halfway(scene.lines, k);
    const width = widthOf(text, 400, SUB, theme) + 8;
    pen.beginPath();
    pen.roundRect(x - width / 2, y - 8, width, 16, 4);
    pen.fillStyle = theme.surface;
    pen.fill();
    pen.fillStyle = theme.text;
    pen.fillText(text, x, y + 0.5);
  }
}

function halfway({ points, start }, k) {
  const middle = start[k] + Math.floor((start[k + 1] - start[k] - 1) / 2);
  const [x0, y0, x1, y1] = points.subarray(2 * middle, 2 * middle + 4);
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/** Draw ties without a line of their own, of the box that stands out. */
function paintHidden(pen, scene, { theme, ties }, places) {
  if (!ties?.hidden.length) return;
  pen.setLineDash([2, 4]);
  pen.lineWidth = 1.3;
  for (const [tail, head, isInput] of ties.hidden.slice(0, 400)) {
    const [x0, y0] = centre(places, tail);
    const [x1, y1] = centre(places, head);
    pen.strokeStyle = isInput ? theme.accent : theme.warn;
    pen.globalAlpha = 0.8;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

const centre = ({ x, y, width, height }, i) => [x[i] + width[i] / 2, y[i] + height[i] / 2];
