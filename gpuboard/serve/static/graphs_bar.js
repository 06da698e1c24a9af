/** The toolbar of the Graphs page: which graph, what to colour by, search, and what to do with it. */

import { iconButton, make, popover } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { COLOURS } from "./graphs_state.js";
import * as state from "./state.js";

const KIND_NAMES = {
  operations: "operations",
  conceptual: "conceptual",
  profile: "profile",
  file: "file",
  upload: "opened here",
};

export class GraphBar {
  /**
   * @param {object} on `choose(id)`, `colour(by)`, `fit()`, `save(format)`, `upload(file)`,
   *   `openAll()`, `closeAll()`.
   * @param {HTMLElement} search
   */
  constructor(on, search) {
    this.on = on;
    this.graph = select("Graph", "gr-which", (id) => on.choose(id));
    this.profile = select("Costs of one step", "gr-profile", (id) => state.set("graphProfile", id));
    this.colour = select("Colour", "gr-by", (by) => state.set("graphColour", by));
    this.tabs = make("div", { class: "segments", role: "tablist", "aria-label": "View" });
    this.file = make("input", { type: "file", accept: ".onnx,.pb,.pbtxt", hidden: true });
    this.file.addEventListener("change", () => this.send());
    const more = iconButton("more", "More", () => this.menu(more), { class: "button is-square" });
    more.setAttribute("aria-haspopup", "menu");
    this.more = more;
    this.fit = iconButton("fit", "Fit the graph (F)", () => on.fit(), { class: "button is-square" });
    this.element = make(
      "header",
      { class: "page-head gr-bar", role: "toolbar", "aria-label": "Graph" },
      this.graph,
      this.tabs,
      search,
      make("span", { class: "push" }),
      this.profile,
      this.colour,
      this.fit,
      more,
      this.file,
    );
    this.showTabs();
  }

  /** Offer these graphs; operations, models and files in groups, profiles in a list of their own. */
  offer(entries, chosen) {
    const select = this.graph.querySelector("select");
    const groups = new Map();
    for (const entry of entries.filter(isGraph)) {
      const name = entry.run < 0 ? (entry.kind === "file" ? "Files" : "Opened here") : "Runs";
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(entry);
    }
    select.replaceChildren(
      ...[...groups].map(([name, rows]) =>
        make(
          "optgroup",
          { label: name },
          ...rows.map((entry) =>
            make("option", { value: entry.id, text: nameOf(entry, rows), selected: entry.id === chosen }),
          ),
        ),
      ),
    );
    this.offerProfiles(entries, chosen);
  }

  offerProfiles(entries, chosen) {
    const run = entries.find(({ id }) => id === chosen)?.run ?? -1;
    const rows = entries.filter((entry) => entry.kind === "profile" && entry.run === run && run >= 0);
    this.profile.hidden = rows.length === 0;
    const select = this.profile.querySelector("select");
    select.replaceChildren(
      make("option", { value: "", text: "No profile" }),
      ...rows.map(({ id, tag }) => make("option", { value: id, text: `Profile: ${visible(tag)}` })),
    );
    select.value = state.get("graphProfile");
  }

  /** Offer the colours that the graph has something for. */
  offerColours(has) {
    const select = this.colour.querySelector("select");
    const names = Object.entries(COLOURS).filter(([key]) => has[key] !== false);
    select.replaceChildren(
      ...names.map(([key, text]) =>
        make("option", { value: key, text: key === "none" ? text : `Colour: ${text.toLowerCase().replace("xla", "XLA")}` }),
      ),
    );
    select.value = names.some(([key]) => key === state.get("graphColour"))
      ? state.get("graphColour")
      : "structure";
    return select.value;
  }

  showTabs() {
    const names = { graph: "Graph", table: "Table" };
    this.tabs.replaceChildren(
      ...Object.entries(names).map(([key, text]) =>
        make("button", {
          type: "button",
          role: "tab",
          text,
          "aria-selected": String(state.get("graphTab") === key),
          on: { click: () => state.set("graphTab", key) },
        }),
      ),
    );
    const isTable = state.get("graphTab") === "table";
    for (const part of [this.colour, this.fit]) part.hidden = isTable;
  }

  async send() {
    const [file] = this.file.files;
    this.file.value = "";
    if (file) await this.on.upload(file);
  }

  menu(anchor) {
    const has = this.has ?? {};
    const rows = [
      ["Open a graph file …", () => this.file.click()],
      null,
      ["Open what suits the screen", () => this.on.openFirst()],
      ["Close everything", () => this.on.closeAll()],
      has.constants
        ? [
            state.get("graphConstants") ? "Hide constants" : "Show constants",
            () => state.set("graphConstants", !state.get("graphConstants")),
          ]
        : undefined,
      null,
      ["Save as PNG", () => this.on.save("png")],
      ["Save as SVG", () => this.on.save("svg")],
    ];
    openMenu(anchor, rows);
  }
}

/** Open a menu of [text, fn] rows; null parts groups, undefined is left out. */
export function openMenu(anchor, rows, at = null) {
  const items = rows
    .filter((row) => row !== undefined)
    .map((row) =>
      row === null
        ? make("hr")
        : make("button", {
            type: "button",
            role: "menuitem",
            text: row[0],
            on: {
              click: () => {
                box.hidePopover();
                row[1]();
              },
            },
          }),
    );
  const box = popover(anchor, make("div", { class: "gr-menu", role: "menu" }, ...items));
  if (at) {
    box.style.left = `${Math.min(at.clientX, innerWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${Math.min(at.clientY, innerHeight - box.offsetHeight - 8)}px`;
  }
}

const isGraph = ({ kind }) => kind !== "profile";

/** Name a graph by its run; by tag and kind too where the run has several. */
function nameOf(entry, rows) {
  const place = visible(entry.place);
  const several = rows.filter((other) => other.place === entry.place).length > 1;
  const kind = entry.kind === "conceptual" ? ` (${KIND_NAMES[entry.kind]})` : "";
  return several && entry.tag ? `${place} · ${visible(entry.tag)}${kind}` : `${place}${kind}`;
}

function select(label, name, fn) {
  const element = make("select", { class: "select", "aria-label": label, title: label });
  element.addEventListener("change", () => fn(element.value));
  const box = make("div", { class: `picker ${name}` }, element);
  box.append(icon("down"));
  return box;
}
