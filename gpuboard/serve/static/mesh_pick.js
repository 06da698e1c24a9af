/** Find the vertex under the pointer, on the CPU: no DOM. */

const REACH = 10; // pixels
const SLAB = 0.06; // of the depth: what is behind more than this is hidden

/**
 * Project all vertices of a shape: x, y in pixels and the depth, three numbers each.
 *
 * @param {import("./mesh_shape.js").Shape} shape
 */
export function projectAll({ vertices, n }, { rows, width, height }, sphere) {
  const found = new Float32Array(3 * n);
  const [[ax, ay, az, aw], [bx, by, bz, bw], , [dx, dy, dz, dw]] = rows;
  for (let i = 0; i < found.length; i += 3) {
    const x = (vertices[i] - sphere.x) / sphere.r;
    const y = (vertices[i + 1] - sphere.y) / sphere.r;
    const z = (vertices[i + 2] - sphere.z) / sphere.r;
    const w = dx * x + dy * y + dz * z + dw;
    found[i] = ((ax * x + ay * y + az * z + aw) / w + 1) * 0.5 * width;
    found[i + 1] = (1 - (bx * x + by * y + bz * z + bw) / w) * 0.5 * height;
    found[i + 2] = w > 0 ? w : NaN; // behind the eye
  }
  return found;
}

/**
 * Return what is at a pixel: `vertex` (-1 for none) and, on a surface, `triangle`.
 *
 * @param {Float32Array} places Of `projectAll`.
 * @param {boolean} isSolid Whether triangles hide what is behind them.
 */
export function pickAt(shape, places, px, py, isSolid) {
  const triangle = isSolid ? triangleAt(shape.faces, places, px, py) : -1;
  if (triangle < 0) return { vertex: vertexAt(places, px, py), triangle };
  const corners = [0, 1, 2].map((k) => shape.faces[3 * triangle + k]);
  const away = (i) => Math.hypot(places[3 * i] - px, places[3 * i + 1] - py);
  return { vertex: corners.reduce((a, b) => (away(b) < away(a) ? b : a)), triangle };
}

/** Return the nearest of those vertices within reach that no other one within reach hides. */
function vertexAt(places, px, py) {
  const close = [];
  let front = Infinity;
  for (let i = 0; i < places.length; i += 3) {
    const [dx, dy] = [places[i] - px, places[i + 1] - py];
    const squared = dx * dx + dy * dy;
    if (!(squared <= REACH * REACH && places[i + 2] > 0)) continue;
    close.push([i / 3, squared, places[i + 2]]);
    front = Math.min(front, places[i + 2]);
  }
  let [best, least] = [-1, Infinity];
  for (const [i, squared, depth] of close) {
    if (depth <= front * (1 + SLAB) && squared < least) [best, least] = [i, squared];
  }
  return best;
}

/** Return the frontmost triangle at a pixel, -1 for none. */
function triangleAt(faces, places, px, py) {
  let [best, most] = [-1, 0]; // by 1 / depth, which is linear on screen
  for (let i = 0; i < faces.length; i += 3) {
    const [a, b, c] = [3 * faces[i], 3 * faces[i + 1], 3 * faces[i + 2]];
    const [ax, ay] = [places[a] - px, places[a + 1] - py];
    const [bx, by] = [places[b] - px, places[b + 1] - py];
    const [cx, cy] = [places[c] - px, places[c + 1] - py];
    const [u, v, w] = [bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx];
    const isInside = (u >= 0 && v >= 0 && w >= 0) || (u <= 0 && v <= 0 && w <= 0);
    const sum = u + v + w;
    if (!isInside || sum === 0) continue;
    const near = (u / places[a + 2] + v / places[b + 2] + w / places[c + 2]) / sum;
    if (near > most) [best, most] = [i / 3, near];
  }
  return best;
}
