/** The one tooltip of all charts: a row for each run near the pointer. */

import { make, shorten } from "./chart_elements.js";
import { compareNames } from "./natural.js";
import { formatDuration, formatTime, formatValue, formatX, groupDigits } from "./ticks.js";

export const TIP_SORTS = {
  nearest: "Nearest to the pointer",
  nearestY: "Nearest in height",
  descending: "Highest first",
  ascending: "Lowest first",
  alphabetical: "By name",
};

const REST_MS = 70; // a pointer that rests this long is told the exact step and time as well

const ORDER = {
  nearest: (a, b) => a.distance - b.distance,
  nearestY: (a, b) => a.distanceY - b.distanceY,
  descending: (a, b) => b.smoothed - a.smoothed,
  ascending: (a, b) => a.smoothed - b.smoothed,
  alphabetical: (a, b) => compareNames(a.series.name, b.series.name),
};

/** The rows that a tooltip has room for, in its order; `limit` of them. */
export function tipRows(rows, sort, limit) {
  return [...rows].sort(ORDER[sort] ?? ORDER.nearest).slice(0, limit);
}

export class ChartTip {
  /** @param {(x, runs) => Promise} details answers api/v1/at for the rows shown. */
  constructor() {
    this.box = make("div", { class: "gb-tip", role: "tooltip", hidden: true });
    document.body.append(this.box);
    this.timer = 0;
    this.turn = 0;
  }

  destroy() {
    clearTimeout(this.timer);
    this.box.remove();
  }

  hide() {
    clearTimeout(this.timer);
    this.turn++;
    this.box.hidden = true;
  }

  /** Show rows at the pointer; `details(x, runs)` answers api/v1/at once the pointer rests. */
  show({ rows, nearest, x, event, chart }, { sort, limit, smoothed, details }) {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    if (!rows.length) return this.hide();
    const shown = tipRows(rows, sort, limit);
    const kind = chart.spec.xKind;
    // A band of many runs has no step and time of its own but the place on the axis.
    const isRun = shown.some((row) => row.series.run !== null);
    const own = isRun ? ["step", "time", "relative"] : [PLACES[kind]].filter(Boolean);
    const fields = [...(smoothed ? ["smoothed"] : []), "value", ...own];
    const lines = shown.map((row) => tipLine(row, kind, fields, row.series === nearest?.series));
    this.box.replaceChildren(table(lines, fields), ...rest(rows.length - shown.length));
    this.box.hidden = false;
    this.place(event.clientX, event.clientY);
    const runs = shown.filter((row) => row.series.run !== null).map((row) => row.series.run);
    if (!runs.length || !details) return undefined;
    this.timer = setTimeout(async () => {
      const exact = await details(x, runs);
      if (!exact || turn !== this.turn) return;
      fill(shown, lines, exact, smoothed);
      this.place(event.clientX, event.clientY);
    }, REST_MS);
    return undefined;
  }

  place(px, py) {
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const right = px + 18 + width <= innerWidth - 6;
    const left = right ? px + 18 : Math.max(6, px - 18 - width);
    const top = Math.min(py + 16, innerHeight - height - 6);
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(6, top))}px)`;
  }
}

const NAMES = {
  smoothed: "Smoothed",
  value: "Value",
  step: "Step",
  time: "Time",
  relative: "Relative",
};

/** The column that says the place on an x axis. */
const PLACES = { step: "step", wall: "time", relative: "relative" };

function table(lines, fields) {
  const names = ["", "Run", ...fields.map((field) => NAMES[field])];
  const head = make("tr", {}, ...names.map((text) => make("th", { text })));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines.map((l) => l.row)));
}

const rest = (count) =>
  count > 0
    ? [make("div", { class: "gb-tip-more", text: `and ${count.toLocaleString("en")} more` })]
    : [];

function tipLine({ series, x, smoothed, value }, kind, fields, isNearest) {
  const swatch = make("i", { class: "gb-swatch" });
  swatch.style.background = series.colour;
  const cell = (text) => make("td", { text, class: "gb-number" });
  const here = PLACES[kind];
  const texts = {
    smoothed: formatValue(smoothed),
    value: formatValue(value),
    [here]: formatX(kind, x),
  };
  const cells = Object.fromEntries(
    fields.map((field) => [field, make("td", { text: texts[field] ?? "", class: "gb-number" })]),
  );
  const name = make("td", { class: "gb-tip-name", text: shorten(series.name) });
  const row = make(
    "tr",
    { class: isNearest ? "gb-nearest" : "" },
    make("td", {}, swatch),
    name,
    ...Object.values(cells),
  );
  return { row, cells };
}

/** Put the exact columns of api/v1/at into the rows they belong to. */
function fill(shown, lines, exact, hasSmoothed) {
  const place = new Map(exact.run.map((run, i) => [run, i]));
  shown.forEach((row, k) => {
    const i = place.get(row.series.run);
    if (i === undefined) return;
    const { cells } = lines[k];
    cells.value.textContent = formatValue(exact.value[i]);
    if (hasSmoothed) cells.smoothed.textContent = formatValue(exact.smoothed[i]);
    cells.step.textContent = groupDigits(exact.step[i]);
    cells.time.textContent = formatTime(exact.wall_time[i]);
    cells.relative.textContent = formatDuration(exact.relative[i]);
  });
}
