/** Show where in the whole picture the stage is; drag in it to go elsewhere. */

import { make } from "./chart_elements.js";
import { oncePerFrame } from "./dom.js";
import { scopeFill } from "./graphs_colour.js";

const WIDTH = 168;
const HEIGHT = 124;
const PADDING = 8;

export class Minimap {
  /** @param {GraphView} view */
  constructor(view) {
    this.view = view;
    this.canvas = make("canvas", { class: "gr-minimap", "aria-hidden": "true" });
    this.element = this.canvas;
    this.draw = oncePerFrame(() => this.paint());
    const go = (event) => this.isDragged && this.goTo(event);
    this.canvas.addEventListener("pointerdown", (event) => {
      this.isDragged = true;
      this.canvas.setPointerCapture(event.pointerId);
      this.goTo(event);
    });
    this.canvas.addEventListener("pointermove", go);
    this.canvas.addEventListener("lostpointercapture", () => (this.isDragged = false));
  }

  goTo(event) {
    const { view, place } = this;
    if (!place) return;
    const x = (event.offsetX - place.left) / place.scale;
    const y = (event.offsetY - place.top) / place.scale;
    const { clientWidth, clientHeight } = view.element;
    view.panBy(
      clientWidth / 2 - x * view.scale - view.left,
      clientHeight / 2 - y * view.scale - view.top,
    );
  }

  paint() {
    const { scene, theme } = this.view;
    const isNeeded = scene !== null && !this.isWholeSeen();
    this.canvas.hidden = !isNeeded;
    if (!isNeeded || !theme) return;
    const ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: WIDTH * ratio, height: HEIGHT * ratio });
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const scale = Math.min(
      (WIDTH - 2 * PADDING) / scene.width,
      (HEIGHT - 2 * PADDING) / scene.height,
    );
    const left = (WIDTH - scene.width * scale) / 2;
    const top = (HEIGHT - scene.height * scale) / 2;
    this.place = { scale, left, top };
    this.paintBoxes(pen, scene, theme);
    this.paintFrame(pen, theme);
  }

  paintBoxes(pen, scene, theme) {
    const { scale, left, top } = this.place;
    const { x, y, width, height, open, depth } = scene.boxes;
    for (let i = 1; i < scene.count; i++) {
      const [w, h] = [width[i] * scale, height[i] * scale];
      if (w < 0.6 && h < 0.6) continue;
      pen.fillStyle = open[i] ? scopeFill(depth[i] + 1, theme) : this.view.colours(i).border;
      pen.fillRect(left + x[i] * scale, top + y[i] * scale, Math.max(w, 1), Math.max(h, 1));
    }
  }

  paintFrame(pen, theme) {
    const { scale, left, top } = this.place;
    const [x0, y0, x1, y1] = this.view.area();
    const clamp = (value, most) => Math.min(Math.max(value, 1), most - 1);
    const [ax, bx] = [x0, x1].map((x) => clamp(left + x * scale, WIDTH));
    const [ay, by] = [y0, y1].map((y) => clamp(top + y * scale, HEIGHT));
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1.5;
    pen.strokeRect(ax, ay, Math.max(bx - ax, 3), Math.max(by - ay, 3));
  }

  isWholeSeen() {
    const { scene } = this.view;
    const [left, top, right, bottom] = this.view.area();
    return left <= 0 && top <= 0 && right >= scene.width && bottom >= scene.height;
  }
}
