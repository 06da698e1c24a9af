/** The cards of a view in a grid of twelve columns: drag them elsewhere, pull their corner. */

import { LINE, openMenu } from "./card_menu.js";
import { iconButton, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { makeViewCard } from "./view_cards.js";

const COLUMNS = 12;
const ROW = 40;
const GAP = 12;
const MIN_WIDTH = 2;
const MIN_HEIGHT = 2;
const MAX_HEIGHT = 40;
const STILL_PIXELS = 4;
const NEAR = "320px";
const HOLDS = "button, input, textarea, select, a, .gb-chart, .cs-legend, .sc-table";

export class ViewGrid {
  /**
   * @param {object} page The `ChartHost` of the view.
   * @param {object} on `changed()`: after the cards, which are changed in place; `edit(card)`.
   */
  constructor(page, on) {
    Object.assign(this, { page, on });
    this.cards = [];
    this.frames = new Map(); // by id of the card
    this.element = make("div", { class: "vw-grid" });
    this.seen = new IntersectionObserver((entries) => this.onSeen(entries), { rootMargin: NEAR });
  }

  destroy() {
    this.seen.disconnect();
    for (const frame of this.frames.values()) frame.destroy();
  }

  /** Show these cards; the list and its cards are changed in place by what the user does. */
  setCards(cards) {
    this.cards = cards;
    const wanted = new Map(cards.map((card) => [card.id, card]));
    for (const [id, frame] of this.frames) {
      if (frame.card !== wanted.get(id)) this.drop(id, frame);
    }
    for (const card of cards) if (!this.frames.has(card.id)) this.add(card);
    this.arrange();
  }

  add(card) {
    const frame = new Frame(card, this);
    this.frames.set(card.id, frame);
    this.element.append(frame.element);
    this.seen.observe(frame.element);
  }

  drop(id, frame) {
    this.seen.unobserve(frame.element);
    this.frames.delete(id);
    frame.destroy();
  }

  /** Put the frames into the order of the cards. */
  arrange() {
    const frames = this.cards.map(({ id }) => this.frames.get(id));
    frames.forEach((frame, k) => {
      frame.place();
      const there = this.element.children[k];
      if (there !== frame.element) this.element.insertBefore(frame.element, there ?? null);
    });
  }

  /** Do something with every chart in sight; the others ask anew once they are seen. */
  eachChart(fn) {
    for (const frame of this.frames.values()) frame.with(fn);
  }

  /** The store has changed: cards that are no charts ask anew. */
  refreshOthers() {
    for (const { inner, isVisible } of this.frames.values()) {
      if (isVisible && inner && !inner.chart) inner.refresh();
    }
  }

  /** Pictures of the cards that give one, as data: addresses by id of the card. */
  async pictures() {
    const found = {};
    for (const [id, { inner }] of this.frames) {
      const picture = await inner?.snapshot?.();
      if (picture) found[id] = picture;
    }
    return found;
  }

  onSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      const frame = [...this.frames.values()].find(({ element }) => element === target);
      frame?.setVisible(isIntersecting);
    }
  }

  remove(card) {
    this.cards.splice(this.cards.indexOf(card), 1);
    this.drop(card.id, this.frames.get(card.id));
    this.on.changed();
  }

  /** Move a card to another place in the order. */
  move(card, to) {
    const from = this.cards.indexOf(card);
    if (to === from || to < 0 || to >= this.cards.length) return;
    this.cards.splice(from, 1);
    this.cards.splice(to, 0, card);
    this.arrange();
    this.on.changed();
  }

  /** The place in the order that a card dragged to (x, y) would have. */
  placeAt(x, y, card) {
    const boxOf = ({ id }) => this.frames.get(id).element.getBoundingClientRect();
    const own = boxOf(card);
    if (x > own.left && x < own.right && y > own.top && y < own.bottom) return -1;
    const others = this.cards.filter((one) => one !== card);
    for (const [k, one] of others.entries()) {
      const box = boxOf(one);
      if (y > box.bottom + GAP || x > box.right + GAP) continue;
      if (y < box.top - GAP || x < box.left - GAP) continue;
      return x < (box.left + box.right) / 2 ? k : k + 1;
    }
    return -1;
  }

  /** Pixels from one column to the next. */
  columnStep() {
    return (this.element.clientWidth + GAP) / COLUMNS;
  }
}

/** The frame around one card: its place, size, and what all kinds of cards can do. */
class Frame {
  constructor(card, grid) {
    Object.assign(this, { card, grid });
    this.inner = null; // what view_cards.js made
    this.isVisible = false;
    this.isStale = true;
    this.isGone = false;
    this.grip = make("div", { class: "vw-grip", title: "Drag to change the size of this card" });
    this.element = make("section", { class: "vw-card", data: { card: card.id } }, this.grip);
    this.element.addEventListener("pointerdown", (event) => this.onDown(event));
    this.grip.addEventListener("pointerdown", (event) => this.onGrip(event));
    this.place();
  }

