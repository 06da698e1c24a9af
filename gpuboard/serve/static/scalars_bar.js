/** The toolbar of the Scalars page: what is used daily in one row, the rest in one popover. */

import { getJson } from "./api.js";
import { TIP_SORTS } from "./chart_tip.js";
import { icon, make, popover } from "./chart_elements.js";
import { count, plural } from "./format.js";
import * as state from "./state.js";
import { tagCompletion } from "./tag_completion.js";

const X_AXES = {
  step: "Step",
  relative: "Relative time",
  wall: "Wall time",
  active: "Relative, no pauses",
  index: "Index",
};
const SMOOTHINGS = { none: "No smoothing", ema: "EMA", gaussian: "Gaussian", mean: "Running mean" };
const Y_MODES = { own: "Each its own", shared: "Shared in a group", fixed: "Fixed" };
const STEP_MARKS = { off: "Off", step: "At a step", range: "Over a range" };
const DEFAULT_FOLD = {
  by: "regex",
  pattern: "(.*)[/_-]seed[=_-]?\\d+",
  center: "mean",
  band: "std",
};

export class ScalarsBar {
  /**
   * @param {object} [options]
   * @param {object} [options.from] Where choices are kept: the state of the page, or a `Scope`.
   * @param {string} [options.noun] What the search finds; "" for a toolbar without search.
   * @param {HTMLElement[]} [options.first] What stands before the controls of the charts.
   * @param {(bar) => HTMLElement[]} [options.sections] More sections of the options.
   */
  constructor({ from = state, noun = "tag", first = [], sections = () => [] } = {}) {
    Object.assign(this, { state: from, noun, sections });
    this.ends = [];
    this.found = make("span", { class: "count", role: "status" });
    const more = make(
      "button",
      {
        type: "button",
        class: "button",
        "aria-haspopup": "dialog",
        on: { click: () => this.openOptions(more) },
      },
      icon("tune"),
      "Options",
    );
    this.element = make(
      "div",
      { class: "page-head sc-bar", role: "toolbar", "aria-label": "Charts" },
      ...(noun ? [this.searchField(), this.found] : []),
      ...first,
      make("span", { class: "push" }),
      labelled("X axis", this.select("x", X_AXES)),
      this.smoothing(),
      this.pressed("logY", "Log y"),
      more,
    );
  }

  destroy() {
    for (const end of this.ends) end();
  }

  follow(keys, fn) {
    this.ends.push(this.state.subscribe(keys, fn));
    fn();
  }

