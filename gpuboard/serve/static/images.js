/** The Images page: cards of pictures, how they are shown, and one looked at closely. */

import * as api from "./api.js";
import { make, popover } from "./chart_elements.js";
import { icon } from "./dom.js";
import { aspectOf, ImageCard } from "./images_card.js";
import { PictureSource } from "./images_source.js";
import { isViewed, Viewer } from "./images_viewer.js";
import { define, get, KEPT, set, subscribe } from "./state.js";
import { ValuePage } from "./value_page.js";

const AHEAD_MS = 60; // after the last card was drawn, before neighbours are fetched
const MAX_AHEAD = 60;
const MEASURED = 60; // tags on the first screens
const MEASURE_MS = 60; // a picture that is there sooner than its size is not kept waiting

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

define({
  imageWidth: { ...KEPT.LOCAL_ONLY, default: 240, min: 96, max: 1200 },
  imageActual: { ...KEPT.URL_AND_LOCAL, default: false },
  imageScaling: { ...KEPT.URL_AND_LOCAL, default: "auto", choices: ["auto", "pixels", "smooth"] },
  imageSample: { ...KEPT.URL_ONLY, default: -1, min: -1, check: Number.isInteger }, // -1: all
  brightness: { ...KEPT.URL_ONLY, default: 1, min: 0, max: 2 },
  contrast: { ...KEPT.URL_ONLY, default: 1, min: 0, max: 5 },
  playFilms: { ...KEPT.LOCAL_ONLY, default: !calm },
  viewed: { ...KEPT.URL_ONLY, default: null, check: isViewed },
});

const EMPTY = {
  title: "No images yet",
  text: "Log a picture at any step; each of them can be seen here, none is left out.",
  code: 'writer.add_image("samples/first", image, step)  # uint8 or 0-1, CHW',
};

class Gallery extends ValuePage {
  async layout() {
    if (!this.tags || get("selected") === null) return;
    const patience = new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
    await Promise.race([this.measure(), patience]);
    super.layout();
    this.onLayout?.();
  }

  /** Learn how large the first pictures are, so that cards have their shape from the start. */
  async measure() {
    const unknown = (this.tags ?? [])
      .map(({ tag }) => tag)
      .filter((tag) => !this.measured.has(tag))
      .slice(0, MEASURED);
    if (!unknown.length || this.measured.size >= MEASURED) return;
    for (const tag of unknown) this.measured.add(tag);
    try {
      const first = await this.firstSizes;
      this.firstSizes = null;
      const sizes = first ?? (await api.postJson("image/sizes", { tags: unknown }));
      sizes.tag.forEach((tag, i) => {
        this.aspects.set(tag, aspectOf(sizes.width[i], sizes.height[i], sizes.samples[i]));
      });
    } catch {
      // cards take their shape when their pictures arrive
    }
  }
}

class ImagesPage {
  constructor(el) {
    this.viewer = null;
    this.most = 1; // samples in the largest batch seen
    this.wishes = new Map(); // card -> addresses of its neighbours
    this.timer = 0;
    this.samples = this.samplePicker();
    // apps/images.py lets the browser ask for it ahead
    const firstSizes = get("tagFilter") ? null : api.getJson("image/sizes").catch(() => null);
    this.page = new Gallery(el, {
      kind: "image",
      title: "Images",
      makeCard: (info, page) => new ImageCard(info, page),
      tools: [this.samples.box, this.widthSlider(), this.lookButton()],
      redraw: ["imageSample", "imageActual"],
      empty: EMPTY,
    });
    Object.assign(this.page, {
      source: new PictureSource(),
      aspects: new Map(), // by tag: width by height of its cards
      measured: new Set(), // tags whose size was asked for
      firstSizes, // those of the first tags, null where others come first
      openViewer: (viewed) => this.open(viewed),
      onSamples: (samples) => this.onSamples(samples),
      expect: (card, urls) => this.expect(card, urls),
      onLayout: () => this.viewer?.update(),
    });
    this.ends = [
      subscribe(["viewed"], () => this.onViewed()),
      subscribe(["brightness", "contrast"], () => this.showLook()),
      subscribe(["imageWidth"], () => this.onWidth()),
      subscribe(["imageScaling"], () => this.page.grid.each((card) => card.scale())),
      subscribe(["playFilms"], () => this.onFilms()),
      subscribe(["imageActual"], () => this.showActual()),
    ];
    this.showLook();
    this.showWidth();
    this.showActual();
    this.onViewed();
  }

  destroy() {
    for (const end of this.ends) end();
    clearTimeout(this.timer);
    clearTimeout(this.resizing);
    this.viewer?.destroy();
    this.page.destroy();
  }

  /* the toolbar */

  samplePicker() {
    const select = make("select", {
      class: "select",
      "aria-label": "Sample of a batch",
      on: { change: () => set("imageSample", Number(select.value)) },
    });
    const box = make("div", { class: "picker im-samples", hidden: true }, select, icon("down"));
    return { select, box };
  }

  onSamples(samples) {
    if (samples > this.most) {
      this.most = samples;
      const { select, box } = this.samples;
      box.hidden = false;
      select.replaceChildren(
        make("option", { value: "-1", text: "All samples" }),
        ...Array.from({ length: samples }, (_, i) =>
          make("option", { value: String(i), text: `Sample ${i + 1}` }),
        ),
      );
    }
    this.samples.select.value = String(get("imageSample"));
  }

