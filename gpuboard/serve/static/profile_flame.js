/** The Flame tab: merged calls of the host, as wide as their time on the host or on the device. */

import { columns, getJson, route } from "./api.js";
import { follow, icon as strokes, iconButton, make, popover } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { count, plural } from "./format.js";
import { Drawing } from "./profile_canvas.js";
import { arrange, matchedTime, neighbour, pathTo } from "./profile_flame_tree.js";
import { absence, nameOf, picker, segments, toTimeline } from "./profile_kit.js";
import { searchOf, stepPicker, withinQuery } from "./profile_rows.js";
import { Tip } from "./profile_tip.js";
import * as state from "./state.js";
import { LEVELS, colourOf, paints } from "./timeline_colour.js";
import { Letters, labelOf } from "./timeline_text.js";
import { percent, span } from "./timeline_time.js";

const ROWS = [19, 26]; // least and most pixels of a row
const LABEL = 24; // pixels that a node needs for a label
const LEAST = 0.4; // pixels: thinner nodes are not drawn
const KIND = { operator: 1, python: 3, call: 4 };

class FlameTab {
  constructor(stage, profile) {
    this.profile = profile;
    this.focus = -1;
    this.active = -1;
    this.ends = [];
    this.build(stage);
    (window.__gpuboard ??= {}).flame = this;
    this.start();
  }

  build(stage) {
    const weight = segments("Width of a call", [["host", "Host time"], ["device", "Device time", "Time of the work on the device that it launched"]], state.get("flameWeight"), (value) => this.set("flameWeight", value));
    this.input = make("input", { class: "input", type: "search", placeholder: "Find: text or /pattern/", "aria-label": "Find calls", value: state.get("flameQuery"), on: { input: () => this.search() } });
    this.found = make("span", { class: "pk-count", role: "status" });
    const save = make("button", { type: "button", class: "button", text: "Save", on: { click: () => this.openSave(save) } });
    this.scopes = make("span", { class: "fl-scopes" });
    this.bar = make(
      "div",
      { class: "fl-bar", role: "toolbar", "aria-label": "Flame graph" },
      make("div", { class: "field fl-find" }, icon("search"), this.input),
      this.found,
      make("span", { class: "push" }),
      this.scopes,
      weight,
      save,
      iconButton("fit", "Show everything (Escape)", () => this.zoom(-1), { class: "button is-square" }),
    );
    this.crumbs = make("nav", { class: "fl-crumbs", "aria-label": "Where the graph is zoomed to" });
    this.drawing = new Drawing({ label: "Flame graph of the host", height: 200, isFocusable: true, paint: (...all) => this.paint(...all) });
    this.scroller = make("div", { class: "fl-scroll" }, this.drawing.element);
    this.note = make("div", { class: "fl-note" });
    this.element = make("div", { class: "pr-tab fl-tab" }, this.bar, this.crumbs, this.scroller, this.note);
    this.tip = new Tip(this.element);
    stage.append(this.element);
    this.listen();
  }

  set(key, value) {
    state.set(key, value);
    this.focus = -1;
    this.load();
  }

  query() {
    return {
      trace: this.profile.trace,
      weight: state.get("flameWeight"),
      threads: state.get("flameThreads") ? 1 : 0,
      track: state.get("flameTrack"),
      ...withinQuery(this.profile),
    };
  }

  async start() {
    this.steps = await stepPicker(this.profile, () => {
      this.focus = -1;
      this.load();
    }).catch(() => null);
    if (!this.isOver) await this.load();
  }

