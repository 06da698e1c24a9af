/** The panel below the timeline: everything about one event, or sums over an area. */

import { getJson } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, plural } from "./format.js";
import { exact, percent, span } from "./timeline_time.js";
import { ranges } from "./timeline_data.js";
import { labelOf } from "./timeline_rows.js";

const SHOWN = 400;

export class Details {
  /**
   * @param {TimelineView} view
   * @param {object} on `go(slice)`: select one; `find(name)`; `close()`; `zoom(t0, t1)`.
   */
  constructor(view, on) {
    this.view = view;
    this.on = on;
    this.body = make("div", { class: "tl-panel-body" });
    this.title = make("h2", { class: "tl-panel-title" });
    this.tools = make("div", { class: "tl-panel-tools" });
    this.element = make(
      "section",
      { class: "tl-panel", hidden: true, "aria-label": "Details" },
      make("header", {}, this.title, this.tools, iconButton("close", "Close (Escape)", () => on.close())),
      this.body,
    );
  }

  close() {
    this.element.hidden = true;
    this.turn = (this.turn ?? 0) + 1;
  }

  open(title, ...tools) {
    this.element.hidden = false;
    this.title.textContent = visible(title);
    this.title.title = title;
    this.tools.replaceChildren(...tools);
  }

  // One event.

  /** Show a slice; returns what the server says of it, null where something else is shown by now. */
  async event(model, row, step = 0) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { trace } = this.view.models[model];
    let event;
    try {
      event = await getJson("timeline/event", { query: { trace, row, step } });
    } catch (error) {
      if (turn === this.turn) this.fail(error);
      return null;
    }
    if (turn !== this.turn) return null;
    this.showEvent(model, event);
    return event;
  }

  fail(error) {
    this.open("This cannot be shown");
    this.body.replaceChildren(make("p", { class: "tl-note", text: error.message }));
  }

  showEvent(model, event) {
    this.open(
      event.name,
      link("Find all with this name", () => this.on.find(event.name)),
      link("Zoom to it", () => this.on.go({ ...event, model }, true)),
    );
    const { tracks } = this.view.models[model];
    const main = facts([
      ["duration", make("span", {}, span(event.duration, 6), make("small", { text: exact(event.exact_duration) }))],
      ["start", make("span", {}, span(event.start, 7), make("small", { text: exact(event.exact_start) }))],
      ["kind", event.category && event.category !== event.kind ? `${event.kind} (${event.category})` : event.kind],
      ["track", [tracks.process_label[event.track], labelOf(tracks, event.track)].filter(Boolean).join(" · ")],
      event.is_suspect && ["doubtful", "this duration cannot be true: drawn up to the next event, left out of sums"],
    ]);
    const args = facts(event.facts.map(({ name, value, unit }) => [name, valueOf(value, unit)]));
    const ties = [
      this.ties("launched by", event.call && [event.call], model),
      this.ties("operator", event.operator && [event.operator], model),
      this.ties(`launched ${plural(event.launched_total, "piece")} of work`, event.launched.length && event.launched, model),
      this.ties("inside", event.above.length && event.above, model),
    ];
    this.body.replaceChildren(
      make(
        "div",
        { class: "tl-columns" },
        make("div", {}, main),
        make("div", {}, args, this.fromFile(model, event)),
        make("div", {}, ...ties.filter(Boolean)),
      ),
    );
    this.body.scrollTop = 0;
  }

  /** Offer everything that the file says of an event; it is read again once somebody asks. */
  fromFile(model, event) {
    const details = make("details", { class: "tl-long" }, make("summary", { text: "All arguments in the file" }));
    details.addEventListener("toggle", async () => {
      if (!details.open || details.children.length > 1) return;
      const body = make("div", { text: "Reading…" });
      details.append(body);
      try {
        const query = { trace: this.view.models[model].trace, row: event.row };
        const { arguments: all, absent } = await getJson("timeline/arguments", { query });
        body.replaceChildren(absent ? make("p", { class: "tl-note", text: absent }) : facts(all.map(({ name, value }) => [name, long(value)])));
      } catch (error) {
        body.textContent = error.message;
      }
    });
    return details;
  }

  ties(title, slices, model) {
    if (!slices) return null;
    const rows = slices.map((slice) => {
      const row = make("button", { type: "button", class: "tl-tie", title: slice.name });
      row.append(make("span", { text: visible(slice.name) }), make("small", { text: span(slice.duration) }));
      row.addEventListener("click", () => this.on.go({ ...slice, model }));
      return row;
    });
    return make("div", { class: "tl-ties" }, make("h3", { text: title }), ...rows);
  }

  // An area.

  async area(area) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { models } = this.view;
    const chosen = models.map((_, i) => i).filter((i) => area.lanes[i].length);
    if (!chosen.length) return this.close();
    try {
      const replies = await Promise.all(
        chosen.map((i) => {
          const { trace, offset } = models[i];
          const query = { trace, t0: area.t0 - offset, t1: area.t1 - offset, lanes: ranges(area.lanes[i]) };
          return getJson("timeline/area", { query });
        }),
      );
      if (turn === this.turn) this.showArea(area, replies, chosen);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
    return undefined;
  }

  showArea(area, replies, chosen) {
    const wide = area.t1 - area.t0;
    const rows = merged(replies);
    const slices = replies.reduce((sum, one) => sum + one.slices, 0);
    const tracks = replies.flatMap((one, k) =>
      one.tracks.track.map((track, i) => ({ model: chosen[k], track, busy: one.tracks.busy[i] })),
    );
    this.open(`${span(wide, 6)} · ${plural(slices, "event")} on ${plural(tracks.length, "track")}`, link("Zoom to it", () => this.on.zoom(area.t0, area.t1)));
    const table = make("table", { class: "tl-sums" });
    table.append(
      make("thead", {}, headRow("name", "count", "total", "of the area", "mean", "shortest", "longest")),
      make("tbody", {}, ...rows.slice(0, SHOWN).map((row) => this.sumRow(row, wide))),
    );
    const distinct = replies.reduce((sum, one) => sum + one.distinct, 0);
    const more = distinct > SHOWN ? make("p", { class: "tl-note", text: `${count(distinct)} names in all, the ${SHOWN} with the largest totals are listed` }) : null;
    const busy = make("div", { class: "tl-busy" }, make("h3", { text: "busy" }), ...tracks.map((one) => this.busyRow(one, wide)));
    this.body.replaceChildren(...[make("div", { class: "tl-area" }, make("div", {}, table, ...[more].filter(Boolean)), busy)]);
    this.body.scrollTop = 0;
  }

  sumRow({ name, n, total, least, most }, wide) {
    const button = make("button", { type: "button", class: "tl-name", text: visible(name), title: name });
    button.addEventListener("click", () => this.on.find(name));
    return make(
      "tr",
      {},
      make("td", {}, button),
      ...[count(n), span(total), percent(total / wide), span(total / n), span(least), span(most)].map((text) => make("td", { text })),
    );
  }

  busyRow({ model, track, busy }, wide) {
    const { tracks, name } = this.view.models[model];
    const label = labelOf(tracks, track);
    const where = this.view.models.length > 1 ? `${name} · ` : "";
    const meter = make("i", { class: "tl-meter" }, make("b"));
    meter.firstChild.style.width = `${Math.min(100, (100 * busy) / wide)}%`;
    return make(
      "div",
      { class: "tl-busy-row", title: `busy ${span(busy, 5)}, idle ${span(wide - busy, 5)}` },
      make("span", { text: visible(where + label) }),
      meter,
      make("small", { text: percent(busy / wide) }),
    );
  }
}

