/** The tree of a flame graph: who lies under whom, and where each node is drawn. */

/**
 * Arrange the nodes of a reply of `profile/flame`: children from the greatest to the least, each
 * beside the one before it.
 *
 * @param {object} columns `parent`, `total_ns`; parents come before their children.
 * @returns {{x0: Float64Array, x1: Float64Array, depth: Uint16Array, order: Uint32Array, deepest:
 *   number, total: number}} `x0` and `x1` in nanoseconds from the left; `order` by depth.
 */
export function arrange({ parent, total_ns: total }) {
  const n = parent.length;
  const depth = new Uint16Array(n);
  const children = Array.from({ length: n + 1 }, () => null);
  let deepest = -1;
  for (let k = 0; k < n; k++) {
    const above = parent[k];
    depth[k] = above < 0 ? 0 : depth[above] + 1;
    deepest = Math.max(deepest, depth[k]);
    (children[above + 1] ??= []).push(k);
  }
  const x0 = new Float64Array(n);
  const x1 = new Float64Array(n);
  let all = 0;
  for (let above = -1; above < n; above++) {
    const below = children[above + 1];
    if (!below) continue;
    below.sort((a, b) => total[b] - total[a]);
    let at = above < 0 ? 0 : x0[above];
    for (const k of below) {
      x0[k] = at;
      x1[k] = at += total[k];
    }
    if (above < 0) all = at;
  }
  const order = Uint32Array.from({ length: n }, (_, k) => k).sort((a, b) => depth[a] - depth[b] || x0[a] - x0[b]);
  return { x0, x1, depth, order, deepest, total: all };
}

/** Return a node and those above it, from the top down. */
export function pathTo(parent, node) {
  const path = [];
  for (let k = node; k >= 0; k = parent[k]) path.push(k);
  return path.reverse();
}

/** Return the time in nodes that match, each instant once: what lies under a match is part of it. */
export function matchedTime({ parent, total_ns: total }, isMatch) {
  const covered = new Uint8Array(parent.length);
  let sum = 0;
  for (let k = 0; k < parent.length; k++) {
    const above = parent[k] >= 0 && covered[parent[k]];
    if (isMatch[k] && !above) sum += total[k];
    covered[k] = above || isMatch[k] ? 1 : 0;
  }
  return sum;
}

/**
 * Return the node that an arrow key leads to from another: the widest call below it, the one around
 * it, or the one beside it; -1 where there is none.
 */
export function neighbour({ parent, depth, x0, order }, from, key) {
  if (from < 0) return key === "ArrowDown" ? (order[0] ?? -1) : -1;
  if (key === "ArrowUp") return parent[from];
  if (key === "ArrowDown") return order.find((k) => parent[k] === from) ?? -1;
  const beside = order.filter((k) => depth[k] === depth[from] && parent[k] === parent[from]);
  const at = beside.findIndex((k) => x0[k] === x0[from] && k === from) + (key === "ArrowRight" ? 1 : -1);
  return beside[at] ?? -1;
}
