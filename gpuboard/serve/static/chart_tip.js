/** The one tooltip of all charts: a row for each line near the pointer. */

import { lineSample, make, shorten } from "./chart_elements.js";
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

  /** Show rows at the pointer; `details(x, series)` answers api/v1/at once the pointer rests. */
  show({ rows, nearest, x, event, chart }, { sort, limit, smoothed, details }) {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    if (!rows.length) return this.hide();
    const shown = tipRows(rows, sort, limit);
    const kind = chart.spec.xKind;
    // A band of many runs has no step and time of its own but the place on the axis.
    const isExact = details && shown.some((row) => row.series.run !== null);
    const own = isExact ? ["step", "time", "relative"] : [PLACES[kind]].filter(Boolean);
    const hasBand = shown.some((row) => row.low !== undefined);
    const fields = [
      ...(smoothed ? ["smoothed"] : []),
      "value",
      ...(hasBand ? ["low", "high"] : []),
      ...own,
    ];
    const hasTags = shown.some((row) => row.series.tag !== undefined);
    const lines = shown.map((row) =>
      tipLine(row, { kind, fields, hasTags, isNearest: row.series === nearest?.series }),
    );
    this.box.replaceChildren(table(lines, fields, hasTags), ...rest(rows.length - shown.length));
    this.box.hidden = false;
    this.place(event.clientX, event.clientY);
    const series = shown.map((row) => row.series).filter((one) => one.run !== null);
    if (!series.length || !details) return undefined;
    this.timer = setTimeout(async () => {
      const exact = await details(x, series);
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
  low: "Low",
  high: "High",
  step: "Step",
  time: "Time",
  relative: "Relative",
};

/** The column that says the place on an x axis. */
const PLACES = { step: "step", wall: "time", relative: "relative" };

function table(lines, fields, hasTags) {
  const texts = hasTags ? ["Run", "Tag"] : ["Run"];
  const names = ["", ...texts, ...fields.map((field) => NAMES[field])];
  const cell = (text, i) => make("th", { text, class: i <= texts.length ? "gb-tip-text" : "" });
  const head = make("tr", {}, ...names.map(cell));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines.map((l) => l.row)));
}

const rest = (count) =>
  count > 0
    ? [make("div", { class: "gb-tip-more", text: `and ${count.toLocaleString("en")} more` })]
    : [];

function tipLine({ series, x, smoothed, value, low, high }, { kind, fields, hasTags, isNearest }) {
  const here = PLACES[kind];
  const texts = {
    smoothed: formatValue(smoothed),
    value: formatValue(value),
    low: formatValue(low ?? null),
    high: formatValue(high ?? null),
    [here]: formatX(kind, x),
  };
  const cells = Object.fromEntries(
    fields.map((field) => [field, make("td", { text: texts[field] ?? "", class: "gb-number" })]),
  );
  const text = (name) => make("td", { class: "gb-tip-name", text: shorten(name) });
  const row = make(
    "tr",
    { class: isNearest ? "gb-nearest" : "" },
    make("td", {}, lineSample(series)),
    text(series.runName ?? series.name),
    ...(hasTags ? [text(series.tag ?? "")] : []),
    ...Object.values(cells),
  );
  return { row, cells };
}

/** Put the exact columns of api/v1/at into the rows they belong to. */
function fill(shown, lines, exact, hasSmoothed) {
  const place = new Map(exact.key.map((key, i) => [key, i]));
  shown.forEach((row, k) => {
    const i = place.get(row.series.key);
    if (i === undefined) return;
    const { cells } = lines[k];
    cells.value.textContent = formatValue(exact.value[i]);
    if (hasSmoothed) cells.smoothed.textContent = formatValue(exact.smoothed[i]);
    cells.step.textContent = groupDigits(exact.step[i]);
    cells.time.textContent = formatTime(exact.wall_time[i]);
    cells.relative.textContent = formatDuration(exact.relative[i]);
  });
}
