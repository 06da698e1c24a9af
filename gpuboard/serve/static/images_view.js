/** Draw one picture under a camera that several views share: pan, zoom, pixel grid, values. */

import { make } from "./chart_elements.js";

const GRID_FROM = 10; // screen pixels a pixel takes before lines part them
const VALUES_FROM = 38; // and before its values are written into it
const [LEAST, MOST] = [1 / 64, 160];
const MARGIN = 12;

/** Where all views look: the centre in parts of the picture, and screen pixels per its pixel. */
export class Camera {
  constructor() {
    Object.assign(this, { u: 0.5, v: 0.5, zoom: 1, width: 1, height: 1, isFitted: true });
    this.listeners = new Set();
  }

  /** Look at a picture of this size; a camera that showed all of the last one shows all of it. */
  aim(width, height) {
    if (width === this.width && height === this.height) return;
    Object.assign(this, { width, height });
  }

  /** Show the whole picture in a box, enlarged by whole numbers where it is small. */
  fit(boxWidth, boxHeight) {
    const room = Math.min(
      (boxWidth - 2 * MARGIN) / this.width,
      (boxHeight - 2 * MARGIN) / this.height,
    );
    const zoom = room > 2 ? Math.floor(room) : room;
    this.move({ u: 0.5, v: 0.5, zoom: Math.max(zoom, LEAST), isFitted: true });
  }

  move({ u = this.u, v = this.v, zoom = this.zoom, isFitted = false }) {
    this.u = Math.min(Math.max(u, 0), 1);
    this.v = Math.min(Math.max(v, 0), 1);
    this.zoom = Math.min(Math.max(zoom, LEAST), MOST);
    this.isFitted = isFitted;
    for (const fn of this.listeners) fn();
  }

  /** Zoom by a factor while the point at (dx, dy) screen pixels from the centre stays put. */
  zoomBy(factor, dx = 0, dy = 0) {
    const zoom = Math.min(Math.max(this.zoom * factor, LEAST), MOST);
    const shift = 1 / this.zoom - 1 / zoom;
    this.move({
      u: this.u + (dx * shift) / this.width,
      v: this.v + (dy * shift) / this.height,
      zoom,
    });
  }

  panBy(dx, dy) {
    this.move({
      u: this.u - dx / (this.zoom * this.width),
      v: this.v - dy / (this.zoom * this.height),
    });
  }
}

export class PixelView {
  /**
   * @param {Camera} camera
   * @param {object} on `point({x, y} | null)`: the pixel under the pointer, in the picture's own.
   */
  constructor(camera, on) {
    this.camera = camera;
    this.on = on;
    this.picture = null; // {bitmap, width, height, channels, bits}
    this.values = null; // PixelValues
    this.drag = null;
    this.image = make("canvas", { class: "iv-image" });
    this.lines = make("canvas", { class: "iv-lines" });
    this.label = make("span", { class: "iv-label" });
    this.note = make("p", { class: "iv-note", hidden: true });
    this.element = make("div", { class: "iv-view" }, this.image, this.lines, this.label, this.note);
    this.redraw = this.redraw.bind(this);
    camera.listeners.add(this.redraw);
    this.sizes = new ResizeObserver(() => this.onResize());
    this.sizes.observe(this.element);
    this.listen();
  }

  destroy() {
    this.camera.listeners.delete(this.redraw);
    this.sizes.disconnect();
    cancelAnimationFrame(this.waiting);
    this.element.remove();
  }

  listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.onDown(event));
    element.addEventListener("pointermove", (event) => this.onMove(event));
    element.addEventListener("pointerup", () => this.onUp());
    element.addEventListener("pointercancel", () => this.onUp());
    element.addEventListener("pointerleave", () => this.on.point(null));
    element.addEventListener("dblclick", () => this.fit());
  }

  get box() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  fit() {
    const { width, height } = this.box;
    if (width && height) this.camera.fit(width, height);
  }

  onResize() {
    if (this.camera.isFitted) this.fit();
    this.redraw();
  }

  /** Show a picture; its size on the screen is that of the camera's picture, whatever its own. */
  show(picture, values = null) {
    this.note.hidden = true;
    this.picture = picture;
    this.values = values;
    this.redraw();
  }

  /** Say why there is nothing to be seen. */
  say(text) {
    this.picture = null;
    this.note.textContent = text;
    this.note.hidden = false;
    this.redraw();
  }

  onWheel(event) {
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const by = Math.max(-200, Math.min(200, event.deltaY * lines));
    const dx = event.clientX - box.x - box.width / 2;
    const dy = event.clientY - box.y - box.height / 2;
    this.camera.zoomBy(Math.exp(-by * (event.ctrlKey ? 0.01 : 0.002)), dx, dy);
    this.onMove(event);
  }

  onDown(event) {
    if (event.button !== 0 || event.target.closest("button, input")) return;
    this.element.setPointerCapture(event.pointerId);
    this.element.classList.add("is-dragged");
    this.drag = [event.clientX, event.clientY];
  }

  onMove(event) {
    if (this.drag) {
      const [x, y] = this.drag;
      this.drag = [event.clientX, event.clientY];
      this.camera.panBy(event.clientX - x, event.clientY - y);
    }
    this.on.point(this.pixelAt(event));
  }

  onUp() {
    this.drag = null;
    this.element.classList.remove("is-dragged");
  }

  /** Return where the pointer is in parts of the picture, null when beside it. */
  pixelAt({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    const { left, top, width, height } = this.place();
    const u = (clientX - box.x - left) / width;
    const v = (clientY - box.y - top) / height;
    return u >= 0 && u < 1 && v >= 0 && v < 1 ? { u, v } : null;
  }

  /** Where the picture lies in the box, in screen pixels. */
  place() {
    const { u, v, zoom, width, height } = this.camera;
    const box = this.box;
    // Whole pixels keep an unscaled picture sharp.
    const left = Math.round(box.width / 2 - u * width * zoom);
    const top = Math.round(box.height / 2 - v * height * zoom);
    return { left, top, width: width * zoom, height: height * zoom };
  }

  redraw() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    const { width, height } = this.box;
    if (!width || !height) return;
    const ratio = devicePixelRatio;
    const [image, lines] = [this.image, this.lines].map((canvas) => {
      const size = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== size[0]) canvas.width = size[0];
      if (canvas.height !== size[1]) canvas.height = size[1];
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      return context;
    });
    if (!this.picture) return;
    const place = this.place();
    this.backdrop(image, place);
    const { bitmap } = this.picture;
    const scale = place.width / this.picture.width;
    image.imageSmoothingEnabled = scale < 1;
    image.imageSmoothingQuality = "medium";
    image.drawImage(bitmap, place.left, place.top, place.width, place.height);
    if (scale >= GRID_FROM) this.grid(lines, place, scale);
    if (scale >= VALUES_FROM && this.values) this.write(lines, place, scale);
  }

  /** Draw squares behind what is transparent. */
  backdrop(context, place) {
    const { channels } = this.picture;
    if (channels !== 2 && channels !== 4) return;
    const { width, height } = this.box;
    const left = Math.max(place.left, 0);
    const top = Math.max(place.top, 0);
    const right = Math.min(place.left + place.width, width);
    const bottom = Math.min(place.top + place.height, height);
    const side = 8;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.fillStyle = "#ffffff";
    context.fillRect(left, top, right - left, bottom - top);
    context.fillStyle = "#d5d8dd";
    for (let y = Math.floor(top / side); y * side < bottom; y++) {
      for (let x = Math.floor(left / side) + ((y + Math.floor(left / side)) % 2); x * side < right; x += 2) {
        context.fillRect(x * side, y * side, side, side);
      }
    }
    context.restore();
  }

  /** The pixels of the picture that are on screen. */
  seen(place, scale) {
    const { width, height } = this.box;
    return {
      x0: Math.max(0, Math.floor(-place.left / scale)),
      y0: Math.max(0, Math.floor(-place.top / scale)),
      x1: Math.min(this.picture.width, Math.ceil((width - place.left) / scale)),
      y1: Math.min(this.picture.height, Math.ceil((height - place.top) / scale)),
    };
  }

  grid(context, place, scale) {
    const { x0, y0, x1, y1 } = this.seen(place, scale);
    context.strokeStyle = "rgb(128 128 128 / 45%)";
    context.lineWidth = 1;
    context.beginPath();
    for (let x = x0; x <= x1; x++) {
      const at = Math.round(place.left + x * scale) + 0.5;
      context.moveTo(at, place.top + y0 * scale);
      context.lineTo(at, place.top + y1 * scale);
    }
    for (let y = y0; y <= y1; y++) {
      const at = Math.round(place.top + y * scale) + 0.5;
      context.moveTo(place.left + x0 * scale, at);
      context.lineTo(place.left + x1 * scale, at);
    }
    context.stroke();
  }

  write(context, place, scale) {
    const { x0, y0, x1, y1 } = this.seen(place, scale);
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const values = this.values.at(x, y);
        if (!values) continue;
        const size = Math.min(14, (0.8 * scale) / Math.max(values.length, 2));
        context.font = `${size}px ui-monospace, Menlo, Consolas, monospace`;
        context.fillStyle = inkOn(values, this.picture.bits);
        const centre = place.left + (x + 0.5) * scale;
        const middle = place.top + (y + 0.5) * scale - ((values.length - 1) * size * 1.1) / 2;
        values.forEach((value, i) => {
          context.fillText(String(value), centre, middle + i * size * 1.1, scale - 4);
        });
      }
    }
  }
}

/** Black or white, whichever can be read on this pixel. */
function inkOn(values, bits) {
  const top = bits === 16 ? 65535 : 255;
  const [r, g, b] = values.length < 3 ? [values[0], values[0], values[0]] : values;
  const alpha = values.length === 2 || values.length === 4 ? values.at(-1) / top : 1;
  const light = ((0.3 * r + 0.59 * g + 0.11 * b) / top) * alpha + (1 - alpha);
  return light > 0.5 ? "#000000" : "#ffffff";
}
