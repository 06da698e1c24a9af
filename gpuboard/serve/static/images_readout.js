/** The line under a picture: the values of the pixel under the pointer, and the picture's facts. */

import * as api from "./api.js";
import { make } from "./chart_elements.js";
import { size } from "./format.js";
import { queryOf } from "./images_source.js";

const COLOURS = ["", "grey", "grey + alpha", "RGB", "RGBA"];
const FACTS_MS = 250; // after the slider has come to rest

export class Readout {
  constructor() {
    this.at = null; // in parts of the picture
    this.values = make("div", { class: "iv-readout" });
    this.facts = make("div", { class: "iv-facts" });
    this.element = make("footer", { class: "iv-foot" }, this.values, this.facts);
  }

  destroy() {
    this.asked = "";
    clearTimeout(this.asking);
  }

  /** Read the pixel at `point` ({u, v} or null) of these sides from now on. */
  point(point, sides) {
    this.at = point;
    this.show(sides);
  }

  show(sides) {
    const found = this.at
      ? sides.filter(({ painted }) => painted).map((side) => read(side, this.at))
      : [];
    if (!found.length) {
      const hint = "Point at a pixel to read its value";
      this.values.replaceChildren(make("span", { class: "iv-hint", text: hint }));
      return;
    }
    const [{ x, y }] = found;
    const parts = [make("span", { class: "iv-xy", text: `x ${x}  y ${y}` })];
    for (const one of found) parts.push(valueOf(one, found.length > 1));
    const [one, two] = found.map(({ values }) => values);
    if (one && two && one.length === two.length) {
      const text = one.map((value, i) => signed(value - two[i])).join("  ");
      parts.push(make("span", { class: "iv-value" }, make("b", { text: "A − B" }), text));
    }
    this.values.replaceChildren(...parts);
  }

  /** Say what is known of the picture of a side; its size in bytes follows when it rests. */
  describe({ painted, picture }) {
    if (!painted || !picture) {
      this.asked = this.facts.textContent = "";
      return;
    }
    const key = JSON.stringify(picture);
    if (this.asked === key) return;
    this.asked = key;
    const { width, height, format, channels, bits } = painted;
    const text = `${width} × ${height} · ${format} · ${bits} bit ${COLOURS[channels]}`;
    this.facts.textContent = text;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.fetchFacts(picture, key, text), FACTS_MS);
  }

  async fetchFacts(picture, key, text) {
    try {
      const facts = await api.getJson("image/info", { query: queryOf(picture) });
      if (this.asked !== key) return;
      const { declared_width: width, declared_height: height } = facts;
      const isOther = width !== facts.width || height !== facts.height;
      const said = isOther ? ` · logged as ${width} × ${height}` : "";
      this.facts.textContent = `${text} · ${size(facts.bytes)}${said}`;
    } catch {
      // the picture is there; its size in bytes is not worth a complaint
    }
  }
}

function read(side, { u, v }) {
  const { width, height, bits } = side.painted;
  const x = Math.floor(u * width);
  const y = Math.floor(v * height);
  return { letter: side.letter, x, y, bits, values: side.values.at(x, y) };
}

function valueOf({ letter, values, bits }, isOneOfTwo) {
  const hasHex = values && bits === 8 && values.length > 2 && !isOneOfTwo;
  return make(
    "span",
    { class: "iv-value" },
    isOneOfTwo ? make("b", { text: letter }) : null,
    values ? chipOf(values, bits) : null,
    make("span", { text: values ? values.join("  ") : "…" }),
    hasHex ? make("span", { class: "iv-hex", text: hexOf(values) }) : null,
  );
}

const signed = (value) => (value > 0 ? `+${value}` : String(value).replace("-", "−"));

function hexOf(values) {
  const digits = values.slice(0, 3).map((value) => value.toString(16).padStart(2, "0"));
  return `#${digits.join("")}`;
}

function chipOf(values, bits) {
  const eight = values.map((value) => (bits === 16 ? value >> 8 : value));
  const [r, g, b] = values.length < 3 ? [eight[0], eight[0], eight[0]] : eight;
  const chip = make("i", { class: "iv-chip" });
  chip.style.background = `rgb(${r} ${g} ${b})`;
  return chip;
}
