/** Cut a curves reply into lines and answer questions about them: pure functions, no DOM. */

/** Split a curves reply into its header and columns, which are views, not copies. */
export function decodeCurves(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const total = (buffer.byteLength - 4 - length) / 16;
  if (!Number.isInteger(total)) {
    throw new Error(`A curves reply of ${buffer.byteLength} bytes does not hold whole columns.`);
  }
  const x = new Float64Array(buffer, 4 + length, total);
  const y = new Float64Array(buffer, 4 + length + 8 * total, total);
  return { header, x, y };
}

/** Cut the columns of a reply into its lines; x and y stay views on the buffer. */
export function linesOf({ header, x, y }) {
  let at = 0;
  const tagOf = (list, k) => (list ? { tag: list[k] } : {});
  const lines = header.lines.map((line, k) => {
    const cut = { ...line, x: x.subarray(at, at + line.n), y: y.subarray(at, at + line.n) };
    Object.assign(cut, tagOf(header.line_tag, k));
    at += line.n;
    return { ...cut, sorted: isSorted(cut.x) };
  });
  return {
    version: header.version,
    lines,
    xExtent: header.x_extent,
    markers: (header.markers ?? []).map((one, k) => {
      const marker = { ...one, ...tagOf(header.marker_tag, k) };
      return { ...marker, key: keyOf(marker) };
    }),
    markersTotal: header.markers_total ?? 0,
    tags: header.tags ?? [],
    tagsTotal: header.tags_total ?? 0,
    tagPattern: header.tag_pattern ?? [],
    problems: header.problems ?? [],
  };
}

/** Name the series of a line: its run or group, and its tag in a chart of several tags. */
export function keyOf({ run, group, tag }) {
  const key = group === null || group === undefined ? run : `g:${group}`;
  return tag === undefined ? key : `${tag}:${key}`;
}

function isSorted(x) {
  for (let i = 1; i < x.length; i++) if (x[i] < x[i - 1]) return false;
  return true;
}

/**
 * Gather the lines of each run (or group of runs) into one series:
 * `{key, run, group, name, colour, line, raw, low, high, overwritten}`.
 */
export function toSeries(curves, { nameOf, colourOf }) {
  const byKey = new Map();
  for (const line of curves.lines) {
    const key = keyOf(line);
    let one = byKey.get(key);
    if (!one) {
      const name = line.group ?? nameOf(line.run);
      one = { key, run: line.run ?? null, group: line.group ?? null, name, colour: colourOf(line) };
      if (line.tag !== undefined) one.tagIndex = line.tag;
      byKey.set(key, one);
    }
    one[line.role] = line;
  }
  return [...byKey.values()];
}

/** First index with x >= at, in a sorted array. */
export function lowerBound(x, at) {
  let lo = 0,
    hi = x.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (x[mid] < at) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Index of the point with finite y nearest to `at` in x, -1 where there is none. */
export function nearestIndex(line, at) {
  return line.sorted ? nearestSorted(line, at) : nearestAny(line, at);
}

function nearestSorted({ x, y }, at) {
  const split = lowerBound(x, at);
  let right = split,
    left = split - 1;
  while (right < x.length && !Number.isFinite(y[right])) right++;
  while (left >= 0 && !Number.isFinite(y[left])) left--;
  if (left < 0) return right < x.length ? right : -1;
  if (right >= x.length) return left;
  return at - x[left] < x[right] - at ? left : right;
}

function nearestAny({ x, y }, at) {
  let best = -1,
    distance = Infinity;
  for (let i = 0; i < x.length; i++) {
    const d = Math.abs(x[i] - at);
    if (d < distance && Number.isFinite(y[i])) [best, distance] = [i, d];
  }
  return best;
}

/** Distance in pixels from (px, py) to the drawn line near px; `to` maps data to pixels. */
export function pixelDistance(line, px, py, at, to) {
  const i = nearestIndex(line, at);
  if (i < 0) return Infinity;
  const here = [to.x(line.x[i]), to.y(line.y[i])];
  let best = Math.hypot(here[0] - px, here[1] - py);
  for (const j of [i - 1, i + 1]) {
    if (j < 0 || j >= line.x.length || !Number.isFinite(line.y[j])) continue;
    best = Math.min(best, toSegment(px, py, here, [to.x(line.x[j]), to.y(line.y[j])]));
  }
  return best;
}

function toSegment(px, py, a, b) {
  const dx = b[0] - a[0],
    dy = b[1] - a[1];
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((px - a[0]) * dx + (py - a[1]) * dy) / length)) : 0;
  return Math.hypot(a[0] + t * dx - px, a[1] + t * dy - py);
}