  widthSlider() {
    this.width = make("input", {
      type: "range",
      class: "im-width",
      min: "96",
      max: "800",
      step: "4",
      "aria-label": "Width of pictures",
      title: "Width of pictures",
      on: { input: () => set("imageWidth", Number(this.width.value)) },
    });
    return make("label", { class: "im-size" }, icon("images"), this.width);
  }

  lookButton() {
    this.look = make(
      "button",
      {
        type: "button",
        class: "button",
        "aria-haspopup": "dialog",
        on: { click: () => this.openLook() },
      },
      icon("settings"),
      "View",
    );
    return this.look;
  }

  openLook() {
    const reset = make("button", {
      type: "button",
      class: "link",
      text: "Reset",
      on: { click: () => ["brightness", "contrast"].forEach((key) => set(key, 1)) },
    });
    const rows = [
      sliderRow("Brightness", "brightness", 2),
      sliderRow("Contrast", "contrast", 5),
    ];
    const show = () => {
      rows.forEach((row) => row.show());
      reset.hidden = get("brightness") === 1 && get("contrast") === 1;
    };
    const box = popover(
      this.look,
      make(
        "div",
        { class: "im-look" },
        ...rows.map((row) => row.element),
        reset,
        choiceRow("Enlarged pixels", "imageScaling", {
          auto: "Squares when large",
          pixels: "Always squares",
          smooth: "Smoothed",
        }),
        checkRow("Actual size", "imageActual"),
        checkRow("Play moving pictures", "playFilms"),
      ),
    );
    show();
    const end = subscribe(["brightness", "contrast"], show);
    box.addEventListener("toggle", ({ newState }) => newState === "closed" && end());
  }

  /* how pictures look */

  showLook() {
    const [brightness, contrast] = [get("brightness"), get("contrast")];
    const isPlain = brightness === 1 && contrast === 1;
    const { root } = this.page;
    root.style.setProperty(
      "--im-filter",
      isPlain ? "none" : `brightness(${brightness}) contrast(${contrast})`,
    );
    this.look.classList.toggle("is-changed", !isPlain);
  }

  showWidth() {
    this.width.value = String(get("imageWidth"));
    this.page.root.style.setProperty("--card", `${get("imageWidth")}px`);
  }

  onWidth() {
    this.showWidth();
    this.page.grid.each((card) => card.scale());
    clearTimeout(this.resizing); // a card that grew beyond a thumbnail fetches the whole picture
    this.resizing = setTimeout(() => this.page.grid.each((card) => card.update()), 150);
  }

  showActual() {
    this.page.root.classList.toggle("is-actual", get("imageActual"));
  }

  onFilms() {
    this.page.grid.each(({ film }) => {
      if (get("playFilms")) film?.play();
      else film?.pause();
    });
  }

  /* one picture, closely */

  open(viewed) {
    this.scrolled = this.page.root.closest(".main")?.scrollTop ?? 0;
    set("viewed", viewed);
  }

  onViewed() {
    const isOpen = get("viewed") !== null;
    const { root, stage, grid } = this.page;
    if (isOpen === Boolean(this.viewer)) return;
    root.classList.toggle("has-viewer", isOpen);
    stage.hidden = !isOpen;
    grid.element.hidden = isOpen;
    if (!isOpen) {
      this.viewer.destroy();
      this.viewer = null;
      root.closest(".main")?.scrollTo(0, this.scrolled ?? 0);
      return;
    }
    this.viewer = new Viewer(this.page);
    stage.replaceChildren(this.viewer.element);
    this.viewer.update();
  }

  /* what may be wanted next */

  expect(card, urls) {
    this.wishes.set(card, urls);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const lists = [...this.wishes].filter(([one]) => !one.isGone).map(([, list]) => list);
      this.wishes.clear();
      const rounds = Math.max(0, ...lists.map((list) => list.length));
      const ordered = Array.from({ length: rounds }, (_, i) => lists.map((list) => list[i])).flat();
      this.page.source.expect(ordered.filter(Boolean).slice(0, MAX_AHEAD));
    }, AHEAD_MS);
  }
}

function sliderRow(text, key, max) {
  const input = make("input", {
    type: "range",
    min: "0",
    max: String(max),
    step: "0.05",
    "aria-label": text,
    on: { input: () => set(key, Number(input.value)) },
  });
  const value = make("span", { class: "im-percent" });
  const element = make("label", { class: "im-row" }, make("span", { text }), input, value);
  const show = () => {
    input.value = String(get(key));
    value.textContent = `${Math.round(100 * get(key))} %`;
  };
  return { element, show };
}

function choiceRow(text, key, choices) {
  const select = make(
    "select",
    { class: "select", "aria-label": text, on: { change: () => set(key, select.value) } },
    ...Object.entries(choices).map(([value, name]) => make("option", { value, text: name })),
  );
  select.value = get(key);
  const picker = make("div", { class: "picker" }, select, icon("down"));
  return make("label", { class: "im-row is-choice" }, make("span", { text }), picker);
}

function checkRow(text, key) {
  const input = make("input", {
    type: "checkbox",
    checked: get(key),
    on: { change: () => set(key, input.checked) },
  });
  return make("label", { class: "im-check" }, input, text);
}

export default {
  render({ el }) {
    const page = new ImagesPage(el);
    return () => page.destroy();
  },
};
