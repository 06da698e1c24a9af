/**
 * Draw meshes with WebGL2. Browsers allow few contexts, so there is one for all cards: it draws into
 * a canvas that nobody sees, and what it drew is copied to the canvas of the card.
 */

import { MeshBuffers } from "./mesh_buffers.js";
import { Program } from "./mesh_program.js";
import { LINES, POINTS, SURFACE } from "./mesh_shaders.js";

const MOST_PIXELS = 4096; // of an edge of the canvas
const MOST_POINT = 96; // pixels of one point
const REFINED = 500_000; // points and triangles, at most, of a picture that is refined
const ROOM = 64; // the canvas grows in such steps

let shared = null;

export class MeshGl {
  /** Return the one for all cards, null where the browser cannot draw in 3D. */
  static shared() {
    if (shared) return shared;
    const gl = bestContext();
    shared = gl && new MeshGl(gl);
    return shared;
  }

  constructor(gl) {
    const { canvas } = gl;
    this.canvas = canvas;
    this.gl = gl;
    this.isSmooth = gl.getParameter(gl.SAMPLES) > 1;
    this.programs = {};
    this.held = new Map(); // shape -> MeshBuffers
    this.listeners = new Set();
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // so that it may come back
      this.forget();
      for (const fn of this.listeners) fn(true);
    });
    canvas.addEventListener("webglcontextrestored", () => {
      for (const fn of this.listeners) fn(false);
    });
  }

  get isLost() {
    return this.gl.isContextLost();
  }

  /** Call `fn(isLost)` when the graphics card is lost, and when it is back. */
  onChange(fn) {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  forget() {
    this.programs = {};
    this.held.clear();
  }

  /** Delete what the graphics card holds of a shape; drawing it makes it anew. */
  free(shape) {
    this.held.get(shape)?.free();
    this.held.delete(shape);
    if (!this.held.size) Object.assign(this.canvas, { width: 1, height: 1 });
  }

  buffersOf(shape) {
    if (!this.held.has(shape)) this.held.set(shape, new MeshBuffers(this.gl, shape));
    return this.held.get(shape);
  }

  program(name, source) {
    return (this.programs[name] ??= new Program(this.gl, source));
  }

  /**
   * Draw a shape, and copy the picture to a canvas of the same size.
   *
   * @param {CanvasRenderingContext2D} target
   * @param {import("./mesh_shape.js").Shape} shape
   * @param {object} scene `view` (of mesh_camera), `sphere`, `style`, `isFlat`, `hasBacks`,
   *   `hasBox`, `colours` ("logged", "plain", "height"), `plain`, `ground`, `line`, `frame` (colours as three
   *   numbers from 0 to 1), `up`, `pointSize` (in units), `most` (points to draw), `isMoving`, `density` (pixels
   *   of the canvas for one of the page).
   */
  draw(target, shape, scene) {
    const { gl } = this;
    const fine = scene.isMoving || !this.refines(shape, target.canvas) ? 1 : 2;
    const [width, height] = [target.canvas.width * fine, target.canvas.height * fine];
    if (this.isLost || !width || !height) return false;
    this.makeRoom(width, height);
    gl.viewport(0, 0, width, height);
    gl.scissor(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(...scene.ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const buffers = this.buffersOf(shape);
    const isCloud = !shape.m || scene.style === "points";
    if (isCloud) this.points(buffers.points(), shape, scene, fine);
    else this.mesh(buffers, shape, scene);
    if (scene.hasBox && shape.n > shape.bad) {
      this.lines(buffers.box(), shape, { ...scene, plain: scene.frame, colours: "plain" }, 0, 1);
    }
    gl.bindVertexArray(null);
    const top = this.canvas.height - height; // its rows are counted from below
    const size = [target.canvas.width, target.canvas.height];
    target.drawImage(this.canvas, 0, top, width, height, 0, 0, ...size);
    return !this.isLost;
  }

  /** Tell whether a picture that stands still is drawn twice as fine, as edges are rough. */
  refines({ n, m }, { width, height }) {
    return !this.isSmooth && n + m <= REFINED && 2 * Math.max(width, height) <= MOST_PIXELS;
  }

  makeRoom(width, height) {
    const { canvas } = this;
    const roomFor = (pixels) => Math.min(Math.ceil(pixels / ROOM) * ROOM, MOST_PIXELS);
    const [wide, high] = [roomFor(width), roomFor(height)];
    if (canvas.width < wide) canvas.width = wide;
    if (canvas.height < high) canvas.height = high;
  }

  points({ array, count }, shape, scene, fine) {
    const { gl, isSmooth } = this;
    const { view } = scene;
    const density = scene.density * fine;
    const drawn = Math.min(count, scene.most);
    const larger = Math.min(Math.sqrt(count / Math.max(drawn, 1)), 2.5); // fewer, but as dense
    const reach = scene.reach;
    this.program("points", POINTS).use({
      ...uniformsOf(shape, scene),
      diameter: scene.pointSize * larger * view.scale * view.height * density * 0.5,
      sizes: [Math.max(1, density), MOST_POINT * density],
      haze: [view.middle - 0.2 * reach, 1 / (1.2 * reach)],
      ground: scene.ground,
      isSmooth,
    });
    if (isSmooth) gl.enable(gl.SAMPLE_ALPHA_TO_COVERAGE);
    gl.bindVertexArray(array);
    gl.drawArrays(gl.POINTS, 0, drawn);
    gl.disable(gl.SAMPLE_ALPHA_TO_COVERAGE);
  }

  mesh(buffers, shape, scene) {
    const { gl } = this;
    const { style, view } = scene;
    if (style !== "wire") {
      const { right, upward, back } = view;
      const turn = [0, 1, 2].flatMap((i) => [right[i], upward[i], back[i]]);
      this.program("surface", SURFACE).use({
        ...uniformsOf(shape, scene),
        turn,
        eye: view.eye,
        isFlat: scene.isFlat,
      });
      if (!scene.hasBacks) gl.enable(gl.CULL_FACE);
      if (style === "edged") gl.enable(gl.POLYGON_OFFSET_FILL); // so that edges lie in front
      gl.polygonOffset(1, 1);
      this.elements(buffers.surface(), gl.TRIANGLES);
      gl.disable(gl.POLYGON_OFFSET_FILL);
      gl.disable(gl.CULL_FACE);
    }
    if (style === "edged") {
      const inked = { ...scene, plain: scene.line, colours: "plain" };
      this.lines(buffers.edges(), shape, inked, 2e-4, 0.4);
    } else if (style === "wire") this.lines(buffers.edges(), shape, scene, 0, 1);
  }

  lines(part, shape, scene, nearer, alpha) {
    const { gl } = this;
    this.program("lines", LINES).use({ ...uniformsOf(shape, scene), nearer, alpha });
    if (alpha < 1) {
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
      gl.depthFunc(gl.LEQUAL);
    }
    this.elements(part, gl.LINES);
    gl.disable(gl.BLEND);
    gl.depthFunc(gl.LESS);
  }

  elements({ array, count }, kind) {
    this.gl.bindVertexArray(array);
    this.gl.drawElements(kind, count, this.gl.UNSIGNED_INT, 0);
  }
}

/** Return a context with smooth edges; without a graphics card they would take four times as long. */
function bestContext() {
  const smooth = contextOf(true);
  if (!smooth || !isSoftware(smooth)) return smooth;
  smooth.getExtension("WEBGL_lose_context")?.loseContext(); // so that it is given back at once
  return contextOf(false);
}

function contextOf(antialias) {
  const canvas = document.createElement("canvas");
  return canvas.getContext("webgl2", {
    alpha: false,
    antialias,
    powerPreference: "high-performance",
  });
}

/** Tell whether the processor draws, in place of a graphics card. */
function isSoftware(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

const PAINTS = { plain: 0, logged: 1, height: 2 };

function uniformsOf(shape, { view, sphere, colours, plain, up }) {
  const axis = up === "z" ? 2 : 1;
  const centre = [sphere.x, sphere.y, sphere.z][axis];
  const [low, high] = [shape.low[axis], shape.high[axis]].map((v) => (v - centre) / sphere.r);
  return {
    matrix: view.matrix,
    frame: [sphere.x, sphere.y, sphere.z, sphere.r],
    paint: PAINTS[colours === "logged" && !shape.colours.length ? "plain" : colours],
    plain,
    upAxis: [0, 1, 2].map((i) => (i === axis ? 1 : 0)),
    heights: [low, high > low ? 1 / (high - low) : 0],
  };
}