/** Lowest and highest x over all series, `null` where there is no point. */
export function xExtent(series, positive = false) {
  let lo = Infinity,
    hi = -Infinity;
  for (const one of series) {
    for (const line of [one.line, one.raw, one.overwritten]) {
      if (!line) continue;
      for (let i = 0; i < line.x.length; i++) {
        const v = line.x[i];
        if (positive && !(v > 0)) continue;
        if (v < lo) lo = v;
        if (v > hi) hi = v;
        // The rest of a sorted line lies between its ends.
        if (line.sorted && i < line.x.length - 1) i = line.x.length - 2;
      }
    }
  }
  return lo <= hi ? [lo, hi] : null;
}

function gather(lines, view, positive) {
  const total = lines.reduce((sum, line) => sum + line.x.length, 0);
  // Percentiles of a few thousand of the points are as good as those of all for an axis range.
  const stride = Math.max(1, Math.floor(total / 20000));
  const sample = [];
  let lo = Infinity,
    hi = -Infinity,
    k = 0;
  for (const { x, y } of lines) {
    for (let i = 0; i < x.length; i++) {
      const v = y[i];
      if (!Number.isFinite(v) || (view && (x[i] < view[0] || x[i] > view[1]))) continue;
      if (positive && v <= 0) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
      if (k++ % stride === 0) sample.push(v);
    }
  }
  return { lo, hi, sample };
}

/**
 * Range of y for these series inside the x view, not padded; `null` where there is no point.
 * With outliers ignored an end goes no further than one 5-95 % spread beyond that spread, so
 * that ordinary ends of a curve stay in and a lone spike does not flatten the rest.
 */
export function yExtent(series, { view = null, ignoreOutliers = false, positive = false } = {}) {
  const lines = [];
  for (const one of series)
    for (const line of [one.line, one.low, one.high]) if (line) lines.push(line);
  const main = gather(lines, view, positive);
  if (!(main.lo <= main.hi)) return null;
  const raw = series.filter((one) => one.raw).map((one) => one.raw);
  let [lo, hi] = ignoreOutliers ? fence(main, positive) : [main.lo, main.hi];
  const noise = raw.length ? gather(raw, view, positive) : null;
  if (noise && noise.lo <= noise.hi) {
    const [a, b] = ignoreOutliers ? percentiles(noise.sample) : [noise.lo, noise.hi];
    lo = Math.min(lo, a);
    hi = Math.max(hi, b);
  }
  return [lo, hi];
}

function percentiles(sample) {
  const sorted = Float64Array.from(sample).sort();
  const at = (q) => sorted[Math.round(q * (sorted.length - 1))];
  return [at(0.05), at(0.95)];
}

function fence({ lo, hi, sample }, positive) {
  const [p5, p95] = percentiles(sample);
  if (!(p95 > p5)) return [lo, hi];
  if (positive) {
    const ratio = p95 / p5;
    return [Math.max(lo, p5 / ratio), Math.min(hi, p95 * ratio)];
  }
  return [Math.max(lo, p5 - (p95 - p5)), Math.min(hi, p95 + (p95 - p5))];
}

/** Widen a range by a twentieth each way; one value gets room around it. */
export function padded([lo, hi], log = false) {
  if (log && lo > 0) {
    const extra = hi > lo ? (hi / lo) ** 0.05 : 1.5;
    return [lo / extra, hi * extra];
  }
  const extra = hi > lo ? (hi - lo) * 0.05 : Math.abs(lo) * 0.05 || 1;
  return [lo - extra, hi + extra];
}
