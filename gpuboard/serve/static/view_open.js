/** One open view: its cards live in a grid, and what is changed stays a draft until it is saved. */

import { LINE, openMenu } from "./card_menu.js";
import { ChartHost } from "./chart_host.js";
import { iconButton, make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { ScalarsBar } from "./scalars_bar.js";
import { get, set, subscribe } from "./state.js";
import { editChart, editTitle } from "./view_editor.js";
import { ViewGrid } from "./view_grid.js";
import { Scope, VIEW_KEYS, settingsOf } from "./view_settings.js";
import { openShare } from "./view_share.js";
import { closeView, openView } from "./view_state.js";
import { cardOf, deleteView, newId, readView, saveView } from "./view_store.js";

const DRAFT = "gpuboard.view."; // in sessionStorage: a reload loses nothing
const OTHERS_MS = 1_000; // cards that are no charts follow a growing log at most this often

export class OpenView extends ChartHost {
  /** @param {import("./view_store.js").View} view As it is on the server; revision 0: not yet. */
  constructor(el, view) {
    const scope = new Scope(view.layout.settings);
    super(scope);
    this.view = view;
    this.saved = textOf(view);
    this.scope = scope;
    scope.onChange = (settings) => this.change(() => (this.view.layout.settings = settings));
    this.takeDraft();
    this.grid = new ViewGrid(this, {
      changed: () => this.change(),
      edit: (card) => this.edit(card),
    });
    this.bar = new ScalarsBar({ from: scope, noun: "", first: [this.keepRuns()] });
    this.root = make(
      "div",
      { class: "page sc-page vw-page" },
      make("div", { class: "vw-top" }, this.head(), this.bar.element),
      this.grid.element,
      this.chip,
    );
    el.replaceChildren(this.root);
    this.followState();
    this.ends.push(
      subscribe(["runs"], () => this.onRuns()),
      subscribe(["version"], () => this.soon()),
    );
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.restoreRuns();
    this.showAll();
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.timer);
    this.bar.destroy();
    this.grid.destroy();
    super.destroy();
  }

  eachCard(fn) {
    this.grid.eachChart(fn);
  }

  sharedY() {
    return null;
  }

  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.grid.refreshOthers();
    }, OTHERS_MS);
  }

  /* the head */

  head() {
    this.title = make("input", {
      class: "vw-title",
      type: "text",
      maxLength: 300,
      spellcheck: false,
      "aria-label": "Title of the view",
      on: { input: () => this.change(() => (this.view.title = this.title.value)) },
    });
    this.status = make("span", { class: "vw-status", role: "status" });
    this.revert = make("button", {
      type: "button",
      class: "link",
      text: "Discard",
      title: "Go back to what is saved",
      on: { click: () => this.discard() },
    });
    this.save = make("button", {
      type: "button",
      class: "button vw-primary",
      text: "Save",
      title: "Save the view for everybody (Ctrl+S)",
      on: { click: () => this.store() },
    });
    const button = (name, text, fn) =>
      make("button", { type: "button", class: "button", on: { click: fn } }, icon(name), text);
    const add = button("views", "Add", () => this.openAdd(add));
    const share = button("link", "Share", () => openShare(this, share));
    const more = iconButton("more", "More", () => this.openMore(more));
    return make(
      "header",
      { class: "vw-head" },
      iconButton("back", "All views", closeView),
      this.title,
      this.status,
      this.revert,
      make("span", { class: "push" }),
      add,
      share,
      this.save,
      more,
    );
  }

  keepRuns() {
    this.keep = make("input", {
      type: "checkbox",
      on: {
        change: () => {
          const { layout } = this.view;
          this.change(() =>
            Object.assign(layout, { follow: !this.keep.checked, runs: get("runs") }),
          );
        },
      },
    });
    const title = "On: opening the view selects the runs that were selected when it was saved";
    return make("label", { class: "sc-check", title }, this.keep, "Keep the selected runs");
  }

  openAdd(anchor) {
    openMenu(anchor, [
      { text: "Chart", fn: () => this.addChart() },
      { text: "Note", fn: () => this.addCard({ kind: "note", title: "Note", text: "" }) },
    ]);
  }

  openMore(anchor) {
    openMenu(anchor, [
      { text: "Duplicate", fn: () => this.duplicate() },
      LINE,
      { text: "Delete", fn: () => this.remove() },
    ]);
  }

  /* the draft */

  takeDraft() {
    try {
      const { title, layout, saved } = JSON.parse(sessionStorage.getItem(DRAFT + this.view.id));
      if (saved !== this.saved) return; // somebody has saved it since: the draft is of another view
      Object.assign(this.view, { title, layout });
      this.scope.adopt(layout.settings);
    } catch {
      // there is none
    }
  }

  change(fn = () => {}) {
    fn();
    this.showStatus();
    try {
      const { id, title, layout } = this.view;
      if (this.isChanged) {
        sessionStorage.setItem(DRAFT + id, JSON.stringify({ title, layout, saved: this.saved }));
      } else sessionStorage.removeItem(DRAFT + id);
    } catch {
      // no room: the draft lives as long as the page
    }
  }

  get isChanged() {
    return textOf(this.view) !== this.saved;
  }

  showStatus(problem = "") {
    const isNew = this.view.revision === 0;
    const { isChanged } = this;
    this.status.classList.toggle("field-error", Boolean(problem));
    this.status.textContent =
      problem || (isNew ? "Not saved yet" : isChanged ? "Changed" : "Saved");
    this.revert.hidden = isNew || !isChanged;
    this.save.disabled = !isNew && !isChanged;
  }

  showAll() {
    const { title, layout } = this.view;
    if (this.title.value !== title) this.title.value = title;
    this.keep.checked = !layout.follow;
    this.grid.setCards(layout.cards);
    this.showEmpty();
    this.showStatus();
  }

  showEmpty() {
    this.note?.remove();
    this.note = null;
    if (this.view.layout.cards.length) return;
    this.note = make(
      "div",
      { class: "empty" },
      icon("views"),
      make("h2", { text: "This view is empty" }),
      make("p", {
        text: "Add a chart or a note above, or take “Add to a view” from the menu of a card on any page.",
      }),
    );
    this.grid.element.after(this.note);
  }

  discard() {
    const { title, layout } = JSON.parse(this.saved);
    Object.assign(this.view, { title, layout });
    this.scope.adopt(layout.settings);
    this.restoreRuns();
    this.change();
    this.renew();
  }

  /** Show the view anew: what it holds has been replaced. */
  renew() {
    this.showAll();
    for (const key of VIEW_KEYS) this.scope.announce(key);
  }

  async store() {
    if (this.save.disabled) return;
    this.view.title = this.view.title.trim() || "Untitled view";
    try {
      await this.adopt(await saveView(this.view));
    } catch (error) {
      if (error.status === 409) this.offerChoice(error.message);
      else this.showStatus(error.message);
    }
  }

  adopt({ revision, title }) {
    Object.assign(this.view, { revision, title });
    this.saved = textOf(this.view);
    this.title.value = title;
    this.change();
    openView(this.view.id);
  }

  /** Somebody else has saved the view meanwhile: let the user say whose shall stand. */
  offerChoice(message) {
    this.showStatus(message);
    const take = async () => {
      const view = await readView(this.view.id);
      this.saved = textOf(view);
      this.view.revision = view.revision;
      this.discard();
    };
    const overwrite = async () => {
      const theirs = await readView(this.view.id).catch(() => ({ revision: 0 }));
      this.view.revision = theirs.revision;
      this.save.disabled = false;
      await this.store();
    };
    openMenu(this.save, [
      { text: "Take theirs, drop my changes", fn: take },
      { text: "Save mine over theirs", fn: overwrite },
    ]);
  }

  /* what the view holds */

  restoreRuns() {
    const { follow, runs } = this.view.layout;
    if (!follow) set("runs", runs);
  }

  onRuns() {
    const { layout } = this.view;
    if (!layout.follow) this.change(() => (layout.runs = get("runs")));
  }

  addCard(spec) {
    const { layout } = this.view;
    const card = cardOf(spec, layout);
    layout.cards.push(card);
    this.showAll();
    this.change();
    this.grid.frames.get(card.id).element.scrollIntoView({ block: "nearest" });
  }

  async addChart() {
    const chart = await editChart({ title: "" });
    if (chart) this.addCard({ kind: "custom", settings: settingsOf(this.scope), ...chart });
  }

  async edit(card) {
    const { title, spec, kind } = card;
    const wanted = await (kind === "custom" ? editChart({ ...spec, title }) : editTitle(title));
    if (!wanted) return;
    const { title: name, ...rest } = wanted;
    this.change(() => {
      card.title = name;
      Object.assign(card.spec, rest);
    });
    this.grid.frames.get(card.id)?.remake();
  }

  async duplicate() {
    const { title, layout } = this.view;
    const copy = { id: newId(), title: `${title} (copy)`, revision: 0, layout };
    try {
      openView((await saveView(copy)).id);
    } catch (error) {
      this.showStatus(error.message);
    }
  }

  async remove() {
    try {
      if (this.view.revision) await deleteView(this.view.id);
      sessionStorage.removeItem(DRAFT + this.view.id);
      closeView();
    } catch (error) {
      this.showStatus(error.message);
    }
  }

  key(event) {
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void this.store();
    }
    if (event.key === "Escape" && get("picked") !== null) this.pick(null);
  }
}

/** What tells a draft from what is saved. */
function textOf({ title, layout }) {
  return JSON.stringify({ title, layout });
}
