/** Decide what lies where on the timeline: groups, tracks, lines of tracks, series, pinned tracks. */

import { plural } from "./format.js";

export const LANE = 17; // pixels from line to line
const PAD = 3; // above and below the lines of a track
const GROUP = 24;
const TRACE = 28;
const SERIES = 38;
const FEW = 10; // lines of a track that are shown until somebody asks for all
const SOME = 3; // so few more are not worth hiding
const MANY = 40; // with fewer lines in all, all are shown at first

const UTILISATION = "Utilisation";

/** How a track is shown: folded to its first line, its first lines, or all. */
export const FOLDED = 1;
export const FULL = 2;

/**
 * Return the rows of traces from the top: objects with `type`, `key`, `y` and `height`.
 *
 * @param {object[]} models What `api/v1/timeline/tracks` says of each trace, with `name`.
 * @param {Object<string, number>} folds By key: 1 folded, 2 all lines.
 */
export function rowsOf(models, folds) {
  const rows = [];
  const lanes = models.reduce((sum, { tracks }) => sum + tracks.lanes.reduce((a, b) => a + b, 0), 0);
  models.forEach((model, number) => {
    const key = String(number);
    if (models.length > 1) {
      rows.push({ type: "trace", key, model: number, label: model.name, height: TRACE, folded: folds[key] === FOLDED });
      if (folds[key] === FOLDED) return;
    }
    for (const group of groupsOf(model, number)) addGroup(rows, group, model, folds, lanes <= MANY);
  });
  return placed(rows);
}

function placed(rows) {
  let y = 0;
  for (const row of rows) {
    row.y = y;
    y += row.height;
  }
  return { rows, height: y };
}

function addGroup(rows, group, model, folds, all) {
  const folded = folds[group.key] === FOLDED;
  rows.push({ ...group, type: "group", height: GROUP, folded });
  if (folded) return;
  for (const track of group.tracks ?? []) rows.push(trackRow(group.model, model, track, folds, all));
  for (const series of group.series ?? []) {
    rows.push({ type: "series", key: `${group.key}/${series.name}`, model: group.model, label: series.name, series: [series], height: SERIES, hue: group.hue });
  }
}

/** Return the row of one track of a model. */
export function trackRow(number, model, track, folds, all = false) {
  const { tracks } = model;
  const key = `${number}/${track}`;
  const total = tracks.lanes[track];
  const fold = folds[key] ?? (all || total <= FEW + SOME ? FULL : 0);
  const shown = fold === FOLDED ? 1 : fold === FULL ? total : Math.min(total, FEW);
  return {
    type: "track",
    key,
    model: number,
    track,
    label: labelOf(tracks, track),
    note: noteOf(tracks, track),
    firstLane: tracks.first_lane[track],
    lanes: shown,
    total,
    folded: fold === FOLDED,
    height: shown * LANE + 2 * PAD,
  };
}

/** Return where the top of a line of a track lies within its row. */
export const lineTop = (line) => PAD + line * LANE;

/** Return the line of a track at a height within its row, -1 for none. */
export function lineAt(row, y) {
  const line = Math.floor((y - PAD) / LANE);
  return line >= 0 && line < row.lanes ? line : -1;
}

function groupsOf(model, number) {
  const { tracks } = model;
  const groups = new Map();
  tracks.process.forEach((process, track) => {
    if (tracks.slices[track] === 0) return;
    const isDevice = tracks.place[track] === "stream" || tracks.place[track] === "device_note";
    const name = isDevice ? `gpu ${tracks.device[track]}` : `process ${process}`;
    const key = `${number}/g/${name}`;
    if (!groups.has(key)) groups.set(key, { key, model: number, isDevice, tracks: [], ...titleOf(tracks, track, isDevice) });
    groups.get(key).tracks.push(track);
  });
  const series = new Map();
  for (const device of model.busy) {
    add(series, UTILISATION, number, { key: `busy/${device}`, name: device < 0 ? "device" : `GPU ${device} busy`, unit: "share" });
  }
  for (const one of model.series) add(series, one.group, number, one);
  // Devices first: the rest of the timeline tells why they were busy or idle.
  const known = [...groups.values()];
  const curves = [...series.values()];
  const isBusy = ({ label }) => label === UTILISATION;
  return [
    ...known.filter(({ isDevice }) => isDevice),
    ...curves.filter(isBusy),
    ...known.filter(({ isDevice }) => !isDevice),
    ...curves.filter((one) => !isBusy(one)),
  ];
}

function add(groups, name, number, one) {
  const key = `${number}/s/${name}`;
  if (!groups.has(key)) groups.set(key, { key, model: number, label: name, series: [], hue: groups.size });
  groups.get(key).series.push(one);
}

function titleOf(tracks, track, isDevice) {
  const label = tracks.process_label[track];
  if (isDevice) {
    const number = tracks.device[track];
    return { label: number < 0 ? label || "Device" : `GPU ${number}`, note: "" };
  }
  const process = tracks.process[track];
  if (!label) return { label: isNumber(process) || !process ? `Process ${process}`.trim() : process, note: "" };
  return { label, note: process !== label ? process : "" };
}

/** Return what a track is called. */
export function labelOf(tracks, track) {
  const label = tracks.label[track];
  if (tracks.place[track] === "stream") {
    const stream = tracks.stream[track];
    return label.trim() || (stream === "-1" ? tracks.thread[track] : `stream ${stream}`);
  }
  if (tracks.place[track] === "device_note") return `${label.trim() || tracks.thread[track]} annotations`;
  const thread = tracks.thread[track];
  return label || (isNumber(thread) ? `thread ${thread}` : thread || "events");
}

const isNumber = (text) => /^-?\d+$/.test(text);

const noteOf = (tracks, track) => plural(tracks.slices[track], "event");
