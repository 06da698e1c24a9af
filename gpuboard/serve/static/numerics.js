/** The Numerics page: trouble that rules find in what was logged, and the way to each place. */

import * as api from "./api.js";
import { make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, visible } from "./dom.js";
import { count, plural } from "./format.js";
import { Grid } from "./grid.js";
import { compareNames } from "./natural.js";
import { NumericsDetail } from "./numerics_detail.js";
import { idRanges, nameOf } from "./runs.js";
import { get, subscribe } from "./state.js";
import { readTheme } from "./theme_colours.js";

const AGAIN_MS = 3_000; // while logs grow, check anew at most this often

class Numerics {
  constructor(el) {
    this.rules = new Map();
    this.rows = [];
    this.rule = "";
    this.sort = "severity";
    this.chosen = null;
    this.turn = 0;
    this.progress = null;
    this.build(el);
    this.ends = [
      subscribe(["selected"], () => this.check()),
      subscribe(["version"], () => this.soon()),
      subscribe(["palette"], () => this.grid.refresh()),
      subscribe(["dark"], () => requestAnimationFrame(() => this.onTheme())),
    ];
    this.start();
  }

  build(el) {
    this.found = make("span", { class: "count", role: "status" });
    this.bar = make("progress", { class: "nu-progress", hidden: true, "aria-label": "Checking" });
    this.chips = make("div", { class: "kinds", role: "group", "aria-label": "Rules" });
    this.list = make("div", { class: "grid-wide nu-list" });
    this.note = make("div", { class: "empty", hidden: true, role: "status" });
    this.about = make("details", { class: "nu-rules" });
    this.detail = new NumericsDetail(() => this.choose(null));
    this.root = make(
      "section",
      { class: "page page-fixed nu-page" },
      make(
        "header",
        { class: "page-head" },
        make("h1", { text: "Numerics" }),
        this.found,
        this.bar,
      ),
      this.chips,
      this.list,
      this.note,
      this.detail.element,
      this.about,
    );
    el.replaceChildren(this.root);
    this.grid = new Grid(this.list, {
      label: "Findings",
      rowHeight: 30,
      columns: this.columns(),
      sort: () => this.sort,
      onSort: (key) => this.sortBy(key),
      isOn: (row) => this.rows[row] === this.chosen,
      onPick: (row) => this.choose(this.rows[row] === this.chosen ? null : this.rows[row]),
      onKey: (row, event) => event.key === "Enter" && this.choose(this.rows[row]),
    });
  }

  columns() {
    const text = (key, title, width, show, more = {}) => ({
      key,
      title,
      width,
      fill: (cell, row) => {
        const shown = show(this.rows[row]);
        cell.replaceChildren(
          typeof shown === "string" ? make("span", { text: shown, title: shown }) : shown,
        );
      },
      ...more,
    });
    return [
      text("severity", "Rule", 176, ({ rule }) => this.ruleCell(rule)),
      text("run", "Run", 104, ({ run }) => runCell(run), { grow: 1 }),
      text("tag", "Tag", 128, ({ tag }) => visible(tag), { grow: 1 }),
      text("step", "At step", 84, ({ step }) => count(Number(step)), { isNumber: true }),
      text("message", "What was found", 260, ({ message }) => message, { grow: 3 }),
    ];
  }

  ruleCell(name) {
    const rule = this.rules.get(name);
    const mark = make("i", { class: `nu-mark is-${rule?.severity ?? "warn"}` });
    return make("span", { class: "nu-rule" }, mark, rule?.title ?? name);
  }

  async start() {
    try {
      const { rules } = await api.getJson("numerics/rules");
      this.rules = new Map(rules.map((rule) => [rule.name, rule]));
      this.showAbout(rules);
      this.check();
    } catch (error) {
      this.fail(error);
    }
  }

