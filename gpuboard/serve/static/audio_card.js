/** A card of one sound: waveform and spectrogram over one axis of time, and what plays it. */

import { fetchSpectrogram, fetchWave, soundBlob } from "./audio_data.js";
import { factsOf, secondsText } from "./audio_facts.js";
import { AudioInput } from "./audio_input.js";
import {
  GUTTER,
  levelsToCanvas,
  paintSpectrogram,
  paintTime,
  paintWave,
  ramp,
} from "./audio_paint.js";
import { fileName, icon as drawnIcon, iconButton, make, saveAs } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { icon, oncePerFrame } from "./dom.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { ValueCard } from "./value_card.js";

const WAVE_HEIGHT = 84;
const SPECTROGRAM_HEIGHT = 132;
const FINER_MS = 120;

export class AudioCard extends ValueCard {
  constructor(info, page) {
    super(info, page);
    this.position = 0; // seconds, while another card plays
    this.seconds = 0;
    this.wave = null;
    this.build();
    this.paintSoon = oncePerFrame(() => this.paint());
    this.resizes = new ResizeObserver(() => this.onResize());
    this.resizes.observe(this.plot);
  }

  build() {
    this.facts = make("div", { class: "au-facts" });
    this.waveCanvas = make("canvas", { class: "au-wave" });
    this.levelCanvas = make("canvas", { class: "au-levels" });
    this.timeCanvas = make("canvas", { class: "au-time" });
    this.chosen = make("div", { class: "au-chosen", hidden: true });
    this.playhead = make("div", { class: "au-head", hidden: true });
    this.pointer = make("output", { class: "au-pointer", hidden: true });
    this.plot = make(
      "div",
      {
        class: "au-plot",
        tabIndex: 0,
        role: "slider",
        "aria-label": "Position in the sound",
        "data-keys": "",
      },
      this.waveCanvas,
      this.levelCanvas,
      this.timeCanvas,
      this.chosen,
      this.playhead,
      this.pointer,
    );
    this.input = new AudioInput(this);
    this.whole = make("div", { class: "au" }, this.facts, this.plot, this.controls());
    const wide = iconButton("wide", "Full width", () => this.toggleWide());
    const save = make(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square sc-small",
        title: "Download as WAV",
        "aria-label": "Download as WAV",
        on: { click: () => this.download() },
      },
      icon("download"),
    );
    this.tools.append(wide, save);
  }

  controls() {
    const button = (name, label, fn, art = icon(name)) =>
      make(
        "button",
        {
          type: "button",
          class: "button is-quiet is-square",
          title: label,
          "aria-label": label,
          on: { click: fn },
        },
        art,
      );
    this.play = button("play", "Play", () => this.page.player.toggle(this));
    this.play.classList.add("au-play");
    this.other = make("button", {
      type: "button",
      class: "button is-quiet au-other",
      text: "A/B",
      title: "Go on with the next run from the same place, or come back",
      on: { click: () => this.page.alternate(this) },
    });
    this.loop = make("button", {
      type: "button",
      class: "button is-quiet au-loop",
      text: "Loop",
      title: "Play the selected range, or all, again and again",
      on: { click: () => set("audioLoop", !get("audioLoop")) },
    });
    this.zoomIn = make("button", {
      type: "button",
      class: "button is-quiet",
      text: "Zoom to selection",
      hidden: true,
      on: { click: () => this.input.zoomToSelection() },
    });
    this.zoomOut = button(
      "fit",
      "Show all of the sound",
      () => this.page.setView(this.tag, null),
      drawnIcon("fit"),
    );
    this.clock = make("span", { class: "au-clock" });
    const gap = make("span", { class: "au-gap" });
    return make(
      "div",
      { class: "au-controls" },
      this.play,
      this.clock,
      gap,
      this.zoomIn,
      this.zoomOut,
      this.other,
      this.loop,
    );
  }

  destroy() {
    this.page.player.drop(this);
    this.resizes.disconnect();
    clearTimeout(this.finer);
    super.destroy();
  }

  recolour() {
    super.recolour();
    if (this.wave) this.paintSoon();
  }

  /* what is shown */

  keyOf(places) {
    const look = [
      get("audioScale"),
      get("audioWindow"),
      this.sample(),
      this.channel(),
      get("dark"),
    ];
    return `${super.keyOf(places)} ${look.join(" ")} ${this.view() ?? ""}`;
  }

  sample() {
    return this.page.samples.get(this.tag) ?? 0;
  }

  channel() {
    return this.page.channels.get(this.tag) ?? 0;
  }

  query() {
    const { run, tag } = this;
    return { run, tag, ref: this.ref, sample: this.sample() };
  }

  soundKey() {
    return JSON.stringify(this.query());
  }

  async draw([place]) {
    this.ref = place.ref;
    const query = { ...this.query(), width: this.columns() };
    const view = this.wantedView();
    if (view) Object.assign(query, { first: view[0], end: view[1] });
    const how = { scale: get("audioScale"), window: get("audioWindow"), channel: this.channel() };
    const [wave, levels] = await Promise.all([
      fetchWave(query),
      fetchSpectrogram({ ...query, ...how }),
    ]);
    if (this.isGone) return;
    Object.assign(this, { wave, levels, cells: null });
    const { rate, frames } = wave.header;
    this.rate = rate;
    this.frames = frames;
    this.seconds = frames / rate;
    if (this.body.firstChild !== this.whole) this.body.replaceChildren(this.whole);
    this.facts.replaceChildren(...factsOf(this));
    this.paint();
    this.showTime();
    this.page.player.renew(this).catch((error) => this.complain(error));
  }

  columns() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(Math.max(this.width(), 200) * ratio);
    return Math.min(Math.ceil(width / 64) * 64, 4096);
  }

  width() {
    const width = this.plot.clientWidth || (this.element.clientWidth || 420) - 24;
    return Math.max(width - GUTTER.left - GUTTER.right, 40);
  }

  /** The range of time that cards of this tag show, in seconds, null for all. */
  view() {
    return this.page.views.get(this.tag) ?? null;
  }

  /** The range to ask for, in frames; null for all, and before the rate is known. */
  wantedView() {
    const view = this.view();
    if (!view || !this.rate) return null;
    const first = Math.max(Math.floor(view[0] * this.rate), 0);
    return [first, Math.max(Math.ceil(view[1] * this.rate), first + 1)];
  }

  shownView() {
    const view = this.view();
    return view ? view.map((time) => time * this.rate) : [0, Math.max(this.frames, 1)];
  }

  /** The range that is selected, in seconds, null for none. */
  selection() {
    return this.page.selections.get(this.tag) ?? null;
  }

  onResize() {
    if (!this.wave) return;
    this.paintSoon();
    if (this.columns() > this.wave.header.columns * 1.3) this.askFiner();
  }

  askFiner() {
    clearTimeout(this.finer);
    this.finer = setTimeout(() => this.restyle(), FINER_MS);
  }

  paint() {
    if (!this.wave || !this.plot.isConnected) return;
    const theme = this.page.theme();
    const width = this.width();
    const view = this.shownView();
    const lanes = Math.min(this.wave.channels.length, 8);
    const height = Math.max(WAVE_HEIGHT, lanes * 44);
    this.waveCanvas.style.height = `${height}px`;
    const top = get("audioFit") ? this.peak() : 1;
    paintWave(this.waveCanvas, {
      wave: this.wave,
      view,
      width,
      height,
      top,
      colour: colourOf(this.run),
      theme,
    });
    const range = Number(get("audioRange"));
    const pixels = ramp(get("dark"));
    this.cells ??= levelsToCanvas(this.levels, { pixels, range });
    const { header } = this.levels;
    const look = {
      cells: this.cells,
      header,
      view,
      width,
      height: SPECTROGRAM_HEIGHT,
      range,
      pixels,
      theme,
    };
    paintSpectrogram(this.levelCanvas, look);
    paintTime(this.timeCanvas, { view, rate: this.rate, width, theme });
    this.placeMarks();
  }

  peak() {
    let peak = 0;
    for (const { low, high } of this.wave.channels) {
      for (let i = 0; i < low.length; i++) peak = Math.max(peak, high[i], -low[i]);
    }
    return Math.max(peak, 1e-4);
  }

  /** Paint with other colours or another range of levels; what was fetched is kept. */
  relook() {
    this.cells = null;
    this.restyle();
    this.paintSoon();
    this.showLoop();
  }

  /* time */

  onTime(time) {
    this.position = time;
    this.showTime();
    this.placeMarks();
  }

  onPlaying(isPlaying) {
    if (this.wasPlaying === isPlaying) return;
    this.wasPlaying = isPlaying;
    this.play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    this.play.title = isPlaying ? "Pause" : "Play";
    this.play.setAttribute("aria-label", this.play.title);
    this.element.classList.toggle("au-on", isPlaying);
  }

  complain(error) {
    this.clock.textContent =
      error.status === undefined
        ? "This browser cannot play it; download it instead"
        : error.message;
  }

  showTime() {
    this.position = Math.min(this.position, this.seconds);
    const shown = this.selection();
    this.clock.textContent = `${this.position.toFixed(2)} / ${secondsText(this.seconds)}`;
    this.zoomIn.hidden = !shown || this.isInView(shown);
    this.zoomOut.hidden = !this.view();
    this.other.hidden = !this.page.hasOthers(this);
    this.plot.setAttribute("aria-valuemin", "0");
    this.plot.setAttribute("aria-valuemax", this.seconds.toFixed(2));
    this.plot.setAttribute("aria-valuenow", this.position.toFixed(2));
    this.plot.setAttribute("aria-valuetext", `${this.position.toFixed(2)} seconds`);
    this.showLoop();
  }

  /** Whether a range is just what the card shows. */
  isInView(range) {
    const view = this.view();
    return view !== null && range.every((time, i) => Math.abs(time - view[i]) < 1e-6);
  }

  showLoop() {
    this.loop.setAttribute("aria-pressed", String(get("audioLoop")));
  }

  xOf(seconds) {
    const [from, to] = this.shownView();
    return ((seconds * this.rate - from) / (to - from)) * this.width();
  }

  placeMarks() {
    if (!this.wave) return;
    const width = this.width();
    const x = this.xOf(this.position);
    this.playhead.hidden = x < -0.5 || x > width + 0.5;
    this.playhead.style.transform = `translateX(${GUTTER.left + x}px)`;
    const range = this.selection();
    this.chosen.hidden = !range;
    if (!range) return;
    const [left, right] = range.map((time) => Math.min(Math.max(this.xOf(time), 0), width));
    this.chosen.style.left = `${GUTTER.left + left}px`;
    this.chosen.style.width = `${Math.max(right - left, 1)}px`;
  }

  toggleWide() {
    this.slot.classList.toggle("is-wide");
  }

  async download() {
    try {
      const step = this.places()[0]?.step ?? "";
      const name = `${nameOf(this.run)}-${this.tag}-${step}${this.sample() ? `-${this.sample() + 1}` : ""}`;
      saveAs(`${fileName(name)}.wav`, await soundBlob(this.query()));
    } catch (error) {
      this.complain(error);
    }
  }
}
