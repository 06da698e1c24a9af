/** What the tabs with long tables share: where they look, how they ask, what a chosen row shows. */

import { columns, route } from "./api.js";
import { follow, iconButton, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { absence, picker } from "./profile_kit.js";
import * as state from "./state.js";
import { span } from "./timeline_time.js";

const MAX_LISTED = 200;
const LIMIT = 2_000;

/** Return the query of a search text: "/pattern/" is a regular expression. */
export function searchOf(text) {
  const pattern = /^\/(.+?)\/?$/.exec(text);
  return pattern ? { q: pattern[1], regex: 1 } : { q: text, regex: 0 };
}

/** Put a search into the filter of a table without asking for it. */
export function presetFilter(table, text) {
  const input = table.element.querySelector("input[type=search]");
  if (input) input.value = text;
  table.text = text;
}

const asked = new WeakMap();
const known = new WeakMap();

/** Ask for the steps of a profile, once. */
export function stepsOf(profile) {
  if (!asked.has(profile)) {
    const steps = columns("profile/steps", { query: { trace: profile.trace } });
    asked.set(profile, steps);
    steps.then((found) => known.set(profile, found.columns)).catch(() => asked.delete(profile));
  }
  return asked.get(profile);
}

/**
 * A choice of the part of the trace that is looked at: all, or one step.
 *
 * @returns {Promise<?HTMLElement>} null where there are no steps to choose from.
 */
export async function stepPicker(profile, choose) {
  const { header, columns: found } = await stepsOf(profile);
  if (header.name.length < 2) return null;
  const at = state.get("profileStep");
  const rows = header.name.slice(0, MAX_LISTED).map((name, i) => [String(i), `${visible(name)} · ${span(found.end[i] - found.start[i], 3)}`]);
  return picker("Part of the trace", [["", "All of the trace"], ...rows], at < 0 ? "" : String(at), (value) => {
    state.set("profileStep", value === "" ? -1 : Number(value));
    choose();
  });
}

/** The chosen step as fields of a query: its time on the host, or with all that it launched. */
export function withinQuery(profile, { onDevice = false } = {}) {
  const steps = known.get(profile);
  const at = state.get("profileStep");
  if (!steps || at < 0 || at >= steps.start.length) return {};
  const [from, until] = onDevice ? [steps.start, steps.end] : [steps.host_start, steps.host_end];
  return { t0: from[at], t1: Math.max(until[at], from[at] + 1) };
}

/** Ask for the rows of a table; texts and numbers by key, as `ProfileTable.show` takes them. */
export async function askRows(path, query, signal) {
  const { header, columns: found } = await columns(path, { query: { limit: LIMIT, ...query }, signal });
  return { ...header, ...found, n: found.id.length };
}

/** A button that saves all rows as the server has them. */
export function csvButton(path, query) {
  const title = "Save all rows that the filter leaves";
  return make("button", { type: "button", class: "button is-quiet", text: "CSV", title, on: { click: () => follow(route(path, { ...query(), format: "csv" }), "") } });
}

/** A panel below a table that shows a chosen row; `close` is called by its button and by Escape. */
export class RowPanel {
  constructor(close) {
    this.element = make("aside", { class: "pr-panel", hidden: true });
    this.close = close;
    this.parts = [];
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && close());
  }

  wait(title) {
    this.clear();
    this.element.hidden = false;
    this.head(title, "");
    this.body = make("div", { class: "pr-body" }, make("p", { class: "pg-absent", text: "reading…" }));
    this.element.append(this.body);
  }

  head(title, note, ...tools) {
    this.element.replaceChildren(
      make(
        "header",
        { class: "pr-head" },
        make("h2", { class: "pr-title", text: visible(title), title: visible(title) }),
        make("span", { class: "pg-note", text: note }),
        make("span", { class: "push" }),
        ...tools,
        iconButton("close", "Close (Esc)", () => this.close()),
      ),
    );
  }

  /** Show columns beside each other; each is [title, note, element or table]. */
  show(title, note, columns, tools = []) {
    this.clear();
    this.element.hidden = false;
    this.head(title, note, ...tools);
    const boxes = columns.filter(Boolean).map(([name, more, part]) => {
      if (part.dispose || part.destroy) this.parts.push(part);
      return make("section", { class: "pr-part" }, make("h3", {}, name, make("span", { class: "pg-note", text: more })), part.element ?? part);
    });
    this.body = make("div", { class: `pr-body ${boxes.length > 3 ? "is-many" : ""}` }, ...boxes);
    this.element.append(this.body);
  }

  fail(title, error) {
    this.show(title, "", [["", "", absence(error.message)]]);
  }

  hide() {
    this.clear();
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  clear() {
    this.parts.forEach((part) => (part.dispose ?? part.destroy).call(part));
    this.parts = [];
  }
}
