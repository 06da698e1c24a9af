/** Say what colours mean, and let devices be left out of the costs. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { size } from "./format.js";
import { colourOfNumber, greatest, heatColour } from "./graphs_colour.js";
import { timeText } from "./graphs_scene.js";
import * as state from "./state.js";

const MOST_ROWS = 12;

export class Legend {
  constructor() {
    this.element = make("div", { class: "gr-legend", hidden: true });
  }

  /** Show what the colours of a picture mean; nothing where there is nothing to say. */
  show(scene, by, theme) {
    const rows = scene ? this.rows(scene, by, theme) : [];
    this.element.hidden = rows.length === 0;
    this.element.replaceChildren(...rows);
  }

  rows(scene, by, theme) {
    if (by === "structure") return structure(scene);
    if (by === "device") return devices(scene);
    if (by === "cluster") return numbered("XLA clusters", scene.clusters.filter(Boolean));
    if (by === "time" || by === "memory") return [...heat(scene, by, theme), ...devices(scene)];
    return [];
  }
}

function structure(scene) {
  const alike = new Set(scene.boxes.structure.filter((one) => one >= 0));
  if (alike.size === 0) return [];
  return [make("p", { class: "gr-legend-title", text: "One colour: one structure" })];
}

function numbered(title, names) {
  if (names.length === 0) return [make("p", { class: "gr-legend-title", text: `No ${title}` })];
  return [
    make("p", { class: "gr-legend-title", text: title }),
    ...names.slice(0, MOST_ROWS).map((name, i) => row(colourOfNumber(i), name)),
  ];
}

function row(colour, name) {
  const swatch = make("span", { class: "swatch" });
  swatch.style.setProperty("--swatch", colour);
  return make(
    "div",
    { class: "gr-legend-row" },
    swatch,
    make("span", { text: visible(name), title: visible(name) }),
  );
}

function devices({ devices: names, has }) {
  if (names.length === 0) {
    return [make("p", { class: "gr-legend-title", text: "No device was logged" })];
  }
  const canChoose = has.time || has.memory;
  const title = canChoose ? "Devices that count" : "Devices";
  return [
    make("p", { class: "gr-legend-title", text: title }),
    ...names.slice(0, MOST_ROWS).map((name, i) => deviceRow(name, i, canChoose)),
  ];
}

function deviceRow(name, i, canChoose) {
  const line = row(colourOfNumber(i), name);
  if (!canChoose) return line;
  const without = state.get("graphWithout");
  const box = make("input", {
    type: "checkbox",
    checked: !without.includes(name),
    on: {
      change: () => {
        const others = state.get("graphWithout").filter((one) => one !== name);
        state.set("graphWithout", box.checked ? others : [...others, name]);
      },
    },
  });
  const label = make("label", { class: "gr-legend-row" });
  label.append(box, ...line.childNodes);
  return label;
}

function heat(scene, by, theme) {
  const isTime = by === "time";
  const most = greatest(scene, scene.boxes[isTime ? "time_us" : "memory_bytes"]);
  const title = isTime ? "Compute time of a step" : "Memory of a step";
  if (most === 0) return [make("p", { class: "gr-legend-title", text: `${title}: not logged` })];
  const bar = make("div", { class: "gr-heat" });
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => heatColour(share, theme));
  bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
  const ends = make(
    "div",
    { class: "gr-heat-ends" },
    make("span", { text: "0" }),
    make("span", { text: isTime ? timeText(most) : size(most) }),
  );
  return [make("p", { class: "gr-legend-title", text: title }), bar, ends];
}
