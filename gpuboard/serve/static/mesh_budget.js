/** How many points of a cloud are drawn while it moves: as many as this machine does in time. */

const [LEAST, MOST] = [20_000, 4_000_000];
const [SLOW_MS, FAST_MS] = [60, 24]; // from the start of one frame to the next

let points = 100_000;
let isMeasuring = false;

/** Return how many points each view may draw now. */
export const movingPoints = () => points;

/** Learn from a frame in which something moved; call it when that has been drawn. */
export function learn(start) {
  if (isMeasuring) return;
  isMeasuring = true;
  requestAnimationFrame(() => {
    isMeasuring = false;
    const took = performance.now() - start;
    if (took > SLOW_MS) points = Math.max(points * 0.7, LEAST);
    else if (took < FAST_MS) points = Math.min(points * 1.25, MOST);
  });
}
