/** Find slices by name: count, names that light up, steps from hit to hit. */

import { columns, getJson } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { h, icon } from "./dom.js";
import { count } from "./format.js";
import * as state from "./state.js";
import { ranges } from "./timeline_data.js";

const TYPING_MS = 160;
const BINS = 400;
const STILL_MS = 120; // a window that moves is not searched

export class TimelineSearch {
  /**
   * @param {TimelineView} view
   * @param {object} on `found(spread)`: counts over time or null; `go(hit)`: to a slice.
   */
  constructor(view, on) {
    this.view = view;
    this.on = on;
    this.total = 0;
    this.at = null; // the last hit: {model, row, start, place}
    this.input = h("input", {
      class: "input",
      type: "text",
      spellcheck: false,
      autocomplete: "off",
      placeholder: "Find events",
      "aria-label": "Find events by name",
      value: state.get("timeQuery"),
      oninput: () => this.soon(),
      onkeydown: (event) => this.onKey(event),
    });
    this.regex = h(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-pressed": String(state.get("timeRegex")),
        title: "Regular expression",
        "aria-label": "Regular expression",
        onclick: () => state.set("timeRegex", !state.get("timeRegex")),
      },
      icon("regex"),
    );
    this.count = make("span", { class: "tl-count", role: "status" });
    const small = { class: "button is-quiet is-square" };
    this.steps = make(
      "span",
      { class: "tl-steps", hidden: true },
      this.count,
      iconButton("chevron", "Last hit (N)", () => this.step(true), { class: `${small.class} tl-up` }),
      iconButton("chevron", "Next hit (n)", () => this.step(), small),
    );
    this.element = make("div", { class: "tl-find" }, h("div", { class: "field has-toggle" }, icon("search"), this.input, this.regex), this.steps);
    this.ends = [state.subscribe(["timeQuery", "timeRegex"], () => this.adopt())];
    if (state.get("timeQuery")) this.ask();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => state.set("timeQuery", this.input.value), TYPING_MS);
  }

  adopt() {
    if (document.activeElement !== this.input) this.input.value = state.get("timeQuery");
    this.regex.setAttribute("aria-pressed", String(state.get("timeRegex")));
    this.ask();
  }

  /** Look for a whole name, such as that of a slice. */
  exactly(name) {
    this.input.value = name;
    state.set("timeRegex", false);
    state.set("timeQuery", name);
  }

  query() {
    return { q: state.get("timeQuery"), regex: state.get("timeRegex") ? 1 : 0 };
  }

  async ask() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.at = null;
    this.input.removeAttribute("aria-invalid");
    this.input.title = "";
    const { models } = this.view;
    if (!state.get("timeQuery")) return this.show([]);
    try {
      const replies = await Promise.all(
        models.map(({ trace }) => getJson("timeline/search", { query: { trace, ...this.query(), bins: BINS } })),
      );
      if (turn === this.turn) this.show(replies);
    } catch (error) {
      if (turn !== this.turn) return undefined;
      this.show([]);
      this.input.setAttribute("aria-invalid", "true");
      this.input.title = error.message;
    }
    return undefined;
  }

  show(replies) {
    const { view } = this;
    this.total = replies.reduce((sum, one) => sum + one.count, 0);
    this.isOn = replies.length > 0;
    view.found = this.isOn ? new Set(replies.flatMap(({ names }) => names)) : null;
    view.foundPlaces = [];
    this.steps.hidden = !this.isOn;
    this.tell();
    this.on.found(
      this.isOn && this.total
        ? replies.map(({ spread }, i) => ({ counts: spread, offset: view.models[i].offset, span: view.models[i].span }))
        : null,
    );
    view.draw();
    this.moved();
  }

  tell() {
    const place = this.at && this.view.models.length === 1 ? `${count(this.at.place)} of ` : "";
    this.count.textContent = this.total ? `${place}${count(this.total)}` : "none";
  }

  /** Fetch where hits lie within the marks in sight, once the window has come to rest. */
  moved() {
    clearTimeout(this.still);
    if (!this.isOn || !this.total) return;
    this.still = setTimeout(() => this.places(), STILL_MS);
  }

  async places() {
    const { view } = this;
    const { t0, t1 } = view;
    const turn = this.turn;
    const px = Math.round(view.width);
    const lanes = view.models.map((_, i) => view.data.answers[i]?.lanes ?? []);
    const replies = await Promise.all(
      view.models.map(async ({ trace, offset }, i) => {
        if (!lanes[i].length) return null;
        const query = { trace, ...this.query(), t0: Math.floor(t0 - offset), t1: Math.ceil(t1 - offset), px, lanes: ranges(lanes[i]) };
        const { columns: found } = await columns("timeline/hits", { query });
        return { model: i, lanes: lanes[i], t0, t1, line: found.line, x: found.x };
      }),
    ).catch(() => []);
    if (turn !== this.turn) return;
    view.foundPlaces = replies.filter(Boolean);
    view.draw();
  }

  /** Go to the next hit in time, or the last one. */
  async step(isBack = false) {
    const { view } = this;
    if (!this.isOn || !this.total || this.isStepping) return;
    this.isStepping = true;
    const from = this.at ?? { time: isBack ? view.t1 : view.t0 };
    try {
      const hits = await Promise.all(
        view.models.map(async ({ trace, offset }, model) => {
          const row = this.at?.model === model ? this.at.row : -1;
          const query = { trace, ...this.query(), time: Math.round(from.time - offset), row, back: isBack ? 1 : 0 };
          const hit = await getJson("timeline/hit", { query });
          return hit && { ...hit, model, time: hit.start + offset };
        }),
      );
      const hit = nearest(hits.filter(Boolean), from.time, isBack);
      if (hit) {
        this.at = hit;
        this.tell();
        this.on.go(hit);
      }
    } finally {
      this.isStepping = false;
    }
  }

  onKey(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(this.timer);
      if (this.input.value === state.get("timeQuery")) this.step(event.shiftKey);
      else state.set("timeQuery", this.input.value);
    } else if (event.key === "Escape") {
      this.input.value = "";
      state.set("timeQuery", "");
      this.view.canvas.focus();
    }
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  destroy() {
    clearTimeout(this.timer);
    clearTimeout(this.still);
    this.ends.forEach((end) => end());
  }
}

/** Return the hit that comes first in the direction; behind the last one it begins anew. */
function nearest(hits, time, isBack) {
  const sign = isBack ? -1 : 1;
  const key = ({ time: at }) => (sign * (at - time) >= 0 ? [0, sign * at] : [1, sign * at]);
  return hits.sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1])[0];
}
