/** One slider for the steps of all cards of a page: drag, play, go on by one, follow the last. */

import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { exactCount } from "./format.js";
import { get, set, subscribe } from "./state.js";
import { indexAt } from "./steps.js";

const FRAME_MS = 160; // between two steps while playing: as fast as one can still compare

export class StepBar {
  constructor() {
    this.steps = new Float64Array(0);
    this.timer = 0;
    const button = (name, label, fn) =>
      make(
        "button",
        {
          type: "button",
          class: "button is-quiet is-square",
          title: label,
          "aria-label": label,
          on: { click: fn },
        },
        icon(name),
      );
    this.play = button("play", "Play all steps", () => this.toggle());
    this.slider = make("input", {
      type: "range",
      class: "vp-step-slider",
      min: "0",
      step: "1",
      "aria-label": "Step",
      on: { input: () => this.goTo(Number(this.slider.value)) },
    });
    this.number = make("input", {
      class: "input vp-step-number",
      type: "text",
      inputMode: "numeric",
      spellcheck: false,
      "aria-label": "Step shown by all cards",
      on: { change: () => this.typed(), focus: () => this.number.select() },
    });
    this.last = make("button", {
      type: "button",
      class: "button",
      text: "Latest",
      title: "Follow the last step of each run",
      on: { click: () => this.follow() },
    });
    this.element = make(
      "div",
      { class: "vp-steps", role: "group", "aria-label": "Step of all cards", hidden: true },
      button("previous", "Step before (←)", () => this.move(-1)),
      this.play,
      button("next", "Step after (→)", () => this.move(1)),
      this.slider,
      make("label", { class: "vp-step-label" }, "Step", this.number),
      this.last,
    );
    this.end = subscribe("stepAt", () => this.show());
    this.show();
  }

  destroy() {
    this.stop();
    this.end();
  }

  /** Offer these steps: the union over all cards, ascending. */
  offer(steps) {
    this.steps = steps;
    this.show();
  }

  /** Go one step on, or back. */
  move(by) {
    if (this.steps.length) this.goTo(this.index() + by);
  }

  /** Show the last step of each run, those that are still to come included. */
  follow() {
    this.stop();
    set("stepAt", null);
  }

  index() {
    return indexAt(this.steps, get("stepAt"));
  }

  goTo(index) {
    const place = Math.min(Math.max(index, 0), this.steps.length - 1);
    if (place >= 0) set("stepAt", this.steps[place]);
  }

  typed() {
    const wanted = Number(this.number.value.replaceAll(",", "").trim());
    if (this.number.value.trim() && Number.isFinite(wanted)) set("stepAt", wanted);
    this.show();
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.steps.length < 2) return undefined;
    if (this.index() >= this.steps.length - 1) this.goTo(0);
    this.timer = setInterval(() => this.tick(), FRAME_MS);
    return this.showPlaying(true);
  }

  tick() {
    if (this.index() >= this.steps.length - 1) this.stop();
    else if (!document.hidden) this.move(1);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.showPlaying(false);
  }

  showPlaying(isPlaying) {
    this.play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    this.play.title = isPlaying ? "Pause" : "Play all steps";
    this.play.setAttribute("aria-label", this.play.title);
  }

  show() {
    this.element.hidden = this.steps.length < 2 && get("stepAt") === null;
    this.slider.max = String(Math.max(this.steps.length - 1, 0));
    this.slider.value = String(Math.max(this.index(), 0));
    this.last.setAttribute("aria-pressed", String(get("stepAt") === null));
    if (document.activeElement === this.number) return;
    const at = get("stepAt") ?? this.steps[this.steps.length - 1];
    this.number.value = at === undefined ? "" : exactCount(String(at));
  }
}
