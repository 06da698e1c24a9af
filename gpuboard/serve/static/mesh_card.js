/** One card of the Meshes page: a mesh or a cloud of one run at one step, to be turned about. */

import { fileName, iconButton, make, popover, saveAs } from "./chart_elements.js";
import { colourOf } from "./colours.js";
import { count, plural } from "./format.js";
import { read, written } from "./mesh_camera.js";
import { plyOf } from "./mesh_export.js";
import { MeshView } from "./mesh_view.js";
import { nameOf } from "./runs.js";
import { get, set } from "./state.js";
import { ValueCard } from "./value_card.js";

const LINES = { light: "#2b323c", dark: "#dfe4ea" }; // of edges

export class MeshCard extends ValueCard {
  constructor(info, page) {
    super(info, page);
    this.mesh = null;
    this.view = new MeshView(this.name, {
      getCamera: () => this.camera,
      setCamera: (camera) => this.setCamera(camera),
      getLook: () => this.look(),
    });
    this.caption = make("p", { class: "me-caption" });
    this.body.append(this.view.element, this.caption);
    this.tools.append(
      iconButton("fit", "Fit (0)", () => this.fit()),
      iconButton("wide", "Full width", () => this.slot?.classList.toggle("is-wide")),
      iconButton("more", "Save", (event) => this.openMenu(event.currentTarget), {
        "aria-haspopup": "menu",
      }),
    );
  }

  destroy() {
    this.view.destroy();
    super.destroy();
  }

  rest() {
    this.view.rest();
  }

  /* the camera: all cards share one, or each has its own */

  get key() {
    return `${this.run} ${this.tag}`;
  }

  get camera() {
    const own = get("meshLinked") ? null : this.page.cameras.get(this.key);
    return own ?? read(get("meshCamera"));
  }

  setCamera(camera) {
    if (get("meshLinked")) {
      set("meshCamera", written(camera));
      return;
    }
    this.page.cameras.set(this.key, camera);
    this.turn();
  }

  /** Draw from where the camera is now. */
  turn() {
    this.view.redraw(true);
  }

  /** Let the sphere of what is shown now be the unit, and look at all of it. */
  fit() {
    this.page.spheres.delete(this.sphereKey());
    this.setCamera(read(this.page.start));
    if (this.mesh) this.view.show(this.mesh.shape, this.sphere());
  }

  sphereKey() {
    return `${this.key} ${get("meshBatch")}`;
  }

  /** The unit of the camera: the sphere of the first step that was shown, or of each. */
  sphere() {
    const { shape } = this.mesh;
    if (get("meshRefit")) return shape.sphere;
    const { spheres } = this.page;
    if (!spheres.has(this.sphereKey()) && shape.n > shape.bad) {
      spheres.set(this.sphereKey(), shape.sphere);
    }
    return spheres.get(this.sphereKey()) ?? shape.sphere;
  }

  /* what is drawn */

  keyOf(places) {
    const version = this.mesh && !this.mesh.isWhole ? get("version") : "";
    return `${super.keyOf(places)} ${get("meshBatch")} ${version}`;
  }

  async draw([place]) {
    const mesh = await this.page.source.get(place.run, this.tag, place.ref, get("meshBatch"));
    if (this.isGone) return;
    this.mesh = mesh;
    if (!this.view.element.isConnected) this.body.replaceChildren(this.view.element, this.caption);
    this.page.onBatches(mesh.batches);
    this.view.show(mesh.shape, this.sphere());
    this.caption.replaceChildren(
      make("span", { text: captionOf(mesh.shape) }),
      mesh.batches > 1
        ? make("span", { text: `${Math.min(get("meshBatch") + 1, mesh.batches)} of ${mesh.batches}` })
        : "",
    );
  }

  recolour() {
    super.recolour();
    this.view?.redraw();
  }

  /** A change of the look needs no new value. */
  restyle() {
    if (this.mesh) this.view.show(this.mesh.shape, this.sphere());
    else super.restyle();
  }

  look() {
    const theme = this.page.theme();
    const isDark = get("dark");
    const said = (get("meshScripted") && this.mesh?.look) || {};
    const style = get("meshStyle");
    return {
      up: get("meshUp"),
      style: style === "solid" && said.wireframe ? "wire" : style,
      isFlat: get("meshShading") === "flat" || Boolean(said.flat),
      hasBacks: get("meshBacks"),
      hasBox: get("meshBox"),
      hasAxes: get("meshAxes"),
      colours: { logged: "logged", run: "plain", height: "height" }[get("meshColours")],
      plain: (get("meshColours") === "logged" && said.colour) || colourOf(this.run),
      ground: said.background ?? theme.surface,
      line: LINES[isDark ? "dark" : "light"],
      frame: theme.muted,
      pointSize: said.point_size ?? null,
      pointScale: 2 ** get("meshPoint"),
      angle: said.view_angle ?? null,
      isDark,
      font: theme.font,
    };
  }

  /* files */

  openMenu(anchor) {
    const item = (text, fn) =>
      make("button", {
        type: "button",
        class: "me-menu-item",
        role: "menuitem",
        text,
        disabled: !this.mesh,
        on: {
          click: () => {
            box.hidePopover();
            fn();
          },
        },
      });
    const box = popover(
      anchor,
      make(
        "div",
        { class: "me-menu", role: "menu" },
        item("Picture as PNG", () => this.savePicture()),
        item("Mesh as PLY", () => saveAs(`${this.fileName()}.ply`, plyOf(this.mesh.shape))),
      ),
    );
  }

  fileName() {
    const [place] = this.places();
    return fileName(`${nameOf(this.run)} ${this.name} step ${place?.step ?? ""}`);
  }

  async savePicture() {
    const picture = await this.view.picture();
    if (picture) saveAs(`${this.fileName()}.png`, picture, "image/png");
  }
}

function captionOf({ n, m, bad }) {
  const vertices = n === 1 ? "1 vertex" : `${count(n)} vertices`;
  const parts = m ? [vertices, plural(m, "triangle")] : [plural(n, "point")];
  if (bad) parts.push(`${count(bad)} not finite`);
  return parts.join(", ");
}
