/** Measure texts, and cut those that are wider than their room. */

import { visible } from "./dom.js";

const MOST_KEPT = 20_000;
const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

/** Return how wide a text is, in pixels of the picture. */
export function widthOf(text, weight, size, { font }) {
  const key = `${weight} ${size} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > MOST_KEPT) widths.clear();
    ruler.font = `${weight} ${size}px ${font}`;
    width = ruler.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/** Cut the middle out of a text that is wider than its room: names differ at their ends. */
export function fitted(raw, room, weight, size, theme) {
  const text = visible(raw);
  if (widthOf(text, weight, size, theme) <= room) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const half = Math.ceil((low + high) / 2);
    if (widthOf(cut(text, half), weight, size, theme) <= room) low = half;
    else high = half - 1;
  }
  return low > 0 ? cut(text, low) : "";
}

function cut(text, letters) {
  const head = Math.ceil(letters * 0.55);
  return `${text.slice(0, head)}…${text.slice(text.length - (letters - head))}`;
}
