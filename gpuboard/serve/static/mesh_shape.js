/** Work out what a mesh needs to be drawn: its sphere, normals, edges, order of points. No DOM. */

/**
 * @typedef {object} Shape
 * @property {Float32Array} vertices x, y, z of each.
 * @property {Uint32Array} faces Three vertices of each triangle.
 * @property {Uint8Array} colours Red, green, blue of each vertex, or empty.
 * @property {number} n Vertices.
 * @property {number} m Triangles.
 * @property {number} bad Vertices that are not finite; they are not drawn.
 * @property {{x: number, y: number, z: number, r: number}} sphere Round all that are finite.
 */

/** @returns {Shape} */
export function shapeOf({ vertices, faces, colours }, low, high) {
  const n = vertices.length / 3;
  const { sphere, bad } = sphereOf(vertices, low, high);
  return { vertices, faces, colours, n, m: faces.length / 3, bad, sphere, low, high };
}

function sphereOf(vertices, low, high) {
  const [x, y, z] = low.map((least, i) => least / 2 + high[i] / 2);
  let [most, bad] = [0, 0];
  for (let i = 0; i < vertices.length; i += 3) {
    const [dx, dy, dz] = [vertices[i] - x, vertices[i + 1] - y, vertices[i + 2] - z];
    const squared = dx * dx + dy * dy + dz * dz;
    if (squared > most && squared < Infinity) most = squared;
    if (!(squared < Infinity)) bad++;
  }
  return { sphere: { x, y, z, r: Math.sqrt(most) || 1 }, bad };
}

/** Return a shuffled list of the finite vertices, so that its beginning is a fair sample. */
export function shuffled({ vertices, n, bad }) {
  const order = new Uint32Array(n - bad);
  let size = 0;
  for (let i = 0; i < n && size < order.length; i++) if (isFiniteAt(vertices, i)) order[size++] = i;
  let seed = 0x9e3779b9;
  for (let i = size - 1; i > 0; i--) {
    seed ^= seed << 13; // xorshift: the same picture each time
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const j = (seed >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const isFiniteAt = (vertices, i) =>
  Math.abs(vertices[3 * i]) + Math.abs(vertices[3 * i + 1]) + Math.abs(vertices[3 * i + 2]) <
  Infinity;

/** Return rows of three numbers in another order. */
export function reordered(rows, order) {
  const found = new rows.constructor(3 * order.length);
  for (let i = 0; i < order.length; i++) {
    const from = 3 * order[i];
    found[3 * i] = rows[from];
    found[3 * i + 1] = rows[from + 1];
    found[3 * i + 2] = rows[from + 2];
  }
  return found;
}

/** Return the triangles all of whose vertices are finite. */
export function drawable({ vertices, faces, bad }) {
  if (!bad) return faces;
  return faces.filter((_, i) => {
    const first = i - (i % 3);
    return [0, 1, 2].every((k) => isFiniteAt(vertices, faces[first + k]));
  });
}

/** Return a normal for each vertex, as four int16 (the last is 0): triangles weigh by their area. */
export function normalsOf({ vertices, n, sphere }, faces) {
  const sums = new Float32Array(3 * n);
  const scale = 1 / sphere.r; // so that squares of tiny or huge meshes stay within float32
  for (let i = 0; i < faces.length; i += 3) {
    const [a, b, c] = [3 * faces[i], 3 * faces[i + 1], 3 * faces[i + 2]];
    const ux = (vertices[b] - vertices[a]) * scale;
    const uy = (vertices[b + 1] - vertices[a + 1]) * scale;
    const uz = (vertices[b + 2] - vertices[a + 2]) * scale;
    const vx = (vertices[c] - vertices[a]) * scale;
    const vy = (vertices[c + 1] - vertices[a + 1]) * scale;
    const vz = (vertices[c + 2] - vertices[a + 2]) * scale;
    const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const k of [a, b, c]) {
      sums[k] += x;
      sums[k + 1] += y;
      sums[k + 2] += z;
    }
  }
  const normals = new Int16Array(4 * n);
  for (let i = 0; i < n; i++) {
    const [x, y, z] = [sums[3 * i], sums[3 * i + 1], sums[3 * i + 2]];
    const length = Math.hypot(x, y, z);
    if (!(length > 0)) continue;
    normals[4 * i] = Math.round((x / length) * 32767);
    normals[4 * i + 1] = Math.round((y / length) * 32767);
    normals[4 * i + 2] = Math.round((z / length) * 32767);
  }
  return normals;
}

/** Return both ends of the three edges of each triangle. */
export function edgesOf(faces) {
  const edges = new Uint32Array(2 * faces.length);
  for (let i = 0; i < faces.length; i += 3) {
    const [a, b, c] = [faces[i], faces[i + 1], faces[i + 2]];
    edges.set([a, b, b, c, c, a], 2 * i);
  }
  return edges;
}

/** Return a diameter of points, in radii, at which so many look like a surface. */
export const pointSizeFor = (n) => Math.min(3 / Math.sqrt(Math.max(n, 1)), 0.05);
