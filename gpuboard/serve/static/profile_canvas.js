/** A canvas that keeps its size, its sharpness and the colours of the theme. */

import { make } from "./chart_elements.js";
import { oncePerFrame } from "./dom.js";
import { readTheme } from "./theme_colours.js";
import * as state from "./state.js";

export class Drawing {
  /**
   * @param {object} options
   * @param {string} options.label For screen readers.
   * @param {number} options.height Pixels.
   * @param {(pen: CanvasRenderingContext2D, wide: number, tall: number, theme: object) => void} options.paint
   * @param {boolean} [options.isFocusable] One tab stop.
   */
  constructor({ label, height, paint, isFocusable = false }) {
    this.paintWith = paint;
    this.canvas = make("canvas", { class: "pg-canvas", role: "img", "aria-label": label });
    if (isFocusable) this.canvas.tabIndex = 0;
    this.element = make("div", { class: "pg-drawing" }, this.canvas);
    this.setHeight(height);
    this.draw = oncePerFrame(() => this.paint());
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.element);
    this.end = state.subscribe(["dark"], () => this.draw());
  }

  setHeight(height) {
    this.tall = height;
    this.element.style.height = `${height}px`;
    this.draw?.();
  }

  get wide() {
    return this.element.clientWidth;
  }

  paint() {
    const { wide, tall, canvas } = this;
    if (!wide || !canvas.isConnected) return;
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(wide * ratio), Math.round(tall * ratio)];
    if (canvas.width !== across || canvas.height !== down) {
      canvas.width = across;
      canvas.height = down;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    const theme = readTheme(this.element);
    pen.font = `11px ${theme.font}`;
    this.paintWith(pen, wide, tall, theme);
  }

  /** Return where a pointer is on the canvas: x, y. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  destroy() {
    this.resizes.disconnect();
    this.end();
  }
}

/** Return marks of an axis from 0 to `most` in steps of 1, 2 or 5: [value]. */
export function axisMarks(most, wanted) {
  if (!(most > 0)) return [0];
  const rough = most / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.99);
  const marks = [];
  for (let k = 0; k * step <= most * 1.0001; k++) marks.push(k * step);
  return marks;
}
