/** Small round gauges: shares of one, with their definition as the tip. */

import { make } from "./chart_elements.js";
import { sentence } from "./profile_kit.js";

const SVG = "http://www.w3.org/2000/svg";
const R = 26;
const AROUND = 2 * Math.PI * R;

const ABOUT = {
  busy: ["GPU busy", "Share of the window in which a kernel ran"],
  sm_efficiency: ["SM efficiency", "Mean share of multiprocessors that had a block to work on; idle time counts as 0"],
  occupancy: ["Occupancy", "Estimated occupancy of kernels: warps in flight by the most that fit, each kernel weighing as long as it ran"],
  tensor_cores: ["Tensor cores", "Share of the time of kernels in those that use tensor cores, by their names"],
};

/** @param {object[]} list Gauges of `profile/overview`. @param {?number[]} means Over all ranks. */
export function gauges(list, means = null) {
  return make("div", { class: "po-gauges" }, ...list.map((one, k) => gauge(one, means?.[k] ?? null)));
}

function gauge({ key, value, absent, unknown }, mean) {
  const [title, what] = ABOUT[key];
  const isKnown = value !== null;
  const more = mean !== null && isKnown ? ` Mean of the chosen ranks: ${whole(mean)}.` : "";
  const rest = unknown > 0.005 && isKnown ? ` The names of ${whole(unknown)} do not tell.` : "";
  return make(
    "div",
    { class: `po-gauge ${isKnown ? "" : "is-absent"}`, title: isKnown ? `${what}.${rest}${more}` : `${what}. ${sentence(absent)}` },
    make("div", { class: "po-dial" }, ring(isKnown ? value : 0, mean), make("b", { text: isKnown ? whole(value) : "–" })),
    make("span", { text: title }),
  );
}

const whole = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}\u202f%`;

function ring(share, mean) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 64 64");
  svg.setAttribute("aria-hidden", "true");
  const circle = (name, from, part) => {
    const one = svg.appendChild(document.createElementNS(SVG, "circle"));
    for (const [key, value] of Object.entries({ cx: 32, cy: 32, r: R, class: name })) one.setAttribute(key, value);
    one.setAttribute("stroke-dasharray", `${part * AROUND} ${AROUND}`);
    one.setAttribute("stroke-dashoffset", String(-from * AROUND));
  };
  circle("po-ring", 0, 1);
  if (share > 0) circle("po-arc", 0, Math.min(share, 1));
  if (mean !== null) circle("po-tick", Math.max(mean - 0.008, 0), 0.016);
  return svg;
}
