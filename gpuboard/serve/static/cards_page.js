/**
 * A page of line charts in groups: toolbar, grid of cards, and one card opened in full resolution.
 *
 * A page's own class says which cards there are: `load()` asks for them and ends in `arrange()`,
 * `groups()` returns them for `CardGrid.setGroups`, `makeCard(info, options)` makes one of them.
 */

import { CardGrid } from "./card_grid.js";
import { ChartHost } from "./chart_host.js";
import { iconButton, make } from "./chart_elements.js";
import { padded } from "./curves.js";
import { ScalarsBar } from "./scalars_bar.js";
import { get, set, subscribe } from "./state.js";

const LOAD_AGAIN_MS = 2_000; // a growing log directory changes what there is at most this often
const TYPING_MS = 120;

export class CardsPage extends ChartHost {
  /**
   * @param {HTMLElement} el
   * @param {object} options
   * @param {string} options.openKey State key that names the opened card.
   * @param {object} [options.bar] Options of the toolbar, see `ScalarsBar`.
   */
  constructor(el, { openKey, bar = {} }) {
    super();
    this.openKey = openKey;
    this.infos = []; // what there is to be shown
    this.detail = null;
    this.typing = 0;
    this.loadTimer = 0;
    this.bar = new ScalarsBar(bar);
    this.grid = new CardGrid(this);
    this.note = make("div", { class: "empty", hidden: true, role: "status" });
    this.stage = make("div", { class: "sc-stage", hidden: true });
    this.root = make(
      "div",
      { class: "page sc-page" },
      this.bar.element,
      this.note,
      this.stage,
      this.grid.element,
      this.chip,
    );
    el.replaceChildren(this.root);
    this.followState();
    this.ends.push(
      subscribe(["pins", "groups", "wide"], () => this.onLayout()),
      subscribe(["tagFilter", "tagRegex"], () => this.onSearch()),
      subscribe(["cardWidth", "plotHeight"], () => this.onCardSize()),
      subscribe([openKey], () => this.onOpen()),
    );
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.onCardSize();
    this.onOpen();
    this.load();
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.typing);
    clearTimeout(this.loadTimer);
    this.bar.destroy();
    this.grid.destroy();
    this.detail?.destroy();
    super.destroy();
  }

  /* what cards ask of the page */

  onShown(card) {
    super.onShown();
    if (get("yMode") === "shared" && !card.detail) this.shareSoon();
  }

  /** Union of the y ranges of all cards on screen in one group. */
  sharedY(card) {
    if (card.detail) return null;
    const extents = this.grid
      .companions(card)
      .map((one) => one.extent())
      .filter(Boolean);
    if (!extents.length) return null;
    const range = [Math.min(...extents.map((e) => e[0])), Math.max(...extents.map((e) => e[1]))];
    return padded(range, card.isLogY());
  }

  shareSoon() {
    cancelAnimationFrame(this.sharing);
    this.sharing = requestAnimationFrame(() => this.grid.each((card) => card.restyle()));
  }

  /* what changes */

  eachCard(fn) {
    this.grid.each(fn);
    if (this.detail) fn(this.detail);
  }

  onFetch(changed) {
    if (changed.has("version") && get("version") !== this.loadedVersion) this.loadSoon();
    super.onFetch(changed);
  }

  onLayout() {
    this.arrange();
    this.eachCard((card) => card.restyle());
  }

  onCardSize() {
    const { style } = this.grid.element;
    style.setProperty("--card", `${get("cardWidth")}px`);
    style.setProperty("--plot", `${get("plotHeight")}px`);
  }

  onSearch() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.load(), TYPING_MS);
  }

  loadSoon() {
    if (this.loadTimer) return;
    this.loadTimer = setTimeout(
      () => {
        this.loadTimer = 0;
        this.load();
      },
      this.counts.loads ? LOAD_AGAIN_MS : 0,
    );
  }

  /** Show what `groups()` says now. */
  arrange() {
    this.grid.setGroups(this.groups());
  }

  /** Say why there are no cards, with a title and a sentence, or with null that there are some. */
  sayEmpty(words, ...more) {
    this.note.hidden = !words || Boolean(get(this.openKey));
    if (!words) return;
    const [title, line] = words;
    this.note.replaceChildren(make("h2", { text: title }), make("p", { text: line }), ...more);
  }

  /* the opened card */

  onOpen() {
    const tag = get(this.openKey);
    if (this.detail?.tag === tag) return;
    this.detail?.destroy();
    this.detail = null;
    this.tip.hide();
    this.stage.hidden = !tag;
    this.grid.element.hidden = Boolean(tag);
    if (!tag) return this.stage.replaceChildren();
    const info = this.infoOf(tag);
    if (!info) return undefined; // it may come with the next answer
    this.note.hidden = true;
    this.detail = this.makeCard(info, { detail: true });
    const back = iconButton("back", "Back to all charts (Esc)", () => set(this.openKey, ""));
    this.detail.element.querySelector(".sc-head").prepend(back);
    this.stage.replaceChildren(this.detail.element);
    this.detail.refresh();
    return undefined;
  }

  /** What a card of this name shows, undefined where that is not known yet. */
  infoOf(tag) {
    return this.infos.find((one) => one.tag === tag);
  }

  key(event) {
    const isTyping = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape" && !isTyping && !document.querySelector(".popover:popover-open")) {
      if (get("picked") !== null) this.pick(null);
      else set(this.openKey, "");
    }
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.bar.focusSearch();
    }
  }
}
