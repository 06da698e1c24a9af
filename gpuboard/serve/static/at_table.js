/** The table under a chart: what each run says at a step, or over a range. */

import { iconButton, make, popover, shorten } from "./chart_elements.js";
import { compareNames } from "./natural.js";
import { nameOf } from "./runs.js";
import { formatDuration, formatTime, formatValue, formatX, groupDigits } from "./ticks.js";

const MAX_ROWS = 500; // more cannot be read; sorting still looks at all of them
const FOLLOW_MS = 60;

const TABLE_COLUMNS = {
  smoothed: "Smoothed",
  value: "Value",
  step: "Step",
  wall_time: "Time",
  relative: "Relative",
  start: "Start",
  end: "End",
  min: "Min",
  max: "Max",
  mean: "Mean",
  delta: "Change",
  percent: "Change %",
};

const FIRST_COLUMNS = { run: "Run", tag: "Tag" };

const WRITE = {
  step: groupDigits,
  wall_time: formatTime,
  relative: formatDuration,
  percent: (v) => (Number.isFinite(v) ? `${v > 0 ? "+" : ""}${v.toFixed(1)}%` : "–"),
  delta: (v) => (typeof v === "number" && v > 0 ? `+${formatValue(v)}` : formatValue(v)),
};

export class AtTable {
  constructor(card) {
    this.card = card;
    this.columns = null; // the last answer
    this.sort = { by: "run", down: false };
    this.cursor = null;
    this.turn = 0;
    this.timer = 0;
    this.caption = make("span", { class: "sc-table-at" });
    this.body = make("tbody");
    this.head = make("tr");
    const edit = iconButton("table", "Choose columns", () => this.openColumns(edit));
    this.element = make(
      "div",
      { class: "sc-table" },
      make("div", { class: "sc-table-bar" }, this.caption, edit),
      make(
        "div",
        { class: "sc-table-scroll" },
        make("table", {}, make("thead", {}, this.head), this.body),
      ),
    );
  }

  destroy() {
    clearTimeout(this.timer);
    this.turn++;
    this.element.remove();
  }

