/**
 * Bring the page's frame to life: header, rail and run panel around whatever the page shows.
 *
 * Python sends "version" whenever the store has changed; it goes into `state.js`, and everything
 * that shows data follows it from there.
 */

import { getJson } from "./api.js";
import { h, icon, visible } from "./dom.js";
import * as format from "./format.js";
import { runPanel } from "./run_panel.js";
import { reload } from "./runs.js";
import * as state from "./state.js";
import { THEMES, followTheme, nextTheme } from "./theme.js";

const STATUS_MS = 500;
const WITHOUT_PANEL = new Set(["runs", "health", "profile"]); // no selection of runs, or the list itself
const MIN_PANEL = 200;
const MAX_PANEL = 640;

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const hasPanel = () => !WITHOUT_PANEL.has(root.dataset.page);

export default {
  render({ el, model }) {
    const status = statusLine();
    const ends = [
      followTheme(),
      themeButton(),
      railToggle(),
      panelToggle(),
      panelGrip(),
      pageLinks(),
      hasPanel() ? runPanel(el) : null,
      status.end,
      model.on("version", (version) => state.set("version", version)),
      model.on("connection", connectionNotice(status)),
    ];
    reload();
    status.ask();
    return () => ends.forEach((end) => end?.());
  },
};

function on(element, name, fn) {
  element.addEventListener(name, fn);
  return () => element.removeEventListener(name, fn);
}

function follow(keys, fn) {
  fn();
  return state.subscribe(keys, fn);
}

function both(...ends) {
  return () => ends.forEach((end) => end());
}

function themeButton() {
  const button = byId("theme");
  const show = () => {
    const { label, icon: name } = THEMES[state.get("theme")];
    button.setAttribute("aria-label", `Theme: ${label}`);
    button.replaceChildren(icon(name), h("span", { class: "tip" }, `Theme: ${label}`));
  };
  return both(on(button, "click", nextTheme), follow("theme", show));
}

function railToggle() {
  const button = byId("rail-toggle");
  const isWide = () => {
    const rail = state.get("rail");
    return rail === "wide" || (rail === "auto" && innerWidth >= 1200);
  };
  const show = () => {
    const label = isWide() ? "Collapse" : "Expand";
    root.dataset.rail = state.get("rail");
    button.setAttribute("aria-label", `${label} the list of dashboards`);
    button.replaceChildren(
      icon(isWide() ? "collapse" : "expand"),
      h("span", { class: "rail-label" }, label),
    );
  };
  const toggle = () => state.set("rail", isWide() ? "narrow" : "wide");
  return both(on(button, "click", toggle), on(window, "resize", show), follow("rail", show));
}

function panelToggle() {
  const button = byId("panel-toggle");
  const show = () => {
    const isOpen = state.get("panel");
    const label = isOpen ? "Hide the run panel" : "Show the run panel";
    root.dataset.panel = hasPanel() ? (isOpen ? "open" : "closed") : "none";
    button.setAttribute("aria-expanded", isOpen);
    button.setAttribute("aria-label", label);
    button.replaceChildren(icon("panel"), h("span", { class: "tip" }, label));
  };
  return both(
    on(button, "click", () => state.set("panel", !state.get("panel"))),
    follow("panel", show),
  );
}

function panelGrip() {
  const grip = byId("panel-grip");
  const show = () => {
    const width = state.get("panelWidth");
    root.style.setProperty("--panel", `${width}px`);
    grip.setAttribute("aria-valuenow", width);
  };
  const drag = (event) => {
    if (grip.hasPointerCapture(event.pointerId)) {
      setWidth(event.clientX - byId("panel").getBoundingClientRect().left);
    }
  };
  const start = (event) => {
    grip.setPointerCapture(event.pointerId);
    grip.classList.add("is-dragged");
    event.preventDefault();
  };
  const stop = () => grip.classList.remove("is-dragged");
  const keys = (event) => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (step) setWidth(state.get("panelWidth") + step);
  };
  grip.setAttribute("aria-valuemin", MIN_PANEL);
  grip.setAttribute("aria-valuemax", MAX_PANEL);
  return both(
    on(grip, "pointerdown", start),
    on(grip, "pointermove", drag),
    on(grip, "lostpointercapture", stop),
    on(grip, "keydown", keys),
    on(grip, "dblclick", () => state.set("panelWidth", state.KEYS.panelWidth.default)),
    follow("panelWidth", show),
  );
}

