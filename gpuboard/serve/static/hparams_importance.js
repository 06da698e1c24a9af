/** Which hyperparameters matter for a metric: bars, what the metric does along each, and how sure. */

import { icon, make } from "./chart_elements.js";
import { h, visible } from "./dom.js";
import { count, plural } from "./format.js";
import { send } from "./hparams_board.js";
import { asked, shortNumber } from "./hparams_model.js";
import { fit, labelsAcross, opacity } from "./hparams_paint.js";
import { scaleOf } from "./hparams_scale.js";
import { idRanges } from "./runs.js";
import { get, set } from "./state.js";
import { readTheme } from "./theme_colours.js";

const WEAK = 0.1; // from this share explained on, there is something to say
const FAIR = 0.5;
const HEIGHT = 142;
const LEFT = 46;

export class ImportanceView {
  /** @param {import("./hparams_board.js").Board} board */
  constructor(board) {
    this.board = board;
    this.element = h("div", { class: "hp-importance" });
    this.shown = "";
    this.asking = null;
  }

  dispose() {
    this.asking?.abort();
  }

  metric() {
    const metrics = [...this.board.trials.columns.values()].filter(({ role }) => role === "metric");
    return metrics.find(({ key }) => key === get("hpImportance")) ?? metrics[0] ?? null;
  }

