/** The draggable marks of a chart: one at a chosen place of the x axis, or two around a range. */

import { formatX, shortStep } from "./ticks.js";

export class ChartFobs {
  constructor(chart) {
    this.chart = chart;
    this.isDragging = false;
    this.shade = null;
    this.fobs = [];
  }

  /** Put the marks where `spec.at` says; called after each drawing. */
  place() {
    const { at } = this.chart.spec;
    if (!at) return this.clear();
    const wanted = at[1] === null ? 1 : 2;
    while (this.fobs.length > wanted) this.fobs.pop().remove();
    while (this.fobs.length < wanted) this.fobs.push(this.make(this.fobs.length));
    this.fobs.forEach((fob, k) => this.move(fob, at[k]));
    this.shadeBetween(at);
    return undefined;
  }

  clear() {
    for (const fob of this.fobs) fob.remove();
    this.fobs = [];
    this.shade?.remove();
    this.shade = null;
  }

  make(k) {
    const fob = document.createElement("div");
    fob.className = "gb-fob";
    fob.append(document.createElement("span"));
    fob.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      fob.setPointerCapture(event.pointerId);
      this.isDragging = true;
      this.chart.leave();
    });
    fob.addEventListener("pointermove", (event) => this.isDragging && this.dragTo(k, event));
    const drop = () => (this.isDragging = false);
    fob.addEventListener("pointerup", drop);
    fob.addEventListener("pointercancel", drop);
    this.chart.host.append(fob);
    return fob;
  }

  move(fob, x) {
    const { box, sx } = this.chart.scene;
    const px = sx.to(x);
    fob.hidden = !(px >= box.left - 1 && px <= box.right + 1);
    if (fob.hidden) return;
    const kind = this.chart.spec.xKind;
    fob.firstChild.textContent =
      kind === "step" || kind === "index" ? shortStep(x) : formatX(kind, x);
    fob.style.transform = `translateX(${Math.round(px)}px)`;
    fob.style.top = `${box.top}px`;
    fob.style.height = `${box.bottom - box.top}px`;
  }

  shadeBetween([x0, x1]) {
    if (x1 === null) {
      this.shade?.remove();
      this.shade = null;
      return;
    }
    if (!this.shade) {
      this.shade = document.createElement("div");
      this.shade.className = "gb-shade";
      this.chart.host.insertBefore(this.shade, this.chart.canvas);
    }
    const { box, sx } = this.chart.scene;
    const inside = (v) => Math.min(box.right, Math.max(box.left, sx.to(v)));
    const [a, b] = [inside(Math.min(x0, x1)), inside(Math.max(x0, x1))];
    Object.assign(this.shade.style, {
      left: `${a}px`,
      width: `${b - a}px`,
      top: `${box.top}px`,
      height: `${box.bottom - box.top}px`,
    });
  }

  dragTo(k, event) {
    const { host, scene } = this.chart;
    this.set(k, event.clientX - host.getBoundingClientRect().left, scene);
  }

  /** Move the mark nearest to a click on the empty plot there. */
  moveNearest(px) {
    const { scene, spec } = this.chart;
    if (px < scene.box.left || px > scene.box.right) return;
    const far = (k) => Math.abs(scene.sx.to(spec.at[k]) - px);
    this.set(spec.at[1] !== null && far(1) < far(0) ? 1 : 0, px, scene);
  }

  set(k, px, { sx, box }) {
    const { spec, on } = this.chart;
    const x = sx.from(Math.min(box.right, Math.max(box.left, px)));
    const at = [...spec.at];
    at[k] = spec.xKind === "step" || spec.xKind === "index" ? Math.round(x) : x;
    on.mark(at);
  }
}
