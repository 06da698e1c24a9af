/** What the Text page opens in place of its cards: all steps of a text, or two texts compared. */

import { getJson } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, visible } from "./dom.js";
import { count, dateTime, exactCount, plural } from "./format.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { fetchText } from "./text_card.js";
import { contentOf } from "./text_content.js";
import { rowsOf } from "./text_diff.js";

const PAGE = 20; // steps that are added at a time

/** The frame of either: a way back, the tag, and a switch between the two. */
class Opened {
  /** @param {{mode: string, tag: string, run: number}} what @param {object} page */
  constructor(what, page) {
    Object.assign(this, what);
    this.page = page;
    this.isGone = false;
    this.tools = make("div", { class: "tx-opened-tools" });
    this.body = make("div", { class: "tx-opened-body" });
    const tab = (mode, text) =>
      make("button", {
        type: "button",
        class: "button",
        text,
        "aria-pressed": String(mode === this.mode),
        on: { click: () => page.open({ ...what, mode }) },
      });
    this.element = make(
      "section",
      { class: "tx-opened", "aria-label": this.tag },
      make(
        "header",
        { class: "tx-opened-head" },
        iconButton("back", "Back to all texts (Esc)", () => page.open(null)),
        make("h2", { text: visible(page.short(this.tag)), title: this.tag }),
        make(
          "div",
          { class: "tx-tabs", role: "group" },
          tab("steps", "All steps"),
          tab("diff", "Compare"),
        ),
        make("span", { class: "push" }),
        this.tools,
      ),
      this.body,
    );
  }

  destroy() {
    this.isGone = true;
    this.element.remove();
  }

  /** Runs that may be shown, this one first chosen. */
  runPicker(chosen, fn) {
    const ids = this.page.runsOf(this.tag);
    const all = ids.includes(chosen) ? ids : [chosen, ...ids];
    return picker(
      "Run",
      all.map((run) => [run, visible(nameOf(run))]),
      chosen,
      fn,
    );
  }

  fail(error) {
    this.body.replaceChildren(make("p", { class: "field-error", text: visible(error.message) }));
  }
}

/** Every text of one tag in one run, the newest first. */
export class AllSteps extends Opened {
  async show() {
    this.tools.replaceChildren(
      this.runPicker(this.run, (run) => this.page.open({ mode: "steps", tag: this.tag, run })),
    );
    this.end = make("div", { class: "tx-end" });
    this.seen = new IntersectionObserver(
      (entries) => entries.some((one) => one.isIntersecting) && this.add(),
      {
        rootMargin: "600px",
      },
    );
    await this.refresh();
  }

  /** Take in what has been logged since; entries that are shown stay. */
  async refresh() {
    try {
      await this.page.steps.load(this.tag, [this.run]);
    } catch (error) {
      return this.fail(error);
    }
    const steps = this.page.steps.of(this.tag, this.run);
    const { known } = this;
    if (this.isGone || known?.ref.join() === steps.ref.join()) return undefined;
    this.known = steps;
    if (known?.ref.every((ref, i) => ref === steps.ref[i])) return this.addNew(known.ref.length);
    this.next = steps.ref.length - 1;
    this.summary = make("p", { class: "tx-note" });
    this.body.replaceChildren(this.summary, this.end);
    this.seen.disconnect();
    return this.add();
  }

  /** Put what was logged since on top of what is shown. */
  async addNew(from) {
    const indices = [];
    for (let i = this.known.ref.length - 1; i >= from; i--) indices.push(i);
    const entries = await this.entries(indices);
    if (entries) this.summary.after(...entries);
  }

  async add() {
    if (this.isBusy || this.next < 0) return;
    this.isBusy = true;
    this.seen.disconnect();
    const indices = [];
    for (; this.next >= 0 && indices.length < PAGE; this.next--) indices.push(this.next);
    const entries = await this.entries(indices);
    this.isBusy = false;
    if (entries) this.end.before(...entries);
    if (this.next >= 0 && !this.isGone) this.seen.observe(this.end);
  }

  /** Fetch the texts of some steps; null if the list has become another one meanwhile. */
  async entries(indices) {
    const { run, tag, known, summary } = this;
    summary.textContent = plural(known.ref.length, "text");
    const ask = (i) =>
      fetchText({ run, tag, ref: known.ref[i] }, get("textMarkdown")).catch((error) => error);
    const replies = await Promise.all(indices.map(ask));
    if (this.isGone || summary !== this.summary) return null;
    return replies.map((reply, k) => this.entry(indices[k], reply));
  }

  entry(index, reply) {
    const { known } = this;
    const content =
      reply instanceof Error
        ? make("p", { class: "field-error", text: visible(reply.message) })
        : contentOf(reply);
    const isBefore = index > 0;
    return make(
      "article",
      { class: "tx-entry" },
      make(
        "header",
        {},
        make("strong", { text: `Step ${exactCount(known.label[index])}` }),
        make("time", { text: dateTime(known.wall[index]) }),
        make("span", { class: "push" }),
        isBefore
          ? make("button", {
              type: "button",
              class: "link",
              text: "What changed",
              on: {
                click: () =>
                  this.page.open({ ...this.what(index - 1), to: known.ref[index], mode: "diff" }),
              },
            })
          : null,
      ),
      content,
    );
  }

