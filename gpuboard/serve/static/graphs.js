/** The Graphs page: the graph of a model, scope by scope, with shapes, costs and ties. */

import "./graphs_state.js";
import { getJson, postJson } from "./api.js";
import { make } from "./chart_elements.js";
import { h, icon } from "./dom.js";
import { count, plural } from "./format.js";
import { actionButtons, menuOf } from "./graphs_actions.js";
import { GraphBar, openMenu } from "./graphs_bar.js";
import { Card } from "./graphs_card.js";
import { savePicture } from "./graphs_export.js";
import { Legend } from "./graphs_legend.js";
import { Minimap } from "./graphs_minimap.js";
import { Scene, short } from "./graphs_scene.js";
import { Search } from "./graphs_search.js";
import { OF_ONE_GRAPH } from "./graphs_state.js";
import { GraphTable } from "./graphs_table.js";
import { upload } from "./graphs_upload.js";
import { GraphView } from "./graphs_view.js";
import * as state from "./state.js";

const SIGHT_MS = 450;
const AGAIN_MS = 1_500; // a growing log makes the page ask anew at most this often
const CODE = `from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter("runs/first")
writer.add_graph(model, example_inputs)
writer.close()`;

class GraphsPage {
  constructor(el) {
    this.entries = [];
    this.asked = 0;
    this.anchor = ""; // box that keeps its place in the next picture
    this.build(el);
    this.ends = [
      state.subscribe(["version", "selected"], () => this.soon()),
      state.subscribe(["dark", "graphColour"], () => this.recolour()),
      state.subscribe(LAYOUT_KEYS, () => this.layout()),
      state.subscribe(["graphNode"], () => this.showNode()),
      state.subscribe(["graphTab", "graphRows"], () => this.showTab()),
      state.subscribe(["graph"], () => this.adopt()),
    ];
    this.view.recolour(state.get("graphColour"));
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    (window.__gpuboard ??= {}).graphs = this;
    this.load();
  }

  build(el) {
    this.search = new Search({
      query: () => this.query(),
      go: (key) => this.go(key),
      found: (keys) => this.view?.mark(keys),
    });
    this.view = new GraphView({
      open: (key) => this.toggle(key),
      select: (key) => state.set("graphNode", key),
      menu: (key, event) => openMenu(this.view.canvas, menuOf(this, key), event),
      moved: () => this.minimap?.draw(),
      key: (event) => this.onCanvasKey(event),
    });
    this.minimap = new Minimap(this.view);
    this.legend = new Legend();
    this.card = new Card({
      go: (key) => this.go(key),
      close: () => state.set("graphNode", ""),
      actions: ({ key, form }) => actionButtons(menuOf(this, key, form)),
    });
    this.table = new GraphTable({ go: (key) => this.go(key) });
    this.bar = new GraphBar(
      {
        choose: (id) => this.choose(id),
        fit: () => this.view.fit(),
        save: (format) => savePicture(this.view, this.name(), format),
        upload: (file) => this.upload(file),
        openFirst: () => this.openFirst(),
        closeAll: () => this.setOpen([]),
      },
      this.search.element,
    );
    this.totals = make("div", { class: "gr-totals", role: "status" });
    this.trace = make("div", { class: "gr-trace", hidden: true, role: "status" });
    this.note = make("div", { class: "gr-note", hidden: true, role: "status" });
    this.empty = make("div", { class: "empty gr-empty", hidden: true });
    this.view.element.append(this.totals, this.legend.element, this.minimap.element, this.trace, this.note);
    this.body = make("div", { class: "gr-body" }, this.view.element, this.card.element);
    el.replaceChildren(
      make(
        "section",
        { class: "page page-fixed gr-page" },
        this.bar.element,
        this.body,
        this.table.element,
        this.empty,
      ),
    );
    this.acceptDrops(this.view.element);
  }

