// node:stream/consumers: whole streams as one value.
import { Buffer } from "dodev:node/buffer";
import { Blob } from "dodev:web/blob";

export async function buffer(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}
export async function arrayBuffer(stream) {
  const { buffer: memory, byteOffset, byteLength } = await buffer(stream);
  return memory.slice(byteOffset, byteOffset + byteLength);
}
export async function bytes(stream) {
  return new Uint8Array(await arrayBuffer(stream));
}
export async function text(stream) {
  return new TextDecoder().decode(await buffer(stream));
}
export const json = async (stream) => JSON.parse(await text(stream));
export const blob = async (stream) => new Blob([await buffer(stream)]);

export default { arrayBuffer, blob, buffer, bytes, json, text };
