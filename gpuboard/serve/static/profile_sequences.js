/** A table of kernel sequences that came again and again. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { nameOf, toTimeline } from "./profile_kit.js";
import { ProfileTable } from "./profile_table.js";

/** @param {object} found Columns as the server sends them. */
export function sequenceTable(found, profile, rows = 8) {
  const text = (row) => found.names[row].map((name) => nameOf(name, 40)).join("  →  ");
  const table = new ProfileTable({
    label: "Sequences of kernels",
    noun: "sequence",
    sort: "-total_ns",
    rows,
    columns: [
      {
        key: "names",
        title: "Kernels in a row",
        width: 84,
        grow: 1,
        value: text,
        paint: (cell, row) => {
          cell.title = found.names[row].map((name, i) => `${i + 1}. ${visible(name)}`).join("\n");
          cell.replaceChildren(make("span", { class: "pr-length", text: String(found.names[row].length) }), make("span", { class: "pr-kernel", text: text(row) }));
        },
      },
      { key: "count", title: "Times", kind: "count", width: 54 },
      { key: "total_ns", title: "Kernels", kind: "ns", width: 78, bar: true, tip: "Time of its kernels, over all times that it came" },
      { key: "gaps_ns", title: "Between", kind: "ns", width: 78, bar: true, tip: "Time between its kernels: at most this is saved by fusing them or by a CUDA graph" },
    ],
    go: (row) => toTimeline(profile, { t0: found.start[row], t1: found.start[row] + found.dur[row], row: found.row[row] }),
  });
  table.show({ ...found, n: found.names.length });
  return table;
}