  /** Follow the pointer while no step is fixed; null when it left the chart. */
  follow(x) {
    if (this.card.at()) return;
    this.cursor = x;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), FOLLOW_MS);
  }

  async refresh() {
    const { card } = this;
    const turn = ++this.turn;
    const series = card.tableSeries();
    if (!series.length || !card.reply) return;
    const [lo, hi] = card.chart.xRange();
    const fixed = card.at();
    const place = fixed ? fixed[0] : (this.cursor ?? hi);
    const range = fixed && fixed[1] !== null ? fixed : [lo, hi];
    const { key, version, ranges } = card.reply;
    const wish = `${place} ${range} ${key} ${version} ${ranges} ${series.length}`;
    if (wish === this.asked && this.columns) {
      this.render(); // in other columns perhaps
      return;
    }
    const [here, over] = await Promise.all([
      card.details(place, null, series),
      card.details(Math.min(...range), Math.max(...range), series),
    ]);
    if (turn !== this.turn || !here || !over) return;
    this.asked = wish;
    this.columns = join(here, over);
    const kind = card.get("x");
    const span =
      fixed && fixed[1] !== null
        ? `${formatX(kind, Math.min(...range))} to ${formatX(kind, Math.max(...range))}`
        : `at ${formatX(kind, place)}`;
    this.caption.textContent = span;
    this.render();
  }

  recolour() {
    this.render();
  }

  shownColumns() {
    const chosen = this.card.get("tableColumns").filter((name) => name in TABLE_COLUMNS);
    const wanted = chosen.length ? chosen : this.usualColumns();
    return Object.keys(TABLE_COLUMNS).filter((name) => wanted.includes(name));
  }

  usualColumns() {
    const isRange = this.card.get("stepMark") === "range";
    if (isRange) return ["start", "end", "delta", "min", "max"];
    const atStep = ["smoothed", "value", "step", "relative"];
    return this.card.detail ? [...atStep, "min", "max", "delta"] : atStep;
  }

  render() {
    if (!this.columns) return;
    const names = this.shownColumns();
    const first = this.columns.tag ? ["run", "tag"] : ["run"];
    this.head.replaceChildren(...[...first, ...names].map((name) => this.headCell(name)));
    const order = this.order().slice(0, MAX_ROWS);
    this.body.replaceChildren(...order.map((i) => this.row(i, names)));
  }

  headCell(name) {
    const { by, down } = this.sort;
    const arrow = by === name ? (down ? " ↓" : " ↑") : "";
    const text = (FIRST_COLUMNS[name] ?? TABLE_COLUMNS[name]) + arrow;
    const button = make("button", { type: "button", text, on: { click: () => this.sortBy(name) } });
    return make(
      "th",
      { scope: "col", "aria-sort": by !== name ? "none" : down ? "descending" : "ascending" },
      button,
    );
  }

  sortBy(name) {
    const { by, down } = this.sort;
    this.sort = { by: name, down: by === name ? !down : !(name in FIRST_COLUMNS) };
    this.render();
  }

  order() {
    const { by, down } = this.sort;
    const { run, tag } = this.columns;
    const order = run.map((_, i) => i);
    if (by === "tag") order.sort((a, b) => compareNames(tag[a], tag[b]) || a - b);
    if (by in FIRST_COLUMNS) return down ? order.reverse() : order;
    const rank = this.columns[by].map((v) => (v === null ? NaN : Number(v)));
    const sign = down ? -1 : 1;
    // Runs without a number stand last in both directions.
    return order.sort(
      (a, b) =>
        Number.isNaN(rank[a]) - Number.isNaN(rank[b]) || sign * (rank[a] - rank[b]) || a - b,
    );
  }

  row(i, names) {
    const { run: runs, tag: tags, key: keys } = this.columns;
    const [run, tag, key] = [runs[i], tags?.[i], keys[i]];
    const { card } = this;
    const { page } = card;
    const swatch = make("i", { class: "gb-swatch" });
    swatch.style.background = card.colourOf({ run, group: null, key });
    const first = (text, ...before) =>
      make(
        "td",
        { class: "sc-run", title: text },
        ...before,
        make("span", { text: card.detail ? text : shorten(text, 18) }),
      );
    const cells = names.map((column) =>
      make("td", {
        class: "gb-number",
        text: (WRITE[column] ?? formatValue)(this.columns[column][i]),
      }),
    );
    const isPicked = card.get("picked") === run;
    return make(
      "tr",
      {
        class: isPicked ? "sc-picked" : "",
        on: {
          click: () => page.pick({ key: run, run, name: nameOf(run) }),
          pointerenter: () => page.hovered(run),
          pointerleave: () => page.hovered(-1),
        },
      },
      first(nameOf(run), swatch),
      ...(tags ? [first(tag)] : []),
      ...cells,
    );
  }

  openColumns(anchor) {
    const box = make("div", { class: "sc-menu" });
    for (const [name, label] of Object.entries(TABLE_COLUMNS)) {
      const input = make("input", {
        type: "checkbox",
        checked: this.shownColumns().includes(name),
      });
      input.addEventListener("change", () => {
        const others = this.shownColumns().filter((one) => one !== name);
        this.card.state.set("tableColumns", input.checked ? [...others, name] : others);
      });
      box.append(make("label", { class: "sc-check" }, input, label));
    }
    popover(anchor, box);
  }
}

/** Lay the values at the step and the figures over the range side by side, by series. */
function join(here, over) {
  const place = new Map(over.key.map((key, i) => [key, i]));
  const from = (name) => here.key.map((key) => over[name][place.get(key)] ?? null);
  const columns = { ...here };
  for (const name of ["min", "max", "mean", "start", "end", "delta"]) columns[name] = from(name);
  columns.percent = columns.delta.map((delta, i) =>
    delta === null ? NaN : (Number(delta) / Math.abs(Number(columns.start[i]))) * 100,
  );
  return columns;
}
