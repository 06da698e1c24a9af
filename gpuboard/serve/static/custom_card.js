/** A card of several tags in one chart: lines of all that match, or values with their margins. */

import * as api from "./api.js";
import { Card } from "./card.js";
import { LINE } from "./card_menu.js";
import { make, popover } from "./chart_elements.js";
import { toSeries } from "./curves.js";
import { icon, visible } from "./dom.js";
import { count } from "./format.js";
import { PALETTE } from "./palette.js";
import { idRanges, nameOf } from "./runs.js";
import { KEPT, define } from "./state.js";
import { PLAIN, legendButton, nameTags, styleOfTag } from "./tag_styles.js";
import { addToView } from "./view_pins.js";

define({
  // by chart: tags that are not drawn
  hiddenTags: {
    ...KEPT.URL_ONLY,
    default: {},
    check: (v) => Object.values(v).every(Array.isArray),
  },
  tagColours: { ...KEPT.URL_AND_LOCAL, default: "auto", choices: ["auto", "run", "tag"] },
});

export const TAG_COLOURS = {
  auto: "By run; of one run by tag",
  run: "By run",
  tag: "By tag",
};

export class CustomCard extends Card {
  /**
   * @param {object} info `tag` (name of the chart), `title`, and `tags` (regular expressions) or
   *   `margins` (`{value, lower, upper}`).
   * @param {object} page as for `Card`.
   */
  constructor(info, page, options) {
    super({ tags: [], margins: [], ...info }, page, options);
  }

  build(title) {
    const element = super.build(title);
    this.legend = make("div", { class: "cs-legend", role: "group", "aria-label": "Tags" });
    this.plot.after(this.legend);
    return element;
  }

  describe() {
    const { margins, tags, title } = this.info;
    const lines = margins.map(({ value, lower, upper }) => `${value} (${lower} to ${upper})`);
    return [title, ...(lines.length ? lines : tags)].join("\n");
  }

  buttons() {
    return this.usualButtons();
  }

  menu() {
    const isWide = this.get("wide").includes(this.tag);
    return [
      { text: "Log y axis", fn: () => this.toggleLog(), checked: this.isLogY() },
      this.detail ? null : { text: "Full width", fn: () => this.toggleWide(), checked: isWide },
      { text: "Add to a view", fn: () => addToView(this.viewSpec(), this.moreButton) },
      this.hidden().length ? { text: "Show all tags", fn: () => this.hide([]) } : null,
      LINE,
      ...this.dataItems(),
      LINE,
      ...this.figureItems(),
    ];
  }

  dataItems() {
    return [{ text: "Data of a tag", fn: () => this.openDownloads() }];
  }

  openDownloads() {
    const row = (tag) =>
      make(
        "tr",
        {},
        make("td", { class: "cs-tag-name", text: visible(tag), title: tag }),
        ...["csv", "json", "parquet"].map((format) =>
          make(
            "td",
            {},
            make("button", {
              type: "button",
              class: "link",
              text: format === "parquet" ? "Parquet" : format.toUpperCase(),
              on: { click: () => this.download(tag, format) },
            }),
          ),
        ),
      );
    const tags = this.info.margins.length
      ? this.info.margins.flatMap(({ value, lower, upper }) => [value, lower, upper])
      : this.tags();
    const body = tags.length
      ? make("table", { class: "cs-downloads" }, ...tags.map(row))
      : make("p", { text: "No tag of the selected runs matches." });
    popover(this.moreButton, body);
  }

  viewSpec() {
    const { tags, margins, title } = this.info;
    return { kind: "custom", title, tags, margins, hidden: this.hidden(), ...this.viewStyle() };
  }

  /** Names of the tags that the answer on screen is about. */
  tags() {
    return this.reply?.tags ?? [];
  }

  hidden() {
    return this.get("hiddenTags")[this.tag] ?? [];
  }

  hide(tags) {
    const { [this.tag]: _, ...others } = this.get("hiddenTags");
    this.state.set("hiddenTags", tags.length ? { ...others, [this.tag]: tags } : others);
    this.show();
  }

  /* what is asked for */

  ask(request) {
    return api.curves(request, { path: "curves/custom" });
  }

