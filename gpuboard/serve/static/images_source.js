/**
 * Fetch pictures and keep them decoded, as long as they fit: what was seen a moment ago is there at
 * once, and a slider that goes back asks for nothing.
 *
 * @typedef {{run: number, tag: string, ref: string, at: number, sample?: number,
 *   frame?: number}} Picture  Address of one picture; `at` is the wall time of its value.
 * @typedef {{bitmap: ImageBitmap | null, width: number, height: number, channels: number,
 *   bits: number, frames: number, samples: number, format: string,
 *   sheet: object | null}} Painted  `width` and `height` are those of the logged picture.
 */

import { ApiError, getJson, route } from "./api.js";

const KEPT_BYTES = 256 << 20;
const TILE = 64; // pixels along the side of a block of values
const KEPT_TILES = 400;

/** Return the query that names a picture, for any route of images. */
export function queryOf({ run, tag, ref, at, sample, frame }, more = {}) {
  const time = Number.isFinite(at) ? at : null; // a value without a time is not kept by browsers
  return { run, tag, ref, at: time, sample: sample || null, frame: frame || null, ...more };
}

/** Return the address of a picture: size "thumb", "full", or "png" for a file. */
export const addressOf = (picture, size) => route("image", queryOf(picture, { size }));

/** Return the address of a sheet of frames or samples. */
export function sheetAddressOf(picture, of, first = 0) {
  const still = { ...picture, frame: 0, sample: of === "samples" ? 0 : picture.sample };
  return route("image/sheet", queryOf(still, { of, first }));
}

export class PictureSource {
  constructor() {
    this.kept = new Map(); // address -> {answer: promise, bytes}
    this.bytes = 0;
    this.ahead = null; // what is fetched before anybody asks
  }

  /** Fetch a picture: size "thumb" or "full". @returns {Promise<Painted>} */
  picture(picture, size = "thumb") {
    return this.get(addressOf(picture, size));
  }

  /** Fetch the frames or samples from `first` on as tiles of one sheet. @returns {Promise<Painted>} */
  sheet(picture, of, first = 0) {
    return this.get(sheetAddressOf(picture, of, first));
  }

  get(url, options = {}) {
    const known = this.kept.get(url);
    if (known) {
      this.kept.delete(url);
      this.kept.set(url, known); // the one used last goes last
      return known.answer;
    }
    const entry = { answer: fetchPainted(url, options), bytes: 0 };
    this.kept.set(url, entry);
    entry.answer.then(
      ({ bitmap }) => this.account(url, entry, bitmap ? 4 * bitmap.width * bitmap.height : 0),
      () => this.kept.get(url) === entry && this.kept.delete(url),
    );
    return entry.answer;
  }

  account(url, entry, bytes) {
    if (this.kept.get(url) !== entry) return;
    entry.bytes = bytes;
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.kept) {
      if (this.bytes <= KEPT_BYTES || oldest === url) return;
      this.kept.delete(oldest);
      this.bytes -= freed;
    }
  }

  /** Fetch these one after another while nothing else is asked for; a later call replaces them. */
  async expect(urls) {
    const mine = (this.ahead = urls.filter((url) => !this.kept.has(url)));
    for (const url of mine) {
      await null;
      if (this.ahead !== mine) return;
      await this.get(url, { priority: "low" }).catch(() => null); // told when it is really wanted
    }
  }
}

async function fetchPainted(url, options) {
  const reply = await answer(url, options);
  const number = (name) => Number(reply.headers.get(name));
  const isEmpty = reply.status === 204;
  const bitmap = isEmpty ? null : await decode(await reply.blob());
  return {
    bitmap,
    width: number("Image-Width"),
    height: number("Image-Height"),
    channels: number("Image-Channels"),
    bits: number("Image-Bits"),
    frames: number("Image-Frames"),
    samples: number("Image-Samples"),
    format: reply.headers.get("Image-Format") ?? "",
    sheet: reply.headers.has("Sheet-Tiles") ? sheetOf(reply.headers, number) : null,
  };
}

function sheetOf(headers, number) {
  return {
    width: number("Sheet-Width"),
    height: number("Sheet-Height"),
    columns: number("Sheet-Columns"),
    first: number("Sheet-First"),
    tiles: number("Sheet-Tiles"),
    durations: (headers.get("Sheet-Durations") ?? "").split(",").filter(Boolean).map(Number),
  };
}

async function decode(blob) {
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new ApiError(0, "This browser cannot decode the picture: it may be too large for it.");
  }
}

async function answer(url, options) {
  let reply;
  try {
    reply = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new ApiError(0, "The server does not answer. Is gpuboard serve still running?");
  }
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => null);
  throw new ApiError(reply.status, told?.error.message ?? `The server answered ${reply.status}.`);
}

/** Values of pixels as logged, fetched in blocks when somebody looks. */
export class PixelValues {
  /** @param {() => void} onArrival Called when further values are known. */
  constructor(onArrival) {
    this.onArrival = onArrival;
    this.tiles = new Map();
    this.picture = null;
  }

  /** Read another picture from now on; the tiles of the last one are forgotten. */
  show(picture) {
    if (JSON.stringify(picture) === JSON.stringify(this.picture)) return;
    this.picture = picture;
    this.tiles.clear();
  }

  /** Return the channels of one pixel, or null while they are on their way. */
  at(x, y) {
    const key = `${Math.floor(x / TILE)},${Math.floor(y / TILE)}`;
    const tile = this.tiles.get(key);
    if (tile === undefined) this.ask(key, Math.floor(x / TILE) * TILE, Math.floor(y / TILE) * TILE);
    if (!tile) return null;
    const place = ((y - tile.y) * tile.width + (x - tile.x)) * tile.channels;
    return tile.values.slice(place, place + tile.channels);
  }

  async ask(key, x, y) {
    if (!this.picture) return;
    const { picture, tiles } = this;
    if (tiles.size >= KEPT_TILES) tiles.clear();
    tiles.set(key, null);
    try {
      const query = queryOf(picture, { x, y, w: TILE, h: TILE });
      const tile = await getJson("image/pixels", { query });
      if (picture !== this.picture) return;
      tiles.set(key, tile);
      this.onArrival();
    } catch {
      // the picture itself says what is wrong; its values stay unknown
    }
  }
}
