/** Let the user pick the colour of a run or of its group, beside the swatch. */

import { PALETTE, colourOfRow, ownerOfRow, setColour } from "./colours.js";
import { h, visible } from "./dom.js";
import * as state from "./state.js";

const GAP = 6;
let closeOpen = () => {};

/** Open the picker for the run in `row`, next to `anchor`; one is open at a time. */
export function openColourPicker(anchor, row) {
  closeOpen();
  const name = ownerOfRow(row);
  if (!anchor || name === null) return; // what belongs to no group has no colour of its own
  const box = build(name, row);
  const focused = document.activeElement;
  document.body.append(box);
  box.showPopover();
  place(box, anchor.getBoundingClientRect());
  box.querySelector("button").focus();
  closeOpen = () => {
    closeOpen = () => {};
    box.remove();
    focused?.focus?.({ preventScroll: true });
  };
  box.addEventListener("toggle", (event) => event.newState === "closed" && closeOpen());
}

function build(name, row) {
  const choose = (colour) => {
    setColour(name, colour);
    closeOpen();
  };
  const now = colourOfRow(row);
  const own = h("input", { type: "color", value: now, oninput: () => setColour(name, own.value) });
  const hasOwn = Object.hasOwn(state.get("colours"), name);
  return h(
    "div",
    { class: "popover colour-picker", popover: "auto", role: "dialog", "aria-label": "Colour" },
    h("h3", { title: visible(name) }, visible(name)),
    h(
      "div",
      { class: "colour-grid" },
      PALETTE.map((colour) => paletteButton(colour, now, choose)),
    ),
    h(
      "div",
      { class: "colour-own" },
      h("label", {}, own, "Any colour"),
      hasOwn
        ? h("button", { type: "button", class: "link", onclick: () => choose(null) }, "Reset")
        : null,
    ),
  );
}

function paletteButton(colour, now, choose) {
  const button = h("button", {
    type: "button",
    "aria-label": colour,
    "aria-pressed": colour === now,
    onclick: () => choose(colour),
  });
  button.style.setProperty("--swatch", colour);
  return button;
}

function place(box, near) {
  const { width, height } = box.getBoundingClientRect();
  const isRoomBelow = near.bottom + GAP + height < innerHeight;
  box.style.left = `${Math.max(GAP, Math.min(near.left - 8, innerWidth - width - GAP))}px`;
  box.style.top = `${isRoomBelow ? near.bottom + GAP : Math.max(GAP, near.top - GAP - height)}px`;
}
