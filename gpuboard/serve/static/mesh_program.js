/** Compile a program of the graphics card, and set its uniforms by name. */

export class Program {
  /** @param {WebGL2RenderingContext} gl */
  constructor(gl, { vertex, fragment }) {
    this.gl = gl;
    this.program = gl.createProgram();
    const shaders = [
      compiled(gl, gl.VERTEX_SHADER, vertex),
      compiled(gl, gl.FRAGMENT_SHADER, fragment),
    ];
    for (const shader of shaders) gl.attachShader(this.program, shader);
    gl.linkProgram(this.program);
    for (const shader of shaders) gl.deleteShader(shader);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`the graphics card refuses a program: ${gl.getProgramInfoLog(this.program)}`);
    }
    this.places = new Map();
  }

  /** Take the program up with these uniforms: numbers, booleans, arrays of 2 to 16 numbers. */
  use(uniforms) {
    this.gl.useProgram(this.program);
    for (const [name, value] of Object.entries(uniforms)) this.set(name, value);
  }

  set(name, value) {
    const { gl } = this;
    if (!this.places.has(name)) {
      this.places.set(name, gl.getUniformLocation(this.program, name));
    }
    const place = this.places.get(name);
    if (place === null) return;
    if (typeof value === "boolean") gl.uniform1i(place, value ? 1 : 0);
    else if (name === "paint") gl.uniform1i(place, value);
    else if (typeof value === "number") gl.uniform1f(place, value);
    else if (value.length === 2) gl.uniform2fv(place, value);
    else if (value.length === 3) gl.uniform3fv(place, value);
    else if (value.length === 4) gl.uniform4fv(place, value);
    else if (value.length === 9) gl.uniformMatrix3fv(place, false, value);
    else gl.uniformMatrix4fv(place, false, value);
  }
}

function compiled(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(`the graphics card refuses a shader: ${gl.getShaderInfoLog(shader)}`);
  }
  return shader;
}
