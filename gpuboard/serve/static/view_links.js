/** Write a whole view into an address, and read it back: for those who share no server. */

const MAX_LINK = 8_000; // characters: what chats and mail programs still take as one link

/** Return a view as text for an address, null where it is too long for one. */
export async function packView({ title, layout }) {
  const text = JSON.stringify({ title, layout });
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const packed = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const safe = packed.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return safe.length <= MAX_LINK ? safe : null;
}

/** Read what `packView` wrote; throws where it is something else. */
export async function unpackView(text) {
  const packed = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(packed, (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const { title, layout } = JSON.parse(await limited(stream));
  if (typeof title !== "string" || !Array.isArray(layout?.cards)) throw new Error("no view");
  return { title, layout };
}

const MAX_TEXT = 1 << 20;

/** Read a stream of text, but not without end: a short link can unpack to gigabytes. */
async function limited(stream) {
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new TextDecoder().decode(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > MAX_TEXT) throw new Error("the view is too large");
    parts.push(value);
  }
}
