/** The Saved views page: the list of views, or the one that the address names. */

import { make } from "./chart_elements.js";
import { get, subscribe } from "./state.js";
import { unpackView } from "./view_links.js";
import { ViewList } from "./view_list.js";
import { OpenView } from "./view_open.js";
import { closeView } from "./view_state.js";
import { newId, readView } from "./view_store.js";

class ViewsPage {
  constructor(el) {
    this.el = el;
    this.shown = null; // the list or the open view
    this.end = subscribe(["view", "viewLayout"], () => this.show());
    this.show();
  }

  destroy() {
    this.end();
    this.shown?.destroy();
  }

  async show() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const id = get("view");
    if (id && this.shown?.view?.id === id) return;
    const packed = get("viewLayout");
    let view = null;
    let problem = "";
    try {
      if (id) view = await readView(id);
      else if (packed) view = { ...(await unpackView(packed)), id: newId(), revision: 0 };
    } catch (error) {
      problem = id ? error.message : "The address does not hold a whole view.";
    }
    if (turn !== this.turn) return;
    this.shown?.destroy();
    this.shown = null;
    if (problem) this.sayFailure(problem);
    else this.shown = view ? new OpenView(this.el, view) : new ViewList(this.el);
  }

  sayFailure(text) {
    const back = make("button", {
      type: "button",
      class: "button",
      text: "Show all views",
      on: { click: closeView },
    });
    const words = [make("h2", { text: "The view cannot be shown" }), make("p", { text })];
    this.el.replaceChildren(
      make("div", { class: "page vw-page" }, make("div", { class: "empty" }, ...words, back)),
    );
  }
}

export default {
  render({ el }) {
    const page = new ViewsPage(el);
    return () => page.destroy();
  },
};
