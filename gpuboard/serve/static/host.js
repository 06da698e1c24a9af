/**
 * Teach Bokeh one model, `gpuboard.EsModule`, that stands for a module on the page (mounted.js),
 * and connect the page to its session.
 *
 * A module that the page has mounted already is adopted as it is: the model only brings what
 * Python has to say.
 */

import { Mounted, allMounted, mountedAt } from "./mounted.js";

const { Bokeh } = window;
const EVENT = "gpuboard_module";

function define(require, _module, exports) {
  const { UIElement, UIElementView } = require("@bokehjs/models/ui/ui_element");
  const { ModelEvent } = require("@bokehjs/core/bokeh_events");
  const { register_models: registerModels } = require("@bokehjs/base");

  class ModuleEvent extends ModelEvent {
    constructor(model, name, detail) {
      super();
      this.origin = model;
      this.name = name;
      this.detail = detail;
    }

    get event_values() {
      return { model: this.origin, name: this.name, detail: this.detail };
    }
  }
  ModuleEvent.prototype.event_name = EVENT;

  class EsModuleView extends UIElementView {
    connect_signals() {
      super.connect_signals();
      const { module, state, arrays } = this.model.properties;
      this.connect(module.change, () => this.rerender());
      this.connect(state.change, () => this.mounted?.take("state", plain(this.model.state)));
      this.connect(arrays.change, () => this.mounted?.take("arrays", plain(this.model.arrays)));
      const { document: doc } = this.model;
      doc.on_event("connection_lost", () => this.mounted?.tell("connection", false));
      doc.on_event("client_reconnected", () => this.mounted?.tell("connection", true));
      this.hear = ([name, detail]) => this.mounted?.tell(name, plain(detail));
      doc.on_message(`gpuboard:${this.model.id}`, this.hear);
    }

    /** Put the module into `target`. Bokeh's own element stays out of the page: it holds nothing. */
    render_to(target) {
      this.place = target;
      this.render();
    }

    render() {
      super.render();
      const { module, name } = this.model;
      const values = { state: plain(this.model.state), arrays: plain(this.model.arrays) };
      let mounted = mountedAt(this.place);
      if (!mounted || mounted.link || mounted.module !== module) {
        mounted?.dispose();
        mounted = new Mounted(this.place, { module, name, ...values });
      }
      this.mounted = mounted;
      mounted.connect(this.link(), values);
    }

    /** Return the way to Python. */
    link() {
      const { model } = this;
      return {
        setState(changes) {
          model.state = new Map(Object.entries({ ...plain(model.state), ...changes }));
        },
        send(name, detail) {
          model.trigger_event(new ModuleEvent(model, name, detail));
        },
      };
    }

    remove() {
      this.model.document?.remove_on_message(`gpuboard:${this.model.id}`, this.hear);
      this.mounted?.dispose();
      this.mounted = null;
      super.remove();
    }
  }
  EsModuleView.__name__ = "EsModuleView";

  // Bokeh finds handwritten classes by these two names alone.
  class EsModule extends UIElement {}
  EsModule.__name__ = "EsModule";
  EsModule.__module__ = "gpuboard";
  EsModule.prototype.default_view = EsModuleView;
  EsModule.define(({ Str, Dict, Any }) => ({
    module: [Str, ""],
    state: [Dict(Any), {}],
    arrays: [Dict(Any), {}],
  }));
  registerModels({ EsModule });
  exports.EsModule = EsModule;
}

/** Turn Bokeh's Maps and arrays into JavaScript's own, however deep they lie. */
function plain(value) {
  if (value instanceof Map) return plainObject([...value]);
  if (Array.isArray(value)) return value.map(plain);
  if (value?.constructor === Object) return plainObject(Object.entries(value));
  return ArrayBuffer.isView(value) ? plainArray(value) : value;
}

function plainObject(entries) {
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
}

/** Bokeh's NDArray subclasses have wrong `.subarray()` and `.slice()`: drop the subclass. */
function plainArray(array) {
  if (array instanceof DataView) return array;
  const base = Object.getPrototypeOf(Int8Array.prototype).constructor;
  let type = array.constructor;
  while (Object.getPrototypeOf(type) !== base) type = Object.getPrototypeOf(type);
  return type === array.constructor ? array : new type(array.buffer, array.byteOffset, array.length);
}

/**
 * Open the websocket and show the roots of the session's document in their places.
 *
 * Throws where that fails; modules in places that the document has no root for are taken down.
 */
export async function connect(items) {
  const views = await Bokeh.embed.embed_items("{}", items);
  if (views.length < items.length) throw new Error("the session could not be opened");
  for (const one of allMounted()) if (!one.link) one.dispose();
}

Bokeh.register_plugin({ gpuboard: define }, "gpuboard");
