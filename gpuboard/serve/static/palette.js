/** The colours that runs, groups and tags are given. */

/**
 * Twelve colours that stand at 3:1 or more against both page backgrounds, and at least 0.06 apart
 * in OKLab from each other as people without red or green cones see them (Machado et al. 2009).
 */
export const PALETTE = [
  "#3f7fe8",
  "#e0762b",
  "#0e8f7e",
  "#e166ab",
  "#635bcd",
  "#7e9e64",
  "#c34e58",
  "#419dcb",
  "#a7560e",
  "#9461b1",
  "#1d7d3e",
  "#0b758a",
];

/** The colour of what belongs to no group, and of runs that are not known (yet). */
export const NEUTRAL = "#8b919b";
