/** One of the pictures that the viewer shows: which run, step, sample and frame, and its pixels. */

import { make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, visible } from "./dom.js";
import { count, dateTime, exactCount } from "./format.js";
import { PixelValues } from "./images_source.js";
import { nameOf } from "./runs.js";
import { get } from "./state.js";
import { indexAt } from "./steps.js";

const TAGS_OFFERED = 500;
const FRAME_MS = 100; // while the pace of a moving picture is not known

export class Side {
  /**
   * @param {"A" | "B"} letter
   * @param {object} page `steps`, `source`, `tags`.
   * @param {object} on `choose(changes)`: the user wants another `tag`, `run`, `at` or `sample`;
   *   `painted()`: there is something new to be drawn; `values()`: pixel values are known.
   */
  constructor(letter, page, on) {
    this.letter = letter;
    this.page = page;
    this.on = on;
    this.wanted = null; // {tag, run, at, sample}
    this.frame = 0; // of a moving picture
    this.timer = 0;
    this.painted = null;
    this.picture = null;
    this.error = "";
    this.values = new PixelValues(() => on.values());
    this.swatch = make("i", { class: "vc-swatch" });
    this.tag = this.select("Tag", (value) => on.choose({ tag: value }));
    this.run = this.select("Run", (value) => on.choose({ run: Number(value) }));
    this.sample = this.select("Sample", (value) => on.choose({ sample: Number(value) }));
    this.slider = this.range("Step", (index) => this.chooseStep(index));
    this.label = make("span", { class: "iv-step" });
    this.link = button("link", "Follow the step of A", () => on.choose({ at: undefined }));
    this.link.hidden = letter === "A";
    this.frames = this.range("Frame", (frame) => this.seek(frame));
    this.frameLabel = make("span", { class: "iv-step" });
    this.player = button("play", "Play", () => this.togglePlaying());
    this.filmBox = make(
      "div",
      { class: "iv-film", hidden: true },
      this.player,
      this.frames,
      this.frameLabel,
    );
    this.element = make(
      "div",
      { class: "iv-side", role: "group", "aria-label": `Picture ${letter}` },
      make("span", { class: "iv-letter", text: letter }),
      this.tag.box,
      this.swatch,
      this.run.box,
      this.slider,
      this.label,
      this.link,
      this.sample.box,
      this.filmBox,
    );
  }

  select(label, choose) {
    const select = make("select", {
      class: "select",
      "aria-label": `${label} of ${this.letter}`,
      on: { change: () => choose(select.value) },
    });
    const box = make("div", { class: `picker iv-${label.toLowerCase()}` }, select, icon("down"));
    return { select, box };
  }

  range(label, choose) {
    const range = make("input", {
      type: "range",
      class: "iv-slider",
      min: "0",
      step: "1",
      "aria-label": `${label} of ${this.letter}`,
      on: { input: () => choose(Number(range.value)) },
    });
    return range;
  }

  /** Show this from now on: the newest wish waits for what is being fetched, older ones go. */
  async show(wanted) {
    this.wanted = wanted;
    this.showChoices();
    if (this.isBusy) {
      this.isWaiting = true;
      return;
    }
    this.isBusy = true;
    try {
      do {
        this.isWaiting = false;
        await this.load(this.wanted);
      } while (this.isWaiting && !this.isGone);
    } finally {
      this.isBusy = false;
    }
  }

  destroy() {
    this.isGone = true;
    clearTimeout(this.timer);
  }

  /* frames of a moving picture */

