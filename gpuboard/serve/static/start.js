/**
 * Start a page: mount its modules at once, and connect them to Python when they have shown
 * something. BokehJS keeps the browser busy for a quarter of a second, which curves need not wait
 * for.
 */

import { quiet } from "./api.js";
import { Mounted, allMounted } from "./mounted.js";

const REST_MS = 50; // without a request for so long, a page has what it shows first
const PATIENCE_MS = 2_000; // updates wait no longer, however slow the first requests are

/** What the template tells: modules by place, scripts of BokehJS in order, items to embed. */
const { modules, scripts, host, items } = JSON.parse(document.getElementById("start").textContent);

async function start() {
  for (const { id, ...module } of modules) {
    new Mounted(document.querySelector(`[data-root-id="${id}"]`), module);
  }
  await Promise.race([shown(), pause(PATIENCE_MS)]);
  try {
    await load(scripts);
    const { connect } = await import(new URL(host, document.baseURI).href);
    await connect(items);
  } catch (error) {
    console.error(error);
    for (const one of allMounted()) one.tell("connection", false);
  }
}

async function shown() {
  await Promise.all(allMounted().map((one) => one.ready));
  await quiet(REST_MS);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Load scripts together and run them in their order. */
function load(urls) {
  return Promise.all(
    urls.map(
      (src) =>
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          Object.assign(script, { src, async: false, onload: resolve });
          script.onerror = () => reject(new Error(`${src} could not be loaded`));
          document.head.append(script);
        }),
    ),
  );
}

start();
