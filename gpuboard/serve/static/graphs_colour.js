/** Give boxes their colours: by structure, device, cluster, time or memory, in both themes. */

import { PALETTE } from "./palette.js";

const SEVERAL = -2;

/** Read what the canvas paints with from the style sheet. */
export function readColours(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  const names = ["bg", "surface", "sunken", "line", "line-strong", "text", "muted", "faint"];
  const theme = Object.fromEntries(
    [...names, "accent", "good", "warn", "bad"].map((name) => [name, read(`--${name}`)]),
  );
  return { ...theme, font: read("--font") || "sans-serif", dark: lightness(theme.surface) < 0.5 };
}

/** Mix two #rrggbb colours: 0 is the first, 1 the second. */
export function mix(a, b, share) {
  const [from, to] = [channels(a), channels(b)];
  const parts = from.map((value, i) => Math.round(value + (to[i] - value) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function channels(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1] ?? "808080";
  return [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

const lightness = (colour) => channels(colour).reduce((sum, value) => sum + value, 0) / 765;

/**
 * Return a function that gives fill, border and text of a box.
 *
 * @param {Scene} scene
 * @param {string} by A key of `COLOURS` in graphs_state.js.
 * @param {object} theme From `readColours`.
 */
export function painter(scene, by, theme) {
  const tint = tinter(theme);
  const plain = (box) => plainLook(scene, box, theme);
  const { boxes } = scene;
  if (by === "structure") {
    return (box) =>
      boxes.structure[box] >= 0 ? tint(PALETTE[boxes.structure[box] % PALETTE.length]) : plain(box);
  }
  if (by === "device" || by === "cluster") {
    return (box) => numbered(boxes[by][box], tint, theme) ?? plain(box);
  }
  if (by === "time" || by === "memory") {
    const column = boxes[COLUMN[by]];
    const most = greatest(scene, column);
    return (box) => heat(column[box], most, theme) ?? plain(box);
  }
  return plain;
}

const COLUMN = { time: "time_us", memory: "memory_bytes" };

/** Return the greatest value that a closed box has, 0 for none. */
export function greatest(scene, column) {
  let most = 0;
  for (let i = 1; i < scene.count; i++) {
    if (!scene.boxes.open[i] && column[i] !== null) most = Math.max(most, column[i]);
  }
  return most;
}

/** The colour of the number-th device or cluster. */
export const colourOfNumber = (number) => PALETTE[number % PALETTE.length];

/** The colour of a share of the greatest cost, as #rrggbb. */
export function heatColour(share, theme) {
  const hot = theme.dark ? "#e0703c" : "#e2672a";
  return mix(theme.surface, hot, 0.05 + 0.8 * Math.sqrt(Math.min(Math.max(share, 0), 1)));
}

function tinter(theme) {
  const [fill, border] = theme.dark ? [0.24, 0.62] : [0.15, 0.58];
  return (colour) => ({
    fill: mix(theme.surface, colour, fill),
    border: mix(theme.surface, colour, border),
    text: theme.text,
    sub: mix(theme.muted, theme.text, 0.25),
  });
}

function numbered(number, tint, theme) {
  if (number === SEVERAL) {
    return { ...tint(theme.faint), fill: mix(theme.surface, theme.faint, 0.14) };
  }
  return number >= 0 ? tint(colourOfNumber(number)) : null;
}

function heat(value, most, theme) {
  if (value === null || most === 0) return null;
  const fill = heatColour(value / most, theme);
  const text = theme.dark ? theme.text : "#1a1e24";
  return { fill, border: mix(fill, theme.text, 0.25), text, sub: mix(fill, text, 0.78) };
}

function plainLook(scene, box, theme) {
  const base = { text: theme.text, sub: theme.muted };
  const kind = scene.boxes.kind[box];
  if (scene.boxes.form[box] !== "node") {
    const fill = mix(theme.surface, theme.text, theme.dark ? 0.07 : 0.045);
    return { ...base, fill, border: mix(theme.surface, theme.text, theme.dark ? 0.28 : 0.22) };
  }
  if (kind === "input" || kind === "output") {
    const fill = mix(theme.surface, theme.accent, theme.dark ? 0.16 : 0.09);
    return { ...base, fill, border: mix(theme.surface, theme.accent, 0.55) };
  }
  if (kind === "parameter" || kind === "constant") {
    const fill = mix(theme.bg, theme.text, theme.dark ? 0.09 : 0.05);
    return { text: theme.muted, sub: theme.faint, fill, border: fill };
  }
  return { ...base, fill: theme.surface, border: theme["line-strong"] };
}

/** Return the fill of an open scope, `depth` scopes inside the whole. */
export function scopeFill(depth, theme) {
  const share = theme.dark ? 0.024 * (depth + 1) : 0.016 * depth;
  return depth === 0 && !theme.dark
    ? mix(theme.bg, theme.surface, 0.75)
    : mix(theme.dark ? theme.bg : theme.surface, theme.text, Math.min(share + 0.01, 0.12));
}
