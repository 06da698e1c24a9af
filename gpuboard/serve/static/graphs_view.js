/** Show a graph on a canvas: zoom, pan, open, hover, select, and move smoothly to a new picture. */

import { make } from "./chart_elements.js";
import { oncePerFrame } from "./dom.js";
import { painter, readColours } from "./graphs_colour.js";
import { paint } from "./graphs_paint.js";
import { firstBox, nextBox } from "./graphs_walk.js";

const MOVE_MS = 260;
const LEAST_SCALE = 0.02;
const MOST_SCALE = 4;
const FIRST_LEAST = 0.85; // a graph never opens smaller than this: letters must be legible
const MARGIN = 28;
const CLICK_PX = 4;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class GraphView {
  /**
   * @param {object} on What to tell: `open(key)`, `select(key)`, `menu(key, event)`, `moved()`,
   *   `key(event)` for keys that are not about moving.
   */
  constructor(on) {
    this.on = on;
    this.canvas = make("canvas", { class: "gr-canvas", tabIndex: 0, role: "application" });
    this.canvas.setAttribute("aria-label", "Graph; arrows walk, Enter opens, Escape lets go");
    this.element = make("div", { class: "gr-stage" }, this.canvas);
    this.scene = null;
    this.scale = 1;
    this.left = 0; // of the picture's corner, in pixels of the stage
    this.top = 0;
    this.hover = -1;
    this.selected = "";
    this.covered = 0; // pixels on the right that the card lies on
    this.found = null;
    this.motion = null;
    this.draw = oncePerFrame(() => this.paint());
    this.counts = { draws: 0, ms: 0 };
    this.listen();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.element);
  }

  /** Paint with these colours from now on. */
  recolour(by) {
    this.by = by;
    this.theme = readColours(document.documentElement);
    if (this.scene) this.colours = painter(this.scene, by, this.theme);
    this.draw();
  }

  /**
   * Show a picture. The box `anchor` keeps its place on screen; without one the picture is fitted.
   */
  setScene(scene, anchor = "") {
    const before = this.scene;
    const [fromBox, toBox] = [before?.index.get(anchor), scene.index.get(anchor)];
    const from = { left: this.left, top: this.top };
    this.scene = scene;
    this.hover = -1;
    this.colours = painter(scene, this.by, this.theme);
    if (fromBox === undefined || toBox === undefined) {
      this.motion = null;
      if (!before || before.graph !== scene.graph || !anchor) this.fit(true);
      this.changed();
      return;
    }
    const at = (boxes, box) => [boxes.x[box] + boxes.width[box] / 2, boxes.y[box]];
    const [x0, y0] = at(before.boxes, fromBox);
    const [x1, y1] = at(scene.boxes, toBox);
    this.left += (x0 - x1) * this.scale;
    this.top += (y0 - y1) * this.scale;
    this.isFitted = false;
    this.motion = calm.matches ? null : this.motionFrom(before, from);
    this.changed();
  }

  /** Note that what is seen is what somebody chose: a new size of the stage must not undo it. */
  moved() {
    this.isFitted = false;
    this.motion = null;
    this.changed();
  }

  changed() {
    this.on.moved();
    this.draw();
  }

  motionFrom(before, from) {
    const { scene } = this;
    const start = { x: [], y: [], width: [], height: [], isNew: [] };
    for (let i = 0; i < scene.count; i++) {
      const key = scene.boxes.key[i];
      const known = before.index.get(key);
      const place = known ?? this.nearestKnown(before, i);
      for (const name of ["x", "y", "width", "height"]) start[name].push(before.boxes[name][place]);
      start.isNew.push(known === undefined);
    }
    return { start, from, since: performance.now() };
  }

  /** Return the box of the last picture out of which a new one grows. */
  nearestKnown(before, box) {
    const { parent, key } = this.scene.boxes;
    let at = box;
    while (at > 0) {
      at = parent[at];
      const known = before.index.get(key[at]);
      if (known !== undefined) return known;
    }
    return Math.max(before.find(key[box]), 0);
  }

  /** Let the whole picture be seen; at first never smaller than can be read. */
  fit(isFirst = false) {
    const { width, height } = this.room();
    const { scene } = this;
    if (!scene || !this.element.clientWidth) {
      this.mustFit = true;
      return;
    }
    this.mustFit = false;
    this.isFitted = true; // until the user moves something
    const whole = Math.min(
      (width - 2 * MARGIN) / scene.width,
      (height - 2 * MARGIN) / scene.height,
      isFirst ? 1.05 : 1.6,
    );
    this.scale = Math.max(whole, isFirst ? FIRST_LEAST : LEAST_SCALE);
    this.left = (width - scene.width * this.scale) / 2;
    this.top = Math.max((height - scene.height * this.scale) / 2, MARGIN);
    this.changed();
  }

  /** Return how much of the stage can be seen. */
  room() {
    const { clientWidth, clientHeight } = this.element;
    return { width: clientWidth - this.covered, height: clientHeight };
  }

  /** Bring a box to the middle, at a size that can be read. */
  show(key) {
    const box = this.scene?.index.get(key);
    if (box === undefined) return;
    const { width, height } = this.scene.boxes;
    const room = this.room();
    const most = Math.min(
      (room.width - 2 * MARGIN) / width[box],
      (room.height - 2 * MARGIN) / height[box],
    );
    this.scale = Math.min(Math.max(this.scale, 0.8), Math.max(most, 0.3), 1.6);
    const [x, y] = this.scene.middle(box);
    this.left = room.width / 2 - x * this.scale;
    this.top = room.height / 2 - y * this.scale;
    this.moved();
  }

  /** Move so that a box is seen whole, if it is not. */
  keepInSight(key) {
    const box = this.scene?.index.get(key);
    if (box === undefined) return;
    const { x, y, width, height } = this.scene.boxes;
    const room = this.room();
    const shift = (low, size, end) => {
      if (low < MARGIN) return MARGIN - low;
      return low + size > end - MARGIN ? Math.max(end - MARGIN - low - size, MARGIN - low) : 0;
    };
    const before = [this.left, this.top];
    this.left += shift(x[box] * this.scale + this.left, width[box] * this.scale, room.width);
    this.top += shift(y[box] * this.scale + this.top, height[box] * this.scale, room.height);
    if (before[0] !== this.left || before[1] !== this.top) this.changed();
  }

  select(key) {
    this.selected = key;
    this.draw();
  }

  /** Mark boxes that a search found, by key; null for none. */
  mark(keys) {
    this.found = keys;
    this.draw();
  }

  zoomBy(factor, x = this.element.clientWidth / 2, y = this.element.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, LEAST_SCALE), MOST_SCALE);
    const real = scale / this.scale;
    this.left = x - (x - this.left) * real;
    this.top = y - (y - this.top) * real;
    this.scale = scale;
    this.moved();
  }

  panBy(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.moved();
  }

  /** Return the part of the picture that is seen: left, top, right, bottom. */
  area() {
    const { clientWidth, clientHeight } = this.element;
    const { left, top, scale } = this;
    return [
      -left / scale,
      -top / scale,
      (clientWidth - left) / scale,
      (clientHeight - top) / scale,
    ];
  }

  /** Return where a box lies in the window: its middle. */
  placeOf(key) {
    const [x, y] = this.scene.middle(this.scene.index.get(key));
    const corner = this.canvas.getBoundingClientRect();
    return [corner.left + x * this.scale + this.left, corner.top + y * this.scale + this.top];
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if ((this.mustFit || this.isFitted) && width) this.fit(true);
    this.paint(); // at once: a cleared canvas would flash
    this.on.moved();
  }

  paint() {
    const { scene, theme } = this;
    const pen = this.canvas.getContext("2d");
    if (!scene || !theme || !this.canvas.width) return;
    const began = performance.now();
    const ratio = devicePixelRatio || 1;
    const step = this.step(began);
    const [left, top] = step ? [step.left, step.top] : [this.left, this.top];
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.globalAlpha = 1;
    pen.fillStyle = theme.bg;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const scale = this.scale * ratio;
    pen.setTransform(scale, 0, 0, scale, left * ratio, top * ratio);
    const selected = scene.index.get(this.selected) ?? -1;
    const chosen = this.hover > 0 && !scene.boxes.open[this.hover] ? this.hover : selected;
    paint(pen, scene, {
      theme,
      colours: this.colours,
      scale: this.scale,
      area: step ? [-1e9, -1e9, 1e9, 1e9] : this.area(),
      frame: step?.frame,
      lineAlpha: step?.lineAlpha,
      hover: this.hover,
      selected,
      ties: chosen > 0 ? this.tiesOf(chosen) : null,
      found: this.foundFlags(),
    });
    this.counts.draws++;
    this.counts.ms = performance.now() - began;
    if (step) this.draw();
  }

  /** Return where everything is on its way to the new picture, null when it has arrived. */
  step(now) {
    if (!this.motion) return null;
    const { start, from, since } = this.motion;
    const share = Math.min((now - since) / MOVE_MS, 1);
    if (share >= 1) {
      this.motion = null;
      return null;
    }
    const done = 1 - (1 - share) ** 3;
    const to = this.scene.boxes;
    const between = (name) => to[name].map((end, i) => start[name][i] + (end - start[name][i]) * done);
    const frame = Object.fromEntries(["x", "y", "width", "height"].map((n) => [n, between(n)]));
    frame.alpha = start.isNew.map((isNew) => (isNew ? done : 1));
    return {
      frame,
      left: from.left + (this.left - from.left) * done,
      top: from.top + (this.top - from.top) * done,
      lineAlpha: Math.max(0, (share - 0.55) / 0.45),
    };
  }

  tiesOf(box) {
    if (this.kept?.box !== box || this.kept.scene !== this.scene) {
      this.kept = { box, scene: this.scene, ties: this.scene.ties(box) };
    }
    return this.kept.ties;
  }

  foundFlags() {
    if (!this.found) return null;
    const flags = new Uint8Array(this.scene.count);
    for (const key of this.found) {
      const box = this.scene.index.get(key);
      if (box !== undefined) flags[box] = 1;
    }
    return flags;
  }

  // What the user does.

  listen() {
    const { canvas } = this;
    const on = (name, fn, options) => canvas.addEventListener(name, fn, options);
    on("wheel", (event) => this.onWheel(event), { passive: false });
    on("pointerdown", (event) => this.onDown(event));
    on("pointermove", (event) => this.onMove(event));
    on("pointerup", (event) => this.onUp(event));
    on("pointercancel", () => (this.drag = null));
    on("pointerleave", () => this.setHover(-1));
    on("dblclick", (event) => this.onDouble(event));
    on("contextmenu", (event) => this.onMenu(event));
    on("keydown", (event) => this.onKey(event));
  }

  boxAt(event) {
    if (!this.scene) return -1;
    const x = (event.offsetX - this.left) / this.scale;
    const y = (event.offsetY - this.top) / this.scale;
    return this.scene.at(x, y);
  }

  onWheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
    this.zoomBy(Math.exp(-Math.max(-240, Math.min(240, pixels)) * 0.0018), event.offsetX, event.offsetY);
  }

  onDown(event) {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, y: event.clientY, moved: 0 };
    this.canvas.setPointerCapture(event.pointerId);
  }

  onMove(event) {
    if (!this.drag) return this.setHover(this.boxAt(event));
    const [dx, dy] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
    this.drag.moved += Math.abs(dx) + Math.abs(dy);
    Object.assign(this.drag, { x: event.clientX, y: event.clientY });
    if (this.drag.moved > CLICK_PX) {
      this.canvas.classList.add("is-dragged");
      this.panBy(dx, dy);
    }
  }

  onUp(event) {
    const wasClick = this.drag && this.drag.moved <= CLICK_PX;
    this.drag = null;
    this.canvas.classList.remove("is-dragged");
    if (!wasClick) return;
    const box = this.boxAt(event);
    this.on.select(box > 0 ? this.scene.boxes.key[box] : "");
  }

  onDouble(event) {
    const box = this.boxAt(event);
    if (this.scene?.isExpandable(box)) this.on.open(this.scene.boxes.key[box]);
  }

  onMenu(event) {
    const box = this.boxAt(event);
    if (box <= 0) return;
    event.preventDefault();
    this.on.select(this.scene.boxes.key[box]);
    this.on.menu(this.scene.boxes.key[box], event);
  }

  setHover(box) {
    if (box === this.hover) return;
    this.hover = box;
    this.canvas.classList.toggle("is-over", box > 0 && !this.scene.boxes.open[box]);
    this.draw();
  }

  onKey(event) {
    if (!this.scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const acts = {
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(0.8),
      0: () => this.fit(),
      f: () => this.fit(),
      Enter: () => this.openSelected(),
      " ": () => this.openSelected(),
    };
    if (way[event.key]) this.walk(...way[event.key]);
    else if (acts[event.key]) acts[event.key]();
    else return this.on.key(event);
    event.preventDefault();
  }

  openSelected() {
    const box = this.scene.index.get(this.selected);
    if (box !== undefined && this.scene.isExpandable(box)) this.on.open(this.selected);
  }

  /** Select the next box in a direction: along lines up and down, else the nearest one there. */
  walk(dx, dy) {
    const { scene } = this;
    const from = scene.index.get(this.selected) ?? -1;
    const to = from > 0 ? nextBox(scene, from, dx, dy) : firstBox(scene);
    if (to <= 0) return;
    this.on.select(scene.boxes.key[to]);
    this.keepInSight(scene.boxes.key[to]);
  }

  destroy() {
    this.resizes.disconnect();
  }
}
