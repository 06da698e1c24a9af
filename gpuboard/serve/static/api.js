/** Fetch from the data routes; every failure becomes an `ApiError` with a sentence to show. */

import { decodeColumns } from "./columns.js";
import { decodeCurves } from "./curves.js";

export class ApiError extends Error {
  /** @param {number} status HTTP status, 0 when the server could not be reached. */
  constructor(status, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

const UNREACHABLE = "The server does not answer. Is gpuboard serve still running?";

/** Return the absolute address of a data route; pages may lie under any prefix. */
export function route(path, query = {}) {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const one of [value].flat()) url.searchParams.append(key, one);
  }
  return url.href;
}

/** Answer what `GET api/v1/<path>` says. Throws ApiError; an aborted request throws AbortError. */
export async function getJson(path, { query, signal } = {}) {
  return (await ask(route(path, query), { signal })).json();
}

/** Answer what `POST api/v1/<path>` says to a JSON body. */
export async function postJson(path, body, { signal } = {}) {
  return (await ask(route(path), post(body, signal))).json();
}

/** Send `method api/v1/<path>` with a JSON body, or none; null where the answer is empty. */
export async function sendJson(method, path, body) {
  const options = body === undefined ? {} : post(body);
  const reply = await ask(route(path), { ...options, method });
  return reply.status === 204 ? null : reply.json();
}

/** Answer the text that `GET api/v1/<path>` sends. */
export async function getText(path, { query } = {}) {
  return (await ask(route(path, query))).text();
}

/** Answer the bytes that `GET api/v1/<path>` sends. */
export async function getBytes(path, { query, signal } = {}) {
  return (await ask(route(path, query), { signal })).arrayBuffer();
}

/**
 * Ask for the lines of one chart, of one tag or (path "curves/custom") of several.
 *
 * @returns {Promise<null | {header: object, x: Float64Array, y: Float64Array}>} null when nothing
 *   changed since `request.since`; the lines of `header.lines` lie one after another in x and y.
 */
export async function curves(request, { signal, path = "curves" } = {}) {
  const reply = await ask(route(path), post(request, signal));
  return reply.status === 204 ? null : decodeCurves(await reply.arrayBuffer());
}

/** Answer the header and named columns of a binary reply, to a GET or with `body` to a POST. */
export async function columns(path, { query, body, signal } = {}) {
  const options = body === undefined ? { signal } : post(body, signal);
  return decodeColumns(await (await ask(route(path, query), options)).arrayBuffer());
}

function post(body, signal) {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(body), signal };
}

/** Settle once nothing has been asked of the server for `rest` ms. */
export async function quiet(rest) {
  for (let now = performance.now(); !(now >= busyUntil + rest); now = performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, rest));
  }
}

let running = 0;
let busyUntil = -Infinity;

async function ask(url, options) {
  running++;
  busyUntil = Infinity;
  try {
    return await answer(url, options);
  } finally {
    if (--running === 0) busyUntil = performance.now();
  }
}

async function answer(url, options) {
  let reply;
  try {
    reply = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, UNREACHABLE);
  }
  if (!reply.ok) throw new ApiError(reply.status, await messageOf(reply));
  return reply;
}

async function messageOf(reply) {
  try {
    return (await reply.json()).error.message;
  } catch {
    return `The server answered ${reply.status} ${reply.statusText}`.trim();
  }
}
