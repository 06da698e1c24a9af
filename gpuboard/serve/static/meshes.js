/** The Meshes page: clouds of points and triangle meshes in 3D, seen through one linked camera. */

import { make } from "./chart_elements.js";
import { icon } from "./dom.js";
import { isCamera, START, written } from "./mesh_camera.js";
import { MeshCard } from "./mesh_card.js";
import { MeshSource } from "./mesh_data.js";
import { BatchPicker, toggle, viewButton } from "./mesh_tools.js";
import { define, KEPT, set, subscribe } from "./state.js";
import { ValuePage } from "./value_page.js";

define({
  meshCamera: { ...KEPT.URL_ONLY, default: written(START), check: isCamera },
  meshLinked: { ...KEPT.URL_AND_LOCAL, default: true },
  meshBatch: { ...KEPT.URL_ONLY, default: 0, min: 0, check: Number.isInteger },
  meshStyle: {
    ...KEPT.URL_ONLY,
    default: "solid",
    choices: ["solid", "edged", "wire", "points"],
  },
  meshShading: { ...KEPT.URL_AND_LOCAL, default: "smooth", choices: ["smooth", "flat"] },
  meshColours: { ...KEPT.URL_ONLY, default: "logged", choices: ["logged", "run", "height"] },
  meshUp: { ...KEPT.URL_AND_LOCAL, default: "y", choices: ["y", "z"] },
  meshPoint: { ...KEPT.URL_ONLY, default: 0, min: -3, max: 3 }, // doublings of the size of points
  meshAxes: { ...KEPT.URL_AND_LOCAL, default: true },
  meshBox: { ...KEPT.URL_ONLY, default: false },
  meshBacks: { ...KEPT.URL_ONLY, default: true },
  meshRefit: { ...KEPT.URL_ONLY, default: false },
  meshScripted: { ...KEPT.URL_ONLY, default: true },
});

const LOOK = [
  "meshBatch",
  "meshStyle",
  "meshShading",
  "meshColours",
  "meshUp",
  "meshPoint",
  "meshAxes",
  "meshBox",
  "meshBacks",
  "meshRefit",
  "meshScripted",
];

const EMPTY = {
  title: "No meshes yet",
  text: "Log a cloud of points, or a mesh with its triangles, and turn it here at any step:",
  code: `from gpuboard import SummaryWriter

writer = SummaryWriter("runs/mine")
writer.add_mesh("shape", vertices, colors, faces, global_step=step)`,
};

export default {
  render({ el }) {
    const batches = new BatchPicker();
    const linked = toggle(
      "meshLinked",
      "link",
      "Linked cameras",
      "Turn all cards together, or each by itself",
    );
    const fit = make(
      "button",
      {
        type: "button",
        class: "button is-quiet is-square",
        title: "Fit all",
        "aria-label": "Fit all",
        on: { click: () => fitAll() },
      },
      icon("fit"),
    );
    const page = new ValuePage(el, {
      kind: "mesh",
      source: "meshes",
      nouns: ["mesh", "meshes"],
      title: "Meshes",
      makeCard: (info, owner) => new MeshCard(info, owner),
      tools: [batches.element, fit, linked.element, viewButton()],
      empty: EMPTY,
    });
    Object.assign(page, {
      source: new MeshSource(),
      start: written(START),
      cameras: new Map(), // by run and tag, for cards that are not linked
      spheres: new Map(), // by run, tag and item: the unit of its camera
      onBatches: (number) => batches.offer(number),
    });
    const fitAll = () => {
      page.spheres.clear();
      page.cameras.clear();
      set("meshCamera", page.start);
      page.grid.each((card) => card.restyle());
    };
    const ends = [
      batches.end,
      linked.end,
      subscribe(["meshCamera"], () => page.grid.each((card) => card.turn())),
      subscribe(["meshLinked"], () => page.grid.each((card) => card.turn())),
      subscribe(LOOK, (changed) =>
        page.grid.each((card) => {
          card.restyle();
          if (changed.has("meshBatch")) card.update();
        }),
      ),
    ];
    return () => {
      for (const end of ends) end();
      page.destroy();
    };
  },
};
