/** A card of one text: what was logged at the step, folded while it is long. */

import { getJson } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { get } from "./state.js";
import { contentOf, mark, unmark } from "./text_content.js";
import { ValueCard } from "./value_card.js";

const FOLDED = 300; // pixels; css/text.css says the same
const SLACK = 60; // a fold that would hide less is no help

/** Ask for the texts of one value. */
export const fetchText = ({ run, tag, ref }, markdown) =>
  getJson("text", { query: { run, tag, ref, markdown: markdown ? 1 : 0 } });

export class TextCard extends ValueCard {
  constructor(info, page) {
    super(info, page);
    this.isOpen = page.unfolded.has(this.key());
    this.content = make("div", { class: "tx-fold" });
    this.more = make("button", {
      type: "button",
      class: "link tx-more",
      hidden: true,
      on: { click: () => this.unfold(!this.isOpen) },
    });
    this.buttons();
    this.resizes = new ResizeObserver(() => this.fold());
    this.resizes.observe(this.content);
  }

  key() {
    return `${this.tag}\u0000${this.run}`;
  }

  buttons() {
    const quiet = (name, label, fn) =>
      make(
        "button",
        {
          type: "button",
          class: "button is-quiet is-square sc-small",
          title: label,
          "aria-label": label,
          on: { click: fn },
        },
        icon(name),
      );
    this.copyButton = make("button", {
      type: "button",
      class: "button is-quiet sc-small tx-button",
      text: "Copy",
      title: "Copy the text as it was logged",
      on: { click: () => this.copy() },
    });
    this.tools.append(
      quiet("layers", "All steps", () =>
        this.page.open({ mode: "steps", tag: this.tag, run: this.run }),
      ),
      make("button", {
        type: "button",
        class: "button is-quiet sc-small tx-button",
        text: "Compare",
        title: "Compare with another step or run",
        on: { click: () => this.page.open({ mode: "diff", tag: this.tag, run: this.run }) },
      }),
      this.copyButton,
      iconButton("wide", "Full width", () => this.toggleWide()),
    );
  }

  destroy() {
    this.resizes.disconnect();
    unmark(this.content);
    super.destroy();
  }

  keyOf(places) {
    return `${super.keyOf(places)} ${get("textMarkdown")}`;
  }

  async draw([place]) {
    const { run, tag } = this;
    this.ref = place.ref;
    const reply = await fetchText({ run, tag, ref: place.ref }, get("textMarkdown"));
    if (this.isGone) return;
    this.content.replaceChildren(contentOf(reply));
    if (this.body.firstChild !== this.content) this.body.replaceChildren(this.content, this.more);
    this.fold();
    this.markFound();
  }

  /** Mark what the search found. */
  markFound() {
    mark(this.content, this.page.wordsIn(this));
  }

  fold() {
    const { scrollHeight } = this.content;
    const isLong = scrollHeight > FOLDED + SLACK;
    this.content.classList.toggle("is-folded", isLong && !this.isOpen);
    this.more.hidden = !isLong;
    this.more.textContent = this.isOpen ? "Show less" : "Show all";
    this.more.setAttribute("aria-expanded", String(this.isOpen));
  }

  unfold(isOpen) {
    this.isOpen = isOpen;
    if (isOpen) this.page.unfolded.add(this.key());
    else this.page.unfolded.delete(this.key());
    this.fold();
  }

  /** Show for a moment which card is meant. */
  flash() {
    this.element.classList.add("tx-flash");
    setTimeout(() => this.element.classList.remove("tx-flash"), 1200);
  }

  toggleWide() {
    this.slot.classList.toggle("is-wide");
    this.fold();
  }

  async copy() {
    const { run, tag, ref } = this;
    try {
      const { cells, columns } = await fetchText({ run, tag, ref }, false);
      const texts = cells.map(({ content }) => content);
      const rows = [];
      for (let i = 0; i < texts.length; i += columns)
        rows.push(texts.slice(i, i + columns).join("\t"));
      await navigator.clipboard.writeText(rows.join("\n"));
      this.say("Copied");
    } catch {
      this.say("Not copied");
    }
  }

  say(text) {
    this.copyButton.textContent = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.copyButton.textContent = "Copy"), 1500);
  }
}
