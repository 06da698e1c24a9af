/** Save a picture of histograms as a figure that stands alone, or a step's buckets as a file. */

import { route } from "./api.js";
import { fit, ruler } from "./chart.js";
import { fileName, follow, saveAs, shorten } from "./chart_elements.js";
import { SvgPen } from "./chart_export.js";
import { paintChosen } from "./histograms_mark.js";
import { frameOf, paintBase } from "./histograms_paint.js";

const [WIDTH, HEIGHT, TOP] = [760, 440, 52];

/** Save what a card shows: `format` is "png" or "svg". */
export async function savePicture(card, format) {
  const name = `${fileName(card.tag)}.${format}`;
  if (format === "svg") return saveAs(name, pictureSvg(card), "image/svg+xml");
  const canvas = document.createElement("canvas");
  paintFigure(fit(canvas, WIDTH, HEIGHT, 2), card);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return saveAs(name, blob, "image/png");
}

/** Write what a card shows as one SVG document. */
export function pictureSvg(card) {
  const pen = new SvgPen(card.page.theme());
  paintFigure(pen, card);
  return pen.document(WIDTH, HEIGHT);
}

function paintFigure(context, card) {
  const theme = card.page.theme();
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const measure = ruler(`11px ${theme.font}`);
  const frame = frameOf({ ...card.frame, width: WIDTH, height: HEIGHT, top: TOP, measure });
  paintBase(context, frame);
  if (!card.chosen?.error) paintChosen(context, frame, card.chosen);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = theme.text;
  context.font = `600 14px ${theme.font}`;
  context.fillText(shorten(card.tag, 80), 14, 18);
  context.fillStyle = theme.muted;
  context.font = `12px ${theme.font}`;
  context.fillText(shorten(card.caption(), 110), 14, 36);
}

/** Let the browser download the exact buckets of the step that a card shows: "csv" or "json". */
export function saveBuckets(card, format) {
  const { run, tag } = card;
  const name = `${fileName(`${tag}-${card.chosen.step}`)}.${format}`;
  follow(route("histogram", { run, tag, ref: card.chosen.ref, format }), name);
}
