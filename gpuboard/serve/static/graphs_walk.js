/** Choose the next box for who walks through a graph with arrow keys. */

const ASIDE = 2.5; // how much a step aside costs more than one ahead
const TIED = 1e6; // what is tied by a line comes first, whatever lies nearer

/** Return the uppermost box of the whole graph, -1 for none. */
export function firstBox({ boxes, count }) {
  const { y, parent, apart } = boxes;
  let best = -1;
  for (let i = 1; i < count; i++) {
    if (parent[i] === 0 && !apart[i] && (best < 0 || y[i] < y[best])) best = i;
  }
  return best;
}

/** Return the box in a direction: along lines up and down, else the nearest there; -1 for none. */
export function nextBox(scene, from, dx, dy) {
  const ties = scene.ties(from);
  const tied = dy > 0 ? ties.outputs : dy < 0 ? ties.inputs : null;
  const [x, y] = scene.middle(from);
  const inside = scene.inside(from);
  let [best, least] = [-1, Infinity];
  for (let i = 1; i < scene.count; i++) {
    if (inside[i] || scene.boxes.open[i]) continue;
    const [px, py] = scene.middle(i);
    const along = (px - x) * dx + (py - y) * dy;
    const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
    if (along <= 1) continue;
    const cost = along + ASIDE * aside - (tied?.has(i) ? TIED : 0);
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}
