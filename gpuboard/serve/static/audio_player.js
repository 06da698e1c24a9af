/**
 * The one player of a page: it plays the sound of one card at a time, and keeps its place when
 * another card of the same tag takes over, or when the card goes on to another step.
 */

import { soundUrl } from "./audio_data.js";
import { get } from "./state.js";

export class Player {
  constructor() {
    this.element = new Audio();
    this.element.preservesPitch = true;
    this.card = null; // whose sound is loaded
    this.key = "";
    this.turn = 0;
    this.element.addEventListener("play", () => this.follow());
    this.element.addEventListener("pause", () => this.card?.onPlaying(false));
    this.element.addEventListener("ended", () => this.onEnd());
    this.restyle();
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.element.pause();
    this.element.removeAttribute("src");
  }

  /** Take volume and speed anew. */
  restyle() {
    this.element.volume = get("audioVolume");
    this.element.playbackRate = get("audioSpeed");
    this.element.defaultPlaybackRate = get("audioSpeed");
  }

  isPlaying(card) {
    return this.card === card && !this.element.paused;
  }

  /** Where the sound of a card stands, in seconds. */
  timeOf(card) {
    return this.card === card ? this.element.currentTime : null;
  }

  /** Start or pause; a card of the tag that is playing goes on from where that is. */
  async toggle(card) {
    if (this.isPlaying(card)) return this.element.pause();
    const goesOn = this.card && this.card !== card && this.card.tag === card.tag;
    const at = goesOn ? this.element.currentTime : card.position;
    await this.load(card, at);
    return this.start(card);
  }

  async start(card) {
    const range = card.selection();
    const time = this.element.currentTime;
    const isOut = range && (time < range[0] || time >= range[1]);
    if (isOut) this.element.currentTime = range[0];
    else if (time >= card.seconds - 0.01) this.element.currentTime = 0;
    try {
      await this.element.play();
    } catch (error) {
      if (error.name !== "AbortError") card.complain(error);
    }
  }

  /** Move to a time; nothing starts to play by it. */
  async seek(card, time) {
    if (this.card === card) this.element.currentTime = time;
    card.onTime(time);
  }

  /** Play the sound that the card shows now, if the one it showed before is playing. */
  async renew(card) {
    if (this.card !== card || card.soundKey() === this.key) return;
    const wasPlaying = !this.element.paused;
    await this.load(card, this.element.currentTime);
    if (wasPlaying) await this.start(card);
  }

  /** A card goes: what it plays goes with it. */
  drop(card) {
    if (this.card !== card) return;
    this.element.pause();
    this.card = null;
    this.key = "";
  }

  async load(card, time) {
    const turn = (this.turn += 1);
    const key = card.soundKey();
    if (this.card !== card) {
      this.element.pause();
      this.card?.onPlaying(false);
    }
    this.card = card;
    if (this.key !== key) {
      const url = await soundUrl(card.query());
      if (turn !== this.turn) return;
      this.key = key;
      this.element.src = url;
      this.restyle();
    }
    this.element.currentTime = Math.min(time, Math.max(card.seconds - 0.02, 0));
    card.onTime(this.element.currentTime);
  }

  follow() {
    const { card, element } = this;
    if (!card || element.paused) return;
    card.onPlaying(true);
    const range = card.selection();
    if (range && element.currentTime >= range[1]) {
      if (get("audioLoop")) element.currentTime = range[0];
      else element.pause();
    }
    card.onTime(element.currentTime);
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.follow());
  }

  onEnd() {
    const { card, element } = this;
    if (!card) return;
    const range = card.selection();
    if (get("audioLoop")) {
      element.currentTime = range ? range[0] : 0;
      element.play().catch((error) => card.complain(error));
    } else {
      card.onPlaying(false);
      card.onTime(card.seconds);
    }
  }
}
