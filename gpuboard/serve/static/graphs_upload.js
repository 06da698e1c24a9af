/** Send a graph file to the server in pieces that fit a request, and learn its id. */

import { ApiError, route } from "./api.js";

const PIECE_BYTES = 3 << 20;

/**
 * Send a file; `tell(share)` hears how far it is.
 *
 * @returns {Promise<string>} The id of the graph.
 */
export async function upload(file, tell) {
  let graph = "";
  for (let at = 0; at < Math.max(file.size, 1); at += PIECE_BYTES) {
    const url = route("graph/upload", { name: file.name, size: file.size, at });
    const body = file.slice(at, at + PIECE_BYTES);
    graph = (await send(url, body)).graph;
    tell(Math.min((at + PIECE_BYTES) / file.size, 1));
  }
  return graph;
}

async function send(url, body) {
  let reply;
  try {
    reply = await fetch(url, { method: "POST", credentials: "same-origin", body });
  } catch {
    throw new ApiError(0, "The server does not answer. Is gpuboard serve still running?");
  }
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new ApiError(reply.status, answer.error?.message ?? `status ${reply.status}`);
  return answer;
}
