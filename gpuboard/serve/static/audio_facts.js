/** Say what a sound is: its label, its place in a batch, rate, channels, length, encoding. */

import { make } from "./chart_elements.js";
import { icon, visible } from "./dom.js";

/** Return the elements that stand over the picture of a card's sound. */
export function factsOf(card) {
  const { labels, sample, rate, channels, encoding } = card.wave.header;
  const label = visible(labels[sample] ?? "");
  const form = [
    `${Number((rate / 1000).toFixed(3))} kHz`,
    { 1: "mono", 2: "stereo" }[channels] ?? `${channels} channels`,
    secondsText(card.seconds),
    encoding,
  ];
  return [
    labels.length > 1 ? samplePicker(card, labels, sample) : null,
    labels.length === 1 && label
      ? make("span", { class: "au-label", text: label, title: label })
      : null,
    channels > 1 ? channelPicker(card, channels) : null,
    make("span", { class: "au-form", text: form.join(" · ") }),
  ].filter(Boolean);
}

function samplePicker({ page, tag }, labels, sample) {
  const names = labels.map((label, i) => {
    const place = `${i + 1} of ${labels.length}`;
    return label ? `${place}: ${visible(label)}` : place;
  });
  return picker("Sample of the batch", names, sample, (at) => page.chooseSample(tag, at));
}

function channelPicker(card, channels) {
  const names = Array.from({ length: channels }, (_, i) =>
    channels === 2 ? ["Left", "Right"][i] : `Channel ${i + 1}`,
  );
  const now = Math.min(card.channel(), channels - 1);
  const choose = (at) => card.page.chooseChannel(card.tag, at);
  return picker("Channel of the spectrogram", names, now, choose);
}

function picker(label, names, chosen, fn) {
  const select = make(
    "select",
    {
      class: "select",
      "aria-label": label,
      title: label,
      on: { change: () => fn(select.selectedIndex) },
    },
    ...names.map((text) => make("option", { text })),
  );
  select.selectedIndex = chosen;
  return make("span", { class: "picker au-picker" }, select, icon("down"));
}

/** 3.2 -> "3.20 s", 754 -> "12:34". */
export function secondsText(seconds) {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
