/**
 * Give every run its colour: by its name, or by the group that a regular expression puts it in.
 *
 * A colour that the user picked is kept by name in this browser; the others follow the order of
 * names, and a run that appears later does not move the colours that are there.
 */

import { compareNames } from "./natural.js";
import { NEUTRAL, PALETTE } from "./palette.js";
import { indexOf, runs } from "./runs.js";
import * as state from "./state.js";

export { NEUTRAL, PALETTE };

const SLOTS_KEY = "gpuboard.slots";
const HEX = /^#[0-9a-f]{6}$/i;
const MAX_SLOTS = 50_000;

const slots = readSlots(); // of run names, for as long as the tab lives
let groupSlots = new Map();
let colours = []; // by row of runs.js
let owners = []; // by row: the name whose colour it is, null for none
let madeFor = []; // what the two were made for

/** Return the colour of a run as #rrggbb. */
export const colourOf = (id) => colourOfRow(indexOf(id));

/** Return the colour of a row of `runs`. */
export function colourOfRow(row) {
  refresh();
  return colours[row] ?? NEUTRAL;
}

/** Return what a row takes its colour from: its own name, its group's, or null. */
export function ownerOfRow(row) {
  refresh();
  return owners[row] ?? null;
}

/** Return the colour of a group name, such as a fold's. */
export function colourOfGroup(name) {
  if (!groupSlots.has(name)) groupSlots.set(name, groupSlots.size);
  return pickedColour(name) ?? PALETTE[groupSlots.get(name) % PALETTE.length];
}

/** Return the user's own colour of a name, null without one; a run may be called "constructor". */
function pickedColour(name) {
  const picked = state.get("colours");
  const colour = Object.hasOwn(picked, name) ? picked[name] : "";
  return HEX.test(colour) ? colour : null;
}

/** Give a run or group name a colour of the user's own, or with null its palette colour back. */
export function setColour(name, colour) {
  const { [name]: _, ...others } = state.get("colours");
  state.set("colours", colour === null ? others : { ...others, [name]: colour });
}

/** Read "re:PATTERN" into a RegExp; null for "run", an Error for what is no pattern. */
export function parseColourBy(text) {
  if (!text.startsWith("re:")) return null;
  try {
    return new RegExp(text.slice(3), "i");
  } catch (error) {
    return error;
  }
}

/** Return the group of a name: the captured parts, or all that matched; null without a match. */
export function groupOf(regex, name) {
  const match = regex.exec(name);
  if (!match?.[0]) return null;
  const parts = match.slice(1).filter((part) => part !== undefined);
  return match.length > 1 ? parts.join(" · ") : match[0];
}

/** Return the groups in force, `[{name, colour, runs}]` in natural order, ungrouped runs last. */
export function groupList() {
  refresh();
  const counts = new Map();
  for (const name of owners) counts.set(name, (counts.get(name) ?? 0) + 1);
  const ungrouped = counts.get(null);
  counts.delete(null);
  const rows = [...counts].sort(([a], [b]) => compareNames(a, b));
  const list = rows.map(([name, count]) => ({ name, colour: colourOfGroup(name), runs: count }));
  return ungrouped ? [...list, { name: null, colour: NEUTRAL, runs: ungrouped }] : list;
}

function readSlots() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(SLOTS_KEY) ?? "[]"));
  } catch {
    return new Map();
  }
}

function slotsFor(names) {
  const before = slots.size;
  for (const name of names) if (!slots.has(name)) slots.set(name, slots.size);
  if (slots.size === before || slots.size > MAX_SLOTS) return;
  try {
    sessionStorage.setItem(SLOTS_KEY, JSON.stringify([...slots]));
  } catch {
    // no storage: colours are given out anew on the next page
  }
}

function refresh() {
  const inputs = [runs.name, state.get("colourBy"), state.get("colours")];
  if (inputs.every((input, i) => input === madeFor[i])) return;
  const regex = parseColourBy(state.get("colourBy"));
  if (regex instanceof Error && madeFor[0] === runs.name) return; // keep all until the pattern is whole
  if (madeFor[1] !== inputs[1]) groupSlots = new Map();
  madeFor = inputs;
  if (regex instanceof RegExp) colourByGroup(regex);
  else colourByName();
}

function colourByName() {
  owners = runs.name;
  slotsFor(owners);
  colours = owners.map((name) => pickedColour(name) ?? PALETTE[slots.get(name) % PALETTE.length]);
}

function colourByGroup(regex) {
  owners = runs.name.map((name) => groupOf(regex, name));
  const distinct = [...new Set(owners)].filter((name) => name !== null).sort(compareNames);
  const colourOfOwner = new Map(distinct.map((name) => [name, colourOfGroup(name)]));
  colours = owners.map((name) => colourOfOwner.get(name) ?? NEUTRAL);
}

state.subscribe(["runsVersion", "colourBy", "colours"], () => {
  state.set("palette", state.get("palette") + 1);
});
