/** The list of all views of this log directory. */

import { LINE, openMenu } from "./card_menu.js";
import { iconButton, make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { dateTime, plural } from "./format.js";
import { editTitle } from "./view_editor.js";
import { openView } from "./view_state.js";
import { deleteView, listViews, newId, newView, readView, saveView } from "./view_store.js";

const STEPS = [
  "Start an empty view here, and add charts and notes to it.",
  "Or take “Add to a view” from the menu of any card.",
];

export class ViewList {
  constructor(el) {
    this.count = make("span", { class: "count" });
    this.problem = make("span", { class: "field-error", role: "alert" });
    this.tiles = make("div", { class: "vw-tiles" });
    this.undo = make("div", { class: "sc-chip vw-undo", hidden: true, role: "status" });
    this.foot = make("p", { class: "vw-kept" });
    this.create = make(
      "button",
      { type: "button", class: "button vw-primary", on: { click: () => this.createView() } },
      "New view",
    );
    this.root = make(
      "div",
      { class: "page vw-page" },
      make(
        "header",
        { class: "page-head" },
        make("h1", { text: "Saved views" }),
        this.count,
        this.problem,
        make("span", { class: "push" }),
        this.create,
      ),
      this.tiles,
      this.foot,
      this.undo,
    );
    el.replaceChildren(this.root);
    void this.load();
  }

  destroy() {
    this.root.remove();
  }

  async load() {
    await this.trying(async () => {
      const { views, kept_in: place } = await listViews();
      this.count.textContent = views.length ? plural(views.length, "view") : "";
      this.tiles.replaceChildren(...views.map((view) => this.tile(view)));
      if (!views.length) this.tiles.replaceChildren(this.empty());
      this.foot.textContent = views.length ? `Kept in ${visible(place)}` : "";
    });
  }

  /** Do something that may fail, and say so beside the heading. */
  async trying(task) {
    try {
      this.problem.textContent = "";
      await task();
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }

  empty() {
    return make(
      "div",
      { class: "empty" },
      icon("views"),
      make("h2", { text: "No views yet" }),
      make("p", {
        text: "A view holds cards of any page side by side. It is kept on the server: everybody who opens this log directory finds it.",
      }),
      ...STEPS.map((text) => make("p", { text })),
    );
  }

  tile(view) {
    const more = iconButton("more", "More", () => this.openMenu(view, more), {
      "aria-haspopup": "dialog",
    });
    const open = make(
      "button",
      {
        type: "button",
        class: "vw-tile-open",
        title: view.title,
        on: { click: () => openView(view.id) },
      },
      make("span", { class: "vw-tile-title", text: visible(view.title) }),
      make("span", {
        class: "vw-tile-facts",
        text: `${plural(view.cards, "card")}, saved ${dateTime(view.changed)}`,
      }),
    );
    return make("article", { class: "vw-tile", data: { view: view.id } }, open, more);
  }

  openMenu(view, anchor) {
    openMenu(anchor, [
      { text: "Open", fn: () => openView(view.id) },
      { text: "Rename", fn: () => this.rename(view) },
      { text: "Duplicate", fn: () => this.duplicate(view) },
      LINE,
      { text: "Delete", fn: () => this.remove(view) },
    ]);
  }

  createView() {
    return this.trying(async () => {
      const view = await saveView(newView("Untitled view"));
      openView(view.id);
    });
  }

  async rename(view) {
    const wanted = await editTitle(view.title);
    if (!wanted?.title) return;
    await this.trying(async () => saveView({ ...(await readView(view.id)), ...wanted }));
    await this.load();
  }

  async duplicate(view) {
    await this.trying(async () => {
      const { layout } = await readView(view.id);
      await saveView({ id: newId(), title: `${view.title} (copy)`, revision: 0, layout });
    });
    await this.load();
  }

  async remove(view) {
    await this.trying(async () => {
      const whole = await readView(view.id);
      await deleteView(view.id);
      this.offerUndo(whole);
    });
    await this.load();
  }

  offerUndo(view) {
    const back = async () => {
      this.undo.hidden = true;
      await this.trying(() => saveView({ ...view, revision: 0 }));
      await this.load();
    };
    this.undo.replaceChildren(
      make("span", { class: "sc-chip-name", text: `“${visible(view.title)}” is deleted` }),
      make("button", { type: "button", class: "link", text: "Undo", on: { click: back } }),
      iconButton("close", "Close", () => (this.undo.hidden = true)),
    );
    this.undo.hidden = false;
  }
}
