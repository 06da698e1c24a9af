/** How the tags of one chart are told apart: dashes, then dashes with symbols, and a legend. */

import { lineSample, make } from "./chart_elements.js";
import { visible } from "./dom.js";

const DASHES = [[], [7, 4], [1.7, 3], [9, 3, 1.7, 3], [14, 4]];
const SYMBOLS = [null, "circle", "square", "up", "diamond", "down"];

/** Return `{dash, symbol}` of the tag with this number in a chart. */
export function styleOfTag(index) {
  const symbol = SYMBOLS[Math.floor(index / DASHES.length) % SYMBOLS.length];
  return { dash: DASHES[index % DASHES.length], symbol };
}

/** The style of lines that need none, as their colours tell them apart. */
export const PLAIN = { dash: [], symbol: null };

/** Give the series of a chart of several tags their tag, its style, and names that tell of it. */
export function nameTags(series, tags, styleOf) {
  for (const one of series) {
    const tag = tags[one.tagIndex];
    Object.assign(one, styleOf(one.tagIndex), {
      tag,
      runName: one.name,
      name: `${one.name} · ${tag}`,
      pick: one.run ?? `g:${one.group}`, // a run is picked with all its tags
    });
  }
  return series;
}

/** A name in a legend, with a piece of its line, that hides and shows what it names. */
export function legendButton(name, { colour, style = {}, isShown, title = name, click }) {
  return make(
    "button",
    { type: "button", class: "cs-tag", title, "aria-pressed": String(isShown), on: { click } },
    lineSample({ colour, ...style }),
    make("span", { text: visible(name) }),
  );
}
