/** Say how each column of the run list is called, drawn and written to a file. */

import { colourOfRow } from "./colours.js";
import { h, visible } from "./dom.js";
import * as format from "./format.js";
import { runs } from "./runs.js";

const STATES = { live: "Live", done: "Done", deleted: "Deleted" };

const number = (key, title, width, show = format.count) => ({
  key,
  title,
  width,
  isNumber: true,
  fill(cell, row) {
    cell.textContent = show(runs[key][row]);
  },
});

/** The check mark; its head is a box for all rows that are shown. */
export const checkColumn = (head) => ({
  key: "check",
  title: "",
  width: 24,
  head,
  make: (cell) => cell.append(h("span", { class: "check", "data-part": "check" })),
  fill() {}, // the row's class draws it
});

/** The colour; a click on it opens the picker. */
export const swatchColumn = {
  key: "swatch",
  title: "",
  width: 22,
  head: h("span", { class: "sr-only" }, "Colour"),
  make: (cell) =>
    cell.append(h("span", { class: "swatch", "data-part": "swatch", title: "Change the colour" })),
  fill: (cell, row) => cell.firstChild.style.setProperty("--swatch", colourOfRow(row)),
};

/** The name, its folders paler than its last part, and what to do with the row. */
export const nameColumn = {
  key: "name",
  title: "Name",
  width: 200,
  grow: 1,
  make(cell) {
    const name = h(
      "span",
      { class: "run-name" },
      h("span", { class: "run-folder" }),
      h("span", { class: "run-leaf" }),
    );
    cell.append(
      name,
      h("span", { class: "dot" }),
      h("span", { class: "link only", "data-part": "only" }, "only"),
    );
  },
  fill(cell, row) {
    const [name, dot] = cell.children;
    const cut = runs.name[row].lastIndexOf("/") + 1;
    name.title = visible(runs.name[row]);
    name.firstChild.textContent = visible(runs.name[row].slice(0, cut));
    name.lastChild.textContent = visible(runs.name[row].slice(cut));
    dot.hidden = runs.state[row] !== "live";
    dot.classList.toggle("is-live", !dot.hidden);
    dot.title = "Written to lately";
  },
};

const stateColumn = {
  key: "state",
  title: "State",
  width: 84,
  make: (cell) => cell.append(h("span", { class: "dot" }), h("span")),
  fill(cell, row) {
    const isLive = runs.state[row] === "live";
    cell.classList.add("state");
    cell.classList.toggle("is-live", isLive);
    cell.firstChild.classList.toggle("is-live", isLive);
    cell.lastChild.textContent = STATES[runs.state[row]] ?? visible(runs.state[row]);
  },
};

const duration = {
  ...number("duration", "Duration", 96),
  fill(cell, row) {
    cell.textContent = format.duration(runs.end[row] - runs.start[row]);
  },
};

const problems = {
  ...number("problems", "Problems", 84),
  fill(cell, row) {
    const found = runs.problems[row];
    cell.textContent = found > 0 ? format.count(found) : "–";
    cell.classList.toggle("is-warn", found > 0);
  },
};

/** Columns of the side panel after the check mark. */
export const COMPACT = [swatchColumn, { ...nameColumn, width: 100 }];

/** Columns of the Runs page after the check mark. */
export const FULL = [
  swatchColumn,
  nameColumn,
  stateColumn,
  number("start", "Started", 158, format.dateTime),
  duration,
  number("last_step", "Last step", 100, format.exactCount),
  number("tags", "Tags", 60),
  number("points", "Points", 108),
  number("bytes", "Size", 84, format.size),
  number("files", "Files", 60),
  problems,
];

const CSV = {
  id: (row) => runs.id[row],
  name: (row) => quoted(runs.name[row]),
  colour: colourOfRow,
  state: (row) => quoted(runs.state[row]),
  start: (row) => plain(runs.start[row]),
  end: (row) => plain(runs.end[row]),
  duration_s: (row) => plain(runs.end[row] - runs.start[row]),
  last_step: (row) => runs.last_step[row],
  tags: (row) => plain(runs.tags[row]),
  points: (row) => plain(runs.points[row]),
  bytes: (row) => plain(runs.bytes[row]),
  files: (row) => plain(runs.files[row]),
  problems: (row) => plain(runs.problems[row]),
};

/** Write these rows as CSV, times in seconds since the epoch. */
export function toCsv(rows) {
  const lines = Array.from(rows, (row) =>
    Object.values(CSV)
      .map((value) => value(row))
      .join(","),
  );
  return `${[Object.keys(CSV).join(","), ...lines].join("\r\n")}\r\n`;
}

const plain = (value) => (Number.isFinite(value) ? String(value) : "");
const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
