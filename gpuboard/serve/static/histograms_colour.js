/** Mix colours: shades of a run's own colour, from the surface to the text. */

const HEX = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;

function parts(colour) {
  const match = HEX.exec(colour);
  return match ? match.slice(1).map((text) => parseInt(text, 16)) : [128, 128, 128];
}

/** Mix two colours "#rrggbb": `share` of 0 is the first one, 1 the second. */
export function mix(a, b, share) {
  const [from, to] = [parts(a), parts(b)];
  const one = (k) => Math.round(from[k] + (to[k] - from[k]) * share);
  return `#${[0, 1, 2].map((k) => one(k).toString(16).padStart(2, "0")).join("")}`;
}

/** The shade of one of `n` steps: older ones are paler. */
export const shadeOf = (colour, surface, row, n) =>
  mix(surface, colour, n > 1 ? 0.3 + (0.7 * row) / (n - 1) : 1);

/** 256 shades from nothing to much, as [r, g, b] each: surface, the colour, towards the text. */
export function rampOf(colour, surface, text) {
  const shades = [];
  for (let k = 0; k < 256; k++) {
    const share = (k / 255) ** 0.7;
    const shade =
      share < 0.7
        ? mix(surface, colour, share / 0.7)
        : mix(colour, text, ((share - 0.7) / 0.3) * 0.55);
    shades.push(parts(shade));
  }
  return shades;
}
