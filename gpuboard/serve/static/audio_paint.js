/** Paint waveforms, spectrograms and their axes on canvases; numbers in, pixels out. */

import { linearTicks } from "./ticks.js";

export const GUTTER = { left: 38, right: 34 };
const CLIPS = 0.9999; // samples beyond it have met the end of what 16 bits hold

/* Colours of levels, from quiet to loud, for either theme: quiet is close to the card itself. */
const RAMPS = {
  light: ["#ffffff", "#e8e3f4", "#bcaadd", "#8d69c2", "#6a3398", "#7a1f5c", "#3c0a2c"],
  dark: ["#14171b", "#24194d", "#5a2482", "#a8327a", "#e2614d", "#f8b45c", "#fdf3c4"],
};

/** Return 256 colours as 32-bit pixels. */
export function ramp(isDark) {
  const stops = (isDark ? RAMPS.dark : RAMPS.light).map(rgbOf);
  const pixels = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const mix = stops[low].map((a, k) => Math.round(a + (stops[low + 1][k] - a) * (place - low)));
    pixels[i] = (255 << 24) | (mix[2] << 16) | (mix[1] << 8) | mix[0];
  }
  return pixels;
}

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Size a canvas for sharp pixels; returns its context, scaled to CSS pixels. */
export function sized(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const wide = Math.max(Math.round(width * ratio), 1);
  const high = Math.max(Math.round(height * ratio), 1);
  if (canvas.width !== wide || canvas.height !== high)
    Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/**
 * Paint one waveform a channel, below one another: extremes faint, loudness on top.
 *
 * @param {object} spec wave (see audio_data.js), view [first, end] in frames, width, height of the
 *   plot, top (the amplitude that fills it), colour, theme.
 */
export function paintWave(canvas, spec) {
  const { wave, view, width, height, top, colour, theme } = spec;
  const context = sized(canvas, width + GUTTER.left + GUTTER.right, height);
  const lane = height / wave.channels.length;
  context.font = `10px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [i, channel] of wave.channels.entries()) {
    const middle = lane * (i + 0.5);
    const scale = (lane / 2 - 3) / top;
    context.fillStyle = theme.muted;
    if (lane >= 40) {
      context.fillText(amplitudeText(top), GUTTER.left - 6, middle - lane / 2 + 8);
      context.fillText(`−${amplitudeText(top)}`, GUTTER.left - 6, middle + lane / 2 - 8);
    }
    if (wave.channels.length > 1 && lane >= 14)
      context.fillText(channelName(i, wave), GUTTER.left - 6, middle);
    context.save();
    context.beginPath();
    context.rect(GUTTER.left, middle - lane / 2, width, lane);
    context.clip();
    context.translate(GUTTER.left, middle);
    context.fillStyle = theme.axis;
    context.fillRect(0, -0.5, width, 1);
    drawChannel(context, {
      channel,
      header: wave.header,
      view,
      width,
      scale,
      colour,
      bad: theme.bad,
      lane,
    });
    context.restore();
  }
}

function channelName(i, { channels }) {
  return channels.length === 2 ? "LR"[i] : String(i + 1);
}

const amplitudeText = (top) => (top === 1 ? "1" : top.toPrecision(2).replace(/\.?0+$/, ""));

function drawChannel(context, { channel, header, view, width, scale, colour, bad, lane }) {
  const { low, high, rms } = channel;
  const perFrame = width / (view[1] - view[0]);
  const step = ((header.end - header.first) / low.length) * perFrame;
  const left = (header.first - view[0]) * perFrame;
  context.fillStyle = colour;
  context.globalAlpha = 0.42;
  fillBetween(
    context,
    { left, step, count: low.length },
    (i) => high[i] * scale + 0.5,
    (i) => low[i] * scale - 0.5,
  );
  context.globalAlpha = 1;
  // Where single samples can be told apart, loudness is no more than the curve itself.
  if (step < 4)
    fillBetween(
      context,
      { left, step, count: low.length },
      (i) => rms[i] * scale,
      (i) => -rms[i] * scale,
    );
  context.fillStyle = bad;
  for (let i = 0; i < low.length; i++) {
    const at = left + i * step;
    if (high[i] > CLIPS) context.fillRect(at, -lane / 2, Math.max(step, 1), 3);
    if (low[i] < -CLIPS) context.fillRect(at, lane / 2 - 3, Math.max(step, 1), 3);
  }
}

/** Fill the stripe between two curves as one shape: strips beside one another would show seams. */
function fillBetween(context, { left, step, count }, upper, lower) {
  context.beginPath();
  context.moveTo(left, -upper(0));
  for (let i = 0; i < count; i++) context.lineTo(left + (i + 0.5) * step, -upper(i));
  context.lineTo(left + count * step, -upper(count - 1));
  context.lineTo(left + count * step, -lower(count - 1));
  for (let i = count - 1; i >= 0; i--) context.lineTo(left + (i + 0.5) * step, -lower(i));
  context.lineTo(left, -lower(0));
  context.fill();
}

/** Return the levels of a spectrogram as a small canvas, one pixel a cell. */
export function levelsToCanvas({ header, levels }, { pixels, range }) {
  const { rows, columns, db } = header;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const target = new Uint32Array(image.data.buffer);
  const shades = new Uint32Array(256);
  for (let level = 0; level < 256; level++) {
    const decibels = db[0] + ((db[1] - db[0]) * level) / 255;
    const share = Math.min(Math.max(1 + decibels / range, 0), 1);
    shades[level] = pixels[Math.round(share * 255)];
  }
  for (let row = 0; row < rows; row++) {
    const from = (rows - 1 - row) * columns;
    for (let column = 0; column < columns; column++) {
      target[row * columns + column] = shades[levels[from + column]];
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Paint a spectrogram with its frequencies on the left, and what the colours mean on the right.
 *
 * @param {object} spec cells (a canvas of `levelsToCanvas`), header, view, width, height, range in
 *   dB, pixels (a ramp), theme.
 */
export function paintSpectrogram(canvas, spec) {
  const { cells, header, view, width, height, range, pixels, theme } = spec;
  const context = sized(canvas, width + GUTTER.left + GUTTER.right, height);
  const perFrame = width / (view[1] - view[0]);
  context.save();
  context.beginPath();
  context.rect(GUTTER.left, 0, width, height);
  context.clip();
  const left = GUTTER.left + (header.first - view[0]) * perFrame;
  context.imageSmoothingQuality = "high";
  context.drawImage(cells, left, 0, (header.end - header.first) * perFrame, height);
  context.restore();
  context.font = `10px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillStyle = theme.muted;
  for (const [hz, y] of frequencyTicks(header, height)) {
    context.fillText(hertzText(hz), GUTTER.left - 6, y);
    context.fillRect(GUTTER.left - 3, y - 0.5, 3, 1);
  }
  paintLegend(context, { x: GUTTER.left + width + 6, height, range, pixels, theme });
}

function paintLegend(context, { x, height, range, pixels, theme }) {
  const high = height - 2;
  for (let y = 0; y < high; y++) {
    const pixel = pixels[Math.round(255 * (1 - y / (high - 1)))];
    context.fillStyle = `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
    context.fillRect(x, y + 1, 6, 1.5);
  }
  context.strokeStyle = theme.axis;
  context.strokeRect(x - 0.5, 0.5, 7, height - 1);
  context.fillStyle = theme.muted;
  context.textAlign = "left";
  context.fillText("0", x + 10, 6);
  context.fillText(`−${range / 2}`, x + 10, height / 2);
  context.fillText("dB", x + 10, height / 2 + 11);
  context.fillText(`−${range}`, x + 10, height - 6);
}

/** Return [Hz, y] of round frequencies that have room. */
export function frequencyTicks({ hz, scale }, height) {
  const place = placeOfHertz(hz, scale);
  const wanted =
    scale === "mel"
      ? [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]
      : linearTicks(hz[0], hz[1], Math.max(height / 28, 2)).ticks;
  const ticks = [];
  let last = Infinity;
  for (const one of wanted) {
    const y = height * (1 - place(one));
    if (one <= hz[0] || y < 6 || y > height - 5 || last - y < 13) continue;
    ticks.push([one, y]);
    last = y;
  }
  return ticks;
}

/** Return the function from Hz to the share of the height, as analysis/sound.py has its rows. */
export function placeOfHertz([low, high], scale) {
  const mel = scale === "mel" ? (hz) => Math.log10(1 + hz / 700) : (hz) => hz;
  return (hz) => (mel(hz) - mel(low)) / (mel(high) - mel(low));
}

/** Return the frequency at a share of the height. */
export function hertzAt([low, high], scale, share) {
  if (scale !== "mel") return low + share * (high - low);
  const mel = (hz) => Math.log10(1 + hz / 700);
  return 700 * (10 ** (mel(low) + share * (mel(high) - mel(low))) - 1);
}

/** 12500 -> "12.5k", 440 -> "440". */
export const hertzText = (hz) =>
  hz >= 1000 ? `${Number((hz / 1000).toPrecision(3))}k` : String(Math.round(hz));

/** Paint the axis of time under both. */
export function paintTime(canvas, { view, rate, width, theme }) {
  const context = sized(canvas, width + GUTTER.left + GUTTER.right, 18);
  const [from, to] = [view[0] / rate, view[1] / rate];
  const { ticks, step } = linearTicks(from, to, Math.max(width / 70, 2));
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  context.font = `10px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = theme.muted;
  let end = -Infinity;
  for (const time of ticks) {
    const x = GUTTER.left + ((time - from) / (to - from)) * width;
    const text = time.toFixed(digits);
    const half = context.measureText(text).width / 2;
    context.fillRect(Math.round(x) - 0.5, 0, 1, 4);
    if (x - half < end + 6) continue;
    context.fillText(text, x, 11);
    end = x + half;
  }
  context.textAlign = "right";
  context.fillText("s", GUTTER.left - 12, 11);
}
