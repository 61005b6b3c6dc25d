// What all of node:crypto shares: bytes that programs give, names of hashes, and callbacks.
import { Buffer } from "dodev:node/buffer";
import { needFunction, notEmulated, wrongType } from "dodev:node/errors";

const { isView } = ArrayBuffer;

/** Names as OpenSSL knows them → names of the Web. */
const HASHES = new Map([
  ["md5", "MD5"],
  ["rsa-md5", "MD5"],
  ["sha1", "SHA-1"],
  ["sha-1", "SHA-1"],
  ["rsa-sha1", "SHA-1"],
  ["sha224", "SHA-224"],
  ["rsa-sha224", "SHA-224"],
  ["sha512-256", "SHA-512/256"],
  ["sha256", "SHA-256"],
  ["sha-256", "SHA-256"],
  ["rsa-sha256", "SHA-256"],
  ["sha384", "SHA-384"],
  ["sha-384", "SHA-384"],
  ["rsa-sha384", "SHA-384"],
  ["sha512", "SHA-512"],
  ["sha-512", "SHA-512"],
  ["rsa-sha512", "SHA-512"],
]);
export const BLOCK_BYTES = { "MD5": 64, "SHA-1": 64, "SHA-224": 64, "SHA-256": 64, "SHA-384": 128, "SHA-512/256": 128, "SHA-512": 128 };
/** What the platform has and dodev does not emulate. */
const OTHER_HASHES = new Set(["md4", "md5-sha1"]);

/** The Web's name of the hash `name`; `undefined` if the platform has none. */
export function hashOf(name) {
  const found = HASHES.get(name.toLowerCase());
  if (found === undefined && OTHER_HASHES.has(name.toLowerCase())) throw notEmulated(`the hash "${name}" of crypto`);
  return found;
}

/** The bytes of a string or buffer. */
export function bytesOf(value, name, encoding) {
  if (typeof value === "string") return Buffer.from(value, encoding === "buffer" ? "utf8" : encoding);
  if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  throw wrongType(name, "of type string or an instance of Buffer, TypedArray, or DataView", value);
}

/** `buffer` as it is, or as text of `encoding`. */
export const show = (buffer, encoding) => (encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer);

/** Calls `callback` soon with the result of `make`, or gives it at once without a callback. */
export function later(callback, make) {
  if (callback === undefined) return make();
  needFunction(callback, "callback");
  const value = make();
  queueMicrotask(() => callback(null, value));
  return undefined;
}

/** Fidelity: workerd's words. */
export const unsupportedDigest = () => new Error("Digest method not supported");
