/** Paint what stands around the marks: ruler, steps, names of rows, grid, arrows, selections. */

import { LANE, lineTop } from "./timeline_rows.js";
import { paintSeries, valueText } from "./timeline_series.js";
import { rulerMarks, span } from "./timeline_time.js";
import { visible } from "./dom.js";

export const RULER = 24;
export const STEPS = 20;
const CARET = 12;

/** Paint the ruler, and steps over it; hairlines go down through all rows. */
export function paintRuler(pen, look, steps) {
  const { left, width, t0, t1, theme, top, bottom } = look;
  const { marks } = rulerMarks(t0, t1, Math.max(2, Math.round(width / 120)));
  const place = (time) => left + ((time - t0) / (t1 - t0)) * width;
  pen.fillStyle = theme.surface;
  pen.fillRect(0, 0, left + width, top);
  pen.font = theme.small;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  for (const { time, text } of marks) {
    const x = Math.round(place(time)) + 0.5;
    if (x < left) continue;
    pen.fillStyle = theme.grid;
    pen.fillRect(x - 0.5, top, 1, bottom - top);
    pen.fillStyle = theme.axis;
    pen.fillRect(x - 0.5, RULER - 6, 1, 6);
    pen.fillStyle = theme.muted;
    pen.fillText(text, x + 4, RULER / 2 + 1);
  }
  if (steps) paintSteps(pen, look, steps, place);
  pen.fillStyle = theme.line;
  pen.fillRect(0, top - 1, left + width, 1);
}

function paintSteps(pen, { left, width, theme, letters, bottom, top }, steps, place) {
  const right = left + width;
  pen.font = theme.small;
  let last = -Infinity;
  for (let i = 0; i < steps.name.length; i++) {
    const begin = Math.max(place(steps.start[i]), left);
    const end = Math.min(place(steps.end[i]), right);
    if (end < left || begin > right || end - begin < 0) continue;
    if (end - last < 1) continue;
    last = end;
    pen.fillStyle = i % 2 ? theme.bandOdd : theme.band;
    pen.fillRect(begin, RULER, Math.max(end - begin - 1, 1), STEPS - 3);
    if (begin > left && end - begin > 12) {
      pen.fillStyle = theme.axis;
      pen.fillRect(Math.round(begin), top, 1, bottom - top);
    }
    const text = letters.fit(visible(steps.name[i]), end - begin - 8);
    if (!text) continue;
    pen.fillStyle = theme.text;
    pen.fillText(text, begin + 4, RULER + (STEPS - 3) / 2 + 0.5);
  }
}

/** Paint the rows of one region: names in the gutter, lines between, series. */
export function paintRows(pen, placements, look) {
  for (const { row, y } of placements) {
    if (row.type === "trace") paintTrace(pen, row, y, look);
    else if (row.type === "group") paintGroup(pen, row, y, look);
    else if (row.type === "series") paintSeriesRow(pen, row, y, look);
    else paintTrack(pen, row, y, look);
  }
}

function caret(pen, x, y, isFolded, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  if (isFolded) {
    pen.moveTo(x - 2, y - 3.5);
    pen.lineTo(x + 1.5, y);
    pen.lineTo(x - 2, y + 3.5);
  } else {
    pen.moveTo(x - 3.5, y - 2);
    pen.lineTo(x, y + 1.5);
    pen.lineTo(x + 3.5, y - 2);
  }
  pen.stroke();
}

function paintTrace(pen, row, y, { left, width, theme, bold }) {
  pen.fillStyle = theme.sunken;
  pen.fillRect(0, y, left + width, row.height);
  pen.fillStyle = theme.lineStrong;
  pen.fillRect(0, y, left + width, 1);
  caret(pen, CARET, y + row.height / 2, row.folded, theme.text);
  pen.font = theme.strong;
  pen.fillStyle = theme.text;
  pen.fillText(bold.fit(visible(row.label), left - 30), 22, y + row.height / 2 + 1);
}

function paintGroup(pen, row, y, { left, width, theme, bold, letters }) {
  pen.fillStyle = theme.head;
  pen.fillRect(0, y, left + width, row.height);
  pen.fillStyle = theme.line;
  pen.fillRect(0, y, left + width, 1);
  caret(pen, CARET, y + row.height / 2, row.folded, theme.muted);
  pen.font = theme.strong;
  pen.fillStyle = theme.text;
  const label = bold.fit(visible(row.label), left - 30);
  pen.fillText(label, 22, y + row.height / 2 + 0.5);
  const note = row.folded ? foldNote(row) : row.note;
  const room = left - 34 - bold.measure(label);
  if (!note || room < 30) return;
  pen.font = theme.small;
  pen.fillStyle = theme.faint;
  pen.fillText(letters.fit(visible(note), room), 28 + bold.measure(label), y + row.height / 2 + 0.5);
}

const foldNote = (row) => (row.tracks ? `${row.tracks.length} tracks` : `${row.series.length} curves`);

