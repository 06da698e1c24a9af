/** The grid of value cards: groups by tag prefix; only cards in sight exist, fetch and draw. */

import { groupTags } from "./card_grid.js";
import { icon, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { plural } from "./format.js";
import { get, set } from "./state.js";

const OPEN_AT_FIRST = 24; // cards in groups that stand open before anybody chose
const PAGE = 120; // slots of one group before "Show more"
const MAX_ALIVE = 80; // cards kept while out of sight
const NEAR = "320px";

export class ValueGrid {
  /** @param {(info: {tag: string, runs: number[], name: string}) => ValueCard} makeCard */
  constructor(makeCard) {
    this.makeCard = makeCard;
    this.element = make("div", { class: "vp-groups" });
    this.groups = new Map();
    this.alive = new Set();
    this.cards = []; // what is to be seen: {tag, runs, label}
    this.seen = new IntersectionObserver((entries) => this.onSeen(entries), { rootMargin: NEAR });
  }

  destroy() {
    this.seen.disconnect();
    for (const card of [...this.alive]) this.drop(card);
  }

  /** Cards on screen, or close to it. */
  get visible() {
    return [...this.alive].filter((card) => card.isVisible);
  }

  /** Do something with every card on screen; the others are made anew once they are seen. */
  each(fn) {
    for (const card of [...this.alive]) {
      if (card.isVisible) fn(card);
      else this.drop(card);
    }
  }

  /** Show a card for each of these: `{tag, runs, label}` in their order. */
  setCards(cards) {
    this.cards = cards;
    this.layout();
  }

  layout() {
    const wanted = groupTags(this.cards);
    const names = new Set(wanted.map((group) => group.name));
    for (const [name, group] of this.groups) if (!names.has(name)) this.dropGroup(name, group);
    let room = OPEN_AT_FIRST;
    for (const [k, { name, infos }] of wanted.entries()) {
      const isOpen = get("groups")[name] ?? (k < 2 || room >= infos.length);
      if (isOpen) room -= infos.length;
      if (!this.groups.has(name)) this.groups.set(name, this.makeGroup(name));
      this.fill(this.groups.get(name), name, infos, isOpen);
    }
    this.element.replaceChildren(...wanted.map(({ name }) => this.groups.get(name).element));
    this.wakeFirst();
  }

  makeGroup(name) {
    const title = name || "No prefix";
    const count = make("span", { class: "count" });
    const head = make(
      "button",
      { type: "button", class: "sc-group-head", on: { click: () => this.toggle(name) } },
      icon("chevron"),
      make("span", { class: "sc-group-name", text: visible(title) }),
      count,
    );
    const body = make("div", { class: "vp-cards" });
    const more = make("button", { type: "button", class: "button vp-more", hidden: true });
    const element = make("section", { class: "vp-group", "aria-label": title }, head, body, more);
    return { element, head, count, body, more, slots: new Map(), pages: 1 };
  }

  toggle(name) {
    const isOpen = this.groups.get(name).head.getAttribute("aria-expanded") === "true";
    set("groups", { ...get("groups"), [name]: !isOpen });
  }

  fill(group, name, infos, isOpen) {
    group.count.textContent = plural(infos.length, "card");
    group.head.setAttribute("aria-expanded", String(isOpen));
    group.body.hidden = !isOpen;
    const shown = isOpen ? infos.slice(0, PAGE * group.pages) : [];
    group.more.hidden = !isOpen || shown.length === infos.length;
    group.more.textContent = `Show more of ${plural(infos.length, "card")}`;
    group.more.onclick = () => {
      group.pages++;
      this.layout();
    };
    const keys = new Set(shown.map(keyOf));
    for (const [key, slot] of group.slots) if (!keys.has(key)) this.dropSlot(group, key, slot);
    const slots = shown.map((info) => this.slotOf(group, name, info));
    const { children } = group.body;
    const isSame =
      slots.length === children.length && slots.every((slot, i) => slot === children[i]);
    if (!isSame) group.body.replaceChildren(...slots);
  }

  slotOf(group, name, info) {
    const key = keyOf(info);
    if (!group.slots.has(key)) {
      const slot = make("div", { class: "vp-slot" });
      const whole = info.label ?? info.tag;
      const short = name && whole.startsWith(`${name}/`) ? whole.slice(name.length + 1) : whole;
      Object.assign(slot, { info: { ...info, name: short }, card: null });
      group.slots.set(key, slot);
      this.seen.observe(slot);
    }
    return group.slots.get(key);
  }

  dropGroup(name, group) {
    for (const [key, slot] of group.slots) this.dropSlot(group, key, slot);
    this.groups.delete(name);
  }

  dropSlot(group, key, slot) {
    this.seen.unobserve(slot);
    if (slot.card) this.drop(slot.card);
    group.slots.delete(key);
    slot.remove();
  }

  drop(card) {
    this.alive.delete(card);
    const { slot } = card;
    slot.style.minHeight = `${slot.offsetHeight}px`; // so that nothing below it jumps
    slot.card = null;
    card.destroy();
  }

  onSeen(entries) {
    for (const { target: slot, isIntersecting } of entries) {
      if (isIntersecting) this.wake(slot);
      else if (slot.card) this.rest(slot.card);
    }
  }

  /** Wake what is in sight now: the observer would tell only after the next frame. */
  wakeFirst() {
    if (this.element.hidden) return;
    for (const { slots } of this.groups.values()) {
      for (const slot of slots.values()) {
        if (slot.card) continue;
        if (slot.getBoundingClientRect().top > innerHeight) return;
        this.wake(slot);
      }
    }
  }

  wake(slot) {
    if (!slot.card) {
      const card = this.makeCard(slot.info);
      Object.assign(card, { slot });
      slot.card = card;
      slot.replaceChildren(card.element);
      slot.style.minHeight = "";
      card.isVisible = true;
      this.alive.add(card);
      card.refresh();
      return;
    }
    slot.card.isVisible = true;
    this.alive.delete(slot.card);
    this.alive.add(slot.card);
    slot.card.refresh();
  }

  rest(card) {
    card.isVisible = false;
    card.rest();
    if (this.alive.size <= MAX_ALIVE) return;
    for (const one of [...this.alive]) {
      if (one.isVisible) continue;
      this.drop(one);
      if (this.alive.size <= MAX_ALIVE) return;
    }
  }
}

const keyOf = ({ tag, runs }) => `${tag}\u0000${runs.join(",")}`;
