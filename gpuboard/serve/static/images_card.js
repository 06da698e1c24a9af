/** A card with the pictures of one tag in one run: a still, a batch of samples, or a film. */

import { iconButton, make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { plural } from "./format.js";
import { Film } from "./images_film.js";
import { addressOf, sheetAddressOf } from "./images_source.js";
import { get } from "./state.js";
import { ValueCard } from "./value_card.js";

const THUMB = 512; // what fits into it comes as it is
// How the server lays samples out (analysis/repaint.py).
const [TILE, MOST_TILES, SHEET_PIXELS] = [256, 256, 4 << 20];
const GAP = 4; // between the samples of a batch, in pixels of the canvas
const [LEAST_ASPECT, MOST_ASPECT] = [0.75, 3];
const CRISP = 1.5; // enlarged by more, pixels are drawn as squares
const AHEAD = [1, -1, 2, -2, 3]; // neighbours that are fetched before anybody asks

export class ImageCard extends ValueCard {
  constructor(info, page) {
    super(info, page);
    this.element.classList.add("im-card");
    this.painted = null;
    this.film = null;
    this.tiles = []; // where the samples of a batch lie on the canvas
    this.canvas = make("canvas", { class: "im-canvas", width: 1, height: 1, hidden: true });
    this.frame = make(
      "div",
      {
        class: "im-frame",
        role: "button",
        tabIndex: 0,
        "aria-label": `Look closer at ${this.tag}`,
        on: {
          click: (event) => this.open(event),
          keydown: (event) => event.key === "Enter" && this.open(event),
        },
      },
      this.canvas,
    );
    this.note = make("p", { class: "im-note", hidden: true });
    this.frame.append(this.note);
    this.setAspect(page.aspects.get(this.tag) ?? 1);
    this.body.append(this.frame);
    const compare = make(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square im-tool",
        title: "Compare with another run or step",
        "aria-label": "Compare with another run or step",
        on: { click: () => this.page.openViewer(this.viewed({ mode: "side" })) },
      },
      icon("layers"),
    );
    this.tools.append(
      compare,
      iconButton("open", "Look closer", () => this.page.openViewer(this.viewed())),
    );
  }

  destroy() {
    this.film?.destroy();
    super.destroy();
  }

  fail(error) {
    this.film?.destroy();
    this.film = null;
    super.fail(error);
  }

  /** What the viewer is to show of this card. */
  viewed(more = {}) {
    return { tag: this.tag, run: this.run, sample: Math.max(get("imageSample"), 0), ...more };
  }

  open(event) {
    const sample = this.sampleAt(event);
    this.page.openViewer(this.viewed(sample < 0 ? {} : { sample }));
  }

  /** Return which sample of a batch lies under the pointer, -1 for none. */
  sampleAt({ clientX, clientY }) {
    if (!this.tiles.length) return -1;
    const box = this.canvas.getBoundingClientRect();
    const scale = Math.min(box.width / this.canvas.width, box.height / this.canvas.height);
    const x = (clientX - box.x - (box.width - this.canvas.width * scale) / 2) / scale;
    const y = (clientY - box.y - (box.height - this.canvas.height * scale) / 2) / scale;
    return this.tiles.findIndex(
      (tile) => x >= tile.x && x < tile.x + tile.width && y >= tile.y && y < tile.y + tile.height,
    );
  }

  setAspect(aspect) {
    const kept = Math.min(Math.max(aspect, LEAST_ASPECT), MOST_ASPECT);
    this.frame.style.setProperty("--im-aspect", String(kept));
  }

  keyOf(places) {
    return `${super.keyOf(places)} ${get("imageSample")} ${get("imageActual")} ${this.size()}`;
  }

  /** Which size is worth fetching: what is shown larger than a thumbnail comes whole. */
  size() {
    const wide = (this.frame.clientWidth || get("imageWidth")) * devicePixelRatio;
    return get("imageActual") || wide > 1.25 * THUMB ? "full" : "thumb";
  }

  async draw([place]) {
    const picture = this.pictureAt(place);
    const { source } = this.page;
    const known = this.painted;
    const wantsAll = get("imageSample") < 0;
    if (wantsAll && known && known.samples > 1) {
      await this.drawBatch(await source.sheet(picture, "samples"));
    } else {
      const painted = await source.picture(picture, this.size());
      if (wantsAll && painted.samples > 1) {
        await this.drawBatch(await source.sheet(picture, "samples"));
      } else this.drawOne(painted, picture);
    }
    this.expectNeighbours(place);
  }

  pictureAt({ run, ref, wall }) {
    const sample = Math.max(get("imageSample"), 0);
    const last = Math.max((this.painted?.samples ?? 1) - 1, 0);
    return { run, tag: this.tag, ref, at: wall, sample: Math.min(sample, last) };
  }

  drawOne(painted, picture) {
    if (this.isGone) return;
    const { bitmap } = painted;
    this.begin(painted);
    if (!bitmap) {
      this.say("A batch without pictures");
      return;
    }
    this.paint(bitmap.width, bitmap.height, (context) => context.drawImage(bitmap, 0, 0));
    this.settle(painted, painted.width / painted.height);
    if (painted.frames > 1) this.startFilm(painted, picture);
  }

  drawBatch(painted) {
    if (this.isGone) return;
    this.begin(painted);
    const { sheet, bitmap, samples } = painted;
    if (!bitmap) {
      this.say("A batch without pictures");
      return;
    }
    const columns = columnsFor(sheet.tiles, sheet.width / sheet.height);
    const rows = Math.ceil(sheet.tiles / columns);
    const width = columns * (sheet.width + GAP) - GAP;
    const height = rows * (sheet.height + GAP) - GAP;
    this.tiles = Array.from({ length: sheet.tiles }, (_, i) => ({
      x: (i % columns) * (sheet.width + GAP),
      y: Math.floor(i / columns) * (sheet.height + GAP),
      width: sheet.width,
      height: sheet.height,
    }));
    this.paint(width, height, (context) => {
      this.tiles.forEach(({ x, y }, i) => {
        const left = (i % sheet.columns) * sheet.width;
        const top = Math.floor(i / sheet.columns) * sheet.height;
        const size = [sheet.width, sheet.height];
        context.drawImage(bitmap, left, top, ...size, x, y, ...size);
      });
    });
    this.settle(painted, width / height);
    this.foot.dataset.more =
      sheet.tiles < samples ? `first ${sheet.tiles} of ${plural(samples, "sample")}` : "";
  }

  begin(painted) {
    this.film?.destroy();
    this.film = null;
    this.tiles = [];
    this.painted = painted;
    this.foot.dataset.more = "";
    this.note.hidden = true;
    this.frame.classList.remove("is-note");
    if (!this.frame.isConnected) this.body.replaceChildren(this.frame); // there was a failure
    this.page.onSamples(painted.samples);
  }

  paint(width, height, draw) {
    Object.assign(this.canvas, { width, height }); // and so it is empty
    draw(this.canvas.getContext("2d"));
    this.canvas.hidden = false;
  }

  /** Fit the frame and the way of scaling to what was painted. */
  settle({ channels }, aspect) {
    if (!this.page.aspects.has(this.tag)) this.page.aspects.set(this.tag, aspect);
    this.setAspect(this.page.aspects.get(this.tag));
    this.frame.classList.toggle("has-alpha", channels === 2 || channels === 4);
    this.scale();
  }

  /** Draw pixels as squares where they are enlarged; called again when cards change their width. */
  scale() {
    const { width, height } = this.canvas;
    const room = [this.frame.clientWidth / width, this.frame.clientHeight / height];
    const scale = get("imageActual") ? 1 : Math.min(...room);
    const choice = get("imageScaling");
    const isCrisp = choice === "pixels" || (choice === "auto" && scale >= CRISP);
    this.canvas.classList.toggle("is-crisp", isCrisp);
    this.canvas.style.width = get("imageActual") ? `${width / devicePixelRatio}px` : "";
  }

  say(text) {
    this.canvas.hidden = true;
    this.frame.classList.add("is-note");
    this.note.textContent = visible(text);
    this.note.hidden = false;
  }

  startFilm(painted, picture) {
    const fetchSheet = (first) => this.page.source.sheet(picture, "frames", first);
    this.film = new Film(this.canvas, fetchSheet, painted);
    this.film.isSeen = () => this.isVisible !== false && !document.hidden;
    this.body.append(this.film.element);
    if (get("playFilms")) this.film.play();
  }

  expectNeighbours({ run, index, count }) {
    if (this.size() === "full") return; // too large to be fetched for nothing
    const { step, wall, ref } = this.page.steps.of(this.tag, run);
    const isBatch = this.tiles.length > 0;
    const urls = AHEAD.map((by) => index + by)
      .filter((i) => i >= 0 && i < count && i < step.length)
      .map((i) => {
        const picture = this.pictureAt({ run, ref: ref[i], wall: wall[i] });
        return isBatch ? sheetAddressOf(picture, "samples") : addressOf(picture, "thumb");
      });
    this.page.expect(this, urls);
  }
}

/** Return width by height of what a card shows of pictures of this size. */
export function aspectOf(width, height, samples) {
  if (samples < 2) return width / height;
  const scale = Math.min(1, TILE / Math.max(width, height));
  const [w, h] = [width * scale, height * scale];
  const tiles = Math.max(1, Math.min(samples, MOST_TILES, Math.floor(SHEET_PIXELS / (w * h))));
  const columns = columnsFor(tiles, w / h);
  const rows = Math.ceil(tiles / columns);
  return (columns * (w + GAP) - GAP) / (rows * (h + GAP) - GAP);
}

/** Lay a batch out about as wide as three by two. */
function columnsFor(tiles, aspect) {
  if (tiles * aspect <= 4) return tiles;
  return Math.max(1, Math.min(tiles, Math.round(Math.sqrt((tiles * 1.5) / aspect))));
}
