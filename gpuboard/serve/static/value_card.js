/**
 * A card of heavy values: one tag of one run, or one tag of several runs, at one step.
 *
 * A page's own card extends `ValueCard` and fills `body` in `draw(places)`. Drawing never
 * overlaps: while one value is being fetched the newest wish waits, older ones are dropped.
 */

import { iconButton, make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, visible } from "./dom.js";
import { dateTime, exactCount } from "./format.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { indexAt } from "./steps.js";

const BUTTON = "button is-quiet is-square sc-small";

/** @typedef {{run: number, index: number, count: number, step: string, at: number, wall: number,
 *   ref: string}} Place  Which value a card shows of one run. */

export class ValueCard {
  /**
   * @param {{tag: string, runs: number[], name: string}} info What it shows; `name` is its title.
   * @param {object} page `steps` (StepTable), `theme()`; pages may add to it.
   */
  constructor(info, page) {
    Object.assign(this, info);
    this.page = page;
    this.own = null; // step of this card alone, while cards are not linked
    this.shown = "";
    this.isDrawing = false;
    this.isWaiting = false;
    this.isGone = false;
    this.tools = make("div", { class: "vc-tools" });
    this.body = make("div", { class: "vc-body" });
    this.label = make("span", { class: "vc-label" });
    this.slider = make("input", {
      type: "range",
      class: "vc-slider",
      min: "0",
      step: "1",
      "aria-label": "Step",
      on: { input: () => this.choose(Number(this.slider.value)) },
    });
    this.foot = make("footer", { class: "vc-foot" }, this.slider, this.label);
    this.element = make("article", { class: "vc" }, this.head(), this.body, this.foot);
    if (page.options) this.tools.append(this.viewButton());
    this.recolour();
  }

  /** The button that puts the card into a saved view, as it is now. */
  viewButton() {
    const add = async () => {
      const { addToView } = await import("./view_pins.js");
      const { kind } = this.page.options;
      const runs = this.runs.map(nameOf);
      void addToView({ kind, title: this.name, tag: this.tag, runs, step: this.at }, button);
    };
    const button = iconButton("views", "Add to a view", add, { class: `${BUTTON} vc-view` });
    return button;
  }

  /** The only run of the card, the first one where there are several. */
  get run() {
    return this.runs[0];
  }

  head() {
    this.swatch = make("i", { class: "vc-swatch" });
    const isOne = this.runs.length === 1;
    const name = isOne ? nameOf(this.run) : "";
    return make(
      "header",
      { class: "vc-head" },
      make(
        "div",
        { class: "vc-titles" },
        make("h3", { class: "vc-title", text: visible(this.name), title: this.tag }),
        isOne
          ? make(
              "div",
              { class: "vc-run", title: name },
              this.swatch,
              make("span", { text: visible(name) }),
            )
          : null,
      ),
      this.tools,
    );
  }

  /** Free what the card holds; a subclass that overrides this calls it too. */
  destroy() {
    this.isGone = true;
    this.element.remove();
  }

  /** Let go of what is costly to hold, as the card is out of sight; drawing takes it up again. */
  rest() {}

  /** Take the runs' colours anew. */
  recolour() {
    if (this.runs.length === 1) this.swatch.style.background = colourOf(this.run);
  }

  /** Draw again what is shown, as something about how it looks has changed. */
  restyle() {
    this.shown = "";
    this.update();
  }

  /** The step that this card is to show, null for the last one. */
  get at() {
    return get("linkSteps") ? get("stepAt") : this.own;
  }

  /** Let the card show the value at an index of its own slider. */
  choose(index) {
    const { step } = this.page.steps.of(this.tag, this.leader());
    const at = index >= step.length - 1 ? null : step[index];
    if (get("linkSteps")) set("stepAt", at);
    else {
      this.own = at;
      this.update();
    }
  }

  /** The run with the most values: its steps are those of the card's slider. */
  leader() {
    const count = (run) => this.page.steps.of(this.tag, run).step.length;
    return this.runs.reduce((best, run) => (count(run) > count(best) ? run : best), this.run);
  }

  /** @returns {Place[]} what is to be shown now, one entry for each run that has a value. */
  places() {
    return this.runs
      .map((run) => this.placeOf(run))
      .filter((place) => place !== null);
  }

  placeOf(run) {
    const { step, label, wall, ref } = this.page.steps.of(this.tag, run);
    const index = indexAt(step, this.at);
    if (index < 0) return null;
    const count = step.length;
    return { run, index, count, step: label[index], at: step[index], wall: wall[index], ref: ref[index] };
  }

  /** Learn the steps anew and show what is to be shown. */
  async refresh() {
    try {
      await this.page.steps.load(this.tag, this.runs);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (!this.isGone) this.update();
  }

  /** Show the value of the wanted step, as soon as what is being drawn is done. */
  async update() {
    if (this.isDrawing) {
      this.isWaiting = true;
      return;
    }
    const places = this.places();
    const key = this.keyOf(places);
    this.showFoot(places);
    if (key === this.shown || !places.length) return;
    this.isDrawing = true;
    this.element.classList.add("is-loading");
    try {
      await this.draw(places);
      this.shown = key;
      this.element.classList.remove("has-failed");
      this.page.onShown?.(this);
    } catch (error) {
      this.shown = key;
      if (!this.isGone) this.fail(error);
    }
    this.isDrawing = false;
    this.element.classList.remove("is-loading");
    if (!this.isWaiting || this.isGone) return;
    this.isWaiting = false;
    this.update();
  }

  /** What tells two pictures of this card apart; a subclass may add its own choices. */
  keyOf(places) {
    return places.map(({ run, ref }) => `${run}:${ref}`).join(" ");
  }

  /**
   * Show these values; a subclass fetches them and fills `this.body`.
   *
   * @param {Place[]} places
   */
  async draw(places) {
    throw new Error(`a card for ${places.length} values does not draw`);
  }

  fail(error) {
    this.element.classList.add("has-failed");
    const isBad = error.status === 422;
    this.body.replaceChildren(
      make(
        "div",
        { class: "vc-failure" },
        icon("warning"),
        make("p", { text: visible(error.message) }),
        isBad ? make("a", { class: "link", href: "./health", text: "See Health" }) : null,
      ),
    );
  }

  showFoot(places) {
    const place = places.find(({ run }) => run === this.leader()) ?? places[0];
    this.foot.hidden = !place;
    if (!place) return;
    this.slider.hidden = place.count < 2;
    this.slider.max = String(place.count - 1);
    this.slider.value = String(place.index);
    this.label.textContent = `step ${exactCount(place.step)}`;
    this.label.title =
      `Value ${place.index + 1} of ${place.count}, logged ${dateTime(place.wall)}`;
  }
}
