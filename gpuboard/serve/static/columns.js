/** Split replies of named columns (serve/column_reply.py); the columns are views, not copies. */

const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint32: Uint32Array,
};

/** @returns {{header: object, columns: Object<string, ArrayBufferView>}} */
export function decodeColumns(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const columns = {};
  let at = 4 + length;
  for (const { name, type, shape } of header.columns) {
    const size = shape.reduce((product, n) => product * n, 1);
    columns[name] = new TYPES[type](buffer, at, size);
    at += Math.ceil(columns[name].byteLength / 8) * 8;
  }
  return { header, columns };
}
