/** Put names in the order that the server puts them in: run9 < run10, lr0.003 < lr0.01. */

const NUMBER = /([0-9]+(?:\.[0-9]+)?)/;
const MAX_KNOWN = 20_000;

const known = new Map(); // parts by name: sorting asks for each name many times

/** Compare two names as `natural_key` in gpuboard/store/store.py does. */
export function compareNames(a, b) {
  if (a === b) return 0;
  const [left, right] = [partsOf(a), partsOf(b)];
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const order = compareParts(left[i], right[i]);
    if (order) return order;
  }
  return left.length - right.length;
}

/** Return a name as numbers, `{text, value}`, and the texts between them, `{text}`. */
function partsOf(name) {
  if (!known.has(name)) {
    if (known.size >= MAX_KNOWN) known.clear();
    const parts = name.split(NUMBER).map((text, i) => (i % 2 ? { text, value: +text } : { text }));
    known.set(
      name,
      parts.filter(({ text }) => text),
    );
  }
  return known.get(name);
}

/** Numbers come before texts; equal numbers go by how they are written: 1 < 1.0. */
function compareParts(a, b) {
  const isNumber = "value" in a;
  if (isNumber !== "value" in b) return isNumber ? -1 : 1;
  if (isNumber && a.value !== b.value) return a.value < b.value ? -1 : 1;
  return compareTexts(a.text, b.text);
}

/** Compare by code points; JavaScript's own order is by halves of them. */
function compareTexts(a, b) {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}
