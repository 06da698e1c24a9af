/** A menu of things that can be done with a card, under its button. */

import { make, popover } from "./chart_elements.js";

/** Parts two groups of items. */
export const LINE = Symbol("line");

/**
 * Open a menu; a click on an item closes it.
 *
 * @param {HTMLElement} anchor
 * @param {({text: string, fn: Function, checked?: boolean} | LINE | null)[]} items
 */
export function openMenu(anchor, items) {
  const close = () => box.hidePopover();
  const entries = items
    .filter((one) => one !== null)
    .map((one) => (one === LINE ? make("hr") : menuItem(one, close)));
  const box = popover(anchor, make("div", { class: "sc-menu" }, ...entries));
}

function menuItem({ text, fn, checked }, close) {
  const isChoice = checked !== undefined;
  return make("button", {
    type: "button",
    class: "sc-item",
    role: isChoice ? "menuitemcheckbox" : null,
    "aria-checked": isChoice ? String(checked) : null,
    text,
    on: {
      click: () => {
        close();
        fn();
      },
    },
  });
}
