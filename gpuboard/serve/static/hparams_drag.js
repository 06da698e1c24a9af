/** Tell a drag from a click, wherever the pointer goes meanwhile. */

const LEAST_PX = 5;

/**
 * Follow a pointer that has just been pressed: `move(x)` once it has gone some pixels and at every
 * move after that, `end(x)` when it is let go, with null where the drag was broken off. Without such
 * a move neither is called.
 */
export function followDrag(pressed, { move, end }) {
  const from = pressed.clientX;
  let isDrag = false;
  const onMove = (event) => {
    isDrag ||= Math.abs(event.clientX - from) >= LEAST_PX;
    if (isDrag) move(event.clientX);
  };
  const onEnd = (event) => {
    document.removeEventListener("pointermove", onMove);
    document.removeEventListener("pointerup", onEnd);
    document.removeEventListener("pointercancel", onEnd);
    if (isDrag) end(event.type === "pointerup" ? event.clientX : null);
  };
  document.addEventListener("pointermove", onMove);
  document.addEventListener("pointerup", onEnd);
  document.addEventListener("pointercancel", onEnd);
}