function paintTrack(pen, row, y, { left, width, theme, letters, hoverRow }) {
  pen.fillStyle = theme.line;
  pen.fillRect(0, y + row.height - 1, left + width, 1);
  const middle = y + lineTop(0) + (LANE - 1) / 2;
  const isOver = hoverRow === row.key;
  if (row.total > 1) caret(pen, CARET, middle, row.folded, isOver ? theme.text : theme.faint);
  pen.font = theme.small;
  pen.fillStyle = theme.muted;
  const hidden = row.total - row.lanes;
  pen.fillText(letters.fit(visible(row.label), left - 30 - (isOver || row.pinned ? 22 : 0)), 22, middle + 0.5);
  if (row.lanes > 1) {
    pen.fillStyle = theme.faint;
    pen.fillText(letters.fit(row.note, left - 32), 22, middle + LANE);
  }
  if (hidden > 0 && !row.folded) {
    pen.fillStyle = theme.accent;
    pen.fillText(`+${hidden} lines`, 22, y + row.height - LANE / 2 - 3);
  }
  if (isOver || row.pinned) pin(pen, left - 16, middle, row.pinned ? theme.accent : theme.muted);
}

function pin(pen, x, y, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.2;
  pen.beginPath();
  pen.moveTo(x - 3, y - 5.5);
  pen.lineTo(x + 3, y - 5.5);
  pen.moveTo(x - 2, y - 5.5);
  pen.lineTo(x - 2, y - 1.5);
  pen.lineTo(x - 4, y + 1);
  pen.lineTo(x + 4, y + 1);
  pen.lineTo(x + 2, y - 1.5);
  pen.lineTo(x + 2, y - 5.5);
  pen.moveTo(x, y + 1);
  pen.lineTo(x, y + 5.5);
  pen.stroke();
}

function paintSeriesRow(pen, row, y, look) {
  const { left, width, theme, letters, series } = look;
  pen.fillStyle = theme.line;
  pen.fillRect(0, y + row.height - 1, left + width, 1);
  const [one] = row.series;
  const answer = series.answers.get(`${row.model}/${one.key}`);
  let most = NaN;
  if (answer) {
    pen.save();
    pen.beginPath();
    pen.rect(left, y, width, row.height);
    pen.clip();
    most = paintSeries(pen, answer, look, y, row.height, one.unit, theme.curves[(row.hue ?? 0) % theme.curves.length]);
    pen.restore();
  }
  pen.font = theme.small;
  pen.fillStyle = theme.muted;
  pen.fillText(letters.fit(visible(row.label), left - 30), 22, y + 13);
  pen.fillStyle = theme.faint;
  const top = one.unit === "share" ? "of 100 %" : Number.isFinite(most) ? `up to ${valueText(most, one.unit)}` : "";
  pen.fillText(letters.fit(top, left - 30), 22, y + 27);
}

/** Paint arrows between slices; `yOf(model, lane)` is NaN for a lane that is out of sight. */
export function paintArrows(pen, arrows, look, yOf, { faint = false } = {}) {
  const { left, width, t0, t1, theme } = look;
  const place = (time) => left + ((time - t0) / (t1 - t0)) * width;
  pen.lineWidth = faint ? 1 : 1.4;
  pen.globalAlpha = faint ? 0.3 : 1;
  for (const one of arrows) {
    const [x0, x1] = [place(one.sourceTime), place(one.targetTime)];
    const [y0, y1] = [yOf(one.model, one.sourceLane), yOf(one.model, one.targetLane)];
    if (!(y0 === y0) || !(y1 === y1)) continue;
    if (Math.max(x0, x1) < left || Math.min(x0, x1) > left + width) continue;
    if (faint && (Math.min(x0, x1) < left || Math.max(x0, x1) > left + width)) continue;
    const middle = LANE / 2;
    const bend = Math.min(Math.max(Math.abs(x1 - x0) / 2, 18), 120);
    pen.strokeStyle = pen.fillStyle = one.label === "launch" ? theme.arrow : theme.arrowOther;
    pen.beginPath();
    pen.moveTo(x0, y0 + middle);
    pen.bezierCurveTo(x0 + bend, y0 + middle, x1 - bend, y1 + middle, x1, y1 + middle);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x1, y1 + middle);
    pen.lineTo(x1 - 7, y1 + middle - 3.5);
    pen.lineTo(x1 - 7, y1 + middle + 3.5);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/** Paint a chosen area, and how long it is. */
export function paintArea(pen, area, look) {
  const { left, width, t0, t1, theme, top, bottom } = look;
  const place = (time) => left + ((time - t0) / (t1 - t0)) * width;
  const x0 = Math.max(place(area.t0), left);
  const x1 = Math.min(place(area.t1), left + width);
  if (x1 < x0) return;
  const y0 = Math.max(area.y0, top);
  const y1 = Math.min(area.y1, bottom);
  pen.fillStyle = theme.accentSoft;
  pen.fillRect(x0, y0, x1 - x0, Math.max(y1 - y0, 0));
  pen.strokeStyle = theme.accent;
  pen.lineWidth = 1;
  pen.strokeRect(Math.round(x0) + 0.5, Math.round(y0) + 0.5, Math.round(x1 - x0) - 1, Math.max(Math.round(y1 - y0) - 1, 0));
  const text = span(area.t1 - area.t0);
  pen.font = theme.strong;
  const wide = pen.measureText(text).width + 12;
  const x = Math.max(left, Math.min((x0 + x1 - wide) / 2, left + width - wide));
  pen.fillStyle = theme.accent;
  pen.fillRect(x, RULER - 20, wide, 18);
  pen.fillStyle = theme.accentText;
  pen.fillText(text, x + 6, RULER - 10.5);
}