  soon() {
    if (get("version") === this.version) return;
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.check();
    }, AGAIN_MS);
  }

  /** Ask part after part until all tags of the selected runs are checked; a newer call takes over. */
  async check() {
    if (!this.rules.size || get("selected") === null) return;
    const turn = ++this.turn;
    const runs = idRanges(get("selected"));
    const rows = [];
    this.progress = { done: 0, total: 0 };
    try {
      for (let start = 0; ; ) {
        const reply = await api.postJson("numerics", { runs, start });
        if (turn !== this.turn) return;
        rows.push(...rowsOf(reply.findings));
        this.version = reply.version;
        this.progress = { done: reply.done, total: reply.total };
        const isDone = reply.done >= reply.total || reply.done === start;
        // What was known stays on screen until as much is known again.
        if (isDone || rows.length >= this.rows.length) this.adopt([...rows]);
        if (isDone) break;
        start = reply.done;
        this.say();
      }
      this.progress = { ...this.progress, isDone: true };
      this.adopt(rows);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    }
  }

  adopt(rows) {
    const known = this.chosen && keyOf(this.chosen);
    this.rows = rows;
    this.chosen = rows.find((row) => keyOf(row) === known) ?? null;
    if (!this.chosen) this.detail.show(null);
    this.say();
    this.showChips();
    this.arrange();
  }

  say() {
    const { done, total, isDone } = this.progress;
    this.bar.hidden = Boolean(isDone) || !total;
    this.bar.max = Math.max(total, 1);
    this.bar.value = done;
    const checked = isDone
      ? `${count(total)} series checked`
      : `${count(done)} of ${count(total)} series checked`;
    this.found.textContent = `${plural(this.rows.length, "finding")}, ${checked}`;
    const isEmpty = !this.rows.length;
    this.list.hidden = isEmpty;
    this.note.hidden = !isEmpty || !isDone;
    if (this.note.hidden) return;
    this.note.classList.toggle("is-good", total > 0);
    this.note.replaceChildren(
      icon(total ? "good" : "numerics"),
      make("h2", { text: total ? "No trouble found" : "Nothing to check" }),
      make("p", {
        text: total
          ? `${count(total)} series of ${plural(get("selected").length, "run")} passed all rules.`
          : "Log scalars or histograms, or select runs that have some.",
      }),
    );
    this.about.open = true;
  }

  fail(error) {
    this.list.hidden = true;
    this.bar.hidden = true;
    this.note.hidden = false;
    this.note.replaceChildren(
      icon("warning"),
      make("h2", { text: "The checks cannot be run" }),
      make("p", { text: error.message }),
    );
  }

  showChips() {
    const counts = new Map();
    for (const { rule } of this.rows) counts.set(rule, (counts.get(rule) ?? 0) + 1);
    if (!counts.has(this.rule)) this.rule = "";
    this.chips.hidden = counts.size < 2;
    const names = [...this.rules.keys()].filter((name) => counts.has(name));
    this.chips.replaceChildren(
      this.chip("", "All", this.rows.length),
      ...names.map((name) => this.chip(name, this.rules.get(name).title, counts.get(name))),
    );
  }

  chip(name, label, n) {
    const press = () => {
      this.rule = name;
      this.showChips();
      this.arrange();
    };
    return make(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(this.rule === name),
        title: this.rules.get(name)?.definition ?? "",
        on: { click: press },
      },
      make("span", { text: label }),
      make("span", { class: "n", text: count(n) }),
    );
  }

  sortBy(key) {
    this.sort = this.sort === key ? `-${key}` : key;
    this.arrange();
  }

  arrange() {
    const sign = this.sort.startsWith("-") ? -1 : 1;
    const compare = this.comparisons()[this.sort.replace(/^-/, "")];
    const shown = [...this.rows.keys()].filter(
      (row) => !this.rule || this.rows[row].rule === this.rule,
    );
    shown.sort((a, b) => sign * compare(this.rows[a], this.rows[b]) || a - b);
    this.grid.setRows(Int32Array.from(shown));
  }

  comparisons() {
    const order = [...this.rules.keys()];
    const weight = ({ rule }) =>
      (this.rules.get(rule)?.severity === "bad" ? 0 : 100) + order.indexOf(rule);
    return {
      severity: (a, b) => weight(a) - weight(b),
      run: (a, b) => compareNames(nameOf(a.run), nameOf(b.run)),
      tag: (a, b) => compareNames(a.tag, b.tag),
      step: (a, b) => Number(a.step) - Number(b.step),
      message: (a, b) => compareNames(a.message, b.message),
    };
  }

  choose(row) {
    this.chosen = row;
    this.grid.refresh();
    this.detail.show(row, row && this.rules.get(row.rule), readTheme(this.root));
  }

  onTheme() {
    if (this.chosen) this.choose(this.chosen);
  }

  showAbout(rules) {
    this.about.replaceChildren(
      make("summary", { text: "What is checked" }),
      make(
        "dl",
        {},
        ...rules.flatMap(({ title, severity, definition }) => [
          make("dt", {}, make("i", { class: `nu-mark is-${severity}` }), title),
          make("dd", { text: definition }),
        ]),
      ),
    );
  }

  destroy() {
    for (const end of this.ends) end();
    clearTimeout(this.timer);
    this.turn++;
    this.detail.destroy();
    this.grid.dispose();
    this.root.remove();
  }
}

const keyOf = ({ rule, run, tag }) => `${rule}\u0000${run}\u0000${tag}`;

function rowsOf(columns) {
  return columns.rule.map((rule, i) => ({
    rule,
    run: columns.run[i],
    tag: columns.tag[i],
    kind: columns.kind[i],
    step: String(columns.step[i]),
    message: columns.message[i],
  }));
}

function runCell(run) {
  const name = visible(nameOf(run));
  const dot = make("i", { class: "nu-dot" });
  dot.style.background = colourOf(run);
  return make("span", { class: "nu-run", title: name }, dot, name);
}

export default {
  render({ el }) {
    const page = new Numerics(el);
    return () => page.destroy();
  },
};
