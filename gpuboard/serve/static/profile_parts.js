/** Small parts of which the tabs of the Profile page are made: cards, figures, stacked bars. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";

/** A part of a page: a title, a line beside it, tools at its right, what it shows. */
export function card(title, { note = "", tools = [], name = "" } = {}, ...children) {
  const about = make("span", { class: "pk-note", text: note, title: note });
  const head = make("header", { class: "pk-head" }, make("h2", { text: title }), about, make("span", { class: "push" }), ...tools);
  const box = make("section", { class: `pk-card ${name}`, "aria-label": title }, head, ...children);
  box.say = (text) => {
    about.textContent = text;
    about.title = text;
  };
  return box;
}

/** The column in which a tab's cards lie, and which scrolls. */
export const column = (...children) => make("div", { class: "pk-tab" }, ...children);

/** Whose figures these are where several ranks are chosen and one is shown, null otherwise. */
export const whose = ({ traces }) =>
  traces.length > 1
    ? make("p", { class: "pk-whose", text: `${visible(traces[0].name)}, the first of ${traces.length} chosen ranks` })
    : null;

/** Figures in a row: [[name, text, what it means, class], ...]; those without a text are left out. */
export function figures(rows) {
  const known = rows.filter(([, text]) => text !== null && text !== undefined && text !== "");
  return make(
    "dl",
    { class: "pk-figures" },
    ...known.map(([name, text, about, state = ""]) =>
      make("div", { title: about ?? "", class: state }, make("dt", { text: name }), make("dd", {}, text)),
    ),
  );
}

/** A sentence where something is not known, and the line that would record it. */
export function absent(title, why, code = "") {
  const sentence = why ? `${why.charAt(0).toUpperCase()}${why.slice(1)}.`.replace(/\.\.$/, ".") : "";
  return make(
    "div",
    { class: "pk-absent" },
    make("strong", { text: title }),
    make("p", { text: sentence.slice(0, 2_000) }),
    code ? make("pre", {}, make("code", { text: code })) : null,
  );
}

/** The whole tab is one such sentence. */
export const nothing = (title, why, code = "") => column(make("div", { class: "pk-nothing" }, absent(title, why, code)));

/**
 * A bar of parts.
 *
 * @param {{role: string, value: number, title: string}[]} parts
 * @param {number} whole What the full width stands for.
 */
export function stack(parts, whole) {
  const bar = make("div", { class: "pk-stack" });
  for (const { role, value, title } of parts) {
    if (!(value > 0)) continue;
    const part = make("i", { class: `is-${role}`, title });
    part.style.width = `${(100 * value) / (whole || 1)}%`;
    bar.append(part);
  }
  return bar;
}

/** What the colours of a drawing mean: [[role, text, tip], ...]. */
export const legend = (rows) =>
  make(
    "div",
    { class: "pk-legend" },
    ...rows.map(([role, text, about]) =>
      make("span", { title: about ?? "" }, make("i", { class: `is-${role}` }), text),
    ),
  );

/** A name that is cut in its middle where room is short; the tip has all of it. */
export function cutName(element, text, tip = "") {
  const cut = text.length > 26 ? text.length - 11 : text.length;
  element.replaceChildren(
    make("span", { class: "pk-name-head", text: visible(text.slice(0, Math.min(cut, 190))) }),
    make("span", { class: "pk-name-tail", text: visible(text.slice(cut)) }),
  );
  element.title = tip || (text.length > 26 ? text.slice(0, 2_000) : "");
}

/** A choice of a few: [[value, text, tip], ...]. */
export function segments(label, rows, chosen, choose) {
  const box = make("div", { class: "segments", role: "radiogroup", "aria-label": label });
  const press = (value) => {
    show(value);
    choose(value);
  };
  const show = (value) => {
    box.replaceChildren(
      ...rows.map(([one, text, about]) =>
        make("button", { type: "button", role: "radio", text, title: about ?? "", "aria-checked": String(one === value), on: { click: () => press(one) } }),
      ),
    );
  };
  show(chosen);
  return box;
}

/** Read colours and fonts of the theme as a drawing needs them. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}