  searchField() {
    this.search = make("input", {
      class: "input",
      type: "search",
      placeholder: `Search ${this.noun}s`,
      "aria-label": `Search ${this.noun}s`,
      spellcheck: false,
      autocomplete: "off",
      list: "tag-completion",
      on: { input: () => this.state.set("tagFilter", this.search.value) },
    });
    this.completion = tagCompletion("tag-completion");
    const regex = make("button", {
      type: "button",
      class: "toggle",
      text: ".*",
      title: "Use a regular expression",
      on: { click: () => this.state.set("tagRegex", !this.state.get("tagRegex")) },
    });
    this.follow(["tagRegex"], () =>
      regex.setAttribute("aria-pressed", String(this.state.get("tagRegex"))),
    );
    this.follow(["tagFilter"], () => {
      if (this.search.value !== this.state.get("tagFilter"))
        this.search.value = this.state.get("tagFilter");
    });
    return make(
      "div",
      { class: "field has-toggle sc-search" },
      icon("search"),
      this.search,
      regex,
      this.completion.element,
    );
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  /** Let the search complete what these tags begin with. */
  offer(tags) {
    this.completion.offer(tags, this.state.get("tagRegex"));
  }

  /** Say how many tags there are, or what is wrong with the search. */
  setFound(shown, total, error) {
    this.search.setAttribute("aria-invalid", String(Boolean(error)));
    this.found.classList.toggle("field-error", Boolean(error));
    const part =
      shown < total
        ? `first ${count(shown)} of ${count(total)} ${this.noun}s: search to narrow`
        : "";
    this.found.textContent = error || part || plural(total, this.noun);
    this.found.title = this.found.textContent;
  }

  smoothing() {
    const slider = make("input", {
      type: "range",
      class: "sc-slider",
      min: "0",
      max: "0.999",
      step: "0.001",
      "aria-label": "Smoothing",
      on: { input: () => this.state.set("smoothing", Number(slider.value)) },
    });
    const number = make("input", {
      class: "input sc-number",
      type: "number",
      min: "0",
      max: "0.9999",
      step: "0.01",
      "aria-label": "Amount of smoothing",
      on: { change: () => this.state.set("smoothing", Number(number.value) || 0) },
    });
    this.follow(["smoothing", "smoothKind"], () => {
      slider.value = String(this.state.get("smoothing"));
      if (document.activeElement !== number)
        number.value = String(Number(this.state.get("smoothing").toFixed(4)));
      const isOff = this.state.get("smoothKind") === "none";
      slider.disabled = isOff;
      number.disabled = isOff;
    });
    return make(
      "div",
      { class: "sc-control" },
      make("span", { class: "sc-label", text: "Smoothing" }),
      this.select("smoothKind", SMOOTHINGS),
      slider,
      number,
    );
  }

  select(key, choices) {
    const box = make(
      "select",
      {
        class: "select",
        "aria-label": LABELS[key] ?? key,
        on: { change: () => this.state.set(key, box.value) },
      },
      ...Object.entries(choices).map(([value, text]) => make("option", { value, text })),
    );
    this.follow([key], () => (box.value = this.state.get(key)));
    return make("div", { class: "picker" }, box, icon("chevron"));
  }

  pressed(key, text) {
    const button = make("button", {
      type: "button",
      class: "button",
      text,
      on: { click: () => this.state.set(key, !this.state.get(key)) },
    });
    this.follow([key], () => button.setAttribute("aria-pressed", String(this.state.get(key))));
    return button;
  }

  check(key, text) {
    const input = make("input", {
      type: "checkbox",
      on: { change: () => this.state.set(key, input.checked) },
    });
    this.follow([key], () => (input.checked = this.state.get(key)));
    return make("label", { class: "sc-check" }, input, text);
  }

  openOptions(anchor) {
    const before = this.ends;
    this.ends = [];
    const box = popover(
      anchor,
      make(
        "div",
        { class: "sc-options" },
        section("X axis", this.check("xLog", "Log scale"), labelled("Lines at", this.marksField())),
        section(
          "Y axis",
          labelled("Range", this.select("yMode", Y_MODES)),
          this.fixedRange(),
          this.check("outliers", "Ignore outliers"),
        ),
        section(
          "Lines",
          this.check("nanMarkers", "Mark NaN and infinities"),
          this.check("overwritten", "Show overwritten points"),
        ),
        ...this.sections(this),
        this.foldSection(),
        section(
          "Read off values",
          labelled("Mark", this.select("stepMark", STEP_MARKS)),
          this.check("linkSteps", "The same mark in all charts"),
          this.check("cardTables", "Table under each chart"),
        ),
        section(
          "Tooltip",
          labelled("Order", this.select("tipSort", TIP_SORTS)),
          labelled("Rows", this.numberField("tipRows", 1, 200)),
        ),
        section(
          "Cards",
          labelled("Width", this.slider("cardWidth", 280, 900)),
          labelled("Height", this.slider("plotHeight", 120, 600)),
        ),
      ),
    );
    const own = this.ends;
    this.ends = before;
    box.addEventListener(
      "toggle",
      ({ newState }) => newState === "closed" && own.forEach((end) => end()),
    );
  }

  marksField() {
    const input = make("input", {
      class: "input",
      type: "text",
      placeholder: "1000, 5000",
      spellcheck: false,
      "aria-label": "Vertical lines at",
      on: { change: () => this.state.set("marks", numbersIn(input.value)) },
    });
    this.follow(["marks"], () => (input.value = this.state.get("marks").join(", ")));
    return input;
  }

  fixedRange() {
    const field = (label) =>
      make("input", {
        class: "input sc-number",
        type: "number",
        step: "any",
        "aria-label": label,
        placeholder: label,
        on: { change: () => take() },
      });
    const low = field("from"),
      high = field("to");
    const take = () => {
      const range = [Number(low.value), Number(high.value)];
      const isWhole = low.value !== "" && high.value !== "" && range[1] > range[0];
      if (isWhole) this.state.set("yFixed", range);
    };
    const row = make("div", { class: "sc-pair" }, low, high);
    this.follow(["yMode", "yFixed"], () => {
      row.hidden = this.state.get("yMode") !== "fixed";
      const range = this.state.get("yFixed");
      if (range) [low.value, high.value] = range.map(String);
    });
    return row;
  }

  foldSection() {
    const on = make("input", {
      type: "checkbox",
      on: { change: () => this.state.set("fold", on.checked ? DEFAULT_FOLD : null) },
    });
    const change = (part) =>
      this.state.get("fold") && this.state.set("fold", { ...this.state.get("fold"), ...part });
    const pattern = make("input", {
      class: "input sc-code",
      type: "text",
      spellcheck: false,
      "aria-label": "Regular expression of the group's name",
      on: { change: () => change({ pattern: pattern.value }) },
    });
    const known = make("datalist", { id: "hparam-names" });
    const names = make("input", {
      class: "input sc-code",
      type: "text",
      spellcheck: false,
      placeholder: "lr, optimizer",
      "aria-label": "Hyperparameters that tell groups apart",
      on: { change: () => change({ names: split(names.value) }) },
    });
    const learn = async () => {
      const logged = await hparamNames();
      known.replaceChildren(...logged.map((value) => make("option", { value })));
      // Whatever tells runs apart, but for the seed, is a fair first guess.
      if (!this.state.get("fold")?.names?.length)
        change({ names: logged.filter((n) => !/seed/i.test(n)) });
    };
    names.setAttribute("list", known.id);
    const choose = (key, label, choices) => {
      const box = make(
        "select",
        {
          class: "select",
          "aria-label": label,
          on: { change: () => change({ [key]: box.value }) },
        },
        ...Object.entries(choices).map(([value, text]) => make("option", { value, text })),
      );
      return box;
    };
    const center = choose("center", "Line", { mean: "Mean", median: "Median" });
    const band = choose("band", "Band", {
      std: "± std",
      minmax: "Min to max",
      percentile: "16 to 84 %",
    });
    const by = choose("by", "Group by", { regex: "Name pattern", hparam: "Hyperparameters" });
    const patternRow = labelled("Pattern", pattern);
    const namesRow = labelled("Names", names);
    const details = make(
      "div",
      { class: "sc-fold" },
      labelled("Group by", picker(by)),
      patternRow,
      namesRow,
      known,
      labelled("Line", picker(center)),
      labelled("Band", picker(band)),
    );
    this.follow(["fold"], () => {
      const fold = this.state.get("fold");
      on.checked = Boolean(fold);
      details.hidden = !fold;
      if (!fold) return;
      [by.value, center.value, band.value] = [fold.by ?? "regex", fold.center, fold.band];
      pattern.value = fold.pattern ?? DEFAULT_FOLD.pattern;
      names.value = (fold.names ?? []).join(", ");
      patternRow.hidden = by.value === "hparam";
      namesRow.hidden = !patternRow.hidden;
      if (!namesRow.hidden && !known.childElementCount) void learn();
    });
    return section(
      "Seeds",
      make("label", { class: "sc-check" }, on, "Fold runs into bands"),
      details,
    );
  }

  numberField(key, min, max) {
    const input = make("input", {
      class: "input sc-number",
      type: "number",
      min: String(min),
      max: String(max),
      "aria-label": LABELS[key] ?? key,
      on: {
        change: () =>
          this.state.set(key, Math.min(max, Math.max(min, Math.round(Number(input.value)) || min))),
      },
    });
    this.follow([key], () => (input.value = String(this.state.get(key))));
    return input;
  }

  slider(key, min, max) {
    const input = make("input", {
      type: "range",
      class: "sc-slider",
      min: String(min),
      max: String(max),
      step: "4",
      "aria-label": LABELS[key],
      on: { input: () => this.state.set(key, Number(input.value)) },
    });
    this.follow([key], () => (input.value = String(this.state.get(key))));
    return input;
  }
}

const LABELS = {
  x: "X axis",
  smoothKind: "Kind of smoothing",
  yMode: "Range of y",
  stepMark: "Mark",
  tipSort: "Order of the tooltip",
  tipRows: "Rows of the tooltip",
  cardWidth: "Card width",
  plotHeight: "Plot height",
};

/** The numbers in a text, such as "1k"-free lists typed by hand: "100, 2e3 5000". */
export function numbersIn(text) {
  return text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number)
    .filter(Number.isFinite)
    .slice(0, 50);
}

const picker = (box) => make("div", { class: "picker" }, box, icon("chevron"));

const split = (text) =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

/** Return the names of the hyperparameters that any run has logged. */
async function hparamNames() {
  try {
    return Object.keys((await getJson("hparams")).hparams);
  } catch {
    return []; // the field stays a plain one
  }
}

export function labelled(text, field) {
  return make("div", { class: "sc-control" }, make("span", { class: "sc-label", text }), field);
}

export function section(title, ...rows) {
  return make("fieldset", { class: "sc-section" }, make("legend", { text: title }), ...rows);
}
