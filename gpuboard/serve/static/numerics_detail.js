/** One finding in full: its rule, its numbers, the series with the place marked, and links. */

import * as api from "./api.js";
import { LineChart } from "./chart.js";
import { iconButton, make } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { linesOf, toSeries } from "./curves.js";
import { icon, visible } from "./dom.js";
import { codeOf, nameOf } from "./runs.js";

export class NumericsDetail {
  /** @param {() => void} onClose */
  constructor(onClose) {
    this.onClose = onClose;
    this.chart = null;
    this.element = make("aside", {
      class: "nu-detail",
      "aria-label": "The finding in full",
      hidden: true,
    });
  }

  destroy() {
    this.chart?.destroy();
  }

  /** Show a finding, or nothing for null. */
  show(finding, rule, theme) {
    this.chart?.destroy();
    this.chart = null;
    this.element.hidden = !finding;
    if (!finding) return;
    const plot = make("div", { class: "nu-plot", hidden: finding.kind !== "scalar" });
    this.element.replaceChildren(
      make(
        "div",
        { class: "nu-words" },
        make(
          "h2",
          {},
          make("i", { class: `nu-mark is-${rule.severity}` }),
          rule.title,
          iconButton("close", "Close (Esc)", this.onClose),
        ),
        make("p", { class: "nu-place", text: `${visible(nameOf(finding.run))} · ${visible(finding.tag)}` }),
        make("p", { class: "nu-message", text: finding.message }),
        make("p", { class: "nu-definition", text: rule.definition }),
        make("a", { class: "button nu-go", href: placeOf(finding) }, icon("scalars"), "Show in its page"),
      ),
      plot,
    );
    if (finding.kind === "scalar") void this.draw(plot, finding, theme);
  }

  async draw(plot, finding, theme) {
    const width = Math.max(Math.round(plot.clientWidth), 200);
    const request = {
      tag: finding.tag,
      runs: String(finding.run),
      x: "step",
      smooth: { kind: "none", amount: 0 },
      width,
    };
    let reply;
    try {
      reply = await api.curves(request);
    } catch (error) {
      plot.textContent = error.message;
      return;
    }
    if (!plot.isConnected) return;
    const curves = linesOf(reply);
    const series = toSeries(curves, { nameOf, colourOf: ({ run }) => colourOf(run) });
    const nothing = () => {};
    this.chart = new LineChart(plot, {
      zoom: nothing,
      hover: nothing,
      leave: nothing,
      pick: nothing,
      mark: nothing,
    });
    this.chart.update({
      series,
      markers: curves.markers,
      marks: [Number(finding.step)],
      theme,
      isKnown: true,
    });
  }
}

/** Return the address that shows a finding where its values are shown. */
export function placeOf({ kind, tag, run, step }) {
  const query = new URLSearchParams({ runs: `+${codeOf(nameOf(run))}` });
  if (kind === "scalar") {
    query.set("open", tag);
    query.set("marks", JSON.stringify([Number(step)]));
    return `./scalars?${query}`;
  }
  query.set("tagFilter", tag);
  query.set("tagRegex", "0");
  query.set("stepAt", step);
  return `./histograms?${query}`;
}