  /** Ask anew where the metric, the filters or the numbers have changed. */
  async update() {
    const { board } = this;
    if (!board.trials) return;
    const column = this.metric();
    if (!column) {
      this.say("No metric", "No trial has logged any scalar that could be explained.");
      return;
    }
    const isAll = board.shown.length === board.trials.count || board.trials.isFolded;
    const runs = isAll ? null : idRanges(Array.from(board.shown, (row) => board.trials.run[row]));
    const body = { metric: asked(column.metric), rows: runs };
    const wanted = JSON.stringify([body, board.etag]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    try {
      const found = await this.wait(body, asking);
      if (found) this.show(found, column, isAll);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.shown = "";
      this.say("This could not be computed", error.message);
    }
  }

  async wait(body, asking) {
    for (;;) {
      const reply = await (await send("trials/importance", body, asking.signal)).json();
      if (asking.signal.aborted) return null;
      if (reply.state === "done") return reply;
      this.progress(reply);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  progress({ fraction, sentence }) {
    if (this.found && this.found === this.element.firstChild) return; // the last result stays
    const bar = make("div", { class: "hp-progress" }, make("span"));
    bar.firstChild.style.width = `${Math.round(100 * fraction)}%`;
    this.element.replaceChildren(
      make(
        "div",
        { class: "empty" },
        make("h2", { text: "Learning what matters" }),
        make("p", { text: sentence }),
        bar,
      ),
    );
  }

  say(title, sentence) {
    this.element.replaceChildren(
      make("div", { class: "empty" }, make("h2", { text: title }), make("p", { text: sentence })),
    );
  }

  repaint() {
    if (this.last) this.show(...this.last);
  }

  show(found, column, isAll) {
    this.last = [found, column, isAll];
    if (found.r2 === null) {
      this.say(...tooLittle(found));
      this.found = null;
      return;
    }
    const scroll = this.found?.scrollTop ?? 0;
    this.found = make(
      "div",
      { class: "hp-findings" },
      this.verdict(found, column, isAll),
      make("div", { class: "hp-bars-box" }, make("h3", { text: "Importance" }), this.bars(found)),
      this.curves(found, column),
      this.about(found),
    );
    this.element.replaceChildren(this.found);
    this.found.scrollTop = scroll;
    for (const paint of this.paints) paint();
  }

  verdict(found, column, isAll) {
    const picker = make(
      "select",
      {
        class: "select",
        "aria-label": "Metric to explain",
        on: { change: (event) => set("hpImportance", event.target.value) },
      },
      ...[...this.board.trials.columns.values()]
        .filter(({ role }) => role === "metric")
        .map(({ key, title }) =>
          make("option", { value: key, text: visible(title), selected: key === column.key }),
        ),
    );
    const share = `${Math.round(100 * Math.max(found.r2, 0))} %`;
    const level = found.r2 < WEAK ? "weak" : found.r2 < FAIR ? "fair" : "good";
    const drawn =
      found.used < found.trials
        ? `${count(found.used)} of ${plural(found.trials, "trial")}, drawn at random`
        : plural(found.trials, "trial");
    const filters = isAll ? "" : " that pass the filters";
    return make(
      "div",
      { class: "hp-verdict" },
      make(
        "div",
        { class: "hp-row" },
        make("span", { class: "hp-label", text: "What decides on" }),
        make("div", { class: "picker" }, picker, icon("chevron")),
      ),
      make(
        "p",
        { class: `hp-sentence is-${level}` },
        make("strong", { text: sentenceOf(level, share) }),
        ` Out-of-bag R² ${found.r2.toFixed(2)} ± ${found.r2_std.toFixed(2)}, learned from ${drawn}${filters}.`,
      ),
    );
  }

  bars(found) {
    const most = Math.max(...found.hparams.map(({ mean, std }) => mean + std), 1e-9);
    const rows = found.hparams.slice(0, 30).map(({ name, mean, std }) => {
      const share = (v) => `${Math.max(0, Math.min(100, (100 * v) / most)).toFixed(2)}%`;
      const fill = make("span", { class: "hp-bar-fill" });
      fill.style.width = share(mean);
      const error = make("span", { class: "hp-bar-error" });
      error.style.left = share(mean - std);
      error.style.width = `calc(${share(mean + std)} - ${share(mean - std)})`;
      const isSure = mean > 2 * std && mean > 0;
      return make(
        "div",
        { class: `hp-bar${isSure ? "" : " is-unsure"}`, role: "listitem" },
        make("span", { class: "hp-bar-name", text: visible(name), title: visible(name) }),
        make("span", { class: "hp-bar-track" }, fill, error),
        make("span", { class: "hp-bar-value", text: `${signed(mean)} ± ${std.toFixed(2)}` }),
      );
    });
    return make(
      "div",
      { class: "hp-bars", role: "list", "aria-label": "Importance of hyperparameters" },
      ...rows,
    );
  }

  curves(found, column) {
    this.paints = [];
    const figures = found.curves.map((curve) => this.curve(curve, column));
    return make(
      "div",
      { class: "hp-curves" },
      make("h3", { text: `${visible(column.title)} along each` }),
      make("div", { class: "hp-curve-grid" }, ...figures),
    );
  }

  curve(curve, metric) {
    const hparam = this.board.trials.columns.get(`h:${curve.name}`);
    const canvas = make("canvas", { class: "hp-curve", "aria-hidden": "true" });
    const figure = make(
      "figure",
      {},
      make("figcaption", { text: visible(curve.name), title: visible(curve.name) }),
      canvas,
      make("p", { class: "hp-tendency", text: tendency(curve, metric) }),
    );
    this.paints.push(() => drawCurve(canvas, curve, hparam, metric, this.board));
    return figure;
  }

  about(found) {
    const parts = [];
    if (found.constant.length)
      parts.push(`The same in all trials, so nothing can be said: ${list(found.constant)}.`);
    if (found.left_out.length) parts.push(`Not looked at: ${list(found.left_out)}.`);
    return make(
      "div",
      { class: "hp-about" },
      make("p", {
        text:
          "Importance: how much less of the metric’s ranks five random forests explain, for trials " +
          "their trees have not seen, once the values of one hyperparameter are shuffled; ± is the " +
          "spread over the forests. Hyperparameters that go together share what they explain. The " +
          "curves show what the forests expect when only one is changed: the middle and the middle " +
          "80 % of the trials. Dots are trials. None of this proves that one thing causes another.",
      }),
      ...parts.map((text) => make("p", { text })),
    );
  }
}

function tooLittle({ trials, constant, hparams }) {
  if (trials < 12) {
    return [
      "Too few trials",
      `${plural(trials, "trial")} with a finite metric: from 12 on there is something to learn, and ` +
        "a reliable answer takes about ten for each hyperparameter.",
    ];
  }
  if (hparams.length === 0 && constant.length > 0) {
    return ["Nothing differs", `All trials agree in ${list(constant)}, or in the metric itself.`];
  }
  return [
    "Nothing to explain",
    "The metric is the same in all trials, or no hyperparameter differs.",
  ];
}

const signed = (value) => value.toFixed(2).replace("-", "−");

const list = (names) =>
  names.slice(0, 12).map(visible).join(", ") +
  (names.length > 12 ? ` and ${names.length - 12} more` : "");

function sentenceOf(level, share) {
  if (level === "weak")
    return "The hyperparameters explain almost nothing of this metric: do not trust the bars below.";
  if (level === "fair") return `The hyperparameters explain ${share} of how trials rank.`;
  return `The hyperparameters explain ${share} of how trials rank, which is enough to go by.`;
}

/** Say where along a curve the metric is best. */
function tendency({ x, y, words }, { goal }) {
  const sign = goal === "max" ? -1 : 1;
  let best = 0;
  y.forEach((v, i) => {
    if (sign * v < sign * y[best]) best = i;
  });
  const span = Math.max(...y) - Math.min(...y);
  if (!(span > 0)) return "No difference expected";
  const at = words.length ? visible(words[x[best]]) : shortNumber(x[best], 3);
  const side = goal === "max" ? "Highest" : "Lowest";
  return `${side} at ${at}: ${shortNumber(y[best], 3)}`;
}

function drawCurve(canvas, curve, hparam, metric, board) {
  if (!hparam) return;
  const width = canvas.clientWidth;
  const context = fit(canvas, width, HEIGHT);
  const theme = readTheme(canvas);
  const box = { left: LEFT, right: width - 10, top: 8, bottom: HEIGHT - 22 };
  const inset = 12;
  const sx = scaleOf(hparam, board.scaleKind(hparam), box.left + inset, box.right - inset, 58);
  const seen = { ...metric, ...middle(metric, curve) };
  const kind = board.scaleKind(metric) === "log" && seen.low > 0 ? "log" : "linear";
  const sy = scaleOf(seen, kind, box.bottom, box.top, 34);
  context.font = `10.5px ${theme.font}`;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const { at, label } of sy.ticks) {
    context.fillStyle = theme.grid;
    context.fillRect(box.left, Math.round(at), box.right - box.left, 1);
    context.fillStyle = theme.muted;
    context.fillText(label, box.left - 6, at);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  const ticks = sx.ticks.map(({ at, label }) => ({ at, label: visible(label) }));
  labelsAcross(context, ticks, { left: box.left - 12, right: width, y: box.bottom + 6 });
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 3, box.right - box.left, box.bottom - box.top + 6);
  context.clip();
  dots(context, theme, { hparam, metric, board, sx, sy });
  band(context, theme, { curve, sx, sy, isWords: hparam.kind === "words" });
  context.restore();
}

/** The range that the curve needs, with the trials of the middle 90 %: one outlier hides nothing. */
function middle(metric, { low, high }) {
  const values = metric.value.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  return { low: Math.min(...low, at(0.05)), high: Math.max(...high, at(0.95)) };
}

function dots(context, theme, { hparam, metric, board, sx, sy }) {
  context.fillStyle = theme.muted;
  context.globalAlpha = opacity(board.shown.length, 0.12, 0.5);
  // trials with one of few values lie a little apart, so that they can be told apart
  const isCrowded = hparam.kind === "words" || new Set(hparam.value).size <= 11;
  const size = board.shown.length > 500 ? 2 : 3.5;
  for (const row of board.shown) {
    let x = sx.to(hparam.value[row]);
    const y = sy.to(metric.value[row]);
    if (Number.isNaN(x + y)) continue;
    if (isCrowded) x += ((row * 0.618034) % 1) * 14 - 7;
    context.fillRect(x - size / 2, y - size / 2, size, size);
  }
  context.globalAlpha = 1;
}

function band(context, theme, { curve, sx, sy, isWords }) {
  const points = curve.x
    .map((x, i) => [sx.to(x), sy.to(curve.y[i]), sy.to(curve.low[i]), sy.to(curve.high[i])])
    .filter((point) => !point.some(Number.isNaN));
  context.fillStyle = theme.accent;
  context.strokeStyle = theme.accent;
  if (isWords || points.length === 1) {
    for (const [x, y, low, high] of points) {
      context.globalAlpha = 0.25;
      context.fillRect(x - 8, Math.min(low, high), 16, Math.abs(low - high));
      context.globalAlpha = 1;
      context.fillRect(x - 8, y - 1, 16, 2);
    }
    return;
  }
  context.globalAlpha = 0.2;
  context.beginPath();
  points.forEach(([x, , low], i) => (i ? context.lineTo(x, low) : context.moveTo(x, low)));
  for (const [x, , , high] of points.slice().reverse()) context.lineTo(x, high);
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
