/**
 * Where one looks at a mesh from, in units of a sphere round it, so that one camera serves meshes
 * of any size: no DOM.
 *
 * A camera turns about its target (x, y, z; the sphere's centre is 0, its radius 1). Yaw turns about
 * the up axis, pitch lifts; at zoom 1 the sphere fills the view.
 */

/** @typedef {{yaw: number, pitch: number, zoom: number, x: number, y: number, z: number}} Camera */

export const START = Object.freeze({ yaw: 0.6, pitch: 0.4, zoom: 1, x: 0, y: 0, z: 0 });
export const VIEW_ANGLE = 35; // degrees
const NAMES = ["yaw", "pitch", "zoom", "x", "y", "z"];
const RIGHT_ANGLE = Math.PI / 2;
const [LEAST_ZOOM, MOST_ZOOM] = [0.02, 1_000];
const MOST_AWAY = 50; // of the target, in radii
const NEAREST = 1e-4; // of the near plane, as a part of the far one

/** Return a camera as an address keeps it. */
export const written = (camera) => NAMES.map((name) => Number(camera[name].toFixed(6)));

/** Return the camera that six numbers are. */
export const read = (numbers) =>
  limited(Object.fromEntries(NAMES.map((name, i) => [name, numbers[i]])));

/** Tell whether a value of an address is a camera. */
export const isCamera = (value) => value.length === NAMES.length && value.every(Number.isFinite);

function limited(camera) {
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const away = (value) => within(value, -MOST_AWAY, MOST_AWAY);
  return {
    yaw: Math.atan2(Math.sin(camera.yaw), Math.cos(camera.yaw)),
    pitch: within(camera.pitch, -RIGHT_ANGLE, RIGHT_ANGLE),
    zoom: within(camera.zoom, LEAST_ZOOM, MOST_ZOOM),
    x: away(camera.x),
    y: away(camera.y),
    z: away(camera.z),
  };
}

/** Return where right, up and back of a camera point to, in the axes of the mesh. */
export function axesOf({ yaw, pitch }, up) {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const axes = { right: [cy, 0, -sy], upward: [-sp * sy, cp, -sp * cy], back: [sy * cp, sp, cy * cp] };
  if (up === "y") return axes;
  const turned = ([x, y, z]) => [x, -z, y]; // z is up where y was
  return Object.fromEntries(Object.entries(axes).map(([name, axis]) => [name, turned(axis)]));
}

/** Turn by pixels of a drag. */
export function orbited(camera, dx, dy) {
  const perPixel = 0.009;
  return limited({
    ...camera,
    yaw: camera.yaw - dx * perPixel,
    pitch: camera.pitch + dy * perPixel,
  });
}

/** Move the target against a drag of so many pixels, so that what is there follows the pointer. */
export function panned(camera, view, dx, dy) {
  return moved(camera, view, -dx * view.perPixel, dy * view.perPixel);
}

/** Come closer by a factor; what lies under the pixel (from the centre) stays there. */
export function zoomed(camera, view, factor, px = 0, py = 0) {
  const zoom = Math.min(Math.max(camera.zoom * factor, LEAST_ZOOM), MOST_ZOOM);
  const part = view.perPixel * (1 - camera.zoom / zoom);
  return moved({ ...camera, zoom }, view, px * part, -py * part);
}

function moved(camera, { right, upward }, across, along) {
  const by = (i) => right[i] * across + upward[i] * along;
  return limited({
    ...camera,
    x: camera.x + by(0),
    y: camera.y + by(1),
    z: camera.z + by(2),
  });
}

/** Look along an axis of the mesh (0, 1, 2 for x, y, z), from its positive or negative end. */
export function alongAxis(camera, axis, sign, up) {
  const from = [0, 0, 0];
  from[axis] = sign;
  const [x, y, z] = up === "y" ? from : [from[0], from[2], -from[1]];
  return limited({ ...camera, yaw: y ? 0 : Math.atan2(x, z), pitch: y * RIGHT_ANGLE });
}

/**
 * Work out a view: the matrix from the units of the sphere to the screen, and what goes with it.
 *
 * @param {Camera} camera
 * @param {{width: number, height: number, up: "y" | "z", angle?: number,
 *   ball: {x: number, y: number, z: number, r: number}}} scene `ball` is what is to lie between
 *   the near and the far plane, in the units of the sphere.
 */
export function viewOf(camera, { width, height, up, angle = VIEW_ANGLE, ball }) {
  const axes = axesOf(camera, up);
  const { right, upward, back } = axes;
  const half = (angle * Math.PI) / 360;
  const aspect = width / height;
  const scale = Math.min(1, aspect) / Math.tan(half); // of a unit to half the height, at depth 1
  const distance = 1 / (Math.sin(half) * camera.zoom);
  const target = [camera.x, camera.y, camera.z];
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const middle = distance - dot(back, [ball.x - camera.x, ball.y - camera.y, ball.z - camera.z]);
  const far = Math.max(middle + ball.r * 1.01, distance * 1e-3);
  const near = Math.max(middle - ball.r * 1.01, far * NEAREST);
  const [a, b] = [(far + near) / (far - near), (-2 * far * near) / (far - near)];
  const rows = [
    [...right.map((v) => (v * scale) / aspect), (-scale / aspect) * dot(right, target)],
    [...upward.map((v) => v * scale), -scale * dot(upward, target)],
    [...back.map((v) => -v * a), a * (distance + dot(back, target)) + b],
    [...back.map((v) => -v), distance + dot(back, target)],
  ];
  const matrix = new Float32Array(16);
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 4; column++) matrix[column * 4 + row] = rows[row][column];
  }
  return {
    ...axes,
    rows,
    matrix,
    width,
    height,
    scale,
    middle,
    eye: target.map((v, i) => v + back[i] * distance),
    perPixel: (2 * distance) / (scale * height),
  };
}

/** Return where a place in the units of the sphere lies on screen, `w` being its depth. */
export function projected({ rows, width, height }, x, y, z) {
  const at = (row) => rows[row][0] * x + rows[row][1] * y + rows[row][2] * z + rows[row][3];
  const w = at(3);
  return { x: (at(0) / w + 1) * 0.5 * width, y: (1 - at(1) / w) * 0.5 * height, w };
}
