/** Fetch sounds, and what waveforms and spectrograms are drawn from. */

import { getBytes } from "./api.js";

const KEPT_SOUNDS = 12;
const sounds = new Map(); // key -> address of a sound in memory, the one used last at the end

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { header, start: 4 + length };
}

/**
 * @typedef {object} Wave
 * @property {object} header What api/v1/audio/wave says of the sound.
 * @property {{low: Float32Array, high: Float32Array, rms: Float32Array}[]} channels
 */

/** @returns {Promise<Wave>} how far a sound swings in each column. */
export async function fetchWave(query) {
  const buffer = await getBytes("audio/wave", { query });
  const { header, start } = unpack(buffer);
  const { columns, channels } = header;
  const part = (kind, channel) =>
    new Float32Array(buffer, start + 4 * columns * (kind * channels + channel), columns);
  return {
    header,
    channels: Array.from({ length: channels }, (_, channel) => ({
      low: part(0, channel),
      high: part(1, channel),
      rms: part(2, channel),
    })),
  };
}

/** @returns {Promise<{header: object, levels: Uint8Array}>} rows from the lowest frequency up. */
export async function fetchSpectrogram(query) {
  const buffer = await getBytes("audio/spectrogram", { query });
  const { header, start } = unpack(buffer);
  return { header, levels: new Uint8Array(buffer, start) };
}

/** Return an address at which a sound lies in memory, whole, so that a player can seek in it. */
export async function soundUrl(query) {
  const key = JSON.stringify(query);
  const known = sounds.get(key);
  sounds.delete(key);
  const url = known ?? URL.createObjectURL(await soundBlob(query));
  sounds.set(key, url);
  const oldest = sounds.keys().next().value;
  if (sounds.size > KEPT_SOUNDS) {
    URL.revokeObjectURL(sounds.get(oldest));
    sounds.delete(oldest);
  }
  return url;
}

/** Return a sound as a WAV file. */
export async function soundBlob(query) {
  return new Blob([await getBytes("audio", { query })], { type: "audio/wav" });
}
