/** The tooltip of all histograms: which bin of which step, and how many values lie in it. */

import { make } from "./chart_elements.js";
import { binEdges } from "./histograms_data.js";
import { formatTime, formatValue, formatX, groupDigits } from "./ticks.js";

/** Percentiles of the bands, from the uppermost down: index, name. */
const BANDS = [
  [8, "Max"],
  [7, "93.3%"],
  [6, "84.1%"],
  [5, "69.2%"],
  [4, "Median"],
  [3, "30.9%"],
  [2, "15.9%"],
  [1, "6.7%"],
  [0, "Min"],
];
const ROWS = 12;

/** Return what is at a hit: `[name, text, colour | null]` each; the first one is the heading. */
export function tipLines(frame, hit, names) {
  if (frame.view === "bands") return bandLines(frame, hit);
  if (frame.view === "runs") return runLines(frame, hit, names);
  const { columns, header, bins } = frame;
  const count = columns.count[hit.row * bins + hit.bin];
  const total = columns.total[hit.row];
  return [
    [stepName(header, hit.row), "", null],
    ["Bin", range(binEdges(header.range, bins, hit.bin)), null],
    [isMean(header, hit.row) ? "Mean count" : "Count", amount(count), null],
    ["Share", total > 0 ? `${formatValue((100 * count) / total, 3)}%` : "–", null],
    ...(header.x === "relative"
      ? [["Relative", formatX("relative", columns.x[hit.row]), null]]
      : []),
    ["Time", formatTime(columns.wall_time[hit.row]), null],
  ];
}

const isMean = ({ step, last_step: last }, row) => String(step[row]) !== String(last[row]);

function stepName(header, row) {
  const step = groupDigits(String(header.step[row]));
  return isMean(header, row)
    ? `Steps ${step} to ${groupDigits(String(header.last_step[row]))}`
    : `Step ${step}`;
}

/** Counts of new bins are shares of logged buckets: parts of one value are real. */
const amount = (count) =>
  count >= 100 ? groupDigits(String(Math.round(count))) : formatValue(count, 3);

const range = ([low, high]) => `${formatValue(low, 4)} to ${formatValue(high, 4)}`;

function bandLines({ columns, header }, { row }) {
  const n = columns.x.length;
  const x = columns.x[row];
  const isStep = header.x === "step";
  const heading = isStep ? `Step ${formatX("step", Math.round(x))}` : formatX(header.x, x);
  return [
    [heading, "", null],
    ...BANDS.map(([k, name]) => [name, formatValue(columns.quantile[k * n + row], 4), null]),
  ];
}

function runLines({ columns, header, bins, colours }, { row, bin }, names) {
  const order = header.rows.map((_, k) => k);
  order.sort((a, b) => (a === row ? -1 : b === row ? 1 : a - b));
  const lines = order.slice(0, ROWS).map((k) => {
    const share = (100 * columns.count[k * bins + bin]) / (columns.total[k] || 1);
    return [
      `${names[k]} at ${groupDigits(String(header.rows[k].step))}`,
      `${formatValue(share, 3)}%`,
      colours[k],
    ];
  });
  const more = order.length - lines.length;
  if (more > 0) lines.push([`and ${more} more`, "", null]);
  return [[range(binEdges(header.range, bins, bin)), "", null], ...lines];
}

export class HistogramTip {
  constructor() {
    this.box = make("div", { class: "hg-tip", role: "tooltip", hidden: true });
    document.body.append(this.box);
    this.owner = null;
  }

  destroy() {
    this.box.remove();
  }

  hide(owner) {
    if (this.owner !== owner) return;
    this.owner = null;
    this.box.hidden = true;
  }

  show(owner, { clientX, clientY }, [[heading], ...lines]) {
    this.owner = owner;
    const cells = lines.flatMap(([name, text, colour]) => [
      make(
        "dt",
        {},
        colour ? swatch(colour) : null,
        name,
      ),
      make("dd", { text }),
    ]);
    this.box.replaceChildren(make("strong", { text: heading }), make("dl", {}, ...cells));
    this.box.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const isRight = clientX + 18 + width <= innerWidth - 6;
    const left = isRight ? clientX + 18 : Math.max(6, clientX - 18 - width);
    const top = Math.max(6, Math.min(clientY + 16, innerHeight - height - 6));
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}

function swatch(colour) {
  const mark = make("i", { class: "hg-swatch" });
  mark.style.background = colour;
  return mark;
}
