/** Have traces read by the server, and say how far it has come. */

import { getJson, route } from "./api.js";

const ASK_MS = 60; // between an answer and the next question; the server waits a little as well

/**
 * Open traces together.
 *
 * @param {string[]} ids
 * @param {(fraction: number, sentence: string) => void} progress
 * @param {AbortSignal} signal Ends the waiting; what nobody waits for is not read any further.
 * @returns {Promise<object[]>} What the server says of each.
 */
export async function openTraces(ids, progress, signal) {
  const replies = new Array(ids.length).fill(null);
  const tell = () => {
    const known = replies.filter(Boolean);
    const fraction = known.reduce((sum, one) => sum + one.fraction, 0) / ids.length;
    const running = known.find((one) => one.status !== "done");
    progress(fraction, running?.sentence ?? "");
  };
  await Promise.all(
    ids.map(async (trace, i) => {
      do {
        if (replies[i]) await pause(ASK_MS);
        replies[i] = await getJson("profile/open", { query: { trace }, signal });
        tell();
      } while (replies[i].status !== "done");
    }),
  );
  return replies;
}

/** Stop reading traces. */
export function cancelTraces(ids) {
  for (const trace of ids) fetch(route("profile/cancel", { trace }), { method: "POST" }).catch(() => {});
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
