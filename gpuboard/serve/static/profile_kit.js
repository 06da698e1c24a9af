/** Small parts that the tabs of the Profile page are made of. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { labelOf } from "./timeline_text.js";

const BESIDE = 0.08; // of what is shown on the timeline, left free on either side
const aligned = new WeakMap();

/** A card with a heading; `note` stands behind it, `tools` at the right. */
export function card(title, { note = "", tools = [], name = "" } = {}, ...children) {
  const head = make(
    "header",
    { class: "pg-head" },
    make("h2", { text: title }),
    make("span", { class: "pg-note", text: note }),
    make("span", { class: "push" }),
    ...[tools].flat(),
  );
  return make("section", { class: `pg-card ${name}`, "aria-label": title }, head, ...children);
}

/** A sentence in place of what is absent. */
export const absence = (text) => make("p", { class: "pg-absent", text: visible(sentence(text)) });

/** Begin a sentence large and end it with a dot. */
export function sentence(text) {
  if (!text) return "";
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** A list of facts, [name, value] each; values are texts or elements, those without are left out. */
export function factList(rows) {
  const list = make("dl", { class: "pg-facts" });
  for (const [name, value, title] of rows) {
    if (value === "" || value === null || value === undefined) continue;
    const shown = typeof value === "string" ? make("dd", { text: visible(value), title }) : make("dd", { title }, value);
    list.append(make("dt", { text: name }), shown);
  }
  return list;
}

/** Keys of colours, with amounts where known: [{title, colour, what, amount}]. */
export function legend(parts) {
  return make(
    "div",
    { class: "pg-legend" },
    ...parts.map(({ title, colour, what, amount }) =>
      make(
        "span",
        { class: "pg-key", title: what || undefined },
        swatch(colour),
        make("span", { text: title }),
        amount ? make("b", { text: amount }) : null,
      ),
    ),
  );
}

export function swatch(colour) {
  const element = make("i", { class: "pg-swatch" });
  element.style.background = colour;
  return element;
}

/** One choice of a few: [[value, title]]. */
export function segments(label, choices, value, choose) {
  const buttons = choices.map(([one, text, title]) =>
    make("button", {
      type: "button",
      role: "radio",
      text,
      title,
      "aria-checked": String(one === value),
      on: {
        click: () => {
          buttons.forEach((button, i) => button.setAttribute("aria-checked", String(choices[i][0] === one)));
          choose(one);
        },
      },
    }),
  );
  return make("div", { class: "segments pg-segments", role: "radiogroup", "aria-label": label }, ...buttons);
}

/** A drop-down: [[value, title]]. */
export function picker(label, choices, value, choose) {
  const select = make("select", { class: "select", "aria-label": label, title: label });
  for (const [one, text] of choices) select.append(make("option", { value: one, text, selected: one === value }));
  select.addEventListener("change", () => choose(select.value));
  return make("div", { class: "picker" }, select, icon("down"));
}

/** Parts of a whole side by side: [{key, title, colour, ns}]; a click on one calls `pick`. */
export function splitBar(parts, { tip = () => "", pick = null, isOn = () => true } = {}) {
  const total = parts.reduce((sum, { ns }) => sum + ns, 0) || 1;
  const bar = make("div", { class: "pg-split" });
  for (const one of parts) {
    if (one.ns <= 0) continue;
    const piece = make(pick ? "button" : "i", {
      class: isOn(one) ? "" : "is-off",
      title: tip(one, one.ns / total),
      "aria-label": pick ? one.title : undefined,
      ...(pick ? { type: "button", on: { click: () => pick(one) } } : {}),
    });
    piece.style.flexGrow = String(one.ns / total);
    piece.style.background = one.colour;
    bar.append(piece);
  }
  return bar;
}

/** A bar in a cell: a part of one, 0 to 1. */
export function meter(share, colour = "") {
  const fill = make("i");
  fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  if (colour) fill.style.background = colour;
  return make("span", { class: "pg-meter" }, fill);
}

/** Shorten a name of a kernel or operator in its middle; the tip holds all of it. */
export function nameOf(name, length = 60) {
  const short = labelOf(name);
  if (short.length <= length) return visible(short);
  const head = Math.floor(length * 0.6);
  return visible(`${short.slice(0, head)}…${short.slice(short.length - (length - head - 1))}`);
}

/** A name that fills its place: the end is always in sight, the middle goes first. */
export function fitted(name, tail = 14) {
  const text = visible(labelOf(name));
  const cut = Math.max(text.length - tail, 0);
  return make(
    "span",
    { class: "pg-fitted", title: visible(name) },
    make("span", { text: text.slice(0, cut) }),
    make("span", { text: text.slice(cut) }),
  );
}

/** Return how far each of the chosen traces is moved on the timeline, by its id. */
export async function offsets(profile) {
  if (profile.traces.length === 1) return new Map([[profile.traces[0].trace, 0]]);
  if (!aligned.has(profile)) {
    const traces = profile.traces.map(({ trace }) => trace).join();
    const asked = getJson("timeline/align", { query: { traces, how: "clock" } });
    aligned.set(profile, asked.then(({ offset }) => new Map(profile.traces.map(({ trace }, i) => [trace, offset[i]]))));
  }
  return aligned.get(profile);
}

/**
 * Go to a place on the timeline.
 *
 * @param {object} profile
 * @param {{trace?: string, t0: number, t1: number, row?: number}} place Nanoseconds from the start
 *   of that trace; `row` selects the slice; `isAlone` leaves the other chosen traces out.
 */
export async function toTimeline(profile, { trace = profile.trace, t0, t1, row = -1, isAlone = false }) {
  const offset = isAlone ? 0 : ((await offsets(profile)).get(trace) ?? 0);
  const room = Math.max((t1 - t0) * (row >= 0 ? 2 : BESIDE), 50);
  profile.show("timeline", {
    timeWindow: [t0 + offset - room, t1 + offset + room],
    timeEvent: row >= 0 ? [trace, row] : null,
    ...(isAlone ? { profileTraces: [trace] } : {}),
  });
}
