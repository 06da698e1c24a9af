/** A card of a view that holds a note: plain text, written in its place. */

import { make } from "./chart_elements.js";

export function makeNoteCard(spec, host) {
  const element = make("textarea", {
    class: "vw-note",
    value: String(spec.text ?? ""),
    placeholder: "Write a note",
    "aria-label": "Note",
    maxLength: 20_000,
    on: { input: () => host.change({ text: element.value }) },
  });
  return { element, refresh() {}, destroy: () => element.remove() };
}
