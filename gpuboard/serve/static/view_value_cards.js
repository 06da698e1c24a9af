/**
 * Cards of heavy values in a view: the very cards of their pages, at the latest step or at one.
 *
 * A page module is imported for the choices that it defines; its cards ask a host for what they
 * share with others on their page, which here is each card alone.
 */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { runs } from "./runs.js";
import { StepTable } from "./steps.js";

const nothing = () => {};

/** Go to the page of a card with its tag in the search field. */
const goTo = (page, tag) => () => {
  location.href = `./${page}?${new URLSearchParams({ tagFilter: tag, tagRegex: "0" })}`;
};

/** By kind: the card class, and what its host has beyond `steps` and `theme()`. */
const KINDS = {
  histogram: async ({ tag }) => {
    await import("./histograms.js");
    const { HistogramCard } = await import("./histograms_card.js");
    const { HistogramTip } = await import("./histograms_tip.js");
    const open = goTo("histograms", tag);
    return [
      HistogramCard,
      { tip: new HistogramTip(), extents: new Map(), isSelected: () => true, learn: nothing, open, openMenu: open },
    ];
  },
  image: async ({ tag }) => {
    await import("./images.js");
    const { ImageCard } = await import("./images_card.js");
    const { PictureSource } = await import("./images_source.js");
    const [aspects, source] = [new Map(), new PictureSource()];
    return [ImageCard, { aspects, source, openViewer: goTo("images", tag), onSamples: nothing, expect: nothing }];
  },
  text: async ({ tag }) => {
    await import("./text.js");
    const { TextCard } = await import("./text_card.js");
    return [TextCard, { unfolded: new Set(), open: goTo("text", tag), wordsIn: () => [] }];
  },
  pr_curve: async () => {
    await import("./pr_curves.js");
    return [(await import("./pr_curves_card.js")).PrCard, {}];
  },
  audio: async () => {
    await import("./audio.js");
    const { AudioCard } = await import("./audio_card.js");
    const { Player } = await import("./audio_player.js");
    return [AudioCard, audioHost(new Player())];
  },
};

function audioHost(player) {
  const host = {
    player,
    views: new Map(),
    selections: new Map(),
    samples: new Map(),
    channels: new Map(),
    card: null,
    hasOthers: () => false,
    alternate: nothing,
    setView(tag, view) {
      if (view) host.views.set(tag, view);
      else host.views.delete(tag);
      host.card.paintSoon();
      host.card.showTime();
      host.card.askFiner();
    },
    select(tag, range) {
      if (range && range[1] - range[0] > 0.001) host.selections.set(tag, range);
      else host.selections.delete(tag);
      host.card.placeMarks();
      host.card.showTime();
    },
    chooseSample(tag, at) {
      host.samples.set(tag, at);
      host.card.restyle();
    },
    chooseChannel(tag, at) {
      host.channels.set(tag, at);
      host.card.restyle();
    },
    destroy: () => player.destroy(),
  };
  return host;
}

/** The kinds that can be put into a view. */
export const VALUE_KINDS = Object.keys(KINDS);

/** Make the card of a spec `{kind, title, tag, runs (names), step (a number, or null)}`. */
export async function makeValueCard(spec, host) {
  const ids = (spec.runs ?? [])
    .map((name) => runs.name.indexOf(name))
    .filter((row) => row >= 0)
    .map((row) => runs.id[row]);
  if (!ids.length) return absent(spec);
  const [Card, more] = await KINDS[spec.kind](spec);
  const page = { steps: new StepTable(), theme: () => host.page.theme(), ...more };
  const card = new (inView(Card))({ tag: spec.tag, runs: ids, name: spec.title }, page);
  page.card = card;
  card.pin(spec, host);
  void card.refresh();
  return card;
}

const inView = (Card) =>
  class extends Card {
    pin(spec, host) {
      this.spec = spec;
      this.viewHost = host;
      this.element.classList.add("is-in-view");
    }

    get at() {
      return this.spec?.step ?? null;
    }

    choose(index) {
      const { step } = this.page.steps.of(this.tag, this.leader());
      this.spec.step = index >= step.length - 1 ? null : step[index];
      this.viewHost.change({ step: this.spec.step });
      this.update();
    }

    destroy() {
      this.page.tip?.destroy?.();
      this.page.destroy?.();
      super.destroy();
    }

    /** The largest picture of the card, for the export as one file. */
    async snapshot() {
      const area = (one) => one.clientWidth * one.clientHeight;
      const pictures = [...this.body.querySelectorAll("canvas, img")].filter((one) => area(one) > 0);
      const largest = pictures.sort((a, b) => area(b) - area(a))[0];
      if (!largest) return null;
      if (largest instanceof HTMLCanvasElement) return largest.toDataURL("image/png");
      const canvas = make("canvas", { width: largest.naturalWidth, height: largest.naturalHeight });
      canvas.getContext("2d").drawImage(largest, 0, 0);
      return canvas.toDataURL("image/png");
    }
  };

function absent({ runs: names = [] }) {
  const element = make(
    "div",
    { class: "vw-absent" },
    make("p", { text: `No run of this log directory is called ${names.map(visible).join(", ")}.` }),
  );
  return { element, refresh: nothing, destroy: () => element.remove() };
}
