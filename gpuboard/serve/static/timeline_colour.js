/** Colours of slices: by a stable hash of their name, in hues that carry text in both themes. */

const HUES = [262, 155, 62, 330, 205, 25, 105, 290, 180, 80, 235, 0, 130, 45];
const SHADES = 2;
export const COLOURS = HUES.length * SHADES;
export const LEVELS = 5; // of business, for marks that stand for several slices

const QUIET = new Set([3, 10, 11]); // Python functions, overhead, spans: many, and rarely the point
const SOFT = new Set([2, 8, 13, 14]); // annotations
const LOOK = {
  light: { lightness: [0.815, 0.745], chroma: 0.088, ink: [0.22, 0.02], text: 0.25 },
  dark: { lightness: [0.5, 0.435], chroma: 0.094, ink: [0.96, 0.01], text: 0.95 },
};

/** Return a number of a colour for a name of some kind; the same in every trace and session. */
export function colourOf(name, kind) {
  let hash = 0x811c9dc5;
  // "ProfilerStep#7" and "Layer_12" differ only by number: what repeats keeps its colour.
  let end = Math.min(name.length, 160);
  while (end > 1 && name.charCodeAt(end - 1) >= 48 && name.charCodeAt(end - 1) <= 57) end--;
  for (let i = 0; i < end; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  const hue = (hash >>> 0) % COLOURS;
  const group = QUIET.has(kind) ? 2 : SOFT.has(kind) ? 1 : 0;
  return group * COLOURS + hue;
}

/** Return the paints of a theme by colour and level of business, and the ink on them. */
export function paints(isDark, background) {
  const look = isDark ? LOOK.dark : LOOK.light;
  const ground = parse(background);
  const fills = [];
  const dim = [];
  for (const [lift, chroma] of GROUPS[isDark ? "dark" : "light"]) {
    for (let k = 0; k < COLOURS; k++) {
      const lightness = look.lightness[Math.floor(k / HUES.length)] + lift;
      const rgb = toRgb(lightness, look.chroma * chroma, HUES[k % HUES.length]);
      const levels = [];
      for (let level = 0; level < LEVELS; level++) {
        levels.push(css(mix(ground, rgb, 0.34 + (0.66 * level) / (LEVELS - 1))));
      }
      fills.push(levels);
      dim.push(css(mix(ground, rgb, 0.26)));
    }
  }
  return { fills, dim, ink: css(toRgb(look.ink[0], look.ink[1], 262)) };
}

const GROUPS = {
  light: [
    [0, 1],
    [0.06, 0.55],
    [0.055, 0.22],
  ],
  dark: [
    [0, 1],
    [-0.07, 0.6],
    [-0.09, 0.22],
  ],
};

const mix = (a, b, part) => a.map((one, i) => one + (b[i] - one) * part);
const css = (rgb) => `rgb(${rgb.map((one) => Math.round(one)).join(" ")})`;

function parse(text) {
  const hex = /^#([0-9a-f]{6})$/i.exec(text.trim());
  if (hex) return [0, 2, 4].map((at) => parseInt(hex[1].slice(at, at + 2), 16));
  return (text.match(/[\d.]+/g) ?? [255, 255, 255]).slice(0, 3).map(Number);
}

/** OKLCH to sRGB (Ottosson 2020), cut to what a screen can show. */
function toRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((one) => {
    const cut = Math.min(Math.max(one, 0), 1);
    return 255 * (cut <= 0.0031308 ? 12.92 * cut : 1.055 * cut ** (1 / 2.4) - 0.055);
  });
}
