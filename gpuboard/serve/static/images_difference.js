/** Compute how two pictures differ, pixel by pixel, on the values that a screen shows. */

const WARM = [214, 72, 40]; // where A is brighter
const COOL = [38, 104, 214]; // where B is
const NEUTRAL = [128, 128, 128];

/** Return the pixels of a bitmap at a size; another size than its own is resampled. */
export function pixelsOf(bitmap, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * Return a picture of the difference, opaque.
 *
 * @param {Uint8ClampedArray} a RGBA of one picture.
 * @param {Uint8ClampedArray} b RGBA of the other, as many pixels.
 * @param {{gain: number, isSigned: boolean}} how Absolute: |a - b| x gain in each channel. Signed:
 *   the mean over red, green and blue of a - b, warm above zero and cool below, on grey.
 * @returns {Uint8ClampedArray} RGBA
 */
export function difference(a, b, { gain, isSigned }) {
  const shown = new Uint8ClampedArray(a.length);
  for (let i = 0; i < a.length; i += 4) {
    if (isSigned) {
      const mean = (a[i] - b[i] + a[i + 1] - b[i + 1] + a[i + 2] - b[i + 2]) / 3;
      const part = Math.min(1, (Math.abs(mean) * gain) / 255);
      const end = mean > 0 ? WARM : COOL;
      for (let c = 0; c < 3; c++) shown[i + c] = NEUTRAL[c] + (end[c] - NEUTRAL[c]) * part;
    } else {
      for (let c = 0; c < 3; c++) shown[i + c] = Math.abs(a[i + c] - b[i + c]) * gain;
    }
    shown[i + 3] = 255;
  }
  return shown;
}

/**
 * Return the mean and the largest absolute difference over red, green and blue (0-255), which part
 * of the pixels differ at all, and the peak signal-to-noise ratio in dB (Infinity when equal).
 */
export function measure(a, b) {
  let [sum, squares, largest, differing] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 4) {
    let most = 0;
    for (let c = 0; c < 3; c++) {
      const d = Math.abs(a[i + c] - b[i + c]);
      sum += d;
      squares += d * d;
      if (d > most) most = d;
    }
    if (most > largest) largest = most;
    if (most > 0) differing++;
  }
  const values = (a.length / 4) * 3;
  return {
    mean: sum / values,
    largest,
    part: differing / (a.length / 4),
    psnr: 10 * Math.log10((255 * 255) / (squares / values)),
  };
}
