/** Turn, move and zoom a 3D view with mouse, fingers and keys. */

import { orbited, panned, START, zoomed } from "./mesh_camera.js";

const CLICK = 4; // pixels that a click may move
const WHEEL = 0.0016; // of a doubling, for each pixel
const KEY_STEP = 24; // pixels of a drag that a key stands for

export class MeshInput {
  /**
   * @param {HTMLElement} element What is pressed, and has the focus.
   * @param {object} view `camera`, `setCamera(camera)`, `lastView`, `hover(x, y)`, `leave()`,
   *   `click(x, y)`, `doubleClick(x, y)`, `hint()`.
   */
  constructor(element, view) {
    this.element = element;
    this.view = view;
    this.fingers = new Map(); // pointer id -> [x, y]
    this.start = null;
    const on = (name, fn, options) => element.addEventListener(name, fn, options);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event));
    on("pointerleave", () => this.fingers.size || view.leave());
    on("dblclick", (event) => view.doubleClick(...this.place(event)));
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("keydown", (event) => this.key(event));
  }

  place({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    return [clientX - box.x, clientY - box.y];
  }

  /** Return a place as pixels from the middle. */
  fromMiddle(x, y) {
    return [x - this.element.clientWidth / 2, y - this.element.clientHeight / 2];
  }

  down(event) {
    const place = this.place(event);
    if (!this.fingers.size) this.start = place;
    this.fingers.set(event.pointerId, place);
    if (this.fingers.size > 1) this.start = null; // two fingers are no click
    this.element.setPointerCapture(event.pointerId);
    this.isPanning = event.button === 2 || event.button === 1 || event.shiftKey;
    if (event.button === 1) event.preventDefault();
  }

  move(event) {
    const [x, y] = this.place(event);
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      this.view.hover(x, y);
      return;
    }
    if (this.start && Math.hypot(x - this.start[0], y - this.start[1]) > CLICK) this.start = null;
    if (this.start) return;
    const [dx, dy] = [x - before[0], y - before[1]];
    if (this.fingers.size === 2) this.pinch(event.pointerId, [x, y]);
    else if (this.fingers.size === 1) {
      if (this.isPanning) this.pan(dx, dy);
      else this.view.setCamera(orbited(this.view.camera, dx, dy));
    }
    this.fingers.set(event.pointerId, [x, y]);
  }

  up(event) {
    const isClick = this.start && event.type === "pointerup" && event.button === 0;
    this.fingers.delete(event.pointerId);
    if (isClick) this.view.click(...this.start);
    this.start = null;
  }

  pan(dx, dy) {
    const { view } = this;
    if (view.lastView) view.setCamera(panned(view.camera, view.lastView, dx, dy));
  }

  zoom(factor, x, y) {
    const { view } = this;
    if (!view.lastView) return;
    view.setCamera(zoomed(view.camera, view.lastView, factor, ...this.fromMiddle(x, y)));
  }

  /** Two fingers: what is between them follows them, and grows as they part. */
  pinch(id, now) {
    const before = this.fingers.get(id);
    const [, other] = [...this.fingers].find(([one]) => one !== id);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }

  /** The wheel scrolls the page, until the view has been pressed. */
  wheel(event) {
    const isMine = document.activeElement === this.element || event.ctrlKey || event.metaKey;
    if (!isMine) {
      this.view.hint();
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    const speed = event.ctrlKey ? 6 : 1; // a pinch on a touchpad comes in small steps
    this.zoom(2 ** (-pixels * WHEEL * speed), ...this.place(event));
  }

  key(event) {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const by = {
      ArrowLeft: [-KEY_STEP, 0],
      ArrowRight: [KEY_STEP, 0],
      ArrowUp: [0, -KEY_STEP],
      ArrowDown: [0, KEY_STEP],
    }[event.key];
    const middle = [this.element.clientWidth / 2, this.element.clientHeight / 2];
    if (by && event.shiftKey) this.pan(-by[0], -by[1]);
    else if (by) this.view.setCamera(orbited(this.view.camera, -by[0], -by[1]));
    else if (event.key === "+" || event.key === "=") this.zoom(1.2, ...middle);
    else if (event.key === "-" || event.key === "_") this.zoom(1 / 1.2, ...middle);
    else if (event.key === "0") this.view.setCamera({ ...START });
    else return;
    event.preventDefault();
  }
}