  request(runs) {
    const { tag: _, ...request } = super.request(runs);
    const { tags, margins } = this.info;
    return margins.length ? { ...request, margins, fold: null } : { ...request, tags };
  }

  lineCount(runs) {
    return runs.length * Math.max(1, this.tags().length);
  }

  async askAt(request, series) {
    const indices = [...new Set(series.map(({ tagIndex }) => tagIndex))];
    const names = this.tags();
    const columns = await api.postJson("at/custom", {
      tags: indices.map((index) => names[index]),
      runs: idRanges(new Set(series.map(({ run }) => run))),
      ...request,
    });
    return {
      ...columns,
      tag: columns.tag.map((k) => names[indices[k]]),
      key: columns.run.map((run, i) => `${indices[columns.tag[i]]}:${run}`),
    };
  }

  tableSeries() {
    const hidden = new Set(this.hidden());
    const shown = this.tags().flatMap((tag, tagIndex) => (hidden.has(tag) ? [] : [tagIndex]));
    const runs = Array.from(this.page.selected() ?? []);
    return runs.flatMap((run) => shown.map((tagIndex) => ({ run, tagIndex })));
  }

  /* how it is drawn */

  emptyText() {
    const { margins } = this.info;
    if (!this.page.selected()?.length) return super.emptyText();
    if (this.tags().length && !margins.length) return "All tags are hidden.";
    return margins.length ? super.emptyText() : "No tag of the selected runs matches.";
  }

  isByTag() {
    const wish = this.get("tagColours");
    return wish === "auto"
      ? this.page.selected()?.length === 1 && !this.get("fold")
      : wish === "tag";
  }

  styleOf(index) {
    return this.isByTag() ? PLAIN : styleOfTag(index);
  }

  colourOf(series) {
    const index = series.tagIndex ?? series.tag ?? parseInt(series.key, 10);
    return this.isByTag() ? PALETTE[index % PALETTE.length] : super.colourOf(series);
  }

  seriesOf(lines) {
    this.shownByTag = this.isByTag();
    const names = this.tags();
    const hidden = new Set(this.hidden());
    const shown = lines.filter((line) => !hidden.has(names[line.tag]));
    const series = toSeries({ lines: shown }, { nameOf, colourOf: (line) => this.colourOf(line) });
    return nameTags(series, names, (index) => this.styleOf(index));
  }

  show() {
    super.show();
    this.showLegend();
  }

  recolour() {
    if (this.reply) this.show();
    super.recolour();
  }

  restyle() {
    super.restyle();
    if (this.reply && this.shownByTag !== this.isByTag()) this.show();
  }

  /* the tags under the chart */

  showLegend() {
    const names = this.tags();
    const { problems = [], tagsTotal = 0 } = this.reply ?? {};
    const more = tagsTotal - names.length;
    this.legend.replaceChildren(
      ...names.map((tag, index) => this.tagButton(tag, index)),
      ...(more > 0
        ? [make("span", { class: "cs-more", text: `and ${count(more)} more tags` })]
        : []),
      ...problems.map((problem) => this.problemLine(problem)),
    );
  }

  tagButton(tag, index) {
    const hidden = this.hidden();
    const isShown = !hidden.includes(tag);
    const colour = this.isByTag() ? this.colourOf({ tagIndex: index }) : "currentcolor";
    const others = this.tags().filter((one) => one !== tag);
    const isAlone = isShown && others.every((one) => hidden.includes(one));
    return legendButton(tag, {
      colour,
      style: this.styleOf(index),
      isShown,
      title: `${tag}\nClick to ${isShown ? "hide" : "show"} it, with Alt to show it alone`,
      click: ({ altKey }) => {
        if (altKey) this.hide(isAlone ? [] : others);
        else this.hide(isShown ? [...hidden, tag] : hidden.filter((one) => one !== tag));
      },
    });
  }

  problemLine({ pattern, message }) {
    const text = this.info.tags[pattern];
    return make(
      "p",
      { class: "cs-problem", role: "status" },
      icon("warning"),
      make("span", { text: text ? `${visible(text)}: ${visible(message)}` : visible(message) }),
    );
  }
}
