/** Turn pointer, wheel and keys over a chart into hover, zoom, pan, pick and reset. */

const STILL_PIXELS = 4;

export class ChartInput {
  constructor(chart) {
    this.chart = chart;
    this.drag = null;
    this.pending = 0;
    this.box = chart.host.appendChild(document.createElement("div"));
    this.box.className = "gb-zoombox";
    this.box.hidden = true;
    this.stop = new AbortController();
    const listen = (name, fn, more = {}) =>
      chart.host.addEventListener(name, fn.bind(this), { signal: this.stop.signal, ...more });
    listen("pointermove", this.onMove);
    listen("pointerleave", this.onLeave);
    listen("pointerdown", this.onDown);
    listen("pointerup", this.onUp);
    listen("pointercancel", this.cancel);
    listen("dblclick", this.onDouble);
    listen("wheel", this.onWheel, { passive: false });
  }

  destroy() {
    this.stop.abort();
    cancelAnimationFrame(this.pending);
  }

  place(event) {
    const box = this.chart.host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  onMove(event) {
    const [px, py] = this.place(event);
    if (this.drag) return this.onDrag(px, py);
    if (this.chart.fobs.isDragging) return undefined;
    // The pointer may report 1,000 times a second; one answer a frame is what can be seen.
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(() => this.hover(px, py, event));
    return undefined;
  }

  hover(px, py, event) {
    const box = this.chart.scene?.box;
    if (!box) return;
    const inside =
      px >= box.left - 2 && px <= box.right + 2 && py >= box.top && py <= box.bottom + 2;
    this.chart.host.classList.toggle("gb-in-gutter", px < box.left);
    if (inside) this.chart.hover(px, py, event);
    else this.chart.leave();
  }

  onLeave() {
    cancelAnimationFrame(this.pending);
    if (!this.drag) this.chart.leave();
  }

  onDown(event) {
    const { scene, host } = this.chart;
    if (!scene || event.button > 1 || event.target.closest?.(".gb-fob")) return;
    const [px, py] = this.place(event);
    const pan = event.altKey || event.button === 1;
    const mode = pan ? "pan" : event.shiftKey || px < scene.box.left ? "y" : "x";
    this.drag = {
      px,
      py,
      mode,
      moved: false,
      x: [scene.sx.lo, scene.sx.hi],
      y: [scene.sy.lo, scene.sy.hi],
      scene,
    };
    host.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault();
  }

  onDrag(px, py) {
    const { drag, chart } = this;
    if (!drag.moved && Math.hypot(px - drag.px, py - drag.py) < STILL_PIXELS) return;
    if (!drag.moved) chart.leave();
    drag.moved = true;
    if (drag.mode === "pan") this.pan(px, py);
    else this.showBox(px, py);
  }

  pan(px, py) {
    const { scene, px: fromX, py: fromY } = this.drag;
    const { box, sx, sy } = scene;
    this.chart.zoomX(sx.from(box.left - (px - fromX)), sx.from(box.right - (px - fromX)));
    this.chart.zoomY(sy.from(box.bottom - (py - fromY)), sy.from(box.top - (py - fromY)));
  }

  showBox(px, py) {
    const { drag } = this;
    const { box } = drag.scene;
    const [a, b] = ends(drag.px, px, box.left, box.right);
    const [c, d] = ends(drag.py, py, box.top, box.bottom);
    const across = drag.mode === "x";
    Object.assign(this.box.style, {
      left: `${across ? a : box.left}px`,
      width: `${across ? b - a : box.right - box.left}px`,
      top: `${across ? box.top : c}px`,
      height: `${across ? box.bottom - box.top : d - c}px`,
    });
    this.box.hidden = false;
  }

  onUp(event) {
    const { drag, chart } = this;
    if (!drag) return;
    const [px, py] = this.place(event);
    this.cancel();
    if (!drag.moved) {
      if (event.button === 0) chart.click(px, py, event);
      return;
    }
    const { sx, sy, box } = drag.scene;
    const [a, b] = ends(drag.px, px, box.left, box.right);
    const [c, d] = ends(drag.py, py, box.top, box.bottom);
    if (drag.mode === "x" && b - a > STILL_PIXELS) chart.zoomX(sx.from(a), sx.from(b));
    if (drag.mode === "y" && d - c > STILL_PIXELS) chart.zoomY(sy.from(c), sy.from(d));
  }

  cancel() {
    this.drag = null;
    this.box.hidden = true;
  }

  onDouble(event) {
    if (!event.target.closest?.(".gb-fob")) this.chart.reset();
  }

  onWheel(event) {
    const { chart } = this;
    const wanted = event.altKey || event.ctrlKey || event.metaKey || chart.spec.wheelZooms;
    if (!wanted || !chart.scene) return;
    event.preventDefault();
    const { sx, sy, box } = chart.scales();
    const [px, py] = this.place(event);
    const turn = event.deltaY || event.deltaX;
    const factor = 1.0018 ** Math.max(-400, Math.min(400, turn * (event.deltaMode === 1 ? 30 : 1)));
    if (event.shiftKey || px < box.left) {
      chart.zoomY(...around(sy, py, box.bottom, box.top, factor));
    } else {
      const [lo, hi] = chart.fullX();
      const [x0, x1] = around(sx, px, box.left, box.right, factor);
      chart.zoomX(Math.max(lo, x0), Math.min(hi, x1));
    }
  }
}

/** The range that keeps the value under `p` where it is and grows by `factor`. */
function around(scale, p, from, to, factor) {
  return [scale.from(p + (from - p) * factor), scale.from(p + (to - p) * factor)];
}

function ends(a, b, lo, hi) {
  const clamp = (v) => Math.min(hi, Math.max(lo, v));
  return [clamp(Math.min(a, b)), clamp(Math.max(a, b))];
}
