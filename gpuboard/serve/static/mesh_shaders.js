/** The programs of the graphics card that draw points, surfaces and lines. */

/* Vertices come as they were logged; the subtraction first keeps what is left of their digits. */
const COMMON = `#version 300 es
precision highp float;
uniform mat4 matrix;
uniform vec4 frame;       // centre and radius of the sphere that is the unit
uniform int paint;        // 0: plain, 1: as logged, 2: by height
uniform vec3 plain;
uniform vec3 upAxis;
uniform vec2 heights;     // least, and 1 / (greatest - least), in units
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 colour;
out vec3 hue;

vec3 unit() { return (position - frame.xyz) / frame.w; }

vec3 ramp(float t) {
  const vec3 stops[5] = vec3[5](
    vec3(0.267, 0.005, 0.329), vec3(0.230, 0.322, 0.546), vec3(0.128, 0.567, 0.551),
    vec3(0.369, 0.789, 0.383), vec3(0.993, 0.906, 0.144));
  float at = clamp(t, 0.0, 1.0) * 4.0;
  int i = int(min(at, 3.0));
  return mix(stops[i], stops[i + 1], at - float(i));
}

vec3 hueOf(vec3 p) {
  if (paint == 2) return ramp((dot(p, upAxis) - heights.x) * heights.y);
  return paint == 1 ? colour : plain;
}
`;

export const POINTS = {
  vertex: `${COMMON}
uniform float diameter;   // in pixels at depth 1
uniform vec2 sizes;       // least and greatest, in pixels
uniform vec2 haze;        // depth where it begins, and 1 / its length
out float mist;
out float size;

void main() {
  vec3 p = unit();
  gl_Position = matrix * vec4(p, 1.0);
  size = clamp(diameter / max(gl_Position.w, 1e-6), sizes.x, sizes.y);
  gl_PointSize = size + 1.0;
  hue = hueOf(p);
  mist = clamp((gl_Position.w - haze.x) * haze.y, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
uniform vec3 ground;
uniform bool isSmooth;    // the edge goes through the samples of a pixel
in vec3 hue;
in float mist;
in float size;
out vec4 pixel;

void main() {
  vec2 q = gl_PointCoord * 2.0 - 1.0;
  float away = length(q) * (size + 1.0) * 0.5; // pixels from the centre
  float inside = clamp(size * 0.5 + 0.5 - away, 0.0, 1.0);
  if (inside < (isSmooth ? 0.05 : 0.5)) discard;
  float r = clamp(away / (size * 0.5), 0.0, 1.0);
  float ball = mix(1.0, 0.72 + 0.28 * sqrt(1.0 - r * r), smoothstep(3.0, 7.0, size));
  pixel = vec4(mix(hue * ball, ground, mist * 0.3), inside);
}`,
};

export const SURFACE = {
  vertex: `${COMMON}
uniform mat3 turn;        // from the axes of the mesh to those of the eye
uniform vec3 eye;
out vec3 facing;
out vec3 toEye;

void main() {
  vec3 p = unit();
  gl_Position = matrix * vec4(p, 1.0);
  facing = turn * normal;
  toEye = turn * (eye - p);
  hue = hueOf(p);
}`,
  fragment: `#version 300 es
precision highp float;
uniform bool isFlat;
in vec3 hue;
in vec3 facing;
in vec3 toEye;
out vec4 pixel;

void main() {
  vec3 v = normalize(toEye);
  vec3 level = cross(dFdx(toEye), dFdy(toEye));
  vec3 n = isFlat || dot(facing, facing) < 1e-6 ? level : facing;
  n = normalize(dot(n, n) > 0.0 ? n : v);
  bool isBack = dot(n, v) < 0.0;
  if (isBack) n = -n;
  vec3 key = normalize(vec3(-0.45, 0.75, 0.9));
  float sky = 0.44 + 0.10 * n.y;
  float light = sky + 0.46 * max(dot(n, key), 0.0) + 0.20 * max(dot(n, v), 0.0);
  float gloss = 0.10 * pow(max(dot(n, normalize(key + v)), 0.0), 24.0);
  vec3 base = isBack ? hue * 0.82 : hue;
  pixel = vec4(base * light + gloss, 1.0);
}`,
};

export const LINES = {
  vertex: `${COMMON}
uniform float nearer;     // how much lines come forward, so that surfaces do not hide them

void main() {
  vec3 p = unit();
  gl_Position = matrix * vec4(p, 1.0);
  gl_Position.z -= nearer * gl_Position.w;
  hue = hueOf(p);
}`,
  fragment: `#version 300 es
precision highp float;
uniform float alpha;
in vec3 hue;
out vec4 pixel;

void main() { pixel = vec4(hue, alpha); }`,
};
