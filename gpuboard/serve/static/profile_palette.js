/** What the parts of time are called on the Profile page, and their colours. */

import { NEUTRAL, PALETTE } from "./palette.js";

const [BLUE, ORANGE, TEAL, PINK, INDIGO, SAGE, RED, SKY, BROWN, PURPLE, GREEN, PETROL] = PALETTE;
const AMBER = "#c7962b";
const STONE = "#a39a86";
const PALE = "#b9bec6";

const part = (key, title, colour, what) => ({ key, title, colour, what });
const byKey = (parts) => Object.fromEntries(parts.map((one) => [one.key, one]));

/** Why a device did nothing (figures/idle.py). */
export const CAUSES = byKey([
  part("data_loader", "data loader", RED, "nothing was queued: the host fetched a batch"),
  part("sync", "host waited", ORANGE, "nothing was queued: the host waited for the device to be done"),
  part("host", "host busy", AMBER, "nothing was queued: the host did something else"),
  part("launch", "launching", BROWN, "the next work was being launched"),
  part("between", "between works", STONE, "the next work was queued: the usual pause between two works"),
  part("queued", "in the queue", PINK, "the next work was queued for longer: it waited for other work"),
  part("unknown", "not known", PALE, "the file does not tell when the next work was launched"),
]);

/** What the time of a step went into: parts that exclude each other and sum up to the step. */
export const PARTS = byKey([
  part("compute", "computing", TEAL, "a kernel ran that is no collective"),
  part("exposed_comm", "communication", PURPLE, "a collective ran, and nothing was computed"),
  part("exposed_mem", "copies", SKY, "a copy or fill ran, and nothing else"),
  ...Object.values(CAUSES).map(({ key, title, colour, what }) =>
    part(`idle_${key}`, `idle: ${title}`, colour, what),
  ),
]);

/** Who was at work in a step, by the definition of TensorBoard's profiler plugin. */
export const ROLES = byKey([
  part("kernel", "kernel", TEAL, "a kernel ran"),
  part("memcpy", "memcpy", SKY, "a copy ran, and no kernel"),
  part("memset", "memset", BLUE, "a fill ran, and neither"),
  part("communication", "communication", PURPLE, "a collective or its range on the host"),
  part("runtime", "runtime", BROWN, "a call of the CUDA or HIP runtime, while the device did nothing"),
  part("data_loader", "data loader", RED, "the host fetched a batch"),
  part("cpu_op", "CPU operators", AMBER, "operators and ranges of the host"),
  part("other", "other", PALE, "none of these"),
]);

/** Sorts of kernels (figures/kernel_classes.py). */
export const CLASSES = byKey([
  part("gemm", "matrix products", BLUE, ""),
  part("convolution", "convolution", INDIGO, ""),
  part("attention", "attention", PURPLE, ""),
  part("normalisation", "normalisation", ORANGE, ""),
  part("elementwise", "elementwise", TEAL, ""),
  part("reduction", "reduction", SAGE, ""),
  part("copy", "copies", SKY, "copies, fills, and kernels that move data"),
  part("communication", "communication", RED, ""),
  part("optimizer", "optimizer", GREEN, ""),
  part("sort_index", "sort and index", BROWN, ""),
  part("random", "random numbers", PINK, ""),
  part("triton", "Triton", PETROL, "kernels that torch.compile or a person generated"),
  part("other", "other", NEUTRAL, ""),
]);

/** Answers to "does it use tensor cores?" (figures/tensor_cores.py), by their number. */
export const CORES = [
  { key: "unknown", title: "unknown", colour: NEUTRAL },
  { key: "not_used", title: "not used", colour: AMBER },
  { key: "used", title: "used", colour: TEAL },
];
