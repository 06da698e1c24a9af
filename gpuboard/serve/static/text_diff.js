/** Make a table of what `api/v1/text/diff` says; long stretches without a change are folded. */

import { make } from "./chart_elements.js";
import { plural } from "./format.js";

const AROUND = 3; // unchanged lines shown beside a change
const MOST_ROWS = 4_000; // before "Show more"

/**
 * @param {Array} rows [left, right, text] for a line of both, [left, right, old, new] for another.
 * @param {"side" | "inline"} layout
 */
export function rowsOf(rows, layout) {
  const body = make("tbody");
  const make_ = layout === "side" ? sideRow : inlineRows;
  const colSpan = layout === "side" ? 4 : 3;
  const parts = foldedParts(rows);
  let at = 0;
  const addSome = () => {
    const end = Math.min(at + MOST_ROWS, parts.length);
    for (; at < end; at++) {
      const part = parts[at];
      if (part.fold) body.append(foldRow(part.fold, make_, colSpan));
      else body.append(...make_(part.row));
    }
    if (at === parts.length) return;
    const more = make("button", {
      type: "button",
      class: "link",
      text: "Show more",
      on: {
        click: () => {
          row.remove();
          addSome();
        },
      },
    });
    const row = make("tr", { class: "is-fold" }, make("td", { colSpan }, more));
    body.append(row);
  };
  addSome();
  return make("table", { class: `tx-rows is-${layout}` }, columnsOf(layout), body);
}

function columnsOf(layout) {
  const number = () => make("col", { class: "tx-number" });
  return layout === "side"
    ? make("colgroup", {}, number(), make("col"), number(), make("col"))
    : make("colgroup", {}, number(), number(), make("col"));
}

const isSame = (row) => row.length === 3;

/** Return {row} for what is shown and {fold: rows} for what is folded, in order. */
function foldedParts(rows) {
  const parts = [];
  for (let at = 0; at < rows.length;) {
    let end = at;
    while (end < rows.length && isSame(rows[end])) end++;
    const head = at === 0 ? 0 : AROUND;
    const tail = end === rows.length ? 0 : AROUND;
    const isLong = end - at > head + tail + 2;
    const from = isLong ? at + head : end;
    const to = isLong ? end - tail : end;
    for (const row of rows.slice(at, from)) parts.push({ row });
    if (to > from) parts.push({ fold: rows.slice(from, to) });
    for (const row of rows.slice(to, end)) parts.push({ row });
    for (at = end; at < rows.length && !isSame(rows[at]); at++) parts.push({ row: rows[at] });
  }
  return parts;
}

function foldRow(rows, make_, colSpan) {
  const open = make("button", {
    type: "button",
    class: "link",
    text: `${plural(rows.length, "line")} without a change`,
    on: { click: () => row.replaceWith(...rows.flatMap(make_)) },
  });
  const row = make("tr", { class: "is-fold" }, make("td", { colSpan }, open));
  return row;
}

function sideRow([left, right, old, now]) {
  if (now === undefined) {
    return [
      make(
        "tr",
        {},
        numberCell(left),
        textCell([[old, false]]),
        numberCell(right),
        textCell([[old, false]]),
      ),
    ];
  }
  const gone = left === null ? "is-none" : "is-old";
  const come = right === null ? "is-none" : "is-new";
  return [
    make("tr", {}, numberCell(left), textCell(old, gone), numberCell(right), textCell(now, come)),
  ];
}

function inlineRows([left, right, old, now]) {
  if (now === undefined) {
    return [make("tr", {}, numberCell(left), numberCell(right), textCell([[old, false]]))];
  }
  const rows = [];
  if (left !== null)
    rows.push(make("tr", {}, numberCell(left), numberCell(null), textCell(old, "is-old")));
  if (right !== null)
    rows.push(make("tr", {}, numberCell(null), numberCell(right), textCell(now, "is-new")));
  return rows;
}

const numberCell = (number) => make("td", { class: "tx-number", text: number ?? "" });

function textCell(pieces, name = "") {
  const word = name === "is-old" ? "del" : "ins";
  const parts = pieces.map(([text, isChanged]) =>
    isChanged && name ? make(word, { text }) : text,
  );
  return make("td", { class: name }, ...parts);
}
