/** Paint thousands of trials without holding the page up: a slice of them in each frame. */

const BATCH = 32; // lines or dots that are drawn between two looks at the frame
const LONG_MS = 34; // a frame that took longer had too much in it
const SHORT_MS = 21;
const MOST = 400; // batches a frame

let quota = 12; // batches a frame: what this machine can paint, found out while painting

/** Runs one painting at a time; a new one ends the one before. */
export class Slices {
  constructor() {
    this.frame = 0;
  }

  /**
   * Run a generator, a few steps of it in each frame.
   *
   * What a canvas is told is painted later, so no clock can say how long a step takes: the time
   * from one frame to the next does, and decides how many steps the next one gets.
   */
  start(steps) {
    this.stop();
    let last = 0;
    const go = (now) => {
      if (last > 0 && now - last > LONG_MS) quota = Math.max(Math.floor(quota / 2), 3);
      else if (last > 0 && now - last < SHORT_MS) quota = Math.min(Math.ceil(quota * 1.5), MOST);
      last = now;
      this.frame = 0;
      for (let i = 0; i < quota; i++) if (steps.next().done) return;
      this.frame = requestAnimationFrame(go);
    };
    go(0);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}

/** Rows in batches of one colour: `{colour, rows}`, so that few strokes are needed. */
export function batches(rows, colouring) {
  const byColour = colouring.colours.map(() => []);
  for (const row of rows) byColour[colouring.indexOf(row)].push(row);
  return byColour.flatMap((members, i) => {
    const cut = [];
    for (let from = 0; from < members.length; from += BATCH) {
      cut.push({ colour: colouring.colours[i], rows: members.slice(from, from + BATCH) });
    }
    return cut;
  });
}

/** Mix batches of all colours, so that no colour lies over all others. */
export function mixed(list) {
  // a fixed stride that visits every place once: the picture must not change from draw to draw
  const n = list.length;
  let stride = Math.max(1, Math.round(n * 0.618));
  while (n > 1 && gcd(stride, n) !== 1) stride += 1;
  return Array.from({ length: n }, (_, i) => list[(i * stride) % n]);
}

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** How opaque one of `count` marks is drawn, so that many still show where they are dense. */
export const opacity = (count, least, most) =>
  Math.max(least, Math.min(most, most * Math.sqrt(120 / Math.max(count, 1))));

/** Write labels under an axis, inside of it, and leave out those that would touch. */
export function labelsAcross(context, ticks, { left, right, y, most = 64 }) {
  let free = -Infinity;
  for (const { at, label } of ticks) {
    const text = cutText(context, label, most);
    const half = context.measureText(text).width / 2;
    const x = Math.min(Math.max(at, left + half), right - half);
    if (x - half < free) continue;
    context.fillText(text, x, y);
    free = x + half + 6;
  }
}

/** Cut a text so that it is at most so many pixels wide. */
export function cutText(context, text, most) {
  if (context.measureText(text).width <= most) return text;
  let length = text.length - 1;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > most) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** A canvas of a size in CSS pixels, sharp on every screen; returns its context. */
export function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Lines so thin that they are drawn as hairlines, which is many times faster. */
export const hairline = () => 1 / (window.devicePixelRatio || 1);
