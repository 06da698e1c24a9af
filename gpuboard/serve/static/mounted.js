/**
 * Mount a module in its place on the page, at first without, later with a connection to Python.
 *
 * A module is `export default { render({ el, model }) { ...; return dispose; } }`; `render` may be
 * async, `dispose` is optional. `el` lies in the page itself (not in a shadow root), so the page's
 * style sheet applies. `model` has:
 *   name             the slot that the module is in
 *   state            the Python side's `state`, a plain object
 *   arrays           the Python side's `arrays`, plain typed arrays by name
 *   setState(kv)     change some keys of `state` on both sides
 *   on(name, fn)     "state", "arrays", "resize", "connection" or the name of a Python `send`;
 *                    returns a function that ends the subscription
 *   send(name, detail)  tell Python; it hears it by `EsModule.on(name, fn)`
 *
 * What a module says before it is connected waits: first its changes of state go to Python, then
 * what it sent, in order.
 */

const mountedIn = new Map(); // by place

/** Return the module that is mounted in a place, undefined for none. */
export const mountedAt = (place) => mountedIn.get(place);

/** Return all modules on the page. */
export const allMounted = () => [...mountedIn.values()];

export class Mounted {
  /** Mount `module` (its address, relative to the page) in `place`, an element of the page. */
  constructor(place, { module, name = null, state = {}, arrays = {} }) {
    Object.assign(this, { place, module, state, arrays });
    this.listeners = new Map();
    this.link = null; // `{setState(changes), send(name, detail)}` once Python can be reached
    this.changes = {}; // of the state, not yet known to Python
    this.unsent = []; // [name, detail]
    this.sizes = null;
    this.isOver = false;
    this.element = document.createElement("div");
    this.element.className = "module";
    place.append(this.element);
    mountedIn.set(place, this);
    /** Settles when the module has filled its place, or has failed to. */
    this.ready = this.start(this.face(name));
  }

  async start(model) {
    const { element: el } = this;
    try {
      const { default: code } = await import(this.url());
      if (this.isOver) return;
      const dispose = await code.render({ el, model });
      if (this.isOver) dispose?.();
      else this.disposeModule = dispose;
    } catch (error) {
      if (!this.isOver) showFailure(el, this.module, error);
      console.error(error);
    }
  }

  url() {
    const url = new URL(this.module, document.baseURI);
    if (url.origin !== location.origin) throw new Error("it comes from a foreign address");
    return url.href;
  }

  /** Return what the module sees. */
  face(name) {
    const mounted = this;
    return {
      name,
      get state() {
        return mounted.state;
      },
      get arrays() {
        return mounted.arrays;
      },
      setState: (changes) => this.setState(changes),
      on: (event, fn) => this.on(event, fn),
      send: (event, detail = null) => {
        if (this.link) this.link.send(event, detail);
        else this.unsent.push([event, detail]);
      },
    };
  }

  /** Join the module to Python, which has these values; it is told what differs from its own. */
  connect(link, { state, arrays }) {
    this.link = link;
    const { changes, unsent } = this;
    this.take("state", { ...state, ...changes });
    this.take("arrays", arrays);
    if (Object.keys(changes).length) link.setState(changes);
    for (const [name, detail] of unsent) link.send(name, detail);
    this.changes = {};
    this.unsent = [];
  }

  /** Replace "state" or "arrays" by what Python has; the module is told if anything differs. */
  take(name, value) {
    if (same(this[name], value)) return;
    this[name] = value;
    this.tell(name, value);
  }

  setState(changes) {
    this.take("state", { ...this.state, ...changes });
    if (this.link) this.link.setState(changes);
    else this.changes = { ...this.changes, ...changes };
  }

  on(name, fn) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(fn);
    if (name === "resize") this.watchSize();
    return () => this.listeners.get(name)?.delete(fn);
  }

  /** Let all listeners of an event hear `value`. */
  tell(name, value) {
    for (const fn of [...(this.listeners.get(name) ?? [])]) {
      try {
        fn(value);
      } catch (error) {
        console.error(error); // one broken listener must not silence the others
      }
    }
  }

  watchSize() {
    this.sizes ??= new ResizeObserver(() => {
      this.tell("resize", this.element.getBoundingClientRect());
    });
    this.sizes.observe(this.element);
  }

  dispose() {
    if (this.isOver) return;
    this.isOver = true;
    this.sizes?.disconnect();
    this.listeners.clear();
    try {
      this.disposeModule?.();
    } catch (error) {
      console.error(error);
    }
    this.element.remove();
    if (mountedIn.get(this.place) === this) mountedIn.delete(this.place);
  }
}

/** Say in the module's own place that it failed; text only, so nothing in it can run. */
function showFailure(el, module, error) {
  const box = document.createElement("div");
  box.className = "module-failure";
  box.setAttribute("role", "alert");
  const title = document.createElement("strong");
  title.textContent = "This part of the page failed to start.";
  const detail = document.createElement("p");
  detail.textContent = `${module.split("/").pop()}: ${error?.message ?? error}`;
  const advice = document.createElement("p");
  advice.textContent = "Reload the page; if it stays, the browser's console has the details.";
  box.append(title, detail, advice);
  el.replaceChildren(box);
}

/** Whether two values are alike: plain objects, arrays and typed arrays by what they hold. */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  const isObject = (value) => value !== null && typeof value === "object";
  if (!isObject(a) || !isObject(b) || a.constructor !== b.constructor) return false;
  if (a instanceof DataView) return false;
  if (Array.isArray(a) || ArrayBuffer.isView(a)) {
    return a.length === b.length && a.every((value, i) => same(value, b[i]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  );
}
