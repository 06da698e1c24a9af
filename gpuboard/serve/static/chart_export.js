/** Save a chart as a figure that stands alone: title, axis names, legend; PNG or SVG. */

import { fit, ruler } from "./chart.js";
import { fileName, saveAs, shorten } from "./chart_elements.js";
import { layout, paint } from "./plot.js";

const LEGEND_ROWS = 40;
const ROW = 16;

export const X_NAMES = {
  step: "Step",
  relative: "Time since the run's start",
  wall: "Wall time",
  active: "Time since the start, pauses left out",
  index: "Index of the point",
};

/** Save what a chart shows now. `format` is "png" or "svg". */
export async function saveChart(chart, title, format) {
  const figure = makeFigure(chart, title);
  const name = `${fileName(title)}.${format}`;
  if (format === "svg") return saveAs(name, figureSvg(figure), "image/svg+xml");
  const canvas = document.createElement("canvas");
  paintFigure(fit(canvas, figure.width, figure.height, 2), figure);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return saveAs(name, blob, "image/png");
}

/** Write a chart as one SVG document. */
export function chartSvg(chart, title) {
  return figureSvg(makeFigure(chart, title));
}

function makeFigure(chart, title) {
  const { theme, series, xKind, xLog } = chart.spec;
  const width = 760,
    plotHeight = 400;
  const rows = series.slice(0, LEGEND_ROWS);
  const columns = rows.length > 8 ? 2 : 1;
  const more = series.length - rows.length;
  const legend = Math.ceil(rows.length / columns) * ROW + (more > 0 ? ROW : 0);
  const frame = layout({
    ...chart.spec,
    x: chart.xRange(),
    y: chart.yRange(),
    width,
    height: plotHeight,
    top: 34,
    right: 16,
    measure: ruler(`11px ${theme.font}`),
    xTitle: X_NAMES[xKind] + (xLog ? " (log)" : ""),
    yTitle: shorten(title, 60) + (chart.spec.yLog ? " (log)" : ""),
  });
  return { frame, title, rows, columns, more, theme, width, height: plotHeight + legend + 18 };
}

function paintFigure(context, { frame, title, rows, columns, more, theme, width, height }) {
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, width, height);
  paint(context, frame);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.font = `600 14px ${theme.font}`;
  context.fillStyle = theme.text;
  context.fillText(shorten(title, 90), frame.box.left, 18);
  context.font = `12px ${theme.font}`;
  const perColumn = Math.ceil(rows.length / columns);
  const step = (width - frame.box.left - 16) / columns;
  const place = (k) => [
    frame.box.left + Math.floor(k / perColumn) * step,
    frame.height + 12 + (k % perColumn) * ROW,
  ];
  rows.forEach((one, k) => legendRow(context, one, place(k), theme));
  if (more > 0)
    context.fillText(`and ${more} more`, frame.box.left, frame.height + 12 + perColumn * ROW);
}

function legendRow(context, one, [x, y], theme) {
  context.strokeStyle = one.colour;
  context.lineWidth = 3;
  context.setLineDash(one.dash ?? []);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + 20, y);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = theme.text;
  context.fillText(shorten(one.name, 48), x + 25, y);
}

function figureSvg(figure) {
  const pen = new SvgPen(figure.theme);
  paintFigure(pen, figure);
  return pen.document(figure.width, figure.height);
}

const escape = (text) =>
  text
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    // Control characters are not allowed in XML, even as references.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
const n = (v) => String(Math.round(v * 100) / 100);

/** The part of a canvas context that charts paint with, written down as SVG elements. */
export class SvgPen {
  constructor(theme) {
    this.parts = [];
    this.open = [];
    this.clips = 0;
    this.path = [];
    this.transform = "";
    Object.assign(this, {
      globalAlpha: 1,
      lineWidth: 1,
      strokeStyle: theme.text,
      fillStyle: theme.text,
      font: `11px ${theme.font}`,
      textAlign: "left",
      textBaseline: "alphabetic",
      dash: "",
    });
  }

  beginPath() {
    this.path = [];
  }
  moveTo(x, y) {
    this.path.push(`M${n(x)} ${n(y)}`);
  }
  lineTo(x, y) {
    this.path.push(`L${n(x)} ${n(y)}`);
  }
  closePath() {
    this.path.push("Z");
  }
  rect(x, y, w, h) {
    this.path.push(`M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}Z`);
  }
  arc(x, y, r) {
    this.path.push(`M${n(x + r)} ${n(y)}a${r} ${r} 0 1 1 ${-2 * r} 0a${r} ${r} 0 1 1 ${2 * r} 0`);
  }
  setLineDash(dash) {
    this.dash = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
  }
  save() {
    this.open.push(0);
  }
  translate(x, y) {
    this.transform = `translate(${n(x)} ${n(y)})`;
  }
  rotate(angle) {
    this.transform += ` rotate(${n((angle * 180) / Math.PI)})`;
  }

  restore() {
    this.parts.push("</g>".repeat(this.open.pop() ?? 0));
    this.transform = "";
  }

  clip() {
    const id = `clip${++this.clips}`;
    this.parts.push(
      `<clipPath id="${id}"><path d="${this.path.join("")}"/></clipPath>`,
      `<g clip-path="url(#${id})">`,
    );
    this.open[this.open.length - 1]++;
  }

  stroke() {
    if (!this.path.length) return;
    this.parts.push(
      `<path d="${this.path.join("")}" fill="none" stroke="${escape(this.strokeStyle)}"` +
        ` stroke-width="${n(this.lineWidth)}" stroke-opacity="${n(this.globalAlpha)}"${this.dash}` +
        ' stroke-linejoin="round"/>',
    );
  }

  fill() {
    this.parts.push(
      `<path d="${this.path.join("")}" fill="${escape(this.fillStyle)}"` +
        ` fill-opacity="${n(this.globalAlpha)}"/>`,
    );
  }

  fillRect(x, y, w, h) {
    this.parts.push(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}"` +
        ` fill="${escape(this.fillStyle)}"/>`,
    );
  }

  fillText(text, x, y) {
    const anchor = { right: "end", center: "middle" }[this.textAlign] ?? "start";
    const [, weight, size, family] = this.font.match(/^(?:(\d+) )?([\d.]+)px (.*)$/);
    const shift = { top: 0.8, middle: 0.35 }[this.textBaseline] ?? 0;
    this.parts.push(
      `<text x="${n(x)}" y="${n(y + shift * size)}" text-anchor="${anchor}"` +
        ` font-size="${size}" font-family="${escape(family)}"${weight ? ` font-weight="${weight}"` : ""}` +
        ` fill="${escape(this.fillStyle)}"${this.transform ? ` transform="${this.transform}"` : ""}` +
        `>${escape(text)}</text>`,
    );
  }

  document(width, height) {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
      ` viewBox="0 0 ${width} ${height}">${this.parts.join("")}</svg>`
    );
  }
}
