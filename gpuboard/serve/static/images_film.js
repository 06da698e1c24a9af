/** Play the frames of a moving picture in a card: all of them from sheets, at their own pace. */

import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { count } from "./format.js";

const UNSEEN_MS = 400;

export class Film {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(first: number) => Promise<Painted>} fetchSheet Fetches the sheet with a frame.
   * @param {Painted} painted What the first frame said of the picture.
   */
  constructor(canvas, fetchSheet, painted) {
    this.canvas = canvas;
    this.fetchSheet = fetchSheet;
    this.frames = painted.frames;
    this.sheets = []; // in order; each knows its first frame
    this.frame = 0;
    this.timer = 0;
    this.isPlaying = false;
    this.isSeen = () => true; // a film that nobody can see rests
    this.button = make("button", {
      type: "button",
      class: "button is-quiet is-square im-film-play",
      on: { click: () => this.toggle() },
    });
    this.slider = make("input", {
      type: "range",
      class: "im-film-slider",
      min: "0",
      max: String(this.frames - 1),
      step: "1",
      value: "0",
      "aria-label": "Frame",
      on: { input: () => this.seek(Number(this.slider.value)) },
    });
    this.label = make("span", { class: "im-film-label" });
    this.element = make("div", { class: "im-film" }, this.button, this.slider, this.label);
    this.say();
  }

  destroy() {
    this.pause();
    this.isGone = true;
    this.element.remove();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    if (this.isPlaying || this.isGone) return;
    this.isPlaying = true;
    this.say();
    this.next(this.frame);
  }

  pause() {
    this.isPlaying = false;
    clearTimeout(this.timer);
    this.say();
  }

  /** Show one frame and stand still. */
  seek(frame) {
    this.pause();
    this.wanted = frame;
    return this.paint(frame).catch(() => null); // the card has told what is wrong
  }

  async next(frame) {
    if (!this.isSeen()) {
      this.timer = setTimeout(() => this.next(frame), UNSEEN_MS);
      return;
    }
    try {
      const duration = await this.paint(frame);
      if (!this.isPlaying || this.isGone) return;
      this.timer = setTimeout(() => this.next((frame + 1) % this.frames), duration);
    } catch {
      this.pause();
    }
  }

  async paint(frame) {
    const painted = await this.sheetWith(frame);
    const { sheet, bitmap } = painted;
    const tile = frame - sheet.first;
    if (this.isGone || (!this.isPlaying && this.wanted !== undefined && this.wanted !== frame)) return 0;
    const { width, height } = sheet;
    const x = (tile % sheet.columns) * width;
    const y = Math.floor(tile / sheet.columns) * height;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
    }
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
    this.frame = frame;
    this.say();
    return sheet.durations[tile] ?? 100;
  }

  async sheetWith(frame) {
    for (;;) {
      const known = this.sheets.find(
        ({ sheet }) => sheet.first <= frame && frame < sheet.first + sheet.tiles,
      );
      if (known) return known;
      const last = this.sheets.at(-1)?.sheet;
      this.sheets.push(await this.fetchSheet(last ? last.first + last.tiles : 0));
    }
  }

  say() {
    const name = this.isPlaying ? "Pause" : "Play";
    if (this.button.title !== name) {
      this.button.replaceChildren(icon(this.isPlaying ? "pause" : "play"));
      this.button.title = name;
      this.button.setAttribute("aria-label", name);
    }
    this.slider.value = String(this.frame);
    this.label.textContent = `${count(this.frame + 1)} / ${count(this.frames)}`;
  }
}
