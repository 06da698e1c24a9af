/** A form for the peaks of a device, given by hand. */

import { make } from "./chart_elements.js";

const FIELDS = [
  ["bandwidth", "Bandwidth", "GB/s", 1e9],
  ["fp16", "fp16", "TFLOP/s", 1e12],
  ["bf16", "bf16", "TFLOP/s", 1e12],
  ["tf32", "tf32", "TFLOP/s", 1e12],
  ["fp32", "fp32", "TFLOP/s", 1e12],
  ["fp8", "fp8", "TFLOP/s", 1e12],
  ["fp64", "fp64", "TFLOP/s", 1e12],
  ["vector", "Other units", "TFLOP/s", 1e12],
];

/**
 * @param {object} peak What is known of the device.
 * @param {Object<string, number>} given What was given before.
 * @param {(given: Object<string, number>) => void} use
 */
export function peakForm(peak, given, use) {
  const inputs = new Map();
  const fields = FIELDS.map(([key, title, unit, factor]) => {
    const known = key === "bandwidth" ? peak.bandwidth : key === "vector" ? peak.vector.fp32 : peak.matrix[key];
    const input = make("input", { class: "input", type: "number", min: "0", step: "any", "aria-label": title, placeholder: known ? String(Number((known / factor).toPrecision(4))) : "" });
    if (given[key]) input.value = String(Number((given[key] / factor).toPrecision(6)));
    inputs.set(key, [input, factor]);
    return make("label", { class: "pf-roof-field" }, make("span", { text: title }), input, make("small", { text: unit }));
  });
  const form = make("form", { class: "pf-roof-form" }, make("div", { class: "pf-roof-fields" }, ...fields));
  const clear = make("button", { type: "button", class: "button is-quiet", text: "Clear" });
  clear.addEventListener("click", () => use({}));
  form.append(make("div", { class: "pf-roof-buttons" }, make("button", { type: "submit", class: "button", text: "Use" }), clear, make("span", { class: "pk-note", text: "Dense peaks of matrix units by type; they are kept in the address" })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = {};
    for (const [key, [input, factor]] of inputs) {
      const value = Number(input.value) * factor;
      if (value > 0 && Number.isFinite(value)) found[key] = value;
    }
    use(found);
  });
  return form;
}
