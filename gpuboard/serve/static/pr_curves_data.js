/** Cut a reply of PR curves into curves, and answer questions about them: no DOM. */

const NAMES = ["threshold", "precision", "recall", "tp", "fp", "tn", "fn", "fpr"];

/** Return one object a run: columns by threshold, and `pr` and `roc` as lines to draw. */
export function curvesOf({ header, columns }) {
  let at = 0;
  return header.curves.map((row) => {
    const curve = {
      run: row.run,
      n: row.n,
      error: row.error ?? "",
      averagePrecision: Number(row.average_precision ?? NaN),
      rocArea: Number(row.roc_area ?? NaN),
    };
    for (const name of NAMES) curve[name] = columns[name].subarray(at, at + row.n);
    at += row.n;
    curve.pr = lineOf(curve.recall, curve.precision, (k) => curve.tp[k] + curve.fp[k] > 0);
    curve.roc = lineOf(curve.fpr, curve.recall, () => true);
    curve.indexAt = (kind, x, y) => nearest(curve, kind, x, y);
    return curve;
  });
}

/** Thresholds ascend, so x descends: the line is turned round, and keeps where each point was. */
function lineOf(x, y, isKnown) {
  const kept = [];
  for (let k = x.length - 1; k >= 0; k--) {
    if (isKnown(k) && Number.isFinite(x[k]) && Number.isFinite(y[k])) kept.push(k);
  }
  return {
    x: Float64Array.from(kept, (k) => x[k]),
    y: Float64Array.from(kept, (k) => y[k]),
    index: kept,
    n: kept.length,
    sorted: kept.every((k, i) => i === 0 || x[k] >= x[kept[i - 1]]),
  };
}

function nearest(curve, kind, x, y) {
  const { x: xs, y: ys, index } = curve[kind];
  let [best, distance] = [0, Infinity];
  for (let i = 0; i < xs.length; i++) {
    const d = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (d < distance) [best, distance] = [i, d];
  }
  return index[best] ?? 0;
}

/** Return the index of the greatest threshold at or below the wanted one. */
export function indexOfThreshold({ threshold }, wanted) {
  let k = threshold.length - 1;
  while (k > 0 && threshold[k] > wanted + 1e-9) k--;
  return k;
}

/** Return counts, precision, recall and F1 at a threshold. */
export function confusionAt(curve, wanted) {
  const k = indexOfThreshold(curve, wanted);
  const [precision, recall] = [curve.precision[k], curve.recall[k]];
  const sum = precision + recall;
  return {
    tp: curve.tp[k],
    fp: curve.fp[k],
    tn: curve.tn[k],
    fn: curve.fn[k],
    precision,
    recall,
    f1: sum > 0 ? (2 * precision * recall) / sum : 0,
  };
}

/** Write a number with so many decimals; a dash for what is not known. */
export function decimals(value, digits) {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
