/** Popovers that ask something of one column: a filter, or the scale and brush of an axis. */

import { make, popover } from "./chart_elements.js";
import { visible } from "./dom.js";
import { cellText, shortNumber } from "./hparams_model.js";
import { SCALES, scalesOf } from "./hparams_scale.js";
import { get, set } from "./state.js";

const MOST_WORDS = 200;
const MOST_NUMBERS = 12; // different numbers that are offered one by one

/** Filter by a column: what does not pass is in no view. */
export function openFilter(board, key, anchor) {
  openSpec(board, key, anchor, "hpFilters", "Filter");
}

/** Change the scale, the brush and the colours of an axis. */
export function openAxis(board, key, anchor) {
  const column = board.trials.columns.get(key);
  const kinds = scalesOf(column);
  const scale = make(
    "div",
    { class: "segments is-small", role: "radiogroup", "aria-label": "Scale" },
    ...kinds.map((kind) =>
      make("button", {
        type: "button",
        role: "radio",
        text: SCALES[kind],
        "aria-checked": String(board.scaleKind(column) === kind),
        on: {
          click: (event) => {
            set("hpScales", { ...get("hpScales"), [key]: kind });
            for (const one of scale.children) one.setAttribute("aria-checked", "false");
            event.currentTarget.setAttribute("aria-checked", "true");
          },
        },
      }),
    ),
  );
  const colour = action("Colour by this", () => set("hpColour", key));
  const remove = action("Remove from the view", () => {
    board.setColumns(
      board
        .columns()
        .map((one) => one.key)
        .filter((one) => one !== key),
    );
  });
  openSpec(board, key, anchor, "hpBrush", "Brush", [
    kinds.length ? make("div", { class: "hp-row" }, label("Scale"), scale) : null,
    make("div", { class: "hp-row" }, colour, remove),
  ]);
}

function openSpec(board, key, anchor, where, title, more = []) {
  const column = board.trials.columns.get(key);
  const spec = () => get(where)[key] ?? {};
  const change = (part) => board.setSpec(where, key, tidied({ ...spec(), ...part }, where));
  const missing = Array.from(column.value).filter((v) => !Number.isFinite(v)).length;
  const parts = [
    make("h3", { class: "hp-pop-title", text: `${title}: ${visible(column.title)}` }),
    ...more,
    column.kind === "words" ? null : rangeRow(column, spec, change),
    wordList(column, spec, change),
    regexRow(spec, change),
    missing > 0 ? missingRow(missing, where, spec, change) : null,
  ];
  const box = popover(anchor, make("div", { class: "hp-pop" }, ...parts.filter(Boolean)), {
    align: "start",
  });
  const clear = action("Clear", () => {
    board.setSpec(where, key, null);
    box.hidePopover();
  });
  box.firstChild.append(make("div", { class: "hp-row is-end" }, clear));
  box.querySelector("input")?.focus();
}

/** A spec that asks nothing is none. */
function tidied(spec, where) {
  const asks = spec.re || spec.words || isNumber(spec.low) || isNumber(spec.high) || spec.none;
  const standing = where === "hpFilters";
  if (!asks && (spec.missing ?? standing) === standing) return null;
  const kept = Object.entries(spec).filter(([, value]) => value !== undefined && value !== "");
  return { missing: standing, ...Object.fromEntries(kept) };
}

const isNumber = (v) => Number.isFinite(v ?? NaN);

function rangeRow(column, spec, change) {
  const field = (part, placeholder) =>
    make("input", {
      class: "input",
      type: "text",
      inputMode: "decimal",
      spellcheck: false,
      placeholder,
      value: isNumber(spec()[part]) ? String(spec()[part]) : "",
      "aria-label": part === "low" ? "Least value" : "Greatest value",
      on: {
        change: (event) => {
          const text = event.target.value.trim();
          const value = text === "" ? null : Number(text);
          event.target.setAttribute("aria-invalid", String(Number.isNaN(value)));
          if (!Number.isNaN(value)) change({ [part]: value, none: undefined });
        },
      },
    });
  return make(
    "div",
    { class: "hp-row" },
    label("From"),
    field("low", shortNumber(column.low)),
    label("to"),
    field("high", shortNumber(column.high)),
  );
}

/** Boxes for the different values, where there are few enough to choose among. */
function wordList(column, spec, change) {
  const words = optionsOf(column);
  if (words.length === 0) return null;
  const counts = new Map();
  column.value.forEach((v, row) => {
    if (!Number.isFinite(v)) return;
    const word = textOf(column, row);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  });
  const boxes = words.map((word) => {
    const box = make("input", {
      type: "checkbox",
      checked: !spec().words || spec().words.includes(word),
      on: { change: () => take() },
    });
    const text = make("span", { class: "hp-word", text: visible(word), title: visible(word) });
    const count = make("span", { class: "hp-count", text: String(counts.get(word) ?? 0) });
    return make("label", { class: "hp-check" }, box, text, count);
  });
  const take = () => {
    const kept = words.filter((_, i) => boxes[i].firstChild.checked);
    change({ words: kept.length === words.length ? undefined : kept, none: undefined });
  };
  const all = (isOn) => () => {
    for (const box of boxes) if (!box.hidden) box.firstChild.checked = isOn;
    take();
  };
  const search = make("input", {
    class: "input",
    type: "search",
    placeholder: "Find a value",
    "aria-label": "Find a value",
    on: {
      input: () => {
        const wanted = search.value.trim().toLowerCase();
        words.forEach((word, i) => (boxes[i].hidden = !word.toLowerCase().includes(wanted)));
      },
    },
  });
  return make(
    "div",
    { class: "hp-words" },
    words.length > 8 ? search : null,
    make("div", { class: "hp-row" }, action("All", all(true)), action("None", all(false))),
    make("div", { class: "hp-list" }, ...boxes),
  );
}

function optionsOf(column) {
  if (column.key === "name") return [];
  if (column.kind === "words") return column.words.length <= MOST_WORDS ? column.words : [];
  if (column.kind !== "number" || column.role === "metric") return [];
  const values = [...new Set(column.value.filter(Number.isFinite))].sort((a, b) => a - b);
  return values.length <= MOST_NUMBERS ? values.map((v) => shortNumber(v)) : [];
}

const textOf = (column, row) =>
  column.kind === "words" ? cellText(column, row) : shortNumber(column.value[row]);

function regexRow(spec, change) {
  const input = make("input", {
    class: "input hp-code",
    type: "text",
    spellcheck: false,
    maxLength: 500,
    placeholder: "regular expression",
    "aria-label": "Regular expression",
    value: spec().re ?? "",
    on: {
      input: () => {
        let isBroken = false;
        try {
          new RegExp(input.value);
        } catch {
          isBroken = true;
        }
        input.setAttribute("aria-invalid", String(isBroken));
        if (!isBroken) change({ re: input.value });
      },
    },
  });
  return make("div", { class: "hp-row" }, label("Matches"), input);
}

function missingRow(count, where, spec, change) {
  const box = make("input", {
    type: "checkbox",
    checked: spec().missing ?? where === "hpFilters",
    on: { change: () => change({ missing: box.checked }) },
  });
  return make(
    "label",
    { class: "hp-check" },
    box,
    make("span", { class: "hp-word", text: "Undefined or NaN" }),
    make("span", { class: "hp-count", text: String(count) }),
  );
}

const label = (text) => make("span", { class: "hp-label", text });
const action = (text, fn) =>
  make("button", { type: "button", class: "link", text, on: { click: fn } });
