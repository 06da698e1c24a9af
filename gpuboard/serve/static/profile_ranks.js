/** The chosen ranks beside each other: what each spent its time on. */

import { make } from "./chart_elements.js";
import { visible } from "./dom.js";
import { card, legend, splitBar } from "./profile_kit.js";
import { PARTS } from "./profile_palette.js";
import { TABS } from "./profile_tabs.js";
import { percent, span } from "./timeline_time.js";

const IDLE = { key: "idle", title: "idle", colour: "var(--check)", what: "no kernel, copy or fill ran" };
const SHOWN = [PARTS.compute, PARTS.exposed_comm, PARTS.exposed_mem, IDLE];

/** @param {object[]} found Replies of `profile/overview`, one for each chosen trace. */
export function ranksCard(found, profile) {
  const rows = found.map(({ time }, i) => ({ time, name: profile.traces[i].name, trace: profile.traces[i].trace }));
  const known = rows.filter(({ time }) => time.window);
  if (!known.length) return null;
  const longest = Math.max(...known.map(({ time }) => time.window_ns));
  const grid = make("div", { class: "po-ranks" }, ...rows.map((row) => rankRow(row, longest, profile)));
  const hasMore = TABS.some(({ name }) => name === "distributed");
  const tools = hasMore ? make("button", { type: "button", class: "link", text: "Who waits for whom", on: { click: () => profile.show("distributed") } }) : [];
  return card("Ranks", { note: "device time of each, on one scale", tools }, grid, legend(SHOWN));
}

/** The devices of one trace beside each other, null where there is one only. */
export function devicesCard({ devices }) {
  const rows = devices.filter(({ time }) => time.window).map(({ number, name, time }) => ({ name: `GPU ${Math.max(number, 0)}`, title: name, time }));
  if (rows.length < 2) return null;
  const longest = Math.max(...rows.map(({ time }) => time.window_ns));
  return card("Devices", { note: "time of each, on one scale" }, make("div", { class: "po-ranks" }, ...rows.map((row) => rankRow(row, longest, null))), legend(SHOWN));
}

function nameLink({ name, trace }, profile) {
  if (!profile) return make("span", { class: "po-rank-name", text: visible(name) });
  return make("button", {
    type: "button",
    class: "link po-rank-name",
    text: visible(name),
    title: "Look at this rank alone",
    on: { click: () => profile.show("overview", { profileTraces: [trace] }) },
  });
}

function rankRow(row, longest, profile) {
  const { time } = row;
  const only = nameLink(row, profile);
  if (!time.window) return make("div", { class: "po-rank-row" }, only, make("span", { class: "pg-note", text: time.absent }));
  const compute = time.busy_ns - time.exposed_comm_ns - time.exposed_mem_ns;
  const ns = { compute, exposed_comm: time.exposed_comm_ns, exposed_mem: time.exposed_mem_ns, idle: time.idle_ns };
  const parts = SHOWN.map((one) => ({ ...one, ns: ns[one.key] }));
  const bar = splitBar(parts, { tip: (one, share) => `${one.title}: ${span(one.ns, 3)}, ${percent(share)}` });
  bar.style.width = `${(100 * time.window_ns) / longest}%`;
  return make(
    "div",
    { class: "po-rank-row" },
    only,
    make("div", { class: "po-rank-bar" }, bar),
    make("span", { class: "po-row-value", text: span(time.window_ns, 4) }),
    make("span", { class: "po-row-part", text: `${percent(time.busy_ns / (time.window_ns || 1))} busy` }),
  );
}
