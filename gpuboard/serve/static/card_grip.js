/** The corner of a card by which the plots of all cards are dragged higher or lower. */

import { make } from "./chart_elements.js";
import { KEYS, get, set } from "./state.js";

export function heightGrip() {
  let start = null; // where the pointer and the height were
  const grip = make("div", {
    class: "sc-grip",
    title: "Drag to change the height of all cards; double-click for the usual height",
    on: {
      pointerdown(event) {
        event.preventDefault();
        grip.setPointerCapture(event.pointerId);
        start = { y: event.clientY, height: get("plotHeight") };
      },
      pointermove({ clientY }) {
        if (start) set("plotHeight", Math.round(start.height + clientY - start.y));
      },
      lostpointercapture: () => (start = null),
      dblclick: () => set("plotHeight", KEYS.plotHeight.default),
    },
  });
  return grip;
}