  destroy() {
    this.isGone = true;
    this.inner?.destroy();
    this.element.remove();
  }

  place() {
    const { width, height } = this.card;
    this.element.style.gridColumn = `span ${width}`;
    this.element.style.gridRow = `span ${height}`;
    this.element.setAttribute("aria-label", this.card.title);
  }

  setVisible(isVisible) {
    this.isVisible = isVisible;
    if (!isVisible || !this.isStale) return;
    this.isStale = false;
    if (this.inner) this.refresh();
    else void this.make();
  }

  with(fn) {
    if (!this.inner?.chart) return;
    if (this.isVisible) fn(this.inner);
    else this.isStale = true;
  }

  refresh() {
    if (this.inner.chart) this.inner.restyle();
    this.inner.refresh();
  }

  async make() {
    const spec = { ...this.card.spec, kind: this.card.kind, title: visible(this.card.title) };
    const host = {
      page: this.grid.page,
      change: (patch) => this.change(patch),
      menu: () => this.menu(),
      remake: () => this.remake(),
    };
    let inner;
    try {
      inner = await makeViewCard(spec, host);
    } catch (error) {
      inner = failure(error);
    }
    if (this.isGone || this.inner) return inner.destroy();
    this.inner = inner;
    const parts = inner.hasHead ? [inner.element] : [this.head(), inner.element];
    this.element.replaceChildren(...parts, this.grip);
    return this.refresh();
  }

  remake() {
    this.inner?.destroy();
    this.inner = null;
    this.element.replaceChildren(this.grip);
    void this.make();
  }

  head() {
    const more = iconButton("more", "More", () => openMenu(more, this.menu()), {
      "aria-haspopup": "dialog",
    });
    const { title } = this.card;
    const heading = make("h3", { class: "sc-title", text: visible(title), title });
    return make("header", { class: "sc-head" }, heading, more);
  }

  change(patch) {
    Object.assign(this.card.spec, patch);
    for (const [key, value] of Object.entries(patch)) {
      if (value === undefined) delete this.card.spec[key];
    }
    this.grid.on.changed();
  }

  menu() {
    const { card, grid } = this;
    const place = grid.cards.indexOf(card);
    const isWide = card.width === COLUMNS;
    return [
      { text: "Edit", fn: () => grid.on.edit(card) },
      {
        text: "Full width",
        fn: () => this.resize(isWide ? COLUMNS / 2 : COLUMNS, card.height),
        checked: isWide,
      },
      place > 0 ? { text: "Move forward", fn: () => grid.move(card, place - 1) } : null,
      place < grid.cards.length - 1
        ? { text: "Move back", fn: () => grid.move(card, place + 1) }
        : null,
      LINE,
      { text: "Remove from the view", fn: () => grid.remove(card) },
    ];
  }

  resize(width, height) {
    const { card } = this;
    const wide = Math.max(MIN_WIDTH, Math.min(COLUMNS, width));
    const high = Math.max(MIN_HEIGHT, Math.min(MAX_HEIGHT, height));
    if (wide === card.width && high === card.height) return;
    Object.assign(card, { width: wide, height: high });
    this.place();
    this.grid.on.changed();
  }

  /* what the pointer does */

  onGrip(event) {
    event.preventDefault();
    event.stopPropagation();
    const { left, top } = this.element.getBoundingClientRect();
    const scroll = scrollTop();
    followPointer(({ clientX, clientY }) => {
      const right = clientX - left;
      const bottom = clientY - top + scrollTop() - scroll;
      this.resize(
        Math.round((right + GAP) / this.grid.columnStep()),
        Math.round((bottom + GAP) / (ROW + GAP)),
      );
    });
  }

  onDown(event) {
    if (event.button || event.target.closest(HOLDS) || !event.target.closest(".sc-head")) return;
    const [x, y] = [event.clientX, event.clientY];
    let isDragging = false;
    followPointer(
      ({ clientX, clientY }) => {
        if (!isDragging && Math.hypot(clientX - x, clientY - y) < STILL_PIXELS) return;
        isDragging = true;
        this.element.classList.add("is-dragged");
        const to = this.grid.placeAt(clientX, clientY, this.card);
        if (to >= 0) this.grid.move(this.card, to);
      },
      () => this.element.classList.remove("is-dragged"),
    );
  }
}

/** Call `move` for each movement of the pointer until it is let go, then `end`. */
function followPointer(move, end = () => {}) {
  const stop = new AbortController();
  const { signal } = stop;
  const finish = () => {
    stop.abort();
    end();
  };
  // Not captured by an element: one that is put elsewhere in the page would lose the pointer.
  addEventListener("pointermove", move, { signal });
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, finish, { signal });
}

const scrollTop = () => document.querySelector("#main")?.scrollTop ?? 0;

function failure(error) {
  const text = `This card cannot be shown: ${error.message}`;
  const element = make("div", { class: "vw-absent" }, make("p", { text }));
  return { element, refresh() {}, destroy: () => element.remove() };
}