  // Which graphs there are.

  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.load();
    }, AGAIN_MS);
  }

  async load() {
    try {
      const columns = await getJson("graphs");
      this.entries = columns.id.map((id, i) => ({
        id,
        kind: columns.kind[i],
        run: columns.run[i],
        place: columns.place[i],
        tag: columns.tag[i],
      }));
      this.isRead = true;
      this.adopt();
    } catch (error) {
      this.showEmpty("The list of graphs cannot be read", error.message);
    }
  }

  /** Offer what there is, and show the chosen graph, or the first one. */
  adopt() {
    if (!this.isRead) return;
    const shown = this.shownEntries();
    const chosen = this.chosenOf(shown);
    const isEmpty = !chosen;
    for (const part of [this.bar.graph, this.bar.tabs, this.search.element, this.bar.colour, this.bar.fit])
      part.hidden = isEmpty;
    this.body.hidden = isEmpty || state.get("graphTab") === "table";
    if (isEmpty) {
      this.bar.offerProfiles([], "");
      return this.showNothing();
    }
    this.empty.hidden = true;
    this.bar.offer(shown, chosen.id);
    if (this.current === chosen.id) return undefined;
    this.current = chosen.id;
    return this.showTab();
  }

  shownEntries() {
    const selected = state.get("selected");
    const ids = selected && new Set(selected);
    const chosen = state.get("graph");
    return this.entries.filter(({ run, id }) => run < 0 || !ids || ids.has(run) || id === chosen);
  }

  chosenOf(entries) {
    const graphs = entries.filter(({ kind }) => kind !== "profile");
    // A trace of TensorFlow 2 is a profile that brings its own graph.
    const any = graphs.length ? graphs : entries;
    return any.find(({ id }) => id === state.get("graph")) ?? any[0];
  }

  choose(id) {
    this.search.clear();
    for (const key of OF_ONE_GRAPH) state.set(key, state.KEYS[key].default);
    state.set("graph", id);
  }

  name() {
    return this.entries.find(({ id }) => id === this.current)?.place ?? "graph";
  }

  query() {
    return {
      graph: this.current,
      profile: state.get("graphProfile") || null,
      constants: state.get("graphConstants") ? 1 : 0,
    };
  }

  // The picture.

  async layout() {
    if (!this.current || state.get("graphTab") === "table") return;
    const turn = ++this.asked;
    const body = {
      graph: this.current,
      profile: state.get("graphProfile"),
      constants: state.get("graphConstants"),
      open: state.get("graphOpen"),
      ungrouped: state.get("graphUngrouped"),
      apart: state.get("graphApart"),
      kept: state.get("graphKept"),
      without: state.get("graphWithout"),
      trace: state.get("graphTrace"),
    };
    try {
      const reply = await postJson("graph/layout", body);
      if (turn === this.asked) this.take(new Scene(reply));
    } catch (error) {
      if (turn === this.asked) this.fail(error);
    }
  }

  take(scene) {
    const { anchor } = this;
    this.anchor = "";
    this.lastGood = state.get("graphOpen");
    this.note.hidden = scene.notes.length === 0;
    this.note.textContent = scene.notes.join(" ");
    this.bar.has = scene.has;
    this.view.by = this.bar.offerColours(scene.has);
    this.view.setScene(scene, anchor || this.steady(scene));
    this.totals.textContent = totalsOf(scene.totals);
    this.legend.show(scene, this.view.by, this.view.theme);
    this.showTrace(scene);
    this.showNode();
    if (this.goal) this.arrive();
  }

  /** Return a box that can keep its place when the same graph is drawn anew. */
  steady(scene) {
    const before = this.view.scene;
    if (!before || before.graph !== scene.graph) return "";
    const hasSame = (key) => key && before.index.has(key) && scene.index.has(key);
    const keys = [state.get("graphNode"), ...scene.boxes.key.slice(1)];
    return keys.find(hasSame) ?? "";
  }

  fail(error) {
    const isTooMuch = error.status === 413;
    this.note.hidden = false;
    this.note.textContent = error.message;
    if (isTooMuch && this.lastGood !== undefined) state.set("graphOpen", this.lastGood);
    else if (!this.view.scene || this.view.scene.graph !== this.current) {
      this.view.scene = null;
      this.view.draw();
      this.showEmpty("This graph cannot be shown", error.message);
    }
  }

  recolour() {
    this.view.recolour(this.view.scene ? this.bar.offerColours(this.view.scene.has) : state.get("graphColour"));
    this.legend.show(this.view.scene, this.view.by, this.view.theme);
    this.minimap.draw();
  }

  /** Open a closed box, or close an open one; it stays where it is on screen. */
  toggle(key) {
    const open = this.openKeys();
    this.anchor = key;
    if (!open.includes(key)) return this.setOpen([...open, key]);
    return this.setOpen(open.filter((one) => one !== key));
  }

  openKeys() {
    return state.get("graphOpen") ?? this.view.scene?.open ?? [];
  }

  setOpen(keys) {
    state.set("graphOpen", [...new Set(keys)]);
  }

  openFirst() {
    this.view.scene = null;
    state.set("graphOpen", null);
    state.set("graphUngrouped", []);
  }

  /** Select a node wherever it is: open the scopes around it and move there. */
  async go(key) {
    if (!key) return;
    if (state.get("graphTab") === "table") state.set("graphTab", "graph");
    try {
      const { above } = await getJson("graph/node", { query: { ...this.query(), key } });
      this.goal = key;
      const open = this.openKeys();
      const missing = above.filter((one) => !open.includes(one));
      if (missing.length) this.setOpen([...open, ...missing]);
      else if (this.view.scene?.graph === this.current) this.arrive();
      else this.layout();
    } catch (error) {
      this.fail(error);
    }
  }

  arrive() {
    const key = this.goal;
    this.goal = "";
    state.set("graphNode", key);
    this.view.select(key);
    this.view.motion = null;
    this.view.show(key);
  }

  async showNode() {
    const key = state.get("graphNode");
    this.view.select(key);
    const text = JSON.stringify([key, this.query()]);
    if (text === this.cardOf) return;
    this.cardOf = text;
    await this.card.show(key, this.query());
    const isOpen = !this.card.element.hidden;
    this.body.classList.toggle("has-card", isOpen);
    this.view.covered = isOpen ? this.card.element.offsetWidth : 0;
    clearTimeout(this.sightTimer);
    // Not at once: the second click of a double click has to find its box where the first was.
    this.sightTimer = setTimeout(() => this.view.keepInSight(key), SIGHT_MS);
  }

  showTrace(scene) {
    const trace = state.get("graphTrace");
    this.trace.hidden = trace === null;
    if (!trace) return;
    const boxes = scene.traced?.reduce((sum, one) => sum + one, 0) ?? 0;
    const what = trace.direction === "inputs" ? "What it depends on" : "What depends on it";
    const end = make("button", {
      type: "button",
      class: "link",
      text: "End",
      on: { click: () => state.set("graphTrace", null) },
    });
    const name = trace.key.split("/").at(-1);
    this.trace.replaceChildren(`${what}: ${name}, ${plural(boxes, "box").replace("boxs", "boxes")}`, end);
  }

  // Files.

  acceptDrops(element) {
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) this.upload(file);
    });
  }

  async upload(file) {
    this.note.hidden = false;
    try {
      const id = await upload(file, (share) => {
        this.note.textContent = `Reading ${file.name}: ${Math.round(100 * share)} %`;
      });
      this.note.hidden = true;
      await this.load();
      this.choose(id);
    } catch (error) {
      this.note.textContent = error.message;
      if (!this.empty.hidden) this.showEmpty("This file cannot be shown", error.message);
    }
  }

  // The rest of the page.

  showTab() {
    const isTable = state.get("graphTab") === "table";
    this.bar.showTabs();
    this.table.element.hidden = !isTable || !this.current;
    this.body.hidden = isTable || !this.current;
    this.search.element.hidden = isTable || !this.current;
    if (!this.current) return;
    if (isTable) this.table.load(this.query());
    else if (this.view.scene?.graph !== this.current) this.layout();
  }

  showNothing() {
    this.current = "";
    const open = make("button", { type: "button", class: "button", text: "Open a graph file …", on: { click: () => this.bar.file.click() } });
    const hasAny = this.entries.length > 0;
    this.showEmpty(
      hasAny ? "No selected run has a graph" : "No graph yet",
      hasAny
        ? "Select another run on the left, or open a file."
        : "Log the graph of a model once, at the start of training, or open an .onnx, .pb or .pbtxt file.",
      ...(hasAny ? [] : [make("pre", {}, make("code", { text: CODE }))]),
      open,
    );
  }

  showEmpty(title, line, ...more) {
    this.body.hidden = true;
    this.table.element.hidden = true;
    this.empty.hidden = false;
    this.empty.replaceChildren(icon("graphs"), h("h2", {}, title), h("p", {}, line), ...more);
  }

  onCanvasKey(event) {
    if (event.key === "Escape") {
      if (state.get("graphTrace")) state.set("graphTrace", null);
      else state.set("graphNode", "");
    }
  }

  key(event) {
    if (event.target.closest?.("input, select, textarea") || event.ctrlKey || event.metaKey) return;
    if (event.key === "/") {
      event.preventDefault();
      this.search.input.focus();
      this.search.input.select();
    }
  }

  destroy() {
    clearTimeout(this.timer);
    clearTimeout(this.sightTimer);
    this.ends.forEach((end) => end());
    document.removeEventListener("keydown", this.onKey);
    this.view.destroy();
    this.search.destroy();
    this.table.destroy();
  }
}

const LAYOUT_KEYS = [
  "graphOpen",
  "graphUngrouped",
  "graphApart",
  "graphKept",
  "graphWithout",
  "graphTrace",
  "graphConstants",
  "graphProfile",
];

function totalsOf({ nodes, parameters, without_shape: unknown }) {
  const parts = [plural(nodes, "node")];
  if (parameters) parts.push(`${unknown ? "≥ " : ""}${short(parameters)} parameters`);
  else if (unknown) parts.push(`${count(unknown)} parameters without a logged shape`);
  return parts.join(" · ");
}

export default {
  render({ el }) {
    const page = new GraphsPage(el);
    return () => page.destroy();
  },
};