function setWidth(width) {
  state.set("panelWidth", Math.round(width));
}

/** Let links to other pages carry what is chosen on this one. */
function pageLinks() {
  const carry = (event) => {
    const link = event.target.closest?.("a[data-page-link]");
    if (link) link.search = state.query();
  };
  return both(
    on(document, "pointerdown", carry),
    on(document, "click", carry),
    on(document, "focusin", carry),
  );
}

function connectionNotice(status) {
  const notice = byId("connection");
  return (isConnected) => {
    notice.hidden = isConnected;
    if (isConnected) return status.ask();
    const since = new Date().toLocaleTimeString([], {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    const again = h(
      "button",
      { type: "button", class: "button", onclick: () => location.reload() },
      "Reload",
    );
    notice.replaceChildren(
      icon("warning"),
      `No connection since ${since}: what you see is no longer updated`,
      again,
    );
    return undefined;
  };
}

/**
 * Show how far reading is and how many problems there are.
 *
 * Asks after a change of the store, at most twice a second; and while files are being read, since
 * progress is no change.
 */
function statusLine() {
  let timer = 0;
  let askedAt = -Infinity;
  const soon = () => {
    timer ||= setTimeout(ask, Math.max(askedAt + STATUS_MS - performance.now(), 0));
  };
  const ask = async () => {
    clearTimeout(timer);
    timer = 0;
    askedAt = performance.now();
    try {
      state.set("status", await getJson("status"));
      if (state.get("status").phase !== "watching") soon();
    } catch {
      // the connection notice says it, and the next version asks again
    }
  };
  const show = () => {
    const status = state.get("status");
    showPlace(status);
    showProgress(status);
    showHealth(status);
  };
  const catchUp = () => state.get("status")?.version === state.get("version") || soon();
  const ends = [state.subscribe("version", catchUp), state.subscribe("status", show)];
  return {
    ask,
    end() {
      clearTimeout(timer);
      ends.forEach((end) => end());
    },
  };
}

function showPlace({ logdir }) {
  const place = byId("logdir");
  place.hidden = !logdir;
  place.title = visible(logdir);
  place.replaceChildren(h("span", {}, visible(logdir)));
}

function showProgress({ phase, bytes_done: done, bytes_total: total }) {
  const bar = byId("progress-bar");
  const isReading = phase === "reading" && total > 0 && done < total;
  bar.classList.toggle("is-on", isReading);
  bar.style.setProperty("--done", total > 0 ? done / total : 0);
  byId("progress-text").textContent = progressSentence(phase, isReading, done, total);
}

function progressSentence(phase, isReading, done, total) {
  if (isReading) return `reading ${amount(done, total)} of ${format.size(total)}`;
  return (
    {
      starting: "looking for event files",
      compiling: "preparing the reader, once per installation",
    }[phase] ?? ""
  );
}

/** Write `done` in the unit of `total`, without repeating it: "41 of 107 MB". */
function amount(done, total) {
  const [doneText, doneUnit] = format.size(done).split(" ");
  return doneUnit === format.size(total).split(" ")[1] ? doneText : `${doneText} ${doneUnit}`;
}

function showHealth({ problems }) {
  const link = byId("health-link");
  const label = problems > 0 ? format.plural(problems, "problem") : "Healthy";
  const tip =
    problems > 0
      ? "Found while reading the log files. Open the list."
      : "Every file read so far is intact.";
  link.classList.toggle("is-warn", problems > 0);
  link.replaceChildren(
    icon(problems > 0 ? "warning" : "good"),
    label,
    h("span", { class: "tip" }, tip),
  );
}
