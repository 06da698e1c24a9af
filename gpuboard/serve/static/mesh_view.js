/** A 3D view of one mesh: a canvas, what the pointer does on it, and a tip at the vertex picked. */

import { make } from "./chart_elements.js";
import { count } from "./format.js";
import { learn, movingPoints } from "./mesh_budget.js";
import { alongAxis, projected, START, viewOf } from "./mesh_camera.js";
import { MeshGl } from "./mesh_gl.js";
import { MeshInput } from "./mesh_input.js";
import { axisAt, paintAxes } from "./mesh_overlay.js";
import { pickAt, projectAll } from "./mesh_pick.js";
import { pointSizeFor } from "./mesh_shape.js";

const STILL_MS = 140; // without a movement, until all points are drawn
const HOVERED_POINTS = 3_000_000; // more are searched only after a click
const MOST_EDGE = 4096; // pixels
const HINT_MS = 1_600;
const LOST = "The graphics card has been lost. Waiting for it to come back.";
const [TIP_WIDTH, TIP_GAP] = [168, 14];

export class MeshView {
  /**
   * @param {string} label What screen readers say.
   * @param {{getCamera: () => object, setCamera: (camera: object) => void, getLook: () => object}}
   *   owner `getLook` says how to draw: see `scene`.
   */
  constructor(label, owner) {
    this.owner = owner;
    this.gl = MeshGl.shared();
    this.shape = null;
    this.places = null; // where all vertices lie, for the view that was drawn last
    this.pinned = -1; // vertex that was clicked
    this.canvas = make("canvas", { class: "me-canvas", width: 1, height: 1 });
    this.ring = make("i", { class: "me-ring", hidden: true });
    this.tip = make("div", { class: "me-tip", hidden: true });
    this.note = make("p", { class: "me-note", hidden: true, role: "status" });
    this.element = make(
      "div",
      {
        class: "me-view",
        tabIndex: 0,
        role: "application",
        "aria-label": `${label}: arrow keys turn, with shift they move, + and - zoom, 0 fits`,
        data: { keys: "" },
      },
      this.canvas,
      this.ring,
      this.tip,
      this.note,
    );
    if (!this.gl) {
      this.say("This browser cannot draw in 3D: WebGL2 is missing, or switched off.");
      return;
    }
    this.input = new MeshInput(this.element, this);
    this.sized = new ResizeObserver(() => this.redraw());
    this.sized.observe(this.element);
    this.end = this.gl.onChange((isLost) => this.onLost(isLost));
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.still);
    clearTimeout(this.hinting);
    this.sized?.disconnect();
    this.end?.();
    this.rest();
    this.shape = null;
  }

  /** Free the graphics card of the mesh; the picture stays, and drawing takes it up again. */
  rest() {
    if (this.shape) this.gl?.free(this.shape);
    this.places = null;
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  onLost(isLost) {
    this.say(isLost ? LOST : "");
    if (!isLost) this.redraw();
  }

  /* what is drawn */

  /**
   * Show a mesh.
   *
   * @param {import("./mesh_shape.js").Shape} shape
   * @param {{x: number, y: number, z: number, r: number}} sphere What the camera's units are.
   */
  show(shape, sphere) {
    if (this.shape !== shape) this.rest();
    Object.assign(this, { shape, sphere });
    if (this.pinned >= shape.n) this.pinned = -1;
    if (!this.gl) return;
    this.say(this.gl.isLost ? LOST : "");
    this.hide();
    this.redraw();
  }

  get camera() {
    return this.owner.getCamera();
  }

  setCamera(camera) {
    this.owner.setCamera(camera);
  }

  /** Draw in the next frame; `isMoving` leaves out points until nothing has moved for a while. */
  redraw(isMoving = false) {
    clearTimeout(this.still);
    this.isMoving = isMoving && this.isCostly();
    if (this.isMoving) this.still = setTimeout(() => this.redraw(), STILL_MS);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** Tell whether a moving picture is made simpler than one that stands still. */
  isCostly() {
    const { shape, gl, canvas } = this;
    return Boolean(shape) && (this.isLarge() || gl.refines(shape, canvas));
  }

  isLarge() {
    return this.shape.n > 0.7 * movingPoints();
  }

  draw() {
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    if (!this.shape || !this.gl || !width || !height) return;
    const density = Math.min(devicePixelRatio || 1, 2, MOST_EDGE / Math.max(width, height));
    const start = performance.now();
    this.paint(this.canvas, width, height, density, this.isMoving);
    if (this.isMoving && this.isLarge()) learn(start);
    this.places = null;
    this.showPinned();
    this.element.dataset.drawn = String(Number(this.element.dataset.drawn ?? 0) + 1);
    this.element.dataset.state = this.isMoving ? "moving" : "still";
  }

  /** Paint the mesh and the axes into a canvas, which takes the size of the view. */
  paint(canvas, width, height, density, isMoving = false) {
    const size = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== size[0]) canvas.width = size[0];
    if (canvas.height !== size[1]) canvas.height = size[1];
    const context = canvas.getContext("2d");
    const look = this.owner.getLook();
    this.lastView = this.viewFor(width, height, look);
    if (!this.gl.draw(context, this.shape, this.scene(look, density, isMoving))) return;
    if (!look.hasAxes) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    paintAxes(context, this.lastView, look);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  viewFor(width, height, { up, angle }) {
    const { sphere: own } = this.shape;
    const { sphere } = this;
    const ball = {
      x: (own.x - sphere.x) / sphere.r,
      y: (own.y - sphere.y) / sphere.r,
      z: (own.z - sphere.z) / sphere.r,
      r: Math.max(own.r, halfDiagonal(this.shape)) / sphere.r,
    };
    return viewOf(this.camera, { width, height, up, angle: angle ?? undefined, ball });
  }

  scene(look, density, isMoving) {
    const { shape, sphere } = this;
    const base = look.pointSize ? look.pointSize / sphere.r : pointSizeFor(shape.n - shape.bad);
    return {
      ...look,
      view: this.lastView,
      sphere,
      density,
      reach: shape.sphere.r / sphere.r,
      pointSize: base * (look.pointSize ? 1 : shape.sphere.r / sphere.r) * look.pointScale,
      isMoving,
      most: isMoving ? movingPoints() : Infinity,
      plain: rgbOf(look.plain),
      ground: rgbOf(look.ground),
      line: rgbOf(look.line),
      frame: rgbOf(look.frame),
    };
  }

  /** Return a picture of the view, twice as fine as the screen or so. */
  async picture() {
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    const density = Math.min(Math.max(devicePixelRatio, 2), MOST_EDGE / Math.max(width, height));
    const canvas = make("canvas");
    this.paint(canvas, width, height, density);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  /* the pointer */

  /** Return what is at a place: `{vertex, triangle}`. */
  at(x, y) {
    if (!this.shape || !this.lastView) return { vertex: -1, triangle: -1 };
    this.places ??= projectAll(this.shape, this.lastView, this.sphere);
    const isSolid = ["solid", "edged"].includes(this.owner.getLook().style);
    return pickAt(this.shape, this.places, x, y, isSolid);
  }

  hover(x, y) {
    if (this.pinned >= 0 || !this.shape || this.shape.n + this.shape.m > HOVERED_POINTS) return;
    this.pointer = [x, y];
    this.hovering ||= requestAnimationFrame(() => {
      this.hovering = 0;
      if (!this.pointer || this.isMoving || this.frame) return;
      this.mark(this.at(...this.pointer));
    });
  }

  leave() {
    this.pointer = null;
    if (this.pinned < 0) this.hide();
  }

  click(x, y) {
    if (!this.lastView) return;
    const end = this.owner.getLook().hasAxes && axisAt(this.lastView, x, y);
    if (end) {
      this.setCamera(alongAxis(this.camera, end.axis, end.sign, this.owner.getLook().up));
      return;
    }
    const found = this.at(x, y);
    this.pinned = found.vertex === this.pinned ? -1 : found.vertex;
    this.hide();
    if (this.pinned >= 0) this.mark(found);
  }

  /** A double click turns round what is there from now on; on nothing it fits the mesh again. */
  doubleClick(x, y) {
    const { vertex } = this.at(x, y);
    this.pinned = -1;
    this.hide();
    if (vertex < 0) this.setCamera({ ...START });
    else {
      const [px, py, pz] = this.inUnits(vertex);
      this.setCamera({ ...this.camera, x: px, y: py, z: pz });
    }
  }

  /** Say once in a while that the wheel waits for a press. */
  hint() {
    if (!this.note.hidden && !this.hinting) return; // something more important stands there
    this.say("Press the view first, or hold Ctrl, to zoom");
    this.note.classList.add("is-hint");
    clearTimeout(this.hinting);
    this.hinting = setTimeout(() => {
      this.hinting = 0;
      this.note.classList.remove("is-hint");
      this.say("");
    }, HINT_MS);
  }

  /* the tip */

  inUnits(vertex) {
    const { vertices } = this.shape;
    const { x, y, z, r } = this.sphere;
    const i = 3 * vertex;
    return [(vertices[i] - x) / r, (vertices[i + 1] - y) / r, (vertices[i + 2] - z) / r];
  }

  showPinned() {
    if (this.pinned >= 0) this.mark({ vertex: this.pinned, triangle: -1 });
    else this.hide();
  }

  hide() {
    this.ring.hidden = true;
    this.tip.hidden = true;
  }

  mark({ vertex, triangle }) {
    this.hide();
    if (vertex < 0) return;
    const at = projected(this.lastView, ...this.inUnits(vertex));
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    if (!(at.w > 0 && at.x > 0 && at.y > 0 && at.x < width && at.y < height)) return;
    this.ring.hidden = false;
    this.ring.style.transform = `translate(${at.x}px, ${at.y}px)`;
    this.tip.replaceChildren(...this.facts(vertex, triangle));
    this.tip.hidden = false;
    const isLeft = at.x + TIP_GAP + TIP_WIDTH > width;
    const left = isLeft ? at.x - TIP_GAP - TIP_WIDTH : at.x + TIP_GAP;
    const top = Math.min(Math.max(at.y - 20, 4), Math.max(height - this.tip.offsetHeight - 4, 4));
    this.tip.style.transform = `translate(${Math.max(left, 4)}px, ${top}px)`;
  }

  facts(vertex, triangle) {
    const { vertices, colours } = this.shape;
    const rows = ["x", "y", "z"].map((name, k) => [name, coordinate(vertices[3 * vertex + k])]);
    const swatch = make("i", { class: "vc-swatch" });
    if (colours.length) {
      const hex = hexOf(colours.subarray(3 * vertex, 3 * vertex + 3));
      swatch.style.background = hex;
      rows.push(["colour", hex]);
    } else swatch.style.background = this.owner.getLook().plain;
    if (triangle >= 0) rows.push(["triangle", count(triangle)]);
    return [
      make("div", { class: "me-tip-head" }, swatch, make("span", { text: `Vertex ${count(vertex)}` })),
      make(
        "dl",
        {},
        ...rows.flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text })]),
      ),
    ];
  }
}

/** The box reaches further than the sphere round the vertices. */
const halfDiagonal = ({ low, high }) => Math.hypot(...low.map((v, i) => high[i] / 2 - v / 2));

/** Write a coordinate with the digits that a float32 has. */
const coordinate = (value) =>
  Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value);

const hexOf = (bytes) => `#${[...bytes].map((v) => v.toString(16).padStart(2, "0")).join("")}`;

/** Read #rrggbb, #rgb or rgb(r g b) into three numbers from 0 to 1. */
function rgbOf(text) {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text);
  if (short) return short.slice(1).map((digit) => parseInt(digit + digit, 16) / 255);
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (long) return long.slice(1).map((digits) => parseInt(digits, 16) / 255);
  const parts = text.match(/[\d.]+/g) ?? [];
  return [0, 1, 2].map((i) => Math.min(Number(parts[i] ?? 128) / 255, 1));
}