  what(index) {
    return { tag: this.tag, run: this.run, from: this.known.ref[index] };
  }

  restyle() {
    this.known = null;
    this.refresh();
  }

  destroy() {
    this.seen?.disconnect();
    super.destroy();
  }
}

/** Two texts of a tag: side by side, or one line after the other. */
export class Compared extends Opened {
  async show() {
    this.sides = [
      { run: this.run, ref: this.from ?? null },
      { run: this.toRun ?? this.run, ref: this.to ?? null },
    ];
    const runs = this.page.runsOf(this.tag);
    try {
      await this.page.steps.load(this.tag, [...new Set([...runs, this.run])]);
    } catch (error) {
      return this.fail(error);
    }
    if (this.isGone) return undefined;
    this.choose();
    return this.draw();
  }

  refresh() {
    return this.page.steps
      .load(this.tag, [...new Set(this.sides.map(({ run }) => run))])
      .catch(() => {});
  }

  restyle() {
    this.showRows();
  }

  /** Without a choice: the first and the last text, or with one text another run's. */
  choose() {
    const [left, right] = this.sides;
    const own = this.page.steps.of(this.tag, left.run).ref;
    if (own.length < 2 && right.ref === null && right.run === left.run) {
      right.run = this.page.runsOf(this.tag).find((run) => run !== left.run) ?? left.run;
    }
    const all = this.page.steps.of(this.tag, right.run).ref;
    left.ref ??= right.run === left.run ? own[0] : own[own.length - 1];
    right.ref ??= all[all.length - 1];
  }

  side(at) {
    const side = this.sides[at];
    const { label, ref } = this.page.steps.of(this.tag, side.run);
    const swatch = make("i", { class: "vc-swatch" });
    swatch.style.background = colourOf(side.run);
    const steps = ref.map((one, i) => [one, `step ${exactCount(label[i])}`]);
    return make(
      "div",
      { class: "tx-side" },
      swatch,
      this.runPicker(side.run, (run) => {
        const last = this.page.steps.of(this.tag, run);
        const same = last.label.lastIndexOf(label[ref.indexOf(side.ref)]);
        this.sides[at] = { run, ref: last.ref[same < 0 ? last.ref.length - 1 : same] };
        this.draw();
      }),
      picker("Step", steps.reverse(), side.ref, (one) => {
        side.ref = one;
        this.draw();
      }),
    );
  }

  showTools(reply) {
    const layout = (name, text) =>
      make("button", {
        type: "button",
        class: "button",
        text,
        "aria-pressed": String(get("textDiff") === name),
        on: { click: () => set("textDiff", name) },
      });
    const swap = make("button", {
      type: "button",
      class: "button is-quiet",
      text: "Swap",
      on: {
        click: () => {
          this.sides.reverse();
          this.draw();
        },
      },
    });
    const said = reply
      ? reply.removed + reply.added
        ? `−${count(reply.removed)} +${count(reply.added)} lines${reply.is_complete ? "" : ", compared in part"}`
        : "No difference"
      : "";
    this.tools.replaceChildren(
      make("span", { class: "count", role: "status", text: said }),
      swap,
      make(
        "div",
        { class: "tx-tabs", role: "group" },
        layout("side", "Side by side"),
        layout("inline", "Inline"),
      ),
    );
  }

  async draw() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const [from, to] = this.sides;
    this.pickers = make("div", { class: "tx-sides" }, this.side(0), icon("next"), this.side(1));
    this.rows ??= make("div", { class: "tx-diff" });
    this.body.replaceChildren(this.pickers, this.rows);
    if (!from.ref || !to.ref) return;
    const query = { run: from.run, tag: this.tag, ref: from.ref, to_run: to.run, to_ref: to.ref };
    try {
      const reply = await getJson("text/diff", { query });
      if (turn !== this.turn || this.isGone) return;
      this.reply = reply;
      this.showRows();
    } catch (error) {
      if (turn === this.turn && !this.isGone) {
        this.rows.replaceChildren(
          make("p", { class: "field-error", text: visible(error.message) }),
        );
      }
    }
  }

  showRows() {
    if (!this.reply) return;
    this.showTools(this.reply);
    this.rows.replaceChildren(rowsOf(this.reply.rows, get("textDiff")));
  }
}

function picker(label, choices, chosen, fn) {
  const select = make(
    "select",
    {
      class: "select",
      "aria-label": label,
      on: { change: () => fn(choices[select.selectedIndex][0]) },
    },
    ...choices.map(([, text]) => make("option", { text })),
  );
  select.selectedIndex = choices.findIndex(([value]) => value === chosen);
  return make("span", { class: "picker" }, select, icon("down"));
}
