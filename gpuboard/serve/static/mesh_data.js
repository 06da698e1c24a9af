/** Fetch meshes; the last ones stay in memory, so that going back and forth costs nothing. */

import * as api from "./api.js";
import { shapeOf } from "./mesh_shape.js";

const KEPT_BYTES = 256e6;

export class MeshSource {
  constructor() {
    this.kept = new Map(); // key -> {promise, bytes}, the least lately used first
  }

  /**
   * Return the mesh at a place of a tag.
   *
   * @returns {Promise<{shape: import("./mesh_shape.js").Shape, batches: number, look: object,
   *   isWhole: boolean}>} `isWhole` is false while parts of it are still to be logged.
   */
  async get(run, tag, ref, batch) {
    const key = JSON.stringify([run, tag, ref, batch]);
    const entry = this.kept.get(key) ?? { promise: fetchMesh(run, tag, ref, batch), bytes: 0 };
    this.kept.delete(key);
    this.kept.set(key, entry);
    try {
      const mesh = await entry.promise;
      entry.bytes = mesh.bytes;
      if (!mesh.isWhole) this.kept.delete(key);
      this.trim();
      return mesh;
    } catch (error) {
      this.kept.delete(key);
      throw error;
    }
  }

  trim() {
    let bytes = [...this.kept.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [key, entry] of this.kept) {
      if (bytes <= KEPT_BYTES || this.kept.size <= 1) return;
      bytes -= entry.bytes;
      this.kept.delete(key);
    }
  }
}

async function fetchMesh(run, tag, ref, batch) {
  const { header, columns } = await api.columns("mesh", { query: { run, tag, ref, batch } });
  const numbers = (values) => values.map(Number);
  return {
    shape: shapeOf(columns, numbers(header.low), numbers(header.high)),
    batches: header.batches,
    look: header.look,
    isWhole: !header.missing.length,
    bytes: Object.values(columns).reduce((sum, column) => sum + column.byteLength, 0),
  };
}
