/** Everything about the selected node or scope: shapes, ties, attributes, costs, and what to do. */

import { getJson } from "./api.js";
import { iconButton, make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { count, size } from "./format.js";
import { timeText } from "./graphs_scene.js";

const FIRST_ROWS = 8; // of a list; the rest on demand

export class Card {
  /** @param {object} on `go(key)`, `close()`, and `actions(card)`: buttons for an item. */
  constructor(on) {
    this.on = on;
    this.element = make("aside", { class: "gr-card", hidden: true, "aria-label": "Selected node" });
    this.asked = 0;
  }

  /** Show an item; `query` names graph, profile and constants. "" hides the card. */
  async show(key, query) {
    const turn = ++this.asked;
    if (!key) {
      this.element.hidden = true;
      return;
    }
    try {
      const card = await getJson("graph/node", { query: { ...query, key } });
      if (turn !== this.asked) return;
      this.element.replaceChildren(...this.content(card));
    } catch (error) {
      if (turn !== this.asked) return;
      this.element.replaceChildren(
        this.head(key.split("/").at(-1), []),
        make("p", { class: "gr-none", text: error.message }),
      );
    }
    this.element.hidden = false;
  }

  content(card) {
    const parts = card.form === "node" ? this.node(card) : this.scope(card);
    return [
      this.head(card.label, card.above, card.name),
      make("div", { class: "gr-actions" }, ...this.on.actions(card)),
      make("div", { class: "gr-card-body" }, ...parts.filter(Boolean)),
    ];
  }

  head(label, above, name = label) {
    const path = above.flatMap((key) => [this.link(key, key.split("/").at(-1)), " / "]).slice(0, -1);
    return make(
      "header",
      {},
      make("h2", { text: visible(label), title: visible(name) }),
      iconButton("close", "Close", () => this.on.close()),
      path.length ? make("nav", { class: "gr-path", "aria-label": "Scopes" }, ...path) : null,
    );
  }

  node(card) {
    return [
      facts([
        ["Operation", card.op],
        ["Kind", card.kind === "operation" ? "" : card.kind],
        ["Makes", card.tensors.join("\n")],
        ["Parameters", card.parameters ? count(card.parameters) : ""],
        ["Size", card.bytes ? size(card.bytes) : ""],
        ["Device", card.device],
        ["XLA cluster", card.cluster],
        ...costs(card),
      ]),
      card.calls ? this.section("Calls", [this.link(card.calls)]) : null,
      this.ties("Inputs", card.inputs),
      this.ties("Waits for", card.before),
      this.ties("Outputs", card.outputs),
      this.ties("Waited for by", card.after),
      card.attributes.length ? this.attributes(card.attributes) : null,
      make("p", { class: "gr-name", text: visible(card.name) }),
    ];
  }

  scope(card) {
    const isSeries = card.form === "series";
    return [
      facts([
        [isSeries ? "Members" : "", isSeries ? count(card.members) : ""],
        ["Nodes", count(card.nodes)],
        ["Parameters", card.parameters ? count(card.parameters) : ""],
        ["Size", card.bytes ? size(card.bytes) : ""],
        ["Alike", card.alike ? `${count(card.alike)} more of this structure` : ""],
        ["Device", card.device],
        ...costs(card),
      ]),
      this.ties("Inputs", card.inputs),
      this.ties("Outputs", card.outputs),
      card.usages.length ? this.section("Called by", card.usages.map((key) => this.link(key))) : null,
      this.section("Operations", card.ops.map(opRow), card.ops.length),
    ];
  }

  ties(title, { total, key, name, op, tensor }) {
    if (total === 0) return null;
    const rows = key.map((one, i) =>
      make(
        "div",
        { class: "gr-tie" },
        one
          ? this.link(one, name[i].split("/").slice(-2).join("/"), name[i])
          : make("span", { class: "gr-off", text: visible(name[i].split("/").at(-1)), title: visible(name[i]) }),
        make("span", { class: "gr-tie-sub", text: visible(tensor[i] || op[i]) }),
      ),
    );
    return this.section(title, rows, total);
  }

  attributes(attributes) {
    const rows = attributes.map(({ name, text, cut }) =>
      make(
        "div",
        { class: "gr-attribute" },
        make("dt", { text: visible(name) }),
        make(
          "dd",
          {},
          text,
          cut ? make("em", { text: " … cut: the log holds more" }) : null,
        ),
      ),
    );
    return this.section("Attributes", [make("dl", {}, ...rows)], attributes.length);
  }

  section(title, rows, total = rows.length) {
    const list = make("div", { class: "gr-list" }, ...rows.slice(0, FIRST_ROWS));
    const rest = rows.slice(FIRST_ROWS);
    if (rest.length) {
      const more = make("button", {
        type: "button",
        class: "link",
        text: `${count(rest.length)} more`,
        on: {
          click: () => {
            list.append(...rest);
            more.remove();
          },
        },
      });
      list.after(more);
      return sectionOf(title, total, list, more);
    }
    return sectionOf(title, total, list);
  }

  link(key, text = key, title = key) {
    return make("button", {
      type: "button",
      class: "gr-link",
      text: visible(text),
      title: visible(title),
      on: { click: () => this.on.go(key) },
    });
  }
}

function sectionOf(title, total, ...content) {
  const head = make("h3", {}, title, make("span", { class: "n", text: total > 1 ? count(total) : "" }));
  return make("section", { class: "gr-section" }, head, ...content);
}

function facts(rows) {
  const shown = rows.filter(([, value]) => value);
  return make(
    "dl",
    { class: "gr-facts" },
    ...shown.flatMap(([name, value]) => [
      make("dt", { text: name }),
      make("dd", { text: visible(String(value)), title: visible(String(value)) }),
    ]),
  );
}

function costs({ time_us: time, memory_bytes: memory }) {
  return [
    ["Time", typeof time === "number" ? timeText(time) : ""],
    ["Memory", typeof memory === "number" ? size(memory) : ""],
  ];
}

function opRow({ op, count: times }) {
  return make(
    "div",
    { class: "gr-tie" },
    make("span", { text: visible(op) }),
    make("span", { class: "gr-tie-sub", text: `× ${count(times)}` }),
  );
}
