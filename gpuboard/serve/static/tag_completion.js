/** Offer what tags begin with while somebody types in the tag search. */

import { make } from "./chart_elements.js";

const MAX_OFFERED = 50;

/** Make the list that an input's attribute `list` names; `offer(tags, isRegex)` fills it. */
export function tagCompletion(id) {
  const element = make("datalist", { id });
  return {
    element,
    offer(tags, isRegex) {
      const texts = completions(tags).map((text) => (isRegex ? escaped(text) : text));
      element.replaceChildren(...texts.map((value) => make("option", { value })));
    },
  };
}

/** Return prefixes of tags ("loss/", "loss/train/"), short ones first, then whole tags. */
export function completions(tags) {
  const prefixes = new Map(); // with their depth
  for (const tag of tags) {
    for (let cut = tag.indexOf("/"), depth = 1; cut > 0; cut = tag.indexOf("/", cut + 1), depth++) {
      prefixes.set(tag.slice(0, cut + 1), depth);
    }
  }
  const sorted = [...prefixes].sort(([, a], [, b]) => a - b).map(([prefix]) => prefix);
  return [...sorted, ...tags].slice(0, MAX_OFFERED);
}

/** Take signs literally that would change what a pattern finds; a dot finds itself anyway. */
const escaped = (text) => text.replace(/[*+?^${}()|[\]\\]/g, "\\$&");
