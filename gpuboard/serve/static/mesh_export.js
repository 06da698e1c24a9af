/** Write a mesh as a PLY file (binary, little-endian), which all common 3D programs open. */

/** @param {import("./mesh_shape.js").Shape} shape */
export function plyOf({ vertices, faces, colours, n, m }) {
  const hasColours = colours.length > 0;
  const header = [
    "ply",
    "format binary_little_endian 1.0",
    `element vertex ${n}`,
    ...["x", "y", "z"].map((name) => `property float ${name}`),
    ...(hasColours ? ["red", "green", "blue"].map((name) => `property uchar ${name}`) : []),
    ...(m ? [`element face ${m}`, "property list uchar uint vertex_indices"] : []),
    "end_header\n",
  ].join("\n");
  const stride = hasColours ? 15 : 12;
  const body = new DataView(new ArrayBuffer(n * stride + m * 13));
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < 3; k++) {
      body.setFloat32(i * stride + 4 * k, vertices[3 * i + k], true);
      if (hasColours) body.setUint8(i * stride + 12 + k, colours[3 * i + k]);
    }
  }
  for (let i = 0; i < m; i++) {
    const at = n * stride + 13 * i;
    body.setUint8(at, 3);
    for (let k = 0; k < 3; k++) body.setUint32(at + 1 + 4 * k, faces[3 * i + k], true);
  }
  return new Blob([header, body], { type: "application/octet-stream" });
}
