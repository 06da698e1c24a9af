/** Make elements of texts: Markdown, JSON, plain text, tables of them; mark what was searched for. */

import { make } from "./chart_elements.js";
import { count } from "./format.js";
import { sanitised } from "./sanitised.js";

const JSON_PART = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;

/** Return what a reply of `api/v1/text` holds as one element. */
export function contentOf(reply) {
  const { rows, columns, total, cells, shape } = reply;
  if (!rows) return make("p", { class: "tx-none", text: "An empty tensor: it holds no text." });
  const isOne = total[0] === 1 && total[1] === 1;
  const body = isOne ? cellOf(cells[0]) : tableOf(cells, rows, columns);
  const notes = notesOn(reply);
  return make(
    "div",
    { class: `tx-content${isOne ? "" : " is-table"}`, data: { shape: shape.join(" × ") } },
    ...notes.map((text) => make("p", { class: "tx-note", text })),
    body,
  );
}

function notesOn({ shape, rows, columns, total }) {
  const notes = [];
  if (shape.length > 2) {
    const cut = `[${shape
      .slice(0, -2)
      .map(() => "0")
      .join(", ")}, :, :]`;
    notes.push(`A tensor of shape ${shape.join(" × ")}: the slice ${cut} is shown.`);
  }
  if (rows < total[0]) notes.push(`The first ${count(rows)} of ${count(total[0])} rows are shown.`);
  if (columns < total[1]) {
    notes.push(`The first ${count(columns)} of ${count(total[1])} columns are shown.`);
  }
  return notes;
}

function cellOf({ kind, content, characters }) {
  const body = { html: htmlOf, json: jsonOf, text: textOf }[kind](content);
  if (characters === undefined) return body;
  const note = `Cut here: the text has ${count(characters)} characters.`;
  return make("div", {}, body, make("p", { class: "tx-note", text: note }));
}

const htmlOf = (content) => make("div", { class: "tx-md", dir: "auto" }, sanitised(content));

const textOf = (content) => make("pre", { class: "tx-plain", dir: "auto", text: content });

/** JSON as it stands, with names, texts and numbers in colours of their own. */
function jsonOf(content) {
  const pre = make("pre", { class: "tx-json" });
  let at = 0;
  for (const found of content.matchAll(JSON_PART)) {
    pre.append(content.slice(at, found.index));
    const [all, string, colon] = found;
    if (string) {
      pre.append(
        make("span", { class: colon ? "tx-key" : "tx-string", text: string }),
        colon ?? "",
      );
    } else pre.append(make("span", { class: "tx-value", text: all }));
    at = found.index + all.length;
  }
  pre.append(content.slice(at));
  return pre;
}

function tableOf(cells, rows, columns) {
  const body = make("tbody");
  for (let row = 0; row < rows; row++) {
    const part = cells.slice(row * columns, (row + 1) * columns);
    body.append(make("tr", {}, ...part.map((cell) => make("td", {}, cellOf(cell)))));
  }
  return make("div", { class: "tx-scroll" }, make("table", { class: "tx-table" }, body));
}

/* marks: ranges of the page's own highlight; the text itself is not touched */

const marks = new Map(); // element -> ranges

/** Mark every place in `element` where one of `words` occurs; none takes its marks away. */
export function mark(element, words) {
  if (!CSS.highlights) return;
  const wanted = words.map((word) => word.toLowerCase()).filter(Boolean);
  if (wanted.length) marks.set(element, rangesOf(element, wanted));
  else marks.delete(element);
  const all = [...marks.entries()]
    .filter(([one]) => one.isConnected)
    .flatMap(([, ranges]) => ranges);
  CSS.highlights.set("tx-found", new Highlight(...all));
}

/** Forget an element that goes. */
export function unmark(element) {
  if (marks.delete(element)) mark(element, []);
}

const MOST_MARKS = 500; // in one element

/** A match may begin in one element and end in another, so all text is searched as one. */
function rangesOf(element, words) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  let text = "";
  while (walker.nextNode()) {
    nodes.push({ node: walker.currentNode, start: text.length });
    text += walker.currentNode.data.toLowerCase();
  }
  const ranges = [];
  for (const word of words) {
    let at = text.indexOf(word);
    while (at >= 0 && ranges.length < MOST_MARKS) {
      ranges.push(rangeAt(nodes, at, at + word.length));
      at = text.indexOf(word, at + word.length);
    }
  }
  return ranges;
}

function rangeAt(nodes, start, end) {
  const find = (at) => nodes.findLast((one) => one.start <= at);
  const [first, last] = [find(start), find(end - 1)];
  const range = document.createRange();
  range.setStart(first.node, Math.min(start - first.start, first.node.length));
  range.setEnd(last.node, Math.min(end - last.start, last.node.length));
  return range;
}
