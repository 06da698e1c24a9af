/** Turn the brush of an axis into pixels and back; pure functions, no DOM. */

/** Where an axis begins; its lower end and the lane below it come with `room`. */
export const TOP = 58;

const END = 6; // pixels at the ends of a brush that resize it
const WORD = 7; // pixels that the brush of a word reaches beyond it

/**
 * Return where a brush lies, as [pixel, pixel]: one for the values, one for the lane.
 *
 * @param {{column, scale}} axis
 * @param {object | undefined} spec What the brush asks, as `passes` takes it.
 * @param {{low: number, lane: number}} room Pixels of the axis' lower end and of its lane.
 */
export function spansOf(axis, spec, { low, lane }) {
  if (!spec) return [];
  const spans = [];
  if (!spec.none) spans.push(valueSpan(axis, spec, low));
  if (spec.missing) spans.push([lane - 7, lane + 7]);
  return spans.filter(Boolean);
}

function valueSpan({ column, scale }, spec, bottom) {
  if (column.kind === "words") {
    const places = column.words.map((word, i) => (spec.words?.includes(word) ? scale.to(i) : NaN));
    const known = places.filter((place) => !Number.isNaN(place));
    return known.length ? [Math.max(...known) + WORD, Math.min(...known) - WORD] : null;
  }
  const bound = (v, standing) => {
    const place = scale.to(Math.min(Math.max(v, column.low), column.high));
    return Number.isNaN(place) ? standing : place;
  };
  const low = bound(spec.low ?? column.low, bottom);
  const high = bound(spec.high ?? column.high, TOP);
  return scale.kind === "single" ? [low + 8, high - 8] : [low, high];
}

/** Say what a press at y does to a brush: move it, pull an end, or start a new one. */
export function gripAt(spans, y) {
  for (const span of spans) {
    const [from, to] = span;
    const [top, bottom] = from < to ? [from, to] : [to, from];
    if (y < top - END || y > bottom + END) continue;
    if (Math.abs(y - top) <= END) return { kind: "end", fixed: bottom };
    if (Math.abs(y - bottom) <= END) return { kind: "end", fixed: top };
    return { kind: "move", top, bottom };
  }
  return { kind: "new" };
}

/** Return what a brush between two pixels asks of its column. */
export function specOf({ column, scale, hasLane }, [a, b], { low, lane }) {
  const [top, bottom] = [Math.min(a, b), Math.max(a, b)];
  const missing = hasLane && bottom >= lane - 4;
  if (top > low + 4) return { none: true, missing: true };
  if (column.kind === "words") {
    const words = column.words.filter((_, i) => {
      const place = scale.to(i);
      return place >= top - 1 && place <= bottom + 1;
    });
    return words.length ? { words, missing } : { none: true, missing };
  }
  if (scale.kind === "single") {
    const isIn = top <= scale.to(column.low) && scale.to(column.low) <= bottom;
    return isIn ? { low: column.low, high: column.high, missing } : { none: true, missing };
  }
  // an end of the axis leaves that side open: no rounding may cut the last value off
  return {
    low: bottom >= low - 1 ? null : rounded(scale.from(bottom)),
    high: top <= TOP + 1 ? null : rounded(scale.from(top)),
    missing,
  };
}

/** Six digits are finer than any pixel, and keep addresses short. */
export const rounded = (value) => Number(value.toPrecision(6));