/** Join the sums of several traces by name, the largest total first. */
function merged(replies) {
  const rows = new Map();
  for (const one of replies) {
    one.name.forEach((name, i) => {
      const row = rows.get(name) ?? { name, n: 0, total: 0, least: Infinity, most: 0 };
      row.n += one.count[i];
      row.total += one.total[i];
      row.least = Math.min(row.least, one.least[i]);
      row.most = Math.max(row.most, one.most[i]);
      rows.set(name, row);
    });
  }
  return [...rows.values()].sort((a, b) => b.total - a.total);
}

const headRow = (...names) => make("tr", {}, ...names.map((text) => make("th", { text, scope: "col" })));

function link(text, fn) {
  return make("button", { type: "button", class: "link", text, on: { click: fn } });
}

function facts(rows) {
  const list = make("dl", { class: "tl-facts" });
  for (const row of rows.filter(Boolean)) {
    const [name, value] = row;
    const shown = value instanceof Node ? value : String(value);
    list.append(make("dt", { text: name }), make("dd", {}, shown));
  }
  return list;
}

function valueOf(value, unit) {
  const text = typeof value === "number" ? (Number.isInteger(value) && unit ? count(value) : String(value)) : value;
  return unit ? `${text} ${unit}` : long(text);
}

/** Write a text from the file; a long one folds. */
function long(text) {
  if (typeof text !== "string" || (text.length < 300 && !text.includes("\n"))) return text;
  const details = make("details", { class: "tl-long" }, make("summary", { text: visible(text.split("\n")[0]).slice(0, 80) }));
  details.append(make("pre", { text }));
  return details;
}
