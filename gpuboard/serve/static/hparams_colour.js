/** Give trials their colours: along a ramp by a number, by word, or as their runs have them. */

import { NEUTRAL, PALETTE, colourOf } from "./colours.js";
import { cellText, shortNumber } from "./hparams_model.js";
import { scaleOf } from "./hparams_scale.js";

// From low to high, with 3:1 or more against the page in each theme.
const RAMPS = {
  light: ["#3348b8", "#7a3fb5", "#bd3b86", "#d9563f", "#c98a10"],
  dark: ["#6c86ff", "#a880f4", "#ea72b0", "#ff9069", "#ffd162"],
};
const STEPS = 24;

/**
 * Return `{colours, indexOf(row), legend}`: `colours` are the few that there are, `indexOf` which of
 * them a row has; `legend` is `{low, high, ramp}` or `{words: [{label, colour}]}`.
 *
 * @param {object | null} column Null for the colours of the runs.
 */
export function colouring(trials, column, scaleKind, isDark) {
  if (!column) return byRun(trials);
  if (column.kind === "words") return byWord(column);
  const ramp = rampOf(isDark);
  const scale = scaleOf(column, scaleKind, 0, STEPS - 1);
  const none = ramp.length;
  const indexOf = (row) => {
    const place = scale.to(column.value[row]);
    return Number.isNaN(place) ? none : Math.max(0, Math.min(STEPS - 1, Math.round(place)));
  };
  const [low, high] = [column.low, column.high].map((v) => endText(column, v));
  return { colours: [...ramp, NEUTRAL], indexOf, legend: { low, high, ramp } };
}

function endText(column, value) {
  if (!Number.isFinite(value)) return "–";
  const one = { ...column, std: undefined, value: [value], has: [1] };
  return column.kind === "number" ? shortNumber(value, 4) : cellText(one, 0);
}

function byWord({ words, value }) {
  const colours = [...PALETTE, NEUTRAL];
  const indexOf = (row) =>
    Number.isNaN(value[row]) ? PALETTE.length : value[row] % PALETTE.length;
  const legend = words.map((label, i) => ({ label, colour: PALETTE[i % PALETTE.length] }));
  return { colours, indexOf, legend: { words: legend } };
}

function byRun(trials) {
  const colours = [];
  const place = new Map();
  const index = Int32Array.from(trials.rows, (row) => {
    const colour = colourOf(trials.run[row]);
    if (!place.has(colour)) place.set(colour, colours.push(colour) - 1);
    return place.get(colour);
  });
  return { colours, indexOf: (row) => index[row], legend: { words: [] } };
}

/** Return the steps of the ramp as #rrggbb. */
export function rampOf(isDark) {
  const stops = RAMPS[isDark ? "dark" : "light"].map(parts);
  return Array.from({ length: STEPS }, (_, i) => {
    const at = (i / (STEPS - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((v, c) => Math.round(v + (at - low) * (stops[low + 1][c] - v)));
    return `#${mixed.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
  });
}

const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
