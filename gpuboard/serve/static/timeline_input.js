/** What pointer and keys do on the timeline. */

import { FOLDED, FULL, LANE, lineAt } from "./timeline_rows.js";

const CLICK_PX = 4;
const WHEEL = 0.0016;
const KEY_ZOOM = 0.8;
const KEY_PAN = 0.12; // of the window
const CARET_X = 22;
const PIN_X = 28; // from the right of the gutter

/** Listen on a view's canvas; returns a function that ends it. */
export function listen(view) {
  const { canvas } = view;
  const stop = new AbortController();
  const on = (name, fn, options = {}) => canvas.addEventListener(name, fn, { ...options, signal: stop.signal });
  let drag = null;

  on("wheel", (event) => {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? view.element.clientHeight : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) view.pan(dx || dy);
    else if (event.offsetX < view.left) view.scrollBy(dy);
    else view.zoom(Math.exp(Math.max(-400, Math.min(400, dy)) * WHEEL), event.offsetX);
    hover(view, event);
  }, { passive: false });

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.focus({ preventScroll: true });
    const { offsetX: x, offsetY: y } = event;
    const isArea = event.shiftKey && x >= view.left;
    drag = { x, y, lastX: x, lastY: y, isArea, moved: false, time: view.timeAt(x), isRuler: y < view.top };
    canvas.setPointerCapture(event.pointerId);
  });

  on("pointermove", (event) => {
    if (!drag) return hover(view, event);
    const { offsetX: x, offsetY: y } = event;
    drag.moved ||= Math.abs(x - drag.x) + Math.abs(y - drag.y) > CLICK_PX;
    if (!drag.moved) return undefined;
    view.dragging = true;
    view.hover = null;
    view.on.hover(null);
    if (drag.isArea || drag.isRuler) dragArea(view, drag, x, y);
    else {
      canvas.classList.add("is-dragged");
      if (x !== drag.lastX && drag.x >= view.left) view.pan(drag.lastX - x);
      if (y !== drag.lastY) view.scrollBy(drag.lastY - y);
    }
    drag.lastX = x;
    drag.lastY = y;
    return undefined;
  });

  on("pointerup", (event) => {
    const done = drag;
    drag = null;
    view.dragging = false;
    canvas.classList.remove("is-dragged");
    if (!done) return;
    if (done.moved) {
      if (done.isArea || done.isRuler) view.on.area(view.area);
      return;
    }
    click(view, event);
  });

  on("pointercancel", () => {
    drag = null;
    view.dragging = false;
  });
  on("pointerleave", () => {
    view.hover = null;
    view.hoverRow = "";
    view.cursor = undefined;
    view.on.hover(null);
    view.draw();
  });
  on("dblclick", (event) => {
    const mark = view.markAt(event.offsetX, event.offsetY);
    if (mark) view.on.open(mark);
  });
  on("keydown", (event) => key(view, event));
  return () => stop.abort();
}

function hover(view, event) {
  const { offsetX: x, offsetY: y } = event;
  const mark = view.markAt(x, y);
  const place = view.rowAt(y);
  view.hoverRow = place?.row.key ?? "";
  view.cursor = x >= view.left ? x : undefined;
  view.hover = mark;
  const isOverGutter = x < view.left && place && (place.row.type !== "series" || false);
  view.canvas.style.cursor = mark || isOverGutter ? "pointer" : "";
  view.on.hover(mark, { x, y, place });
  view.draw();
}

function dragArea(view, drag, x, y) {
  const [a, b] = [drag.time, view.timeAt(Math.max(x, view.left))].sort((one, other) => one - other);
  const all = drag.isRuler;
  const [low, high] = all ? [view.top, view.element.clientHeight] : [drag.y, y].sort((one, other) => one - other);
  const lanes = view.models.map(() => []);
  for (const { row, y: top } of all ? view.placements(1e9) : view.placements()) {
    if (row.type !== "track") continue;
    for (let k = 0; k < (all ? row.total : row.lanes); k++) {
      const at = top + k * LANE;
      if (all || (at + LANE > low && at < high)) lanes[row.model].push(row.firstLane + k);
    }
  }
  for (const list of lanes) list.sort((one, other) => one - other);
  view.area = { t0: Math.floor(a), t1: Math.max(Math.ceil(b), Math.floor(a) + 1), y0: low, y1: high, lanes };
  view.draw();
}

function click(view, event) {
  const { offsetX: x, offsetY: y } = event;
  const place = view.rowAt(y);
  if (x < view.left && place) return clickName(view, place, x, y);
  const mark = view.markAt(x, y);
  if (view.area && !mark) view.on.area(null);
  view.on.select(mark);
  return undefined;
}

function clickName(view, { row, y: top }, x, y) {
  if (row.type === "trace" || row.type === "group") {
    view.on.fold(row.key, row.folded ? undefined : FOLDED);
    return;
  }
  if (row.type !== "track") return;
  const isFirst = lineAt(row, y - top) === 0;
  if (isFirst && x > view.left - PIN_X) view.on.pin(row.key);
  else if (row.total > row.lanes && !row.folded && y > top + row.height - LANE - 3) view.on.fold(row.key, FULL);
  else if (row.total > 1 && (x < CARET_X || isFirst)) view.on.fold(row.key, row.folded ? undefined : FOLDED);
}

function key(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const wide = view.t1 - view.t0;
  const move = (part) => view.show(view.t0 + part * wide, view.t1 + part * wide);
  const at = view.cursor;
  const acts = {
    w: () => view.zoom(KEY_ZOOM, at),
    s: () => view.zoom(1 / KEY_ZOOM, at),
    "+": () => view.zoom(KEY_ZOOM),
    "=": () => view.zoom(KEY_ZOOM),
    "-": () => view.zoom(1 / KEY_ZOOM),
    a: () => move(-KEY_PAN),
    d: () => move(KEY_PAN),
    f: () => view.on.fit(),
    0: () => view.fit(),
    PageDown: () => view.scrollBy(view.element.clientHeight * 0.7),
    PageUp: () => view.scrollBy(-view.element.clientHeight * 0.7),
  };
  const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act) act();
  else if (!view.on.key(event)) return;
  event.preventDefault();
}
