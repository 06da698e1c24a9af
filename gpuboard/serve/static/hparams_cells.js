/** Paint the cells of the scatter matrix that hold no points: spreads and correlations. */

import { rankCorrelation } from "./hparams_model.js";

/** Pixels inside a cell, so that points at its edge are whole. */
export const PAD = 7;

const BINS = 24;

/** Paint how the trials are spread over one column: all that are shown, and those that stand out. */
export function histogram(context, { axis, board, theme, left, top, width, height }) {
  const { places, column } = axis;
  const isWords = column.kind === "words";
  const bins = isWords ? Math.max(column.words.length, 1) : BINS;
  const span = width - 2 * PAD;
  const count = (rows) => {
    const found = new Float64Array(bins);
    for (const row of rows) {
      if (Number.isNaN(places[row])) continue;
      const share = (places[row] - PAD) / span;
      const bin = isWords ? column.value[row] : Math.floor(share * bins);
      found[Math.max(0, Math.min(bins - 1, bin))] += 1;
    }
    return found;
  };
  const all = count(board.shown);
  const most = Math.max(...all, 1);
  const wide = span / bins;
  const draw = (counts, colour, alpha) => {
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    counts.forEach((n, bin) => {
      const tall = (n / most) * (height - 30);
      const bar = Math.max(Math.min(wide - 1, 40), 1);
      const middle = left + PAD + (bin + 0.5) * wide;
      context.fillRect(middle - bar / 2, top + height - 1 - tall, bar, tall);
    });
    context.globalAlpha = 1;
  };
  draw(all, theme.axis, 0.7);
  draw(count(board.front), theme.accent, 0.75);
}

/** Write how strongly the ranks of two columns go together, the larger the stronger. */
export function correlation(context, { pair, rows, theme, left, top, width, height }) {
  const isWords = pair.some(({ kind, words }) => kind === "words" && words.length > 2);
  const found = isWords ? NaN : rankCorrelation(...pair, rows);
  const strength = Math.abs(found);
  const isKnown = Number.isFinite(found);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${isKnown ? 12 + 12 * strength : 12}px ${theme.font}`;
  context.fillStyle = isKnown ? theme.text : theme.muted;
  context.globalAlpha = isKnown ? 0.35 + 0.65 * strength : 0.5;
  const text = isKnown ? found.toFixed(2).replace("-", "\u2212") : "\u2013";
  context.fillText(text, left + width / 2, top + height / 2);
  context.globalAlpha = 1;
}
