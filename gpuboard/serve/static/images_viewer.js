/** Look at one picture closely, or at two of them against each other. */

import { follow, fileName, iconButton, make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { count, exactCount } from "./format.js";
import { difference, measure, pixelsOf } from "./images_difference.js";
import { Side } from "./images_side.js";
import { Readout } from "./images_readout.js";
import { addressOf } from "./images_source.js";
import { Camera, PixelView } from "./images_view.js";
import { get, set, subscribe } from "./state.js";

const MODES = {
  one: "One",
  side: "Side by side",
  swipe: "Swipe",
  difference: "Difference",
  blink: "Blink",
};
const BLINK_MS = 600;

/** What the state key `viewed` may hold. */
export function isViewed(value) {
  if (value === null) return true;
  const { tag, run, mode = "one", b = null, gain = 1 } = value;
  const isPicture = (one) => typeof one.tag === "string" && Number.isInteger(one.run);
  return (
    isPicture({ tag, run }) && mode in MODES && (b === null || isPicture(b)) && Number.isFinite(gain)
  );
}

export class Viewer {
  constructor(page) {
    this.page = page;
    this.camera = new Camera();
    this.swipe = 0.5;
    const on = { point: (point) => this.point(point) };
    this.views = {
      a: new PixelView(this.camera, on),
      b: new PixelView(this.camera, on),
      d: new PixelView(this.camera, on),
    };
    this.a = this.side("A", (changes) => this.chooseA(changes));
    this.b = this.side("B", (changes) => this.chooseB(changes));
    this.divider = make("div", { class: "iv-divider", hidden: true }, make("i"));
    this.stage = make(
      "div",
      { class: "iv-stage" },
      ...Object.values(this.views).map((view) => view.element),
      this.divider,
    );
    this.readout = new Readout();
    this.element = make(
      "section",
      { class: "iv", "aria-label": "Picture" },
      this.head(),
      make("div", { class: "iv-sides" }, this.a.element, this.b.element, this.options()),
      this.stage,
      this.readout.element,
    );
    this.dragDivider();
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey, true);
    this.camera.listeners.add(() => this.showZoom());
    this.ends = [
      subscribe(["viewed", "stepAt", "selected", "palette"], () => this.update()),
      subscribe(["version"], () => this.update()),
      page.steps.onChange(() => this.update()),
    ];
  }

  destroy() {
    for (const end of this.ends) end();
    document.removeEventListener("keydown", this.onKey, true);
    clearInterval(this.blinking);
    this.readout.destroy();
    for (const view of Object.values(this.views)) view.destroy();
    for (const side of [this.a, this.b]) side.destroy();
    this.element.remove();
  }

  side(letter, choose) {
    return new Side(letter, this.page, {
      choose,
      painted: () => this.paint(),
      values: () => this.onValues(),
    });
  }

  head() {
    this.title = make("h2", { class: "iv-title" });
    this.modes = make("div", { class: "segments", role: "group", "aria-label": "How to compare" });
    for (const [mode, text] of Object.entries(MODES)) {
      this.modes.append(
        make("button", {
          type: "button",
          text,
          data: { mode },
          on: { click: () => this.change({ mode }) },
        }),
      );
    }
    this.zoom = make("button", {
      type: "button",
      class: "button is-quiet iv-zoom",
      title: "Actual size (1)",
      on: { click: () => this.camera.move({ zoom: 1 }) },
    });
    const tool = (text, label, fn) =>
      make("button", {
        type: "button",
        class: "button is-quiet is-square",
        text,
        title: label,
        "aria-label": label,
        on: { click: fn },
      });
    const download = make(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square",
        title: "Download as PNG",
        "aria-label": "Download as PNG",
        on: { click: () => this.download() },
      },
      icon("download"),
    );
    return make(
      "header",
      { class: "iv-head" },
      iconButton("back", "Back to all images (Esc)", () => this.close()),
      this.title,
      this.modes,
      make(
        "div",
        { class: "iv-tools" },
        tool("−", "Zoom out (−)", () => this.camera.zoomBy(1 / 1.5)),
        this.zoom,
        tool("+", "Zoom in (+)", () => this.camera.zoomBy(1.5)),
        iconButton("fit", "Fit (0)", () => this.first().fit()),
        download,
        iconButton("close", "Close (Esc)", () => this.close()),
      ),
    );
  }

  options() {
    const signed = make("input", {
      type: "checkbox",
      on: { change: () => this.change({ signed: signed.checked }) },
    });
    const gain = make("input", {
      type: "range",
      class: "iv-slider",
      min: "0",
      max: "6",
      step: "0.25",
      "aria-label": "Amplify the difference",
      on: { input: () => this.change({ gain: 2 ** Number(gain.value) }) },
    });
    this.gain = gain;
    this.signed = signed;
    this.gainLabel = make("span", { class: "iv-step" });
    this.measures = make("span", { class: "iv-measures" });
    return (this.how = make(
      "div",
      { class: "iv-side iv-how", hidden: true },
      make("span", { class: "iv-word", text: "Amplify" }),
      gain,
      this.gainLabel,
      make("label", { class: "iv-check" }, signed, "Signed"),
      this.measures,
    ));
  }

  /* what is chosen */

  get viewed() {
    const standard = { mode: "one", sample: 0, b: null, gain: 4, signed: false };
    return { ...standard, ...get("viewed") };
  }

  change(changes) {
    set("viewed", { ...this.viewed, ...changes });
  }

  chooseA({ at, ...changes }) {
    if (at !== undefined) set("stepAt", at);
    if (Object.keys(changes).length) this.change(changes);
  }

  /** B keeps a step of its own from the moment it is given one, until it is linked again. */
  chooseB(changes) {
    const { at, ...rest } = { ...this.viewedB(), ...changes };
    this.change({ b: at === undefined ? rest : { ...rest, at } });
  }

  /** What A is compared with until somebody chooses: another run, else the first step. */
  rival() {
    const { tag, run } = this.viewed;
    const having = this.page.tags?.find((one) => one.tag === tag)?.runs ?? new Set();
    const other = Array.from(get("selected") ?? []).find((id) => id !== run && having.has(id));
    if (other !== undefined) return { tag, run: other };
    return { tag, run, at: this.page.steps.of(tag, run).step[0] ?? null };
  }

  /** B, whose step is that of A until it was given one of its own. */
  viewedB() {
    return this.viewed.b ?? this.rival();
  }

  close() {
    set("viewed", null);
  }

  update() {
    if (get("viewed") === null) return;
    const viewed = this.viewed;
    const isTwo = viewed.mode !== "one";
    this.title.textContent = visible(viewed.tag);
    this.title.title = viewed.tag;
    this.stage.dataset.mode = viewed.mode;
    for (const button of this.modes.children) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === viewed.mode));
    }
    this.b.element.hidden = !isTwo;
    this.how.hidden = viewed.mode !== "difference";
    this.divider.hidden = viewed.mode !== "swipe";
    this.gain.value = String(Math.log2(viewed.gain));
    this.gainLabel.textContent = `× ${Number(viewed.gain.toPrecision(2))}`;
    this.signed.checked = viewed.signed;
    this.a.element.classList.toggle("is-alone", !isTwo);
    this.blink(viewed.mode === "blink");
    this.a.show({ ...viewed, at: get("stepAt") });
    if (isTwo) {
      const { tag, run, at = get("stepAt"), sample = viewed.sample } = this.viewedB();
      this.b.link.setAttribute("aria-pressed", String(!("at" in this.viewedB())));
      this.b.show({ tag, run, at, sample });
    }
    this.paint();
  }

  /* what is seen */

  /** The view that lies in front, or on the left. */
  first() {
    return this.viewed.mode === "difference" ? this.views.d : this.views.a;
  }

  paint() {
    const { mode } = this.viewed;
    const [a, b] = [this.a.painted, this.b.painted];
    const isTwo = mode !== "one";
    if (a) this.camera.aim(a.width, a.height);
    this.place(this.views.a, this.a, mode !== "difference");
    this.place(this.views.b, this.b, isTwo && mode !== "difference");
    this.views.d.element.hidden = mode !== "difference";
    if (mode === "difference") this.paintDifference(a, b);
    this.views.a.label.hidden = !isTwo;
    if (mode === "swipe") this.clip();
    else this.views.b.element.style.clipPath = "";
    if (this.camera.isFitted) this.first().fit();
    this.readout.show(this.shown());
    this.readout.describe(this.a);
  }

  place(view, side, isShown) {
    view.element.hidden = !isShown;
    if (!isShown) return;
    view.label.textContent = side.wanted
      ? `${side.letter}  ${visible(side.run.select.selectedOptions[0]?.textContent ?? "")}  step ${exactCount(side.step)}`
      : side.letter;
    if (side.painted) view.show(side.painted, side.values);
    else view.say(visible(side.error));
  }

  paintDifference(a, b) {
    const view = this.views.d;
    if (!a || !b) {
      view.say(visible(this.a.error || this.b.error));
      this.measures.textContent = "";
      return;
    }
    const { gain, signed } = this.viewed;
    const key = [gain, signed].join();
    if (this.compared?.a !== a || this.compared?.b !== b) {
      const [width, height] = [a.bitmap.width, a.bitmap.height];
      const pixels = [a, b].map(({ bitmap }) => pixelsOf(bitmap, width, height));
      this.compared = { a, b, pixels, key: "", measures: measure(pixels[0].data, pixels[1].data) };
    }
    const { pixels, measures } = this.compared;
    if (this.compared.key !== key) {
      this.compared.key = key;
      const shown = difference(pixels[0].data, pixels[1].data, { gain, isSigned: signed });
      const { width, height } = pixels[0];
      const canvas = new OffscreenCanvas(width, height);
      canvas.getContext("2d").putImageData(new ImageData(shown, width, height), 0, 0);
      this.compared.bitmap = canvas;
    }
    view.label.textContent = signed ? "A − B" : "|A − B|";
    view.show({ ...a, bitmap: this.compared.bitmap, channels: 3 });
    this.measures.textContent = describe(measures);
    const isResized = a.width !== b.width || a.height !== b.height;
    this.measures.title = isResized ? "B was scaled to the size of A" : "";
    if (isResized) {
      this.measures.textContent += ` · B (${b.width} × ${b.height}) scaled to ${a.width} × ${a.height}`;
    }
  }

  clip() {
    this.views.b.element.style.clipPath = `inset(0 0 0 ${100 * this.swipe}%)`;
    this.divider.style.left = `${100 * this.swipe}%`;
  }

  dragDivider() {
    const { divider, stage } = this;
    divider.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = stage.getBoundingClientRect();
      this.swipe = Math.min(Math.max((event.clientX - box.x) / box.width, 0), 1);
      this.clip();
    });
  }

  blink(isOn) {
    if (!isOn) {
      clearInterval(this.blinking);
      this.blinking = 0;
      this.stage.classList.remove("is-b");
    } else this.blinking ||= setInterval(() => this.stage.classList.toggle("is-b"), BLINK_MS);
  }

  onValues() {
    for (const view of Object.values(this.views)) view.redraw();
    this.readout.show(this.shown());
  }

  point(point) {
    this.readout.point(point, this.shown());
  }

  /** The sides that are on screen. */
  shown() {
    return this.viewed.mode === "one" ? [this.a] : [this.a, this.b];
  }

  showZoom() {
    this.zoom.textContent = `${Number((100 * this.camera.zoom).toPrecision(3))} %`;
  }

  download() {
    const { picture } = this.a;
    if (!picture) return;
    follow(addressOf(picture, "png"), `${fileName(picture.tag)}_step_${this.a.step}.png`);
  }

  key(event) {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest?.("input:not([type=range], [type=checkbox]), select, textarea, .popover")) return;
    const isSlider = target.matches?.("input[type=range]");
    const fn = {
      Escape: () => this.close(),
      ArrowLeft: isSlider ? null : () => this.a.move(-1),
      ArrowRight: isSlider ? null : () => this.a.move(1),
      "+": () => this.camera.zoomBy(1.5),
      "=": () => this.camera.zoomBy(1.5),
      "-": () => this.camera.zoomBy(1 / 1.5),
      0: () => this.first().fit(),
      1: () => this.camera.move({ zoom: 1 }),
    }[event.key];
    if (!fn) return;
    event.preventDefault();
    event.stopPropagation();
    fn();
  }
}

function describe({ mean, largest, part, psnr }) {
  if (part === 0) return "the two are the same";
  const percent = 100 * part;
  const shown = percent < 0.1 ? "under 0.1" : percent.toFixed(1);
  return `mean ${mean.toFixed(2)} · largest ${count(largest)} · PSNR ${psnr.toFixed(1)} dB · ${shown} % of pixels differ`;
}
