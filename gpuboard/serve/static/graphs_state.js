/** What the user chose on the Graphs page. */

import { KEPT, define } from "./state.js";

const isTexts = (v) => v.every((one) => typeof one === "string");
const isOpen = (v) => v === null || (Array.isArray(v) && isTexts(v));
const isTrace = (v) =>
  v === null || (typeof v.key === "string" && ["inputs", "outputs"].includes(v.direction));

export const COLOURS = {
  none: "No colour",
  structure: "Structure",
  device: "Device",
  cluster: "XLA cluster",
  time: "Compute time",
  memory: "Memory",
};

define({
  graph: { ...KEPT.URL_ONLY, default: "" }, // id of the graph, "" for the first one
  graphProfile: { ...KEPT.URL_ONLY, default: "" }, // id of the profile whose costs are shown
  graphTab: { ...KEPT.URL_ONLY, default: "graph", choices: ["graph", "table"] },
  graphOpen: { ...KEPT.URL_ONLY, default: null, check: isOpen }, // null: what suits the screen
  graphUngrouped: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  graphApart: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  graphKept: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  graphWithout: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // devices that do not count
  graphNode: { ...KEPT.URL_ONLY, default: "" }, // key of the selected box
  graphTrace: { ...KEPT.URL_ONLY, default: null, check: isTrace },
  graphConstants: { ...KEPT.URL_ONLY, default: false },
  graphColour: { ...KEPT.URL_AND_LOCAL, default: "structure", choices: Object.keys(COLOURS) },
  graphRows: { ...KEPT.URL_ONLY, default: "parameters", choices: ["parameters", "all"] },
});

/** The keys that belong to one graph and go when another one is chosen. */
export const OF_ONE_GRAPH = [
  "graphOpen",
  "graphUngrouped",
  "graphApart",
  "graphKept",
  "graphWithout",
  "graphNode",
  "graphTrace",
  "graphProfile",
];
