/** Find nodes and scopes by name or operation, and go to one of them. */

import { getJson } from "./api.js";
import { make } from "./chart_elements.js";
import { h, icon, visible } from "./dom.js";
import { count } from "./format.js";

const TYPING_MS = 140;
const SHOWN = 60;

export class Search {
  /** @param {object} on `query()`: what names the graph; `go(key)`; `found(keys)`: null for none. */
  constructor(on) {
    this.on = on;
    this.active = -1;
    this.keys = [];
    this.input = h("input", {
      class: "input",
      type: "text",
      spellcheck: false,
      autocomplete: "off",
      placeholder: "Find nodes",
      role: "combobox",
      "aria-label": "Find nodes by name or operation",
      "aria-expanded": "false",
      oninput: () => this.soon(),
      onfocus: () => this.reopen(),
      onkeydown: (event) => this.onKey(event),
    });
    this.regex = h(
      "button",
      {
        type: "button",
        class: "toggle",
        "aria-pressed": "false",
        title: "Regular expression",
        "aria-label": "Regular expression",
        onclick: () => this.toggleRegex(),
      },
      icon("regex"),
    );
    this.list = make("div", { class: "gr-found", role: "listbox", hidden: true });
    this.element = h(
      "div",
      { class: "field has-toggle gr-search" },
      icon("search"),
      this.input,
      this.regex,
      this.list,
    );
    this.onAway = (event) => this.element.contains(event.target) || this.close();
    document.addEventListener("pointerdown", this.onAway);
  }

  toggleRegex() {
    const isOn = this.regex.getAttribute("aria-pressed") !== "true";
    this.regex.setAttribute("aria-pressed", String(isOn));
    this.ask();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), TYPING_MS);
  }

  async ask() {
    const q = this.input.value;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.input.removeAttribute("aria-invalid");
    if (!q) {
      this.close();
      this.on.found(null);
      return;
    }
    const regex = this.regex.getAttribute("aria-pressed") === "true" ? 1 : 0;
    try {
      const reply = await getJson("graph/search", {
        query: { ...this.on.query(), q, regex, limit: SHOWN },
      });
      if (turn === this.turn) this.show(reply);
    } catch (error) {
      if (turn === this.turn) this.fail(error.message);
    }
  }

  show({ total, key, label, op, form }) {
    this.keys = key;
    this.active = -1;
    this.on.found(key);
    const rows = key.map((one, i) =>
      make(
        "button",
        {
          type: "button",
          class: "gr-found-row",
          role: "option",
          tabIndex: -1,
          title: visible(one),
          on: { click: () => this.choose(i) },
        },
        make("span", { class: "gr-found-name", text: visible(label[i]) }),
        make("span", { class: "gr-found-op", text: visible(op[i] || form[i]) }),
        make("span", { class: "gr-found-path", text: visible(one) }),
      ),
    );
    const more = total > key.length ? `${count(total)} in all, the first ${key.length} shown` : "";
    const note = total === 0 ? "Nothing of this name" : more;
    this.open([...rows, note ? make("p", { class: "gr-found-note", text: note }) : null]);
  }

  fail(message) {
    this.keys = [];
    this.on.found(null);
    this.input.setAttribute("aria-invalid", "true");
    this.open([make("p", { class: "gr-found-note is-bad", text: message })]);
  }

  open(children) {
    this.list.replaceChildren(...children.filter(Boolean));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  reopen() {
    if (this.input.value && this.list.hidden) this.ask();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  /** Forget what was found: another graph is shown. */
  clear() {
    this.input.value = "";
    this.close();
    this.on.found(null);
  }

  choose(i) {
    this.close();
    this.on.go(this.keys[i]);
  }

  onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && this.keys.length) {
      const last = this.keys.length - 1;
      this.active = Math.min(Math.max(this.active + steps[event.key], 0), last);
      this.mark();
    } else if (event.key === "Enter" && this.keys.length) this.choose(Math.max(this.active, 0));
    else if (event.key === "Escape") this.list.hidden ? this.clear() : this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  mark() {
    const rows = [...this.list.querySelectorAll(".gr-found-row")];
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === this.active)));
    rows[this.active]?.scrollIntoView({ block: "nearest" });
  }

  destroy() {
    clearTimeout(this.timer);
    document.removeEventListener("pointerdown", this.onAway);
  }
}
