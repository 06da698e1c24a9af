/** What pointer, wheel and keys do on the picture of a sound: seek, select, zoom, read values. */

import { GUTTER, hertzAt } from "./audio_paint.js";
import { get, set } from "./state.js";

const CLICK_PX = 4;
const ZOOM = 1.6;
const LEAST_FRAMES = 64; // in view
const NUDGE = 0.05; // of what is in view, for an arrow key

export class AudioInput {
  /** @param {AudioCard} card whose `plot` is listened to. */
  constructor(card) {
    this.card = card;
    const { plot } = card;
    plot.addEventListener("pointerdown", (event) => this.onPress(event));
    plot.addEventListener("pointermove", (event) => this.onHover(event));
    plot.addEventListener("pointerleave", () => (card.pointer.hidden = true));
    plot.addEventListener("dblclick", () => this.zoomToSelection());
    plot.addEventListener("keydown", (event) => this.onKey(event));
    plot.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
  }

  /** The time under the pointer, in seconds. */
  secondsAt(event) {
    const { card } = this;
    const x = event.clientX - card.plot.getBoundingClientRect().left - GUTTER.left;
    const share = Math.min(Math.max(x / card.width(), 0), 1);
    const [from, to] = card.shownView();
    return Math.min((from + share * (to - from)) / card.rate, card.seconds);
  }

  onPress(event) {
    const { card } = this;
    if (event.button !== 0 || !card.wave) return;
    const startX = event.clientX;
    const start = this.secondsAt(event);
    let isDrag = false;
    const move = (next) => {
      isDrag ||= Math.abs(next.clientX - startX) > CLICK_PX;
      const end = this.secondsAt(next);
      if (isDrag) card.page.select(card.tag, start < end ? [start, end] : [end, start]);
    };
    const end = (next) => {
      card.plot.removeEventListener("pointermove", move);
      card.plot.removeEventListener("pointerup", end);
      card.plot.removeEventListener("pointercancel", end);
      if (next.type === "pointercancel") return;
      if (isDrag) card.page.player.seek(card, card.selection()?.[0] ?? start);
      else this.seek(this.secondsAt(next));
    };
    card.plot.setPointerCapture(event.pointerId);
    card.plot.addEventListener("pointermove", move);
    card.plot.addEventListener("pointerup", end);
    card.plot.addEventListener("pointercancel", end);
  }

  /** Go to a time; beside what is selected it ends the selection. */
  seek(time) {
    const { card } = this;
    const range = card.selection();
    if (range && (time < range[0] || time > range[1])) card.page.select(card.tag, null);
    card.page.player.seek(card, time);
  }

  onHover(event) {
    const { card } = this;
    if (!card.wave) return;
    const box = card.levelCanvas.getBoundingClientRect();
    const share = 1 - (event.clientY - box.top) / box.height;
    const time = `${this.secondsAt(event).toFixed(3)} s`;
    const { hz, scale } = card.levels.header;
    const isIn = share >= 0 && share <= 1;
    card.pointer.textContent = isIn ? `${time} · ${hertzAndUnit(hertzAt(hz, scale, share))}` : time;
    card.pointer.hidden = false;
  }

  onWheel(event) {
    if (!(event.ctrlKey || event.metaKey) || !this.card.wave) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1 / ZOOM : ZOOM, this.secondsAt(event));
  }

  /** Show `factor` times as much, so that `at` stays where it is. */
  zoom(factor, at) {
    const { card } = this;
    const [from, to] = card.shownView().map((frame) => frame / card.rate);
    const span = Math.min(Math.max((to - from) * factor, LEAST_FRAMES / card.rate), card.seconds);
    if (span >= card.seconds * 0.999) return card.page.setView(card.tag, null);
    const start = at - (at - from) * (span / (to - from));
    const first = Math.min(Math.max(start, 0), card.seconds - span);
    return card.page.setView(card.tag, [first, first + span]);
  }

  zoomToSelection() {
    const { card } = this;
    const range = card.selection();
    if (!range) return;
    const least = LEAST_FRAMES / card.rate;
    card.page.setView(card.tag, [range[0], Math.max(range[1], range[0] + least)]);
  }

  onKey(event) {
    const { card } = this;
    const { page, tag } = card;
    if (event.ctrlKey || event.metaKey || event.altKey || !card.wave) return;
    const [from, to] = card.shownView();
    const nudge = ((to - from) / card.rate) * NUDGE;
    const go = (time) => page.player.seek(card, Math.min(Math.max(time, 0), card.seconds));
    const does = {
      " ": () => page.player.toggle(card),
      ArrowLeft: () => go(card.position - nudge),
      ArrowRight: () => go(card.position + nudge),
      Home: () => go(0),
      End: () => go(card.seconds),
      "+": () => this.zoom(1 / ZOOM, card.position),
      "-": () => this.zoom(ZOOM, card.position),
      b: () => page.alternate(card),
      l: () => set("audioLoop", !get("audioLoop")),
      Escape: () => (card.selection() ? page.select(tag, null) : page.setView(tag, null)),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }
}

const hertzAndUnit = (hertz) =>
  hertz >= 1000 ? `${(hertz / 1000).toPrecision(3)} kHz` : `${Math.round(hertz)} Hz`;
