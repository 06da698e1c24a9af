/** A floating tip beside the pointer, for charts of the Profile page. */

import { make } from "./chart_elements.js";
import { swatch } from "./profile_kit.js";

export class Tip {
  /** @param {HTMLElement} host Positioned; the tip stays in the window of the browser. */
  constructor(host) {
    this.element = make("div", { class: "pg-tip", hidden: true });
    host.append(this.element);
  }

  /**
   * @param {MouseEvent} event
   * @param {string} title
   * @param {Array<[string, string, string?]>} rows Name, value, colour.
   */
  show(event, title, rows, note = "") {
    this.element.replaceChildren(
      make("strong", { text: title }),
      ...rows.map(([name, value, colour]) =>
        make("div", { class: "pg-tip-row" }, colour ? swatch(colour) : make("i"), make("span", { text: name }), make("b", { text: value })),
      ),
      ...(note ? [make("div", { class: "pg-tip-note", text: note })] : []),
    );
    this.element.hidden = false;
    const { offsetWidth: wide, offsetHeight: tall } = this.element;
    const x = event.clientX + 14 + wide > innerWidth - 8 ? event.clientX - 14 - wide : event.clientX + 14;
    const y = Math.min(event.clientY + 16, innerHeight - tall - 8);
    this.element.style.left = `${Math.max(x, 8)}px`;
    this.element.style.top = `${Math.max(y, 8)}px`;
  }

  hide() {
    this.element.hidden = true;
  }
}
