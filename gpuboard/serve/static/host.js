/**
 * Teach Bokeh one model, `gpuboard.EsModule`, that hosts a plain ES module.
 *
 * A module is `export default { render({ el, model }) { ...; return dispose; } }`; `render` may be
 * async, `dispose` is optional. `el` lies in the page itself (not in a shadow root), so the page's
 * style sheet applies. `model` has:
 *   state            the Python side's `state`, a plain object
 *   arrays           the Python side's `arrays`, plain typed arrays by name
 *   setState(kv)     change some keys of `state` on both sides
 *   on(name, fn)     "state", "arrays", "resize", "connection" or the name of a Python `send`;
 *                    returns a function that ends the subscription
 *   send(name, detail)  tell Python; it hears it by `EsModule.on(name, fn)`
 */
(function register(root) {
  const { Bokeh } = root;
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
        this.connect(state.change, () => this.tell("state", plainObject(this.model.state)));
        this.connect(arrays.change, () => this.tell("arrays", plainArrays(this.model.arrays)));
      }

      render() {
        this.dispose();
        super.render();
        this.shadow_el.append(document.createElement("slot"));
        this.host = document.createElement("div");
        this.host.className = "module";
        this.el.replaceChildren(this.host);
        this.listeners = new Map();
        this.listen();
        this.mount(this.host);
      }

      /** Hear what Python sends, and whether it can be heard at all. */
      listen() {
        const { document: doc, id } = this.model;
        this.hear = ([name, detail]) => this.tell(name, plain(detail));
        doc.on_message(`gpuboard:${id}`, this.hear);
        doc.on_event("connection_lost", () => this.tell("connection", false));
        doc.on_event("client_reconnected", () => this.tell("connection", true));
      }

      async mount(el) {
        const isCurrent = () => this.host === el;
        try {
          const url = new URL(this.model.module, document.baseURI);
          if (url.origin !== location.origin) throw new Error("it comes from a foreign address");
          const { default: code } = await import(url.href);
          if (!isCurrent()) return;
          const dispose = await code.render({ el, model: this.face() });
          if (isCurrent()) this.disposeModule = dispose;
          else dispose?.();
        } catch (error) {
          if (isCurrent()) showFailure(el, this.model.module, error);
          console.error(error);
        }
      }

      /** Return what the module sees of this model. */
      face() {
        const { model, listeners } = this;
        return {
          name: model.name,
          get state() {
            return plainObject(model.state);
          },
          get arrays() {
            return plainArrays(model.arrays);
          },
          setState(changes) {
            model.state = new Map(Object.entries({ ...plainObject(model.state), ...changes }));
          },
          on(name, fn) {
            if (!listeners.has(name)) listeners.set(name, new Set());
            listeners.get(name).add(fn);
            return () => listeners.get(name)?.delete(fn);
          },
          send(name, detail = null) {
            model.trigger_event(new ModuleEvent(model, name, detail));
          },
        };
      }

      tell(name, value) {
        for (const fn of [...(this.listeners?.get(name) ?? [])]) {
          try {
            fn(value);
          } catch (error) {
            console.error(error); // one broken listener must not silence the others
          }
        }
      }

      after_resize() {
        super.after_resize();
        this.tell("resize", this.el.getBoundingClientRect());
      }

      dispose() {
        if (this.hear) this.model.document?.remove_on_message(`gpuboard:${this.model.id}`, this.hear);
        const { disposeModule } = this;
        this.disposeModule = this.hear = this.host = null;
        this.listeners?.clear();
        try {
          disposeModule?.();
        } catch (error) {
          console.error(error);
        }
      }

      remove() {
        this.dispose();
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

  /** Say in the module's own place that it failed; text only, so nothing in it can run. */
  function showFailure(el, name, error) {
    const box = document.createElement("div");
    box.className = "module-failure";
    box.setAttribute("role", "alert");
    const title = document.createElement("strong");
    title.textContent = "This part of the page failed to start.";
    const detail = document.createElement("p");
    detail.textContent = `${name.split("/").pop()}: ${error?.message ?? error}`;
    const advice = document.createElement("p");
    advice.textContent = "Reload the page; if it stays, the browser's console has the details.";
    box.append(title, detail, advice);
    el.replaceChildren(box);
  }

  function plainObject(value) {
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
  }

  function plainArrays(value) {
    return plainObject(value);
  }

  /** Turn Bokeh's Maps and arrays into JavaScript's own, however deep they lie. */
  function plain(value) {
    if (value instanceof Map) return plainObject(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value?.constructor === Object) return plainObject(value);
    return ArrayBuffer.isView(value) ? plainArray(value) : value;
  }

  /** Bokeh's NDArray subclasses have wrong `.subarray()` and `.slice()`: drop the subclass. */
  function plainArray(array) {
    if (array instanceof DataView) return array;
    const base = Object.getPrototypeOf(Int8Array.prototype).constructor;
    let type = array.constructor;
    while (Object.getPrototypeOf(type) !== base) type = Object.getPrototypeOf(type);
    return type === array.constructor
      ? array
      : new type(array.buffer, array.byteOffset, array.length);
  }

  Bokeh.register_plugin({ gpuboard: define }, "gpuboard");
})(window);
