/** The strip over the timeline: how busy the devices were in all the time, and what is in sight. */

import { columns } from "./api.js";
import { make } from "./chart_elements.js";
import { oncePerFrame } from "./dom.js";

const TALL = 34;
const EDGE = 5; // pixels beside an end of the window that take hold of it
const LEAST = 3;

export class Overview {
  /** @param {TimelineView} view */
  constructor(view) {
    this.view = view;
    this.canvas = make("canvas", { class: "tl-strip" });
    this.canvas.setAttribute("aria-hidden", "true"); // the timeline's keys do all that it does
    this.element = make("div", { class: "tl-overview" }, this.canvas);
    this.curves = [];
    this.spread = null;
    this.draw = oncePerFrame(() => this.paint());
    this.listen();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.element);
    this.load();
  }

  async load() {
    const { models } = this.view;
    const px = 1_600;
    this.curves = await Promise.all(
      models.map(async ({ trace, span, busy, offset }) => {
        if (!busy.length) return null;
        const key = busy.map((device) => `busy/${device}`);
        const query = { trace, t0: 0, t1: span, px, key };
        const { header, columns: found } = await columns("timeline/series", { query });
        const [n] = header.sizes;
        const share = new Float32Array(n);
        for (let k = 0; k < found.high.length; k++) share[k % n] += found.high[k] / busy.length;
        return { offset, span, share };
      }),
    ).catch(() => []);
    this.draw();
  }

  /** Show where hits of a search lie: counts in equal parts of each trace, or null. */
  mark(spread) {
    this.spread = spread;
    this.draw();
  }

  place(time) {
    const { view } = this;
    return view.left + ((time - view.low) / (view.high - view.low)) * view.width;
  }

  timeAt(x) {
    const { view } = this;
    return view.low + ((x - view.left) / view.width) * (view.high - view.low);
  }

  paint() {
    const { view } = this;
    const { theme } = view;
    if (!theme || !this.canvas.width) return;
    const pen = this.canvas.getContext("2d", { alpha: false });
    pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    const wide = this.element.clientWidth;
    pen.fillStyle = theme.surface;
    pen.fillRect(0, 0, wide, TALL);
    this.paintCurves(pen, theme);
    this.paintSpread(pen, theme);
    this.paintWindow(pen, theme, wide);
    pen.font = theme.small;
    pen.textBaseline = "middle";
    pen.fillStyle = theme.muted;
    const hasAny = this.curves.some(Boolean);
    pen.fillText(hasAny ? "GPU busy, all the time" : "All the time", 12, TALL / 2);
  }

  paintCurves(pen, theme) {
    const known = this.curves.filter(Boolean);
    known.forEach(({ offset, span, share }, i) => {
      const tall = (TALL - 6) / known.length;
      const bottom = 3 + tall * (i + 1);
      const n = share.length;
      pen.beginPath();
      pen.moveTo(this.place(offset), bottom);
      for (let k = 0; k < n; k++) {
        const y = bottom - Math.min(share[k], 1) * (tall - (known.length > 1 ? 1 : 0));
        pen.lineTo(this.place(offset + (span * k) / n), y);
        pen.lineTo(this.place(offset + (span * (k + 1)) / n), y);
      }
      pen.lineTo(this.place(offset + span), bottom);
      pen.fillStyle = theme.curves[0].fill;
      pen.fill();
    });
  }

  paintSpread(pen, theme) {
    if (!this.spread) return;
    pen.fillStyle = theme.accent;
    for (const { offset, span, counts } of this.spread) {
      counts.forEach((one, k) => {
        if (one) pen.fillRect(this.place(offset + (span * (k + 0.5)) / counts.length) - 0.75, 0, 1.5, 5);
      });
    }
  }

  paintWindow(pen, theme, wide) {
    const { view } = this;
    const x0 = Math.max(this.place(view.t0), view.left);
    const x1 = Math.max(Math.min(this.place(view.t1), wide), x0 + LEAST);
    pen.fillStyle = theme.surface;
    pen.globalAlpha = 0.62;
    pen.fillRect(view.left, 0, x0 - view.left, TALL);
    pen.fillRect(x1, 0, wide - x1, TALL);
    pen.globalAlpha = 1;
    pen.fillStyle = theme.accent;
    pen.fillRect(x0 - 1, 0, 2, TALL);
    pen.fillRect(x1 - 1, 0, 2, TALL);
    pen.globalAlpha = 0.08;
    pen.fillRect(x0, 0, x1 - x0, TALL);
    pen.globalAlpha = 1;
    pen.fillStyle = theme.line;
    pen.fillRect(view.left - 1, 0, 1, TALL);
  }

  listen() {
    const { canvas, view } = this;
    let drag = null;
    const gripAt = (x) => {
      const [x0, x1] = [this.place(view.t0), this.place(view.t1)];
      const isWhole = view.t1 - view.t0 >= view.high - view.low;
      if (Math.abs(x - x0) <= EDGE) return "first";
      if (Math.abs(x - x1) <= EDGE) return "last";
      return x > x0 && x < x1 && !isWhole ? "all" : "new";
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.offsetX < view.left - EDGE) return;
      canvas.setPointerCapture(event.pointerId);
      drag = { grip: gripAt(event.offsetX), from: this.timeAt(event.offsetX), t0: view.t0, t1: view.t1, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      const { offsetX: x } = event;
      if (!drag) {
        const grip = gripAt(x);
        canvas.style.cursor = grip === "all" ? "grab" : grip === "new" ? "crosshair" : "ew-resize";
        return;
      }
      drag.moved = true;
      const time = this.timeAt(x);
      if (drag.grip === "all") view.show(drag.t0 + time - drag.from, drag.t1 + time - drag.from);
      else {
        const other = drag.grip === "first" ? drag.t1 : drag.grip === "last" ? drag.t0 : drag.from;
        if (time !== other) view.show(Math.min(time, other), Math.max(time, other));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) {
        const half = (view.t1 - view.t0) / 2;
        const time = this.timeAt(event.offsetX);
        view.show(time - half, time + half);
      }
      drag = null;
    });
    canvas.addEventListener("dblclick", () => view.fit());
  }

  resize() {
    const { view } = this;
    this.canvas.width = Math.round(this.element.clientWidth * view.ratio);
    this.canvas.height = Math.round(TALL * view.ratio);
    this.paint();
  }

  destroy() {
    this.resizes.disconnect();
  }
}
