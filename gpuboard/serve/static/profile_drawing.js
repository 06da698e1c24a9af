/** A canvas in a box of its own: drawn again when its size or the theme changes, with a tip. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import * as state from "./state.js";

export class Drawing {
  /** @param {(context, width, height) => void} paint In CSS pixels. */
  constructor(name, label, paint) {
    this.paint = paint;
    this.canvas = make("canvas", { "aria-label": label, role: "img", tabindex: 0 });
    this.tip = make("div", { class: "tl-tip", hidden: true });
    this.element = make("div", { class: `pk-drawing ${name}` }, this.canvas, this.tip);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.element);
    this.end = state.subscribe("dark", () => this.draw());
    this.canvas.addEventListener("pointerleave", () => this.say(null));
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.now());
  }

  now() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    const dpr = devicePixelRatio || 1;
    const { canvas } = this;
    if (canvas.width !== Math.round(width * dpr) || canvas.height !== Math.round(height * dpr)) {
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(height * dpr);
    }
    const context = canvas.getContext("2d");
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.clearRect(0, 0, width, height);
    this.paint(context, width, height);
  }

  /** Show lines beside a place, the first standing out; null for none. */
  say(lines, x = 0, y = 0) {
    this.tip.hidden = !lines?.length;
    if (this.tip.hidden) return;
    this.tip.replaceChildren(
      ...lines.map((line, i) => make("div", { class: i ? "tl-tip-line" : "", text: visible(line) })),
    );
    const { clientWidth: width, clientHeight: height } = this.element;
    const { offsetWidth, offsetHeight } = this.tip;
    const left = x + 14 + offsetWidth > width ? x - 14 - offsetWidth : x + 14;
    const top = Math.max(2, Math.min(y + 12, height - offsetHeight - 2));
    this.tip.style.transform = `translate(${Math.max(2, left)}px, ${top}px)`;
  }

  /** Return where the pointer is. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.end();
    this.sizes.disconnect();
  }
}
