/** The toolbar of the Meshes page: linked cameras, item of a batch, and how things look. */

import { make, popover } from "./chart_elements.js";
import { icon } from "./dom.js";
import { get, set, subscribe } from "./state.js";

/** A button that says whether a key is on. */
export function toggle(key, name, text, title) {
  const button = make(
    "button",
    { type: "button", class: "button", title, on: { click: () => set(key, !get(key)) } },
    icon(name),
    text,
  );
  const show = () => button.setAttribute("aria-pressed", String(get(key)));
  show();
  return { element: button, end: subscribe([key], show) };
}

/** A choice of the item of a batch; it is there once a batch has several. */
export class BatchPicker {
  constructor() {
    this.most = 1;
    this.select = make("select", {
      class: "select",
      "aria-label": "Item of a batch",
      on: { change: () => set("meshBatch", Number(this.select.value)) },
    });
    const { select } = this;
    this.element = make("div", { class: "picker me-batch", hidden: true }, select, icon("down"));
    this.end = subscribe(["meshBatch"], () => this.show());
  }

  /** Offer so many, if they are more than before. */
  offer(batches) {
    if (batches <= this.most) return;
    this.most = batches;
    this.element.hidden = false;
    this.select.replaceChildren(
      ...Array.from({ length: Math.min(batches, 1_000) }, (_, i) =>
        make("option", { value: String(i), text: `Item ${i + 1}` }),
      ),
    );
    this.show();
  }

  show() {
    this.select.value = String(Math.min(get("meshBatch"), this.most - 1));
  }
}

/** A button that opens all choices of how things look. */
export function viewButton() {
  const button = make(
    "button",
    {
      type: "button",
      class: "button",
      "aria-haspopup": "dialog",
      on: { click: () => open() },
    },
    icon("settings"),
    "View",
  );
  const open = () =>
    popover(
      button,
      make(
        "div",
        { class: "me-look" },
        choice("Surface", "meshStyle", {
          solid: "Solid",
          edged: "Solid with edges",
          wire: "Wireframe",
          points: "Points",
        }),
        choice("Shading", "meshShading", { smooth: "Smooth", flat: "Flat" }),
        choice("Colours", "meshColours", {
          logged: "As logged",
          run: "Of the run",
          height: "By height",
        }),
        choice("Up", "meshUp", { y: "y axis", z: "z axis" }),
        pointSize(),
        make("hr"),
        check("Axes", "meshAxes"),
        check("Bounding box", "meshBox"),
        check("Back faces", "meshBacks"),
        check("Fit each step", "meshRefit"),
        check("Look set by the script", "meshScripted"),
      ),
    );
  return button;
}

function choice(text, key, choices) {
  const select = make(
    "select",
    { class: "select", "aria-label": text, on: { change: () => set(key, select.value) } },
    ...Object.entries(choices).map(([value, name]) => make("option", { value, text: name })),
  );
  select.value = get(key);
  const picker = make("div", { class: "picker" }, select, icon("down"));
  return make("label", { class: "me-row" }, make("span", { text }), picker);
}

function pointSize() {
  const slider = make("input", {
    type: "range",
    min: "-3",
    max: "3",
    step: "0.25",
    value: String(get("meshPoint")),
    "aria-label": "Size of points",
    on: {
      input: () => set("meshPoint", Number(slider.value)),
      dblclick: () => {
        slider.value = "0";
        set("meshPoint", 0);
      },
    },
  });
  return make("label", { class: "me-row" }, make("span", { text: "Point size" }), slider);
}

function check(text, key) {
  const input = make("input", {
    type: "checkbox",
    checked: get(key),
    on: { change: () => set(key, input.checked) },
  });
  return make("label", { class: "me-check" }, input, text);
}
