/** Filter and sort the run list: functions from columns to row numbers, nothing else. */

const MAX_REGEX_MS = 400;

/** What a filter text means: `{test, error}`; test is null for "everything". */
export function parseFilter(text) {
  const trimmed = text.trim();
  if (trimmed === "") return { test: null, error: "" };
  const pattern = patternOf(trimmed);
  if (pattern === null) return { test: containsAll(trimmed.toLowerCase().split(/\s+/)), error: "" };
  try {
    const regex = new RegExp(pattern, "i");
    return { test: (name) => regex.test(name), error: "" };
  } catch (error) {
    return { test: null, error: patternFault(error) };
  }
}

/** Say in a sentence what is wrong with a pattern. */
export const patternFault = (error) =>
  `Not a whole pattern: ${error.message.split(": ").at(-1).toLowerCase()}.`;

/** Return the pattern of "/pattern/", null for plain text. An unclosed "/..." is a pattern too. */
export function patternOf(text) {
  const match = /^\/(.*?)\/?$/s.exec(text.trim());
  return match && match[1] !== "" ? match[1] : null;
}

function containsAll(words) {
  return (_, lower) => words.every((word) => lower.includes(word));
}

/**
 * Return the rows that pass, in the order of `order`.
 *
 * @returns {{rows: Int32Array, error: string}} With an error all rows pass.
 */
export function filterRows(runs, order, text) {
  const { test, error } = parseFilter(text);
  if (!test) return { rows: order, error };
  const rows = new Int32Array(order.length);
  const end = performance.now() + MAX_REGEX_MS;
  let kept = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    if (test(runs.name[row], runs.lower[row])) rows[kept++] = row;
    if ((i & 255) === 255 && performance.now() > end) {
      return { rows: order, error: "This pattern takes too long on these names." };
    }
  }
  return { rows: rows.subarray(0, kept), error: "" };
}

/**
 * Return all rows sorted by "column" or "-column"; the natural order of names breaks ties, and
 * missing values come last both ways.
 */
export function sortRows(runs, sort) {
  const order = Int32Array.from({ length: runs.length }, (_, row) => row);
  const isDown = sort.startsWith("-");
  const key = sort.replace(/^-/, "");
  if (key === "name") return isDown ? order.reverse() : order;
  const values = sortValues(runs, key);
  if (!values) return order;
  const sign = isDown ? -1 : 1;
  return order.sort((a, b) => compare(values[a], values[b], sign) || a - b);
}

function compare(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a === b ? 0 : a < b ? -sign : sign;
}

function sortValues(runs, key) {
  if (key === "duration") return runs.end.map((end, row) => end - runs.start[row]);
  if (key === "last_step")
    return Float64Array.from(runs.last_step, (text) => (text === "" ? NaN : Number(text)));
  if (key === "state") return runs.state;
  return runs[key] instanceof Float64Array ? runs[key] : null;
}
