/** The Scalars page: a chart for each tag, in groups by what stands before the first slash. */

import * as api from "./api.js";
import { Card } from "./card.js";
import { groupTags } from "./card_grid.js";
import { CardsPage } from "./cards_page.js";
import { make } from "./chart_elements.js";
import { get, set } from "./state.js";
import { tagPattern } from "./tag_pattern.js";

const TAGS_LISTED = 5_000; // apps/scalars.py asks for as many
const PINNED = "\u0000pinned";

class ScalarsPage extends CardsPage {
  constructor(el) {
    super(el, { openKey: "open" });
  }

  makeCard(info, options) {
    return new Card(info, this, options);
  }

  infoOf(tag) {
    return super.infoOf(tag) ?? { tag };
  }

  groups() {
    const known = new Map(this.infos.map((info) => [info.tag, info]));
    const pinned = get("pins").map((tag) => known.get(tag) ?? { tag });
    const groups = groupTags(this.infos).map(({ name, infos }) => ({
      name,
      title: name || "No prefix",
      infos: infos.map((info) =>
        name ? { ...info, short: info.tag.slice(name.length + 1) } : info,
      ),
    }));
    if (!pinned.length) return groups;
    const clear = make("button", {
      type: "button",
      class: "link",
      text: "Clear all pins",
      on: { click: () => set("pins", []) },
    });
    return [{ name: PINNED, title: "Pinned", infos: pinned, tools: [clear] }, ...groups];
  }

  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const q = tagPattern(get("tagFilter"), get("tagRegex"));
    try {
      const query = { kind: "scalar", q: q || null, limit: TAGS_LISTED };
      const reply = await api.getJson("tags", { query });
      if (turn !== this.turn) return;
      this.loadedVersion = reply.version;
      this.infos = reply.tags;
      this.arrange();
      this.count("loads");
      this.bar.setFound(reply.tags.length, reply.total, "");
      this.bar.offer(reply.tags.map(({ tag }) => tag));
      this.sayEmpty(reply.total ? null : emptyWords());
    } catch (error) {
      if (turn === this.turn) this.bar.setFound(0, 0, error.message);
    }
  }
}

function emptyWords() {
  return get("tagFilter")
    ? ["No tag matches", "Try fewer letters, or clear the search."]
    : ["No scalars yet", "Curves appear here as soon as a training script logs its first value."];
}

export default {
  render({ el }) {
    const page = new ScalarsPage(el);
    return () => page.destroy();
  },
};