  async load() {
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const { header, columns: found } = await columns("profile/flame", { query: this.query(), signal: this.asked.signal });
      if (!this.isOver) this.show(header, found);
    } catch (error) {
      if (this.isOver || error.name === "AbortError") return;
      this.fail(error.message);
      if (error.name !== "ApiError") throw error;
    }
  }

  fail(text) {
    this.data = null;
    this.drawing.draw();
    this.note.replaceChildren(absence(text));
  }

  show(header, found) {
    this.offerScopes(header.tracks);
    if (!found.parent.length || header.absent) return this.fail(header.absent);
    const tree = arrange(found);
    if (!tree.total) {
      const why = state.get("flameWeight") === "device" ? "No call of the host launched any work of a device here, as far as the trace tells" : "These calls take no time";
      return this.fail(why);
    }
    this.data = { ...found, ...tree, names: header.names };
    this.groups = found.name.length ? this.coloursOf(header.names) : [];
    this.fit();
    this.match();
    this.showCrumbs();
    const merged = header.nodes > found.parent.length ? `the ${count(found.parent.length)} widest of ${count(header.nodes)} merged calls` : plural(header.nodes, "merged call");
    const outside = header.outside_ns ? ` · ${span(header.outside_ns, 3)} of device time were launched outside of these` : "";
    this.note.replaceChildren(make("span", { class: "pg-note", text: `${merged}${outside} · click: zoom · double click: first call on the timeline` }));
    return this.drawing.draw();
  }

  /** Make rows as tall as leaves all of them in sight, within bounds. */
  fit() {
    const rows = this.data.deepest + 2;
    this.row = Math.min(Math.max(Math.floor((this.scroller.clientHeight - 16) / rows), ROWS[0]), ROWS[1]);
    this.drawing.setHeight(rows * this.row + 8);
  }

  offerScopes(tracks) {
    const value = state.get("flameTrack") >= 0 ? String(state.get("flameTrack")) : state.get("flameThreads") ? "each" : "";
    const rows = [["", "All threads merged"], ["each", "Each thread apart"], ...tracks.map(({ track, label }) => [String(track), visible(label)])];
    const threads = picker("Threads", rows, value, (choice) => {
      state.set("flameThreads", choice === "each");
      this.set("flameTrack", choice === "" || choice === "each" ? -1 : Number(choice));
    });
    this.scopes.replaceChildren(...[this.steps, tracks.length > 1 ? threads : null].filter(Boolean));
  }

  coloursOf(names) {
    return names.map((name) => {
      const kind = /\.pyx?\(\d+\)|<built-in/.test(name) ? KIND.python : /^(cuda|hip|cu)[A-Z]/.test(name) ? KIND.call : KIND.operator;
      return colourOf(name, kind);
    });
  }

  // Drawing.

  range() {
    const { x0, x1, total } = this.data;
    return this.focus < 0 ? [0, total] : [x0[this.focus], x1[this.focus]];
  }

  paint(pen, wide, tall, theme) {
    if (!this.data) return;
    this.paints = paints(state.get("dark"), theme.surface);
    this.letters = new Letters(pen, `11.5px ${theme.font}`);
    const { x0, x1, depth, order } = this.data;
    const [low, high] = this.range();
    const scale = wide / (high - low);
    this.paintRoot(pen, wide, theme);
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    for (const k of order) {
      const left = (x0[k] - low) * scale;
      const right = (x1[k] - low) * scale;
      if (right - left < LEAST || right <= 0.5 || left >= wide - 0.5) continue;
      this.paintNode(pen, k, Math.max(left, 0), Math.min(right, wide), 4 + (depth[k] + 1) * this.row, theme);
    }
  }

  paintRoot(pen, wide, theme) {
    pen.fillStyle = theme.grid;
    pen.fillRect(0, 4, wide, this.row - 1);
    pen.fillStyle = theme.text;
    pen.font = this.letters.font;
    pen.textBaseline = "middle";
    const what = state.get("flameWeight") === "host" ? "all calls of the host" : "all work that they launched";
    pen.fillText(`${what} · ${span(this.data.total)}`, 7, 4 + this.row / 2);
  }

  paintNode(pen, k, left, right, top, theme) {
    const { name, names, is_rest: isRest } = this.data;
    const isDim = this.isMatch && !this.isMatch[k];
    const group = this.groups[name[k]];
    pen.fillStyle = isRest[k] ? theme.grid : isDim ? this.paints.dim[group] : this.paints.fills[group][LEVELS - 1];
    const wide = right - left;
    pen.fillRect(left, top, wide > 3 ? wide - 0.7 : wide, this.row - 1);
    if (k === this.active) {
      pen.strokeStyle = theme.text;
      pen.lineWidth = 1;
      pen.strokeRect(left + 0.5, top + 0.5, Math.max(wide - 1.7, 1), this.row - 2);
    }
    if (wide < LABEL) return;
    const text = this.letters.fit(callLabel(names[name[k]]), wide - 9);
    if (!text) return;
    pen.fillStyle = isRest[k] || isDim ? theme.muted : this.paints.ink;
    pen.font = this.letters.font;
    pen.fillText(text, left + 4, top + this.row / 2);
  }

  // Pointer and keys.

  listen() {
    const { canvas } = this.drawing;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("click", (event) => event.detail === 1 && this.zoomAt(event));
    canvas.addEventListener("dblclick", () => this.focus >= 0 && this.goFirst(this.focus));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.leave());
    const onKey = (event) => {
      if (event.target.closest?.("input, select")) return;
      if (event.key === "Escape") this.zoom(-1);
      else if (event.key === "Backspace" && this.focus >= 0) this.zoom(this.data.parent[this.focus]);
      else if (event.key === "/") {
        event.preventDefault();
        this.input.focus();
      }
    };
    document.addEventListener("keydown", onKey);
    this.ends.push(() => document.removeEventListener("keydown", onKey));
  }

  /** Arrows go from call to call, Enter zooms. */
  key(event) {
    if (!this.data) return;
    if (event.key === "Enter" && this.active >= 0) this.zoom(this.active);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const to = event.key === "Enter" ? this.active : neighbour(this.data, this.active < 0 ? this.focus : this.active, event.key);
    if (to < 0) return;
    this.active = to;
    this.drawing.draw();
    const { x0, x1, depth } = this.data;
    const [low, high] = this.range();
    const box = this.drawing.canvas.getBoundingClientRect();
    const x = box.left + (((Math.max(x0[to], low) + Math.min(x1[to], high)) / 2 - low) / (high - low)) * box.width;
    this.tell({ clientX: x, clientY: box.top + (depth[to] + 2) * this.row }, to);
  }

  /** Return the node under a pointer, -1 for none or the whole. */
  nodeAt(event) {
    if (!this.data) return -1;
    const [x, y] = this.drawing.at(event);
    const level = Math.floor((y - 4) / this.row) - 1;
    const [low, high] = this.range();
    const time = low + (x / this.drawing.wide) * (high - low);
    const { x0, x1, depth, order } = this.data;
    for (const k of order) if (depth[k] === level && x0[k] <= time && time < x1[k]) return k;
    return -1;
  }

  hover(event) {
    const at = this.nodeAt(event);
    if (at !== this.active) {
      this.active = at;
      this.drawing.draw();
    }
    this.drawing.canvas.style.cursor = at >= 0 ? "pointer" : "";
    if (at < 0) return this.tip.hide();
    return this.tell(event, at);
  }

  tell(event, at) {
    const { names, name, total_ns: total, self_ns: own, other_ns: other, count: calls, parent, is_rest: isRest } = this.data;
    const isHost = state.get("flameWeight") === "host";
    const above = parent[at];
    const rows = [
      [isHost ? "host" : "device", `${span(total[at])} · ${percent(total[at] / this.data.total)}`],
      ["of it itself", `${span(own[at])} · ${percent(own[at] / (total[at] || 1))}`],
      [isHost ? "device" : "host", span(other[at])],
      [isRest[at] ? "calls put together" : "calls", count(calls[at])],
      ...(above >= 0 ? [["of the call around it", percent(total[at] / (total[above] || 1))]] : []),
    ];
    this.tip.show(event, visible(names[name[at]]), rows);
  }

  leave() {
    this.tip.hide();
    this.active = -1;
    this.drawing.draw();
  }

  zoomAt(event) {
    const at = this.nodeAt(event);
    const isRoot = this.drawing.at(event)[1] < 4 + this.row;
    if (this.data && (at >= 0 || isRoot)) this.zoom(at);
  }

  zoom(node) {
    this.focus = node;
    this.tip.hide();
    this.showCrumbs();
    this.drawing.draw();
  }

  showCrumbs() {
    const { parent, names, name } = this.data;
    const path = pathTo(parent, this.focus);
    const all = make("button", { type: "button", class: "link", text: "All", on: { click: () => this.zoom(-1) } });
    const shown = path.length > 7 ? [...path.slice(0, 2), -1, ...path.slice(-4)] : path;
    const steps = shown.flatMap((k) => [
      make("span", { class: "fl-part", text: "›" }),
      k < 0
        ? make("span", { text: "…" })
        : make("button", { type: "button", class: "link", text: nameOf(callLabel(names[name[k]]), 36), title: visible(names[name[k]]), "aria-current": k === this.focus ? "true" : undefined, on: { click: () => this.zoom(k) } }),
    ]);
    const go = this.focus < 0 ? [] : [make("span", { class: "push" }), make("button", { type: "button", class: "button is-quiet fl-go", on: { click: () => this.goFirst(this.focus) } }, strokes("open"), "First call on the timeline")];
    if (this.focus < 0) all.setAttribute("aria-current", "true");
    this.crumbs.replaceChildren(all, ...steps, ...go);
  }

  async goFirst(node) {
    const place = await getJson("profile/flame_place", { query: { ...this.query(), node } });
    if (this.isOver) return;
    if (!place) this.note.replaceChildren(make("span", { class: "pg-note", text: "No event of the timeline stands behind this call alone." }));
    else toTimeline(this.profile, { t0: place.start, t1: place.start + place.dur, row: place.row });
  }

  // Finding, saving.

  search() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      state.set("flameQuery", this.input.value.trim());
      this.match();
      this.drawing.draw();
    }, 120);
  }

  match() {
    const { q, regex } = searchOf(state.get("flameQuery"));
    this.isMatch = null;
    this.found.textContent = "";
    this.input.removeAttribute("aria-invalid");
    if (!q || !this.data) return;
    let test;
    try {
      const pattern = regex ? new RegExp(q, "i") : null;
      const plain = q.toLowerCase();
      test = pattern ? (name) => pattern.test(name) : (name) => name.toLowerCase().includes(plain);
    } catch {
      this.input.setAttribute("aria-invalid", "true");
      return;
    }
    const isName = this.data.names.map(test);
    this.isMatch = Array.from(this.data.name, (one) => isName[one]);
    const time = matchedTime(this.data, this.isMatch);
    const nodes = this.isMatch.filter(Boolean).length;
    this.found.textContent = nodes ? `${count(nodes)} found · ${span(time, 3)} · ${percent(time / this.data.total)}` : "none found";
  }

  openSave(anchor) {
    const save = (format) => follow(route("profile/flame", { ...this.query(), format }), "");
    const item = (format, title, what) => make("button", { type: "button", class: "button is-quiet fl-item", title: what, text: title, on: { click: () => save(format) } });
    popover(anchor, make("div", { class: "fl-items" }, item("collapsed", "Collapsed stacks", "For flamegraph.pl, inferno and others"), item("speedscope", "speedscope", "For speedscope.app, which opens it in the browser")));
  }

  destroy() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.asked?.abort();
    this.ends.forEach((end) => end());
    this.drawing.destroy();
  }
}

/** Shorten a call: no folders above a Python package. */
const callLabel = (name) => labelOf(name.replace(/^\S*\/(?:site-packages|dist-packages|lib\/python[\d.]+)\//, ""));

export function open(stage, profile) {
  const tab = new FlameTab(stage, profile);
  return () => tab.destroy();
}
