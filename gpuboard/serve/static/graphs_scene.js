/** Hold one picture of a graph as columns, and answer what lies where and what is tied to what. */

const DASH = "–";

/** A picture as `POST api/v1/graph/layout` sends it; box 0 is the whole and not drawn. */
export class Scene {
  constructor(reply) {
    Object.assign(this, {
      graph: reply.graph,
      source: reply.source,
      open: reply.open,
      width: reply.width,
      height: reply.height,
      devices: reply.devices,
      clusters: reply.clusters,
      has: reply.has,
      totals: reply.totals,
      notes: reply.notes,
      traced: reply.traced,
      boxes: reply.boxes,
      pairs: reply.pairs,
    });
    const { boxes, lines } = reply;
    this.count = boxes.key.length;
    for (const name of ["x", "y", "width", "height"]) boxes[name] = Float64Array.from(boxes[name]);
    this.index = new Map(boxes.key.map((key, i) => [key, i]));
    this.lines = { ...lines, points: Float64Array.from(lines.points), count: lines.tail.length };
    this.bounds = boundsOf(this.lines);
    this.findEnds();
  }

  /**
   * Find where lines go on: those that end in the border of an open box, and from which place on
   * the header of such a box is crossed by them.
   */
  findEnds() {
    const { lines, boxes } = this;
    const { points, start, tail, head, count } = lines;
    const entered = new Set();
    this.entryX = new Float64Array(this.count).fill(Infinity);
    for (let k = 0; k < count; k++) {
      if (boxes.parent[head[k]] !== tail[k] || !boxes.open[tail[k]]) continue;
      const x = points[2 * start[k]];
      entered.add(`${tail[k]} ${x}`);
      this.entryX[tail[k]] = Math.min(this.entryX[tail[k]], x);
    }
    const reached = new Set(); // places in borders of open boxes that a line comes to
    this.goesOn = new Uint8Array(count);
    for (let k = 0; k < count; k++) {
      const leaves = head[k] === boxes.parent[tail[k]] && boxes.open[head[k]];
      const x = points[2 * start[k + 1] - 2];
      if (leaves || entered.has(`${head[k]} ${x}`)) this.goesOn[k] = 1;
      if (!leaves && boxes.open[head[k]]) reached.add(`${head[k]} ${x}`);
    }
    this.fromAfar = new Uint8Array(count);
    for (let k = 0; k < count; k++) {
      const enters = boxes.parent[head[k]] === tail[k] && boxes.open[tail[k]];
      if (enters && !reached.has(`${tail[k]} ${points[2 * start[k]]}`)) this.fromAfar[k] = 1;
    }
  }

  /** Return the innermost box at a place, -1 for none. */
  at(px, py) {
    const { x, y, width, height } = this.boxes;
    for (let i = this.count - 1; i > 0; i--) {
      if (px >= x[i] && px <= x[i] + width[i] && py >= y[i] && py <= y[i] + height[i]) return i;
    }
    return -1;
  }

  /** Return 1 for each box that is `box` or lies in it. */
  inside(box) {
    const flags = new Uint8Array(this.count);
    flags[box] = 1;
    const { parent } = this.boxes;
    for (let i = box + 1; i < this.count; i++) if (flags[parent[i]]) flags[i] = 1;
    return flags;
  }

  /**
   * Return what is tied to a box from outside it.
   *
   * @returns {{inputs: Set<number>, outputs: Set<number>, linesIn: Set<number>,
   *   linesOut: Set<number>, hidden: Array<[number, number, boolean]>}} boxes, lines, and pairs
   *   (tail, head, is an input) that have no line.
   */
  ties(box) {
    const { source, target, start, line } = this.pairs;
    const found = { inputs: new Set(), outputs: new Set() };
    Object.assign(found, { linesIn: new Set(), linesOut: new Set(), hidden: [] });
    if (box <= 0) return found;
    const inside = this.inside(box);
    for (let p = 0; p < source.length; p++) {
      const leaves = inside[source[p]];
      if (leaves === inside[target[p]]) continue;
      const lines = leaves ? found.linesOut : found.linesIn;
      if (leaves) found.outputs.add(target[p]);
      else found.inputs.add(source[p]);
      if (start[p] === start[p + 1]) found.hidden.push([source[p], target[p], !leaves]);
      for (let k = start[p]; k < start[p + 1]; k++) lines.add(line[k]);
    }
    return found;
  }

  /** Return whether a box can be opened and closed. */
  isExpandable(box) {
    return box > 0 && this.boxes.form[box] !== "node";
  }

  /** Return the box that shows a key, or the closed one around it; -1 for none. */
  find(key) {
    for (let path = key; path; path = path.slice(0, Math.max(path.lastIndexOf("/"), 0))) {
      const box = this.index.get(path);
      if (box !== undefined) return box;
    }
    return -1;
  }

  /** Return the middle of a box. */
  middle(box) {
    const { x, y, width, height } = this.boxes;
    return [x[box] + width[box] / 2, y[box] + height[box] / 2];
  }
}

function boundsOf({ points, start, count }) {
  const bounds = new Float64Array(4 * count);
  for (let k = 0; k < count; k++) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = start[k]; p < start[k + 1]; p++) {
      left = Math.min(left, points[2 * p]);
      right = Math.max(right, points[2 * p]);
      top = Math.min(top, points[2 * p + 1]);
      bottom = Math.max(bottom, points[2 * p + 1]);
    }
    bounds.set([left, top, right, bottom], 4 * k);
  }
  return bounds;
}

/** Write a time in microseconds: 0.8 µs, 34 ms, 1.2 s. */
export function timeText(us) {
  if (us === null || !Number.isFinite(us)) return DASH;
  if (us < 1000) return `${Number(us.toPrecision(3))} µs`;
  if (us < 1e6) return `${Number((us / 1e3).toPrecision(3))} ms`;
  return `${Number((us / 1e6).toPrecision(3))} s`;
}

/** Write a large count in short: 950, 12.3k, 1.2M. */
export function short(value) {
  if (value === null || !Number.isFinite(value)) return DASH;
  for (const [unit, size] of [
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ]) {
    if (value >= 0.9995 * size) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return String(Math.round(value));
}
