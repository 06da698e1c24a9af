/** The opened trial: everything it was given, everything it reached, and its curves. */

import { curves } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { h, visible } from "./dom.js";
import { cellText, shortNumber } from "./hparams_model.js";
import { fit } from "./hparams_paint.js";
import { codeOf, idRanges, indexOf, nameOf } from "./runs.js";
import { query, set } from "./state.js";
import { readTheme } from "./theme_colours.js";

const MOST_CHARTS = 4;
const CHART_HEIGHT = 76;

export class Details {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.element = h("aside", { class: "hp-details", "aria-label": "Trial", hidden: true });
    this.shown = "";
  }

  update() {
    const { board } = this;
    const row = board.trials ? board.pickedRow() : -1;
    this.element.hidden = row < 0;
    if (row < 0) {
      this.shown = "";
      return;
    }
    const state = JSON.stringify([row, board.etag]);
    if (state === this.shown) return;
    this.shown = state;
    const { trials } = board;
    const top = this.element.scrollTop;
    this.element.replaceChildren(
      this.header(row),
      this.links(row),
      ...this.section("Metrics", row, (column) => column.role === "metric"),
      this.charts(row),
      ...this.section("Hyperparameters", row, (column) => column.role === "hparam"),
      ...this.section("Trial", row, ({ key }) =>
        ["status", "started", "duration", "size"].includes(key),
      ),
      trials.members[row].length > 1 ? this.runs(row) : "",
    );
    this.element.scrollTop = top;
  }

  header(row) {
    const name = visible(this.board.trials.name[row]);
    const swatch = make("span", { class: "swatch" });
    swatch.style.setProperty("--swatch", this.board.colourOf(row));
    return make(
      "header",
      { class: "hp-details-head" },
      swatch,
      make("h2", { text: name, title: name }),
      iconButton("close", "Close", () => set("hpPicked", "")),
    );
  }

  links(row) {
    const ids = this.board.trials.members[row];
    const open = make("a", { class: "link", text: "Open in Scalars" });
    const runs = `+${ids.map((id) => codeOf(nameOf(id))).join("")}`;
    const params = new URLSearchParams(query());
    for (const key of [...params.keys()]) if (key.startsWith("hp")) params.delete(key);
    params.set("runs", runs);
    open.href = `./scalars?${params}`;
    const only = make("button", {
      type: "button",
      class: "link",
      text: "Select only this trial",
      on: { click: () => this.board.showOnly([row]) },
    });
    return make("div", { class: "hp-row" }, open, only);
  }

  section(title, row, isIn) {
    const columns = [...this.board.trials.columns.values()].filter(
      (column) => isIn(column) && column.has[row],
    );
    if (columns.length === 0) return [];
    const list = columns.flatMap((column) => [
      make("dt", { text: visible(column.title), title: visible(column.about || column.title) }),
      make("dd", { text: visible(cellText(column, row)), title: fullText(column, row) }),
    ]);
    return [make("h3", { text: title }), make("dl", { class: "hp-facts" }, ...list)];
  }

  runs(row) {
    const ids = this.board.trials.members[row].slice(0, 40);
    return make(
      "div",
      {},
      make("h3", { text: "Runs" }),
      ...ids.map((id) =>
        make("div", { class: "hp-run", text: visible(nameOf(id)), title: visible(nameOf(id)) }),
      ),
    );
  }

  charts(row) {
    const { trials } = this.board;
    const tags = [...new Set(trials.metrics.map(({ tag }) => tag))].slice(0, MOST_CHARTS);
    const box = make("div", { class: "hp-charts" });
    for (const tag of tags) this.chart(tag, trials.members[row], box);
    return box;
  }

  async chart(tag, ids, box) {
    const known = ids.filter((id) => indexOf(id) >= 0);
    if (known.length === 0) return;
    const canvas = make("canvas", { class: "hp-spark" });
    const range = make("span", { class: "hp-spark-range" });
    const name = make("span", { class: "hp-spark-name", text: visible(tag) });
    const figure = make("figure", { hidden: true }, make("figcaption", {}, name, range), canvas);
    box.append(figure);
    try {
      const smooth = { kind: "none", amount: 0 };
      const reply = await curves({ tag, runs: idRanges(known), x: "step", width: 240, smooth });
      if (reply === null || !figure.isConnected) return;
      const lines = linesIn(reply);
      // a single point says no more than the number above
      if (!lines.some(({ x }) => x.length > 1)) return;
      figure.hidden = false;
      const [low, high] = reply.header.y_extent ?? [NaN, NaN];
      range.textContent = `${shortNumber(low, 3)} – ${shortNumber(high, 3)}`;
      draw(canvas, lines, reply.header);
    } catch {
      figure.remove(); // the numbers above stand without it
    }
  }
}

function fullText(column, row) {
  return column.kind === "number" ? String(column.value[row]) : visible(cellText(column, row));
}

function linesIn({ header, x, y }) {
  let at = 0;
  return header.lines
    .map((line) => {
      const from = at;
      at += line.n;
      return { ...line, x: x.subarray(from, at), y: y.subarray(from, at) };
    })
    .filter(({ role }) => role === "line");
}

function draw(canvas, lines, { x_extent: across, y_extent: up }) {
  if (!across || !up) return;
  const width = canvas.clientWidth || 250;
  const context = fit(canvas, width, CHART_HEIGHT);
  const theme = readTheme(canvas);
  const k = (width - 4) / (across[1] - across[0] || 1);
  const g = (CHART_HEIGHT - 8) / (up[1] - up[0] || 1);
  context.strokeStyle = theme.grid;
  context.strokeRect(0.5, 0.5, width - 1, CHART_HEIGHT - 1);
  context.lineWidth = 1.4;
  context.lineJoin = "round";
  for (const line of lines) {
    context.strokeStyle = colourOf(line.run);
    context.beginPath();
    let isDown = false;
    line.x.forEach((x, i) => {
      const y = line.y[i];
      if (!Number.isFinite(y)) return (isDown = false);
      const place = [2 + (x - across[0]) * k, CHART_HEIGHT - 4 - (y - up[0]) * g];
      if (isDown) context.lineTo(...place);
      else context.moveTo(...place);
      return (isDown = true);
    });
    context.stroke();
  }
}
