/** The charts of a view: the very cards of the pages, with choices of the view or of their own. */

import { Card } from "./card.js";
import { LINE } from "./card_menu.js";
import { CustomCard } from "./custom_card.js";
import { popover } from "./chart_elements.js";
import { ScalarsBar } from "./scalars_bar.js";
import { Scope, settingsOf } from "./view_settings.js";

const inView = (Base) =>
  class extends Base {
    constructor(info, spec, host) {
      const card = { spec, host };
      const own = spec.settings
        ? new Scope(spec.settings, (settings) => card.take(settings))
        : null;
      // `build` and `restyle` run before this constructor does: they find the spec in `info`.
      super({ ...info, spec }, host.page, {
        name: spec.title,
        from: own ?? host.page.state,
      });
      Object.assign(this, card);
      card.take = (settings) => this.onOwn(settings);
      this.hasHead = true;
      this.hasOwn = own !== null;
      if (own) this.title.append(ownMark());
    }

    onOwn(settings) {
      this.host.change({ settings });
      this.restyle();
      this.refresh();
    }

    buttons() {
      return this.usualButtons();
    }

    menu() {
      return [
        { text: "Log y axis", fn: () => this.toggleLog(), checked: this.isLogY() },
        {
          text: "Axis and smoothing of its own",
          fn: () => this.toggleOwn(),
          checked: this.hasOwn,
        },
        this.hasOwn ? { text: "Change axis and smoothing", fn: () => this.openOwn() } : null,
        LINE,
        ...this.dataItems(),
        LINE,
        ...this.figureItems(),
        LINE,
        ...this.host.menu(),
      ];
    }

    toggleOwn() {
      this.host.change({ settings: this.hasOwn ? undefined : settingsOf(this.state) });
      this.host.remake();
    }

    openOwn() {
      const bar = new ScalarsBar({ from: this.state, noun: "" });
      bar.element.classList.add("vw-own-bar");
      const box = popover(this.moreButton, bar.element);
      box.addEventListener("toggle", ({ newState }) => newState === "closed" && bar.destroy());
    }

    isLogY() {
      return this.info.spec.logY ?? this.get("logY");
    }

    toggleLog() {
      const wanted = !this.isLogY();
      this.info.spec.logY = wanted;
      this.host.change({ logY: wanted === this.get("logY") ? undefined : wanted });
      this.restyle();
    }
  };

/** A sign after the title of a chart that is not drawn as the others of its view are. */
function ownMark() {
  const mark = document.createElement("span");
  mark.className = "vw-own";
  mark.textContent = "own axis and smoothing";
  return mark;
}

const ScalarInView = inView(Card);

class CustomInView extends inView(CustomCard) {
  hidden() {
    return this.info.spec.hidden ?? [];
  }

  hide(tags) {
    this.info.spec.hidden = tags;
    this.host.change({ hidden: tags });
    this.show();
  }
}

export const makeScalarCard = (spec, host) =>
  new ScalarInView({ tag: String(spec.tag), title: spec.title }, spec, host);

export const makeCustomCard = (spec, host) =>
  new CustomInView(
    { tag: spec.title, title: spec.title, tags: spec.tags ?? [], margins: spec.margins ?? [] },
    spec,
    host,
  );
