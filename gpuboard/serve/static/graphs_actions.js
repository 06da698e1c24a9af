/** What can be done with a box: the rows of its menu and the buttons of its card. */

import { make } from "./chart_elements.js";
import * as state from "./state.js";

/**
 * Return [text, fn] of everything that can be done with a box.
 *
 * @param {GraphsPage} page
 * @param {string} key
 * @param {string} [form] "node", "scope" or "series".
 */
export function menuOf(page, key, form = formOf(page.view.scene, key)) {
  const isOpen = page.openKeys().includes(key);
  const box = page.view.scene?.index.get(key);
  const isApart = box !== undefined && page.view.scene.boxes.apart[box] === 1;
  const grouped = seriesOf(key);
  return [
    form !== "node" && [isOpen ? "Close" : "Open", () => page.toggle(key)],
    form === "series" && ["Ungroup", () => ungroup(key)],
    grouped && ["Group again", () => group(grouped)],
    traceRow(key, "inputs"),
    traceRow(key, "outputs"),
    [isApart ? "Put back" : "Set apart", () => setApart(key, !isApart)],
    ["Centre", () => page.view.show(key)],
  ].filter(Boolean);
}

/** Make a button for each row of a menu. */
export function actionButtons(rows) {
  return rows.map(([text, fn]) =>
    make("button", { type: "button", class: "button gr-action", text, on: { click: fn } }),
  );
}

function formOf(scene, key) {
  const box = scene?.index.get(key);
  return box === undefined ? "node" : scene.boxes.form[box];
}

function traceRow(key, direction) {
  const trace = state.get("graphTrace");
  const isOn = trace?.key === key && trace.direction === direction;
  return [
    isOn ? "End trace" : `Trace ${direction}`,
    () => state.set("graphTrace", isOn ? null : { key, direction }),
  ];
}

function ungroup(key) {
  state.set("graphUngrouped", [...state.get("graphUngrouped"), key]);
}

function group(key) {
  state.set("graphUngrouped", without("graphUngrouped", key));
}

/** Return the ungrouped series that a box was a member of, "" for none. */
function seriesOf(key) {
  const end = key.lastIndexOf("/") + 1;
  const stem = key
    .slice(end)
    .replace(/[[(]?\d+[\])]?$/, "")
    .replace(/[-_. ]+$/, "");
  const start = `${key.slice(0, end)}${stem}[`;
  return state.get("graphUngrouped").find((one) => one.startsWith(start)) ?? "";
}

function setApart(key, isApart) {
  const [to, from] = isApart ? ["graphApart", "graphKept"] : ["graphKept", "graphApart"];
  state.set(from, without(from, key));
  state.set(to, [...without(to, key), key]);
}

const without = (name, key) => state.get(name).filter((one) => one !== key);
