/** The Text page: cards of texts, a search over all steps, and what changed between two of them. */

import { make } from "./chart_elements.js";
import { nameOf, runs } from "./runs.js";
import { KEPT, define, get, set, subscribe } from "./state.js";
import { TextCard } from "./text_card.js";
import { AllSteps, Compared } from "./text_open.js";
import { TextSearch } from "./text_search.js";
import { ValuePage } from "./value_page.js";

const SUFFIX = "/text_summary"; // what torch and tensorboardX add to a tag
const FIND_MS = 3_000;

const isOpened = (v) =>
  v === null ||
  (["steps", "diff"].includes(v.mode) && typeof v.tag === "string" && typeof v.run === "string");

define({
  textMarkdown: { ...KEPT.URL_AND_LOCAL, default: true },
  textSearch: { ...KEPT.URL_ONLY, default: "" },
  textRegex: { ...KEPT.URL_ONLY, default: false },
  textDiff: { ...KEPT.URL_AND_LOCAL, default: "side", choices: ["side", "inline"] },
  textOpen: { ...KEPT.URL_ONLY, default: null, check: isOpened }, // {mode, tag, run: its name, ...}
});

const EMPTY = {
  title: "No texts yet",
  text: "Log Markdown, plain text or JSON with",
  code: 'writer.add_text("samples", "The **quick** brown fox", step)',
};

class TextPage extends ValuePage {
  constructor(el) {
    const search = make("span", { class: "tx-search-place" });
    super(el, {
      kind: "text",
      title: "Text",
      makeCard: (info, page) => new TextCard({ ...info, tag: info.full ?? info.tag }, page),
      tools: [search, markdownButton()],
      redraw: ["textMarkdown"],
      empty: EMPTY,
    });
    this.unfolded = new Set(); // cards that were unfolded by hand
    const setCards = this.grid.setCards.bind(this.grid);
    this.grid.setCards = (cards) => setCards(cards.map((card) => this.shortened(card)));
    this.finder = new TextSearch(this);
    search.replaceWith(this.finder.field);
    this.stage.before(this.finder.element);
    this.ends.push(
      subscribe(["textOpen"], () => this.showOpened()),
      subscribe(["runsVersion"], () => this.opened ?? this.showOpened()),
      subscribe(["textMarkdown", "textDiff"], () => this.opened?.restyle()),
      subscribe(["version"], () => this.opened?.refresh()),
    );
  }

  destroy() {
    this.opened?.destroy();
    this.finder.destroy();
    super.destroy();
  }

  layout() {
    super.layout();
    this.showOpened();
  }

  key(event) {
    const isIn = event.target.closest?.("input, select, [popover]");
    if (event.key === "Escape" && get("textOpen") && !isIn) this.open(null);
    else if (!get("textOpen")) super.key(event);
  }

  /** Cards go by the name that the script gave, unless a run has another tag of that name. */
  shortened(card) {
    const tag = this.short(card.tag);
    return { ...card, tag, full: card.tag };
  }

  /** Return a tag as the script named it. */
  short(tag) {
    if (!tag.endsWith(SUFFIX)) return tag;
    const name = tag.slice(0, -SUFFIX.length);
    return this.tags?.some((one) => one.tag === name) ? tag : name;
  }

  /** Selected runs that have a tag. */
  runsOf(tag) {
    const having = this.tags?.find((one) => one.tag === tag)?.runs ?? new Set();
    return Array.from(get("selected") ?? []).filter((run) => having.has(run));
  }

  /* search */

  onFound() {
    this.grid.each((card) => card.markFound());
  }

  /** What the search found in the text that a card shows. */
  wordsIn({ tag, run, ref }) {
    const words = this.finder?.hits
      .filter((hit) => hit.tag === tag && hit.run === run && hit.ref === ref)
      .map(({ match }) => match);
    return [...new Set(words ?? [])];
  }

  /** Show the step of a find, and bring its card into sight. */
  go({ tag, run, step, ref }) {
    this.open(null);
    const [group] = this.short(tag).includes("/") ? this.short(tag).split("/") : [""];
    if (get("groups")[group] === false) set("groups", { ...get("groups"), [group]: true });
    set("stepAt", Number(step));
    const end = performance.now() + FIND_MS;
    const find = () => {
      const slot = this.slotOf(tag, run);
      slot?.scrollIntoView({ block: "center" });
      const { card } = slot ?? {};
      if (card?.ref === ref && card.shown) card.flash();
      else if (performance.now() < end) setTimeout(find, 60);
    };
    find();
  }

  slotOf(tag, run) {
    for (const { slots } of this.grid.groups.values()) {
      for (const slot of slots.values()) {
        if ((slot.info.full ?? slot.info.tag) === tag && slot.info.runs[0] === run) return slot;
      }
    }
    return null;
  }

  /* what is opened in place of the cards */

  /** @param {null | {mode: string, tag: string, run: number}} what */
  open(what) {
    set(
      "textOpen",
      what && {
        ...what,
        run: nameOf(what.run),
        ...(what.toRun ? { toRun: nameOf(what.toRun) } : {}),
      },
    );
  }

  showOpened() {
    const what = get("textOpen");
    const key = JSON.stringify(what);
    if (!this.tags || key === this.openedKey) return;
    const run = what ? runs.id[runs.name.indexOf(what.run)] : undefined;
    if (what && run === undefined) return;
    this.openedKey = key;
    this.opened?.destroy();
    this.opened = null;
    this.stage.hidden = !what;
    this.grid.element.hidden = Boolean(what);
    if (!what) return;
    const Kind = what.mode === "steps" ? AllSteps : Compared;
    this.opened = new Kind({ ...what, run }, this);
    this.stage.replaceChildren(this.opened.element);
    this.opened.show();
  }
}

function markdownButton() {
  const button = make("button", {
    type: "button",
    class: "button",
    text: "Markdown",
    title: "Show texts as Markdown, or as they were logged",
    "aria-pressed": String(get("textMarkdown")),
    on: {
      click: () => {
        set("textMarkdown", !get("textMarkdown"));
        button.setAttribute("aria-pressed", String(get("textMarkdown")));
      },
    },
  });
  return button;
}

export default {
  render({ el }) {
    const page = new TextPage(el);
    return () => page.destroy();
  },
};
