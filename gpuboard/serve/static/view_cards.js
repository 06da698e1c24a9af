/**
 * What draws the cards of a view: one loader for each kind, called when the first card is seen.
 *
 * A loader answers a factory `(spec, host) => card`:
 *   spec    what `addToView` was given: kind, title and the rest
 *   host    `change(patch)` keeps changes of the spec with the view, `menu()` gives the items that
 *           every card's menu ends with (card_menu.js), `page` is the `ChartHost` of the view
 *   card    `element`; `refresh()`: something may have changed; `destroy()`; and optionally
 *           `hasHead` (it shows title and menu by itself), `snapshot()`: a promise of its picture
 *           as a data: address, for the export as one file
 */

import { make } from "./chart_elements.js";

const LOADERS = {
  scalar: async () => (await import("./view_chart_cards.js")).makeScalarCard,
  custom: async () => (await import("./view_chart_cards.js")).makeCustomCard,
  note: async () => (await import("./view_note_card.js")).makeNoteCard,
  histogram: valueCards,
  image: valueCards,
  text: valueCards,
  pr_curve: valueCards,
  audio: valueCards,
};

async function valueCards() {
  return (await import("./view_value_cards.js")).makeValueCard;
}

/** The page that shows a kind, where it is not called as the kind is. */
const PAGES = { image: "images", histogram: "histograms", pr_curve: "pr_curves", mesh: "meshes" };

/** Let cards of one more kind be drawn. */
export function registerViewCard(kind, load) {
  LOADERS[kind] = load;
}

/** Make the card of a spec; one of an unknown kind says where to look instead. */
export async function makeViewCard(spec, host) {
  const load = Object.hasOwn(LOADERS, spec.kind) ? LOADERS[spec.kind] : null;
  return load ? (await load())(spec, host) : placeholder(spec);
}

function placeholder({ kind, tag, page = PAGES[kind] ?? kind }) {
  const query = tag ? `?${new URLSearchParams({ tagFilter: tag, tagRegex: "0" })}` : "";
  const element = make(
    "div",
    { class: "vw-absent" },
    make("p", { text: `A view cannot draw this card (${kind}).` }),
    make("a", {
      class: "link",
      href: `./${encodeURIComponent(page)}${query}`,
      text: "Show it on its page",
    }),
  );
  return { element, refresh() {}, destroy: () => element.remove() };
}
