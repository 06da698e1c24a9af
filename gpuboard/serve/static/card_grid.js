/** The grid of cards in groups; only cards on screen exist, fetch and draw. */

import { heightGrip } from "./card_grip.js";
import { icon, make } from "./chart_elements.js";
import { plural } from "./format.js";
import { compareNames } from "./natural.js";
import { get, set } from "./state.js";

const OPEN_AT_FIRST = 24; // cards in groups that stand open before anybody chose
const MAX_ALIVE = 80; // cards kept while out of sight, so that scrolling back is instant
const NEAR = "320px";

/** Sort tags into groups by what stands before the first "/", "" for tags without one. */
export function groupTags(tags) {
  const groups = new Map();
  for (const info of tags) {
    const cut = info.tag.indexOf("/");
    const name = cut > 0 ? info.tag.slice(0, cut) : "";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(info);
  }
  return [...groups]
    .map(([name, infos]) => ({ name, infos }))
    .sort((a, b) => compareNames(a.name, b.name));
}

export class CardGrid {
  /** @param {object} page `makeCard(info)`, and what cards ask of their page. */
  constructor(page) {
    this.page = page;
    this.element = make("div", { class: "sc-groups" });
    this.groups = new Map(); // by name: {element, body, slots: Map(tag -> slot)}
    this.alive = new Set(); // cards, the longest hidden first
    this.seen = new IntersectionObserver((entries) => this.onSeen(entries), { rootMargin: NEAR });
  }

  destroy() {
    this.seen.disconnect();
    for (const card of this.alive) card.destroy();
  }

  /** Cards on screen, or close to it. */
  get visible() {
    return [...this.alive].filter((card) => card.isVisible);
  }

  /**
   * Show these groups, reusing the cards that stay.
   *
   * @param {{name: string, title: string, infos: object[], isOpen?: boolean, tools?: Element[]}[]}
   *   groups `infos` say what the cards show: `tag` tells them apart, `short` is their title;
   *   `isOpen` says whether the group stands open before anybody chose.
   */
  setGroups(groups) {
    const names = new Set(groups.map(({ name }) => name));
    for (const [name, group] of this.groups) if (!names.has(name)) this.dropGroup(name, group);
    let room = OPEN_AT_FIRST;
    for (const [k, group] of groups.entries()) {
      const hasRoom = group.isOpen ?? (k < 2 || room >= group.infos.length);
      const isOpen = get("groups")[group.name] ?? hasRoom;
      if (isOpen) room -= group.infos.length;
      this.layoutGroup(group, isOpen);
    }
    this.element.replaceChildren(...groups.map(({ name }) => this.groups.get(name).element));
    this.wakeFirst();
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

  layoutGroup(wanted, isOpen) {
    const { name, infos } = wanted;
    if (!this.groups.has(name)) this.groups.set(name, this.makeGroup(wanted));
    const group = this.groups.get(name);
    group.count.textContent = plural(infos.length, "chart");
    group.head.setAttribute("aria-expanded", String(isOpen));
    group.body.hidden = !isOpen;
    const shown = isOpen ? infos : [];
    const tags = new Set(shown.map((info) => info.tag));
    for (const [tag, slot] of group.slots) if (!tags.has(tag)) this.dropSlot(group, tag, slot);
    const slots = shown.map((info) => this.slotOf(group, info));
    const isSame =
      slots.length === group.body.children.length &&
      slots.every((slot, i) => slot === group.body.children[i]);
    if (!isSame) group.body.replaceChildren(...slots);
  }

  makeGroup({ name, title, tools = [] }) {
    const count = make("span", { class: "count" });
    const head = make(
      "button",
      { type: "button", class: "sc-group-head", on: { click: () => this.toggleGroup(name) } },
      icon("chevron"),
      make("span", { class: "sc-group-name", text: title }),
      count,
    );
    const body = make("div", { class: "sc-cards" });
    const bar = make("div", { class: "sc-group-bar" }, head, ...tools);
    const element = make("section", { class: "sc-group", "aria-label": title }, bar, body);
    return { element, head, count, body, slots: new Map() };
  }

  toggleGroup(name) {
    const isOpen = this.groups.get(name).head.getAttribute("aria-expanded") === "true";
    set("groups", { ...get("groups"), [name]: !isOpen });
  }

  slotOf(group, info) {
    const { tag } = info;
    if (!group.slots.has(tag)) {
      const slot = make("div", { class: "sc-slot" });
      Object.assign(slot, { info, group, card: null });
      group.slots.set(tag, slot);
      this.seen.observe(slot);
    }
    const slot = group.slots.get(tag);
    slot.info = info;
    slot.classList.toggle("is-wide", get("wide").includes(tag));
    return slot;
  }

  dropGroup(name, group) {
    for (const [tag, slot] of group.slots) this.dropSlot(group, tag, slot);
    this.groups.delete(name);
  }

  dropSlot(group, tag, slot) {
    this.seen.unobserve(slot);
    if (slot.card) this.dropCard(slot.card);
    group.slots.delete(tag);
    slot.remove();
  }

  dropCard(card) {
    this.alive.delete(card);
    card.slot.card = null;
    card.destroy();
  }

  onSeen(entries) {
    for (const { target: slot, isIntersecting } of entries) {
      if (isIntersecting) this.wake(slot);
      else if (slot.card) this.rest(slot.card);
    }
  }

  wake(slot) {
    let { card } = slot;
    if (!card) {
      card = this.page.makeCard(slot.info);
      Object.assign(card, { slot, isStale: true });
      slot.card = card;
      card.element.append(heightGrip());
      slot.append(card.element);
    }
    card.isVisible = true;
    this.alive.delete(card);
    this.alive.add(card);
    if (!card.isStale) return;
    card.isStale = false;
    card.restyle();
    card.refresh();
  }

  rest(card) {
    card.isVisible = false;
    if (this.alive.size <= MAX_ALIVE) return;
    for (const one of this.alive) {
      if (one.isVisible) continue;
      this.dropCard(one);
      if (this.alive.size <= MAX_ALIVE) return;
    }
  }

  /** Let every card on screen do something now, and the others once they are seen again. */
  each(fn) {
    for (const card of this.alive) {
      if (card.isVisible) fn(card);
      else card.isStale = true;
    }
  }

  /** The cards on screen that share a y range with this one: those of its group. */
  companions(card) {
    return this.visible.filter((one) => one.slot.group === card.slot.group);
  }
}
