/** Hold one mesh on the graphics card: each buffer is made when it is first drawn from. */

import { drawable, edgesOf, normalsOf, reordered, shuffled } from "./mesh_shape.js";

const [POSITION, NORMAL, COLOUR] = [0, 1, 2];

export class MeshBuffers {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl, shape) {
    this.gl = gl;
    this.shape = shape;
    this.made = []; // buffers and vertex arrays, to be deleted
    this.parts = {};
  }

  free() {
    for (const { array, buffers } of this.made) {
      this.gl.deleteVertexArray(array);
      for (const buffer of buffers) this.gl.deleteBuffer(buffer);
    }
    this.made = [];
    this.parts = {};
  }

  /** Points in random order: any beginning of them is a fair sample. */
  points() {
    return (this.parts.points ??= this.makePoints());
  }

  makePoints() {
    const { vertices, colours } = this.shape;
    const order = shuffled(this.shape);
    const attributes = [[POSITION, reordered(vertices, order), 3, false]];
    if (colours.length) attributes.push([COLOUR, reordered(colours, order), 3, true]);
    return { array: this.make(attributes), count: order.length };
  }

  surface() {
    return (this.parts.surface ??= this.makeSurface());
  }

  makeSurface() {
    const faces = drawable(this.shape);
    const { vertices, colours } = this.shape;
    const attributes = [
      [POSITION, vertices, 3, false],
      [NORMAL, normalsOf(this.shape, faces), 4, true],
    ];
    if (colours.length) attributes.push([COLOUR, colours, 3, true]);
    return { array: this.make(attributes, faces), count: faces.length };
  }

  edges() {
    return (this.parts.edges ??= this.makeEdges());
  }

  makeEdges() {
    const edges = edgesOf(drawable(this.shape));
    const { vertices, colours } = this.shape;
    const attributes = [[POSITION, vertices, 3, false]];
    if (colours.length) attributes.push([COLOUR, colours, 3, true]);
    return { array: this.make(attributes, edges), count: edges.length };
  }

  /** The twelve edges of the box round all vertices. */
  box() {
    return (this.parts.box ??= this.makeBox());
  }

  makeBox() {
    const { low, high } = this.shape;
    const corners = new Float32Array(24);
    const edges = [];
    for (let i = 0; i < 8; i++) {
      for (let k = 0; k < 3; k++) {
        corners[3 * i + k] = (i >> k) & 1 ? high[k] : low[k];
        if (!((i >> k) & 1)) edges.push(i, i | (1 << k));
      }
    }
    const array = this.make([[POSITION, corners, 3, false]], Uint32Array.from(edges));
    return { array, count: edges.length };
  }

  make(attributes, indices = null) {
    const { gl } = this;
    const array = gl.createVertexArray();
    const buffers = [];
    const fill = (kind, content) => {
      const buffer = gl.createBuffer();
      buffers.push(buffer);
      gl.bindBuffer(kind, buffer);
      gl.bufferData(kind, content, gl.STATIC_DRAW);
    };
    gl.bindVertexArray(array);
    for (const [place, content, size, isNormalised] of attributes) {
      fill(gl.ARRAY_BUFFER, content);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, typeOf(gl, content), isNormalised, 0, 0);
    }
    if (indices) fill(gl.ELEMENT_ARRAY_BUFFER, indices);
    gl.bindVertexArray(null);
    this.made.push({ array, buffers });
    return array;
  }
}

function typeOf(gl, content) {
  if (content instanceof Uint8Array) return gl.UNSIGNED_BYTE;
  return content instanceof Int16Array ? gl.SHORT : gl.FLOAT;
}
