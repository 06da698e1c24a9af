/** The verdict of a trace: what holds it back, as cards, each with what proves it. */

import { make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";
import { count, size } from "./format.js";
import { meter, nameOf, sentence, toTimeline } from "./profile_kit.js";
import { TABS } from "./profile_tabs.js";
import { percent, span } from "./timeline_time.js";

const GOOD = "No rule found a share of the time that is worth a word. What is left is the work itself.";
const BLIND = "The rules look at the work of a GPU, and this trace holds none.";
const SEVERE = 0.2;
const OPEN = 2; // findings that show their advice and evidence at once

/** Fill `box` with the findings of a reply of `profile/verdict`. */
export function showVerdict(box, reply, profile) {
  const { findings, works } = reply;
  if (!findings.length) {
    box.replaceChildren(works ? nothing("good", "Nothing holds it back", GOOD) : nothing("warning", "No verdict", BLIND));
    return;
  }
  box.replaceChildren(...findings.map((one, i) => cardOf(one, i, reply, profile)));
}

function nothing(name, title, text) {
  const words = make("div", {}, make("h3", { text: title }), make("p", { text }));
  return make("div", { class: `po-good ${name === "good" ? "" : "is-blind"}` }, icon(name), words);
}

function cardOf(finding, number, reply, profile) {
  const { title, statement, advice, share, gain_share: gain, is_waiting: isWaiting, evidence } = finding;
  const severity = isWaiting ? (share >= SEVERE ? "is-bad" : "is-warn") : "is-work";
  const proofs = evidence.filter(({ value, unit }) => !(unit !== "" && value === 0));
  const isOpen = number < OPEN;
  const toggle = make(
    "button",
    { type: "button", "aria-expanded": String(isOpen), on: { click: () => fold(toggle) } },
    make("span", { class: "po-rank", text: String(number + 1) }),
    make("h3", { text: title }),
    icon("down"),
  );
  return make(
    "article",
    { class: `po-finding ${severity} ${isOpen ? "" : "is-closed"}`, "aria-label": title },
    make(
      "header",
      {},
      toggle,
      make("span", { class: "push" }),
      make("span", { class: "po-share", text: percent(share), title: "Share of the time that it costs" }),
    ),
    shareBar(share, gain),
    make("p", { class: "po-statement", text: statement }),
    make("p", { class: "po-advice" }, make("strong", { text: "What helps: " }), advice),
    make(
      "footer",
      {},
      make("span", {
        class: "po-gain",
        title: "Estimated on the timeline: what the longest chain of waits and works would lose",
        text: gain > 0.0005 ? `mending it saves up to ${percent(gain)}` : "",
      }),
      ...proofs.map((proof) => chip(proof, reply, profile)),
    ),
  );
}

function fold(toggle) {
  const isClosed = toggle.closest("article").classList.toggle("is-closed");
  toggle.setAttribute("aria-expanded", String(!isClosed));
}

function shareBar(share, gain) {
  const bar = meter(share);
  const part = make("b");
  part.style.width = `${Math.min(gain / (share || 1), 1) * 100}%`;
  bar.firstChild.append(part);
  bar.title = `${percent(share)} of the time, of which mending it saves up to ${percent(gain)}`;
  return bar;
}

function chip(proof, reply, profile) {
  const { label, view, window, rank } = proof;
  const of = reply.traces.length > 1 && rank >= 0 && !label.includes(`rank ${rank}`) ? `rank ${rank}: ` : "";
  const text = [make("span", { text: `${of}${visible(label)}` }), make("b", { text: valueOf(proof) })];
  const isAlone = reply.traces.length > 1 && rank >= 0 && view !== "distributed";
  const go = goOf(proof, profile, isAlone);
  if (!go) return make("span", { class: "po-chip", title: sentence(label) }, ...text);
  const title = window ? `Show on the timeline${isAlone ? ` of rank ${rank}` : ""}` : view === "overview" ? "Show where the time went" : `Show in ${TABS.find(({ name }) => name === view)?.title}`;
  return make("button", { type: "button", class: "po-chip", title, on: { click: go } }, ...text, icon("expand"));
}

/** Return what leads to a proof; one of a single rank of several shows that rank alone. */
function goOf({ view, names, window, trace }, profile, isAlone) {
  if (window) return () => toTimeline(profile, { trace, t0: window[0], t1: window[1], isAlone });
  if (view === "overview") return () => document.querySelector(".po-body .po-proof")?.scrollIntoView({ behavior: "smooth", block: "start" });
  if (!TABS.some(({ name }) => name === view)) return null;
  const [name = ""] = names;
  const alone = isAlone ? { profileTraces: [trace] } : {};
  if (view === "operators") return () => profile.show(view, { opQuery: name, ...alone });
  if (view === "kernels") return () => profile.show(view, { kernelQuery: name, kernelClasses: [], ...alone });
  return () => profile.show(view, alone);
}

function valueOf({ value, unit }) {
  if (unit === "ns") return span(value, 3);
  if (unit === "share") return percent(value);
  if (unit === "bytes") return size(value);
  if (unit === "calls") return count(value);
  return typeof value === "string" ? nameOf(value, 40) : count(value);
}
