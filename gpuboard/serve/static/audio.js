/** The Audio page: cards of sounds, one player for all of them. */

import { AudioCard } from "./audio_card.js";
import { Player } from "./audio_player.js";
import { iconButton, make, popover } from "./chart_elements.js";
import { icon } from "./dom.js";
import { KEPT, define, get, set, subscribe } from "./state.js";
import { ValuePage } from "./value_page.js";

define({
  audioScale: { ...KEPT.URL_AND_LOCAL, default: "mel", choices: ["mel", "linear"] },
  audioWindow: {
    ...KEPT.URL_AND_LOCAL,
    default: "1024",
    choices: ["256", "512", "1024", "2048", "4096"],
  },
  audioRange: { ...KEPT.URL_AND_LOCAL, default: "80", choices: ["40", "60", "80", "100", "120"] },
  audioFit: { ...KEPT.URL_AND_LOCAL, default: false }, // true: waveforms fill their height
  audioLoop: { ...KEPT.LOCAL_ONLY, default: false },
  audioVolume: { ...KEPT.LOCAL_ONLY, default: 0.8, min: 0, max: 1 },
  audioSpeed: { ...KEPT.MEMORY, default: 1, min: 0.25, max: 4 },
});

const SPEEDS = { 0.25: "¼ ×", 0.5: "½ ×", 0.75: "¾ ×", 1: "1 ×", 1.5: "1½ ×", 2: "2 ×" };

const EMPTY = {
  title: "No sounds yet",
  text: "Log samples between −1 and 1, and their rate, with",
  code: 'writer.add_audio("val/sample", sound, step, sample_rate=16000)',
};

class AudioPage extends ValuePage {
  constructor(el) {
    super(el, {
      kind: "audio",
      title: "Audio",
      makeCard: (info, page) => new AudioCard(info, page),
      tools: tools(),
      redraw: ["audioScale", "audioWindow"],
      empty: EMPTY,
    });
    this.player = new Player();
    this.views = new Map(); // by tag: [from, to] in seconds
    this.selections = new Map(); // by tag: [from, to] in seconds
    this.samples = new Map(); // by tag: which sound of a batch
    this.channels = new Map(); // by tag: of which channel the spectrogram is
    this.lastOther = null;
    this.ends.push(
      subscribe(["audioVolume", "audioSpeed"], () => this.player.restyle()),
      subscribe(["audioRange", "audioFit"], () => this.grid.each((card) => card.relook())),
      subscribe(["audioLoop"], () => this.grid.each((card) => card.showLoop())),
    );
  }

  destroy() {
    this.player.destroy();
    super.destroy();
  }

  onTheme() {
    this.grid.each((card) => (card.cells = null));
    super.onTheme();
  }

  /* what the cards of one tag have in common */

  cardsOf(tag) {
    return this.grid.visible.filter((card) => card.tag === tag);
  }

  setView(tag, view) {
    if (view) this.views.set(tag, view);
    else this.views.delete(tag);
    for (const card of this.cardsOf(tag)) {
      card.paintSoon();
      card.showTime();
      card.askFiner();
    }
  }

  select(tag, range) {
    const isReal = range && range[1] - range[0] > 0.001;
    if (isReal) this.selections.set(tag, range);
    else this.selections.delete(tag);
    for (const card of this.cardsOf(tag)) {
      card.placeMarks();
      card.showTime();
    }
  }

  chooseSample(tag, at) {
    this.samples.set(tag, at);
    for (const card of this.cardsOf(tag)) card.restyle();
  }

  chooseChannel(tag, at) {
    this.channels.set(tag, at);
    for (const card of this.cardsOf(tag)) card.restyle();
  }

  /* A/B */

  hasOthers(card) {
    return this.grid.cards.filter(({ tag }) => tag === card.tag).length > 1;
  }

  /** Let another run of the tag go on where this one is; from there, come back to this one. */
  alternate(card) {
    const { player } = this;
    if (player.card !== card || player.element.paused) {
      if (player.card && player.card !== card) this.lastOther = player.card;
      return player.isPlaying(card) ? undefined : player.toggle(card);
    }
    const cards = [...this.grid.alive].filter(({ tag }) => tag === card.tag);
    const known = cards.includes(this.lastOther) && this.lastOther !== card ? this.lastOther : null;
    const next = known ?? cards[(cards.indexOf(card) + 1) % cards.length];
    return next === card ? undefined : player.toggle(next);
  }
}

function tools() {
  const look = iconButton("tune", "How sounds are shown and played", () =>
    popover(look, options(), { name: "au-options" }),
  );
  look.setAttribute("aria-haspopup", "dialog");
  return [look];
}

function options() {
  const volume = make("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.01",
    value: String(get("audioVolume")),
    on: { input: () => set("audioVolume", Number(volume.value)) },
  });
  const fit = make("input", {
    type: "checkbox",
    checked: get("audioFit"),
    on: { change: () => set("audioFit", fit.checked) },
  });
  return make(
    "div",
    { class: "au-form-grid" },
    make("label", { class: "au-row" }, make("span", { text: "Volume" }), volume),
    choice("Speed", "audioSpeed", SPEEDS),
    make("hr"),
    choice("Frequencies", "audioScale", { mel: "Mel", linear: "Linear" }),
    choice("Window", "audioWindow", numbered(["256", "512", "1024", "2048", "4096"], "samples")),
    choice("Levels", "audioRange", numbered(["40", "60", "80", "100", "120"], "dB")),
    make("label", { class: "au-check" }, fit, "Waveforms fill their height"),
  );
}

const numbered = (values, unit) =>
  Object.fromEntries(values.map((value) => [value, `${value} ${unit}`]));

function choice(title, key, names) {
  const values = Object.keys(names).sort((a, b) => (Number(a) || 0) - (Number(b) || 0));
  const select = make(
    "select",
    {
      class: "select",
      on: {
        change: () => set(key, typeof get(key) === "number" ? Number(select.value) : select.value),
      },
    },
    ...values.map((value) => make("option", { value, text: names[value] })),
  );
  select.value = String(get(key));
  return make(
    "label",
    { class: "au-row" },
    make("span", { text: title }),
    make("span", { class: "picker" }, select, icon("down")),
  );
}

export default {
  render({ el }) {
    const page = new AudioPage(el);
    return () => page.destroy();
  },
};
