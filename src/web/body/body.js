// Reads bodies from the host's pipes: `bodyRead` and `bodyReadAll`, made of the host's `bodyPoll`.
import host from "dodev:host";

/** The next chunk of the pipe `id` as an ArrayBuffer; null at the end. */
async function bodyRead(id) {
  for (;;) {
    const chunk = host.bodyPoll(id);
    // A promise says when to ask again.
    if (!(chunk instanceof Promise)) return chunk;
    await chunk;
  }
}

/** All that is left in the pipe `id`, as one ArrayBuffer. */
async function bodyReadAll(id) {
  const chunks = [];
  let size = 0;
  for (let chunk = await bodyRead(id); chunk !== null; chunk = await bodyRead(id)) {
    chunks.push(chunk);
    size += chunk.byteLength;
  }
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(new Uint8Array(chunk), offset);
    offset += chunk.byteLength;
  }
  return all.buffer;
}

host.bodyRead = bodyRead;
host.bodyReadAll = bodyReadAll;
