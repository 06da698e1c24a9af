/** Save a graph as a picture that stands alone: PNG, or SVG with real text. */

import { fileName, saveAs } from "./chart_elements.js";
import { paint } from "./graphs_paint.js";

const MARGIN = 24;
const MOST_PIXELS = 16_000; // of one side of a PNG; browsers allow little more
const MOST_AREA = 60e6;

/** Save what is open in a view, all of it. `format` is "png" or "svg". */
export async function savePicture(view, name, format) {
  const { scene } = view;
  const [width, height] = [scene.width + 2 * MARGIN, scene.height + 2 * MARGIN];
  const file = `${fileName(name || "graph")}.${format}`;
  const look = { theme: view.theme, colours: view.colours, scale: 1, area: [-1e9, -1e9, 1e9, 1e9] };
  if (format === "svg") {
    const pen = new SvgPen(MARGIN);
    paint(pen, scene, { ...look, selected: -1, hover: -1 });
    saveAs(file, pen.document(width, height, view.theme.bg), "image/svg+xml");
    return;
  }
  const scale = Math.min(2, MOST_PIXELS / Math.max(width, height), Math.sqrt(MOST_AREA / (width * height)));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = view.theme.bg;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(scale, 0, 0, scale, MARGIN * scale, MARGIN * scale);
  paint(pen, scene, { ...look, scale, selected: -1, hover: -1 });
  saveAs(file, await new Promise((done) => canvas.toBlob(done, "image/png")), "image/png");
}

const n = (value) => String(Math.round(value * 100) / 100);
const escape = (text) =>
  text
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    // Control characters are not allowed in XML, even as references.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");

/** The part of a canvas context that graphs are painted with, written down as SVG. */
export class SvgPen {
  constructor(shift = 0) {
    this.parts = [];
    this.path = [];
    this.shift = shift;
    Object.assign(this, {
      globalAlpha: 1,
      lineWidth: 1,
      strokeStyle: "#000",
      fillStyle: "#000",
      font: "12px sans-serif",
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

  bezierCurveTo(a, b, c, d, x, y) {
    this.path.push(`C${[a, b, c, d, x, y].map(n).join(" ")}`);
  }

  closePath() {
    this.path.push("Z");
  }

  roundRect(x, y, width, height, radius) {
    const r = Math.min(radius, width / 2, height / 2);
    const arc = (dx, dy) => `a${n(r)} ${n(r)} 0 0 1 ${n(dx)} ${n(dy)}`;
    this.path.push(
      `M${n(x + r)} ${n(y)}h${n(width - 2 * r)}${arc(r, r)}v${n(height - 2 * r)}${arc(-r, r)}` +
        `h${n(2 * r - width)}${arc(-r, -r)}v${n(2 * r - height)}${arc(r, -r)}Z`,
    );
  }

  setLineDash(dash) {
    this.dash = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
  }

  stroke() {
    this.parts.push(
      `<path d="${this.path.join("")}" fill="none" stroke="${escape(this.strokeStyle)}"` +
        ` stroke-width="${n(this.lineWidth)}"${this.opacity()}${this.dash}/>`,
    );
  }

  fill() {
    this.parts.push(
      `<path d="${this.path.join("")}" fill="${escape(this.fillStyle)}"${this.opacity()}/>`,
    );
  }

  fillRect(x, y, width, height) {
    this.parts.push(
      `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"` +
        ` fill="${escape(this.fillStyle)}"${this.opacity()}/>`,
    );
  }

  fillText(text, x, y) {
    const anchor = { right: "end", center: "middle" }[this.textAlign] ?? "start";
    const [, weight, size, family] = this.font.match(/^(?:(\d+) )?([\d.]+)px (.*)$/s);
    const down = this.textBaseline === "middle" ? 0.35 * size : 0;
    this.parts.push(
      `<text x="${n(x)}" y="${n(y + down)}" text-anchor="${anchor}" font-size="${n(size)}"` +
        `${weight ? ` font-weight="${weight}"` : ""} font-family="${escape(family)}"` +
        ` fill="${escape(this.fillStyle)}"${this.opacity()}>${escape(text)}</text>`,
    );
  }

  opacity() {
    return this.globalAlpha < 1 ? ` opacity="${n(this.globalAlpha)}"` : "";
  }

  document(width, height, background) {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}"` +
      ` viewBox="0 0 ${n(width)} ${n(height)}"><rect width="100%" height="100%"` +
      ` fill="${escape(background)}"/><g transform="translate(${this.shift} ${this.shift})">` +
      `${this.parts.join("")}</g></svg>`
    );
  }
}
