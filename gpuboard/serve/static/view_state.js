/** What an address says about views. */

import { KEPT, define, set } from "./state.js";

define({
  view: { ...KEPT.URL_ONLY, default: "" }, // id of the open view
  viewLayout: { ...KEPT.URL_ONLY, default: "" }, // a view that lies in the address itself
});

export function openView(id) {
  set("viewLayout", "");
  set("view", id);
}

export function closeView() {
  set("view", "");
  set("viewLayout", "");
}
