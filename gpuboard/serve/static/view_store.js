/** Read and save views through the data routes. */

import * as api from "./api.js";
import { get } from "./state.js";
import { settingsOf } from "./view_settings.js";

const SIGNS = "abcdefghijkmnpqrstuvwxyz23456789"; // none that is mistaken for another
const ID_LENGTH = 10;

/** Columns and rows that a new card takes, by kind. */
const SIZES = { note: [4, 3], scalar: [6, 6], custom: [6, 7] };
const USUAL_SIZE = [6, 7];

/** @typedef {{id: string, title: string, revision: number, layout: object}} View */

/** Answer `{views, kept_in}`. */
export const listViews = () => api.getJson("views");

/** @returns {Promise<View>} */
export const readView = (id) => api.getJson(`views/${id}`);

/**
 * Save a view that is based on `revision`, 0 for a new one; ApiError 409 when it is another by now.
 *
 * @param {View} view
 * @returns {Promise<View>}
 */
export function saveView({ id, title, revision, layout }) {
  return api.sendJson("PUT", `views/${id}`, { title, revision, layout });
}

export const deleteView = (id) => api.sendJson("DELETE", `views/${id}`);

/** A name for addresses that nothing else has. */
export function newId() {
  const numbers = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(numbers, (number) => SIGNS[number % SIGNS.length]).join("");
}

/** A new view that shows what is chosen now. */
export function newView(title, settings = settingsOf()) {
  const layout = { cards: [], follow: false, runs: get("runs"), settings };
  return { id: newId(), title, revision: 0, layout };
}

/**
 * A new card of a view; its own settings are left out where they are those of the view.
 *
 * @param {{kind: string, title: string, settings?: object}} spec
 */
export function cardOf({ kind, title, ...spec }, layout) {
  const { settings, ...rest } = spec;
  const isAlike = JSON.stringify(settings) === JSON.stringify(layout.settings);
  const [width, height] = SIZES[kind] ?? USUAL_SIZE;
  return { id: newId(), kind, title, width, height, spec: isAlike ? rest : spec };
}

/** Put a card into the view with this id as it is on the server now, and return that view. */
export async function addCard(id, spec) {
  for (let attempt = 0; ; attempt++) {
    const view = await readView(id);
    view.layout.cards.push(cardOf(spec, view.layout));
    try {
      return await saveView(view);
    } catch (error) {
      if (error.status !== 409 || attempt === 3) throw error; // else somebody was faster
    }
  }
}
