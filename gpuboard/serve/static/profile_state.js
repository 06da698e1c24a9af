/** What the user chose on the Profile page: which traces, which tab, which part of the timeline. */

import { KEPT, define } from "./state.js";

const isTexts = (v) => v.every((one) => typeof one === "string");
const isWindow = (v) =>
  v === null || (Array.isArray(v) && v.length === 2 && v.every(Number.isFinite) && v[1] > v[0]);
const isEvent = (v) =>
  v === null || (Array.isArray(v) && typeof v[0] === "string" && Number.isInteger(v[1]));

define({
  profileJob: { ...KEPT.URL_ONLY, default: "" }, // id of the job, "" for the first one
  profileSpan: { ...KEPT.URL_ONLY, default: 0, min: 0 }, // which recording of it
  profileTraces: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // ids, none: the first rank
  profileTab: { ...KEPT.URL_ONLY, default: "" }, // "" for the first one
  // the overview and the steps
  profileParts: { ...KEPT.URL_AND_LOCAL, default: "parts", choices: ["parts", "roles", "plugin"] },
  // operators and kernels; a query "/pattern/" is a regular expression
  profileStep: { ...KEPT.URL_ONLY, default: -1 }, // the only step to look at, -1: everything
  opBy: { ...KEPT.URL_AND_LOCAL, default: "name", choices: ["name", "shapes", "stack"] },
  opSort: { ...KEPT.URL_ONLY, default: "" },
  opQuery: { ...KEPT.URL_ONLY, default: "" },
  kernelBy: { ...KEPT.URL_AND_LOCAL, default: "name", choices: ["name", "launch", "operator"] },
  kernelView: { ...KEPT.URL_ONLY, default: "table", choices: ["table", "launching"] },
  kernelSort: { ...KEPT.URL_ONLY, default: "" },
  kernelQuery: { ...KEPT.URL_ONLY, default: "" },
  kernelClasses: { ...KEPT.URL_ONLY, default: [], check: isTexts },
  kernelCores: { ...KEPT.URL_ONLY, default: "" },
  // the flame graph
  flameWeight: { ...KEPT.URL_AND_LOCAL, default: "host", choices: ["host", "device"] },
  flameThreads: { ...KEPT.URL_AND_LOCAL, default: false },
  flameTrack: { ...KEPT.URL_ONLY, default: -1 },
  flameQuery: { ...KEPT.URL_ONLY, default: "" },
  // the timeline; times are nanoseconds from the start of the first trace
  timeWindow: { ...KEPT.URL_ONLY, default: null, check: isWindow }, // null: everything
  timeEvent: { ...KEPT.URL_ONLY, default: null, check: isEvent }, // [trace, row]
  timePins: { ...KEPT.URL_ONLY, default: [], check: isTexts }, // keys of tracks
  timeFolds: { ...KEPT.URL_ONLY, default: {} }, // by key of a track or group: see timeline_rows.js
  timeQuery: { ...KEPT.URL_ONLY, default: "" },
  timeRegex: { ...KEPT.URL_ONLY, default: false },
  timeAlign: { ...KEPT.URL_ONLY, default: "clock", choices: ["clock", "collective", "start"] },
  timeArrows: { ...KEPT.URL_AND_LOCAL, default: true },
});

/** The keys that belong to the chosen traces and go when others are chosen. */
export const OF_THE_TRACES = ["timeWindow", "timeEvent", "timePins", "timeFolds", "profileStep", "flameTrack"];
