/** The Custom scalars page: charts as the training script laid them out, in its categories. */

import * as api from "./api.js";
import { CardsPage } from "./cards_page.js";
import { make } from "./chart_elements.js";
import { CustomCard, TAG_COLOURS } from "./custom_card.js";
import { icon, visible } from "./dom.js";
import { nameOf } from "./runs.js";
import { labelled, section } from "./scalars_bar.js";
import { KEPT, define, get, set } from "./state.js";
import { tagPattern } from "./tag_pattern.js";

define({ openChart: { ...KEPT.URL_ONLY, default: "" } });

const EXAMPLE = `writer.add_custom_scalars({
    "Losses": {
        "training and validation": ["Multiline", ["loss/(train|val)"]],
        "five folds": ["Margin", ["fold/mean", "fold/low", "fold/high"]],
    },
})`;

class CustomScalarsPage extends CardsPage {
  constructor(el) {
    const sections = (bar) => [
      section("Colours", labelled("Lines", bar.select("tagColours", TAG_COLOURS))),
    ];
    super(el, { openKey: "openChart", bar: { noun: "chart", sections } });
    this.root.classList.add("cs-page");
    this.problems = make("div", { class: "cs-problems" });
    this.grid.element.before(this.problems);
    this.ends.push(this.bar.state.subscribe(["tagColours"], () => this.eachCard(drawAgain)));
  }

  makeCard(info, options) {
    return new CustomCard(info, this, options);
  }

  groups() {
    return (this.categories ?? []).map(({ title, closed, infos }) => ({
      name: `custom:${title}`,
      title: visible(title) || "No title",
      infos,
      isOpen: !closed,
    }));
  }

  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const reply = await api.getJson("custom_scalars");
      if (turn !== this.turn) return;
      this.loadedVersion = reply.version;
      this.take(reply);
    } catch (error) {
      if (turn === this.turn) this.bar.setFound(0, 0, error.message);
    }
  }

  take({ categories, problems }) {
    const all = named(categories);
    this.infos = all.flatMap(({ infos }) => infos);
    this.count("loads");
    try {
      const matches = finder();
      this.categories = all
        .map((category) => ({ ...category, infos: category.infos.filter(matches) }))
        .filter(({ infos }) => infos.length);
      const shown = this.categories.flatMap(({ infos }) => infos).length;
      this.bar.setFound(shown, shown, "");
    } catch (error) {
      this.categories ??= all;
      this.bar.setFound(0, 0, error.message);
    }
    this.bar.offer(this.infos.map(({ title }) => title));
    this.arrange();
    this.sayProblems(problems);
    if (!this.infos.length)
      this.sayEmpty(NO_LAYOUT, make("pre", {}, make("code", { text: EXAMPLE })), views());
    else this.sayEmpty(this.categories.length ? null : NO_MATCH);
    if (this.infoOf(get("openChart"))) this.onOpen();
    else set("openChart", "");
  }

  sayProblems(problems) {
    this.problems.replaceChildren(
      ...problems.map(({ run, message }) =>
        make(
          "p",
          { class: "cs-problem" },
          icon("warning"),
          make("span", {
            text: `The layout of ${visible(nameOf(run))} is not shown: ${visible(message)}`,
          }),
        ),
      ),
    );
  }
}

const NO_LAYOUT = ["No layout yet", "Say once in the training script which tags share a chart:"];
const NO_MATCH = ["No chart matches", "Try fewer letters, or clear the search."];

const views = () =>
  make(
    "p",
    {},
    "Or put charts together here in the browser: ",
    make("a", { class: "link", href: "./views", data: { pageLink: "" }, text: "saved views" }),
  );

const drawAgain = (card) => card.recolour();

/** Give every chart a name of its own: "Category/Title", with a number where two share it. */
function named(categories) {
  const taken = new Map();
  return categories.map(({ title, closed, charts }) => ({
    title,
    closed,
    infos: charts.map((chart) => {
      const name = `${title}/${chart.title}`;
      const before = taken.get(name) ?? 0;
      taken.set(name, before + 1);
      const tag = before ? `${name} #${before + 1}` : name;
      const shown = chart.title || chart.tags[0] || chart.margins[0]?.value || "Untitled";
      return { ...chart, tag, title: shown, short: visible(shown) };
    }),
  }));
}

/** Return what tells whether a chart is searched for; throws where the search is no pattern. */
function finder() {
  const pattern = tagPattern(get("tagFilter"), get("tagRegex"));
  if (!pattern) return () => true;
  const regex = new RegExp(pattern, "i");
  return ({ tag, tags, margins }) =>
    [tag, ...tags, ...margins.flatMap((one) => Object.values(one))].some((text) =>
      regex.test(text),
    );
}

export default {
  render({ el }) {
    const page = new CustomScalarsPage(el);
    return () => page.destroy();
  },
};