  seek(frame) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.frame = frame;
    return this.show(this.wanted);
  }

  togglePlaying() {
    if (this.timer) this.seek(this.frame);
    else this.playOn();
    this.showFilm();
  }

  async playOn() {
    const { frames } = this.painted ?? {};
    if (!(frames > 1)) return;
    const sheet = await this.page.source.sheet(this.picture, "frames").catch(() => null);
    const pace = sheet?.sheet.durations[0] ?? FRAME_MS;
    const next = async () => {
      this.frame = (this.frame + 1) % frames;
      await this.show(this.wanted);
      if (this.timer && !this.isGone) this.timer = setTimeout(next, pace);
    };
    this.timer = setTimeout(next, pace);
    this.showFilm();
  }

  async load(wanted) {
    try {
      await this.page.steps.load(wanted.tag, [wanted.run]);
      this.showSteps();
      const picture = this.pictureOf(wanted);
      if (this.isOther(picture)) this.frame = picture.frame = 0;
      if (!picture) throw new Error("This run has no such picture.");
      const { source } = this.page;
      if (!this.painted) this.take(await source.picture(picture, "thumb"), picture);
      this.take(await source.picture(picture, "full"), picture);
    } catch (error) {
      this.error = error.message;
      this.painted = null;
      this.on.painted(this);
    }
  }

  take(painted, picture) {
    if (this.isGone) return;
    this.error = painted.bitmap ? "" : "A batch without pictures";
    this.painted = painted.bitmap ? painted : null;
    this.picture = picture;
    this.values.show(picture);
    this.showParts(painted);
    this.on.painted(this);
  }

  /** Tell whether this is another value than the one on screen, whose frames have no say in it. */
  isOther(picture) {
    return Boolean(picture && this.picture) && picture.ref !== this.picture.ref;
  }

  /** Where the slider stands: index, number of steps, and the columns themselves. */
  position() {
    const columns = this.page.steps.of(this.wanted.tag, this.wanted.run);
    return { index: indexAt(columns.step, this.wanted.at), columns };
  }

  pictureOf({ tag, run, sample }) {
    const { index, columns } = this.position();
    if (index < 0) return null;
    return { run, tag, ref: columns.ref[index], at: columns.wall[index], sample, frame: this.frame };
  }

  /** The step as logged, "" when nothing is shown. */
  get step() {
    const { index, columns } = this.position();
    return columns.label[index] ?? "";
  }

  chooseStep(index) {
    const { columns } = this.position();
    const isLast = index >= columns.step.length - 1;
    this.on.choose({ at: isLast ? null : columns.step[index] });
  }

  /** Go on by a number of steps. */
  move(by) {
    const { index, columns } = this.position();
    if (index >= 0) this.chooseStep(Math.min(Math.max(index + by, 0), columns.step.length - 1));
  }

  showChoices() {
    const { tag, run } = this.wanted;
    const tags = this.page.tags ?? [];
    const offered = tags.slice(0, TAGS_OFFERED).map((one) => one.tag);
    if (!offered.includes(tag)) offered.unshift(tag);
    fill(this.tag.select, offered.map((one) => [one, visible(one)]), tag);
    const having = tags.find((one) => one.tag === tag)?.runs ?? new Set([run]);
    const runs = Array.from(get("selected") ?? []).filter((id) => having.has(id));
    if (!runs.includes(run)) runs.unshift(run);
    fill(this.run.select, runs.map((id) => [String(id), visible(nameOf(id))]), String(run));
    this.run.select.title = nameOf(run);
    this.swatch.style.background = colourOf(run);
    this.showSteps();
  }

  showSteps() {
    const { index, columns } = this.position();
    this.slider.hidden = columns.step.length < 2;
    this.slider.max = String(Math.max(columns.step.length - 1, 0));
    this.slider.value = String(Math.max(index, 0));
    this.label.textContent = index < 0 ? "" : `step ${exactCount(columns.label[index])}`;
    this.label.title =
      index < 0
        ? ""
        : `Value ${index + 1} of ${columns.step.length}, logged ${dateTime(columns.wall[index])}`;
  }

  showParts({ samples, frames }) {
    const { sample = 0 } = this.wanted;
    this.sample.box.hidden = samples < 2;
    if (samples > 1) {
      const names = Array.from({ length: samples }, (_, i) => [String(i), `sample ${i + 1}`]);
      fill(this.sample.select, names, String(sample));
    }
    this.filmBox.hidden = frames < 2;
    this.frames.max = String(Math.max(frames - 1, 0));
    this.showFilm(frames);
  }

  showFilm(frames = this.painted?.frames ?? 1) {
    this.frames.value = String(this.frame);
    this.frameLabel.textContent = `frame ${count(this.frame + 1)} of ${count(frames)}`;
    const name = this.timer ? "Pause" : "Play";
    if (this.player.title === name) return;
    this.player.replaceChildren(icon(name.toLowerCase()));
    this.player.title = name;
    this.player.setAttribute("aria-label", name);
  }
}

const button = (name, label, fn) =>
  make(
    "button",
    {
      type: "button",
      class: "button is-quiet is-square",
      title: label,
      "aria-label": label,
      on: { click: fn },
    },
    icon(name),
  );

/** Offer these [value, text] pairs; an unchanged list is left alone, so an open one stays open. */
function fill(select, choices, value) {
  const key = JSON.stringify(choices);
  if (select.dataset.choices !== key) {
    select.dataset.choices = key;
    select.replaceChildren(
      ...choices.map(([one, text]) => make("option", { value: one, text })),
    );
  }
  select.value = value;
}
