/** Write large amounts with a prefix: 1.23 T, to be followed by a unit. */

const PREFIXES = [
  [1e18, "E"],
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** 1.23e12 -> "1.23 T", with a thin space. */
export function scaled(value) {
  if (!Number.isFinite(value)) return "– ";
  const [unit, prefix] = PREFIXES.find(([one]) => Math.abs(value) >= one) ?? [1, ""];
  return `${Number((value / unit).toPrecision(3))}\u202f${prefix}`;
}
