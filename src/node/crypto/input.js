// What all of node:crypto shares: bytes that programs give, names of hashes, and callbacks.
import { Buffer } from "dodev:node/buffer";
import { needFunction, nodeError, notEmulated, wrongType } from "dodev:node/errors";

const { isView } = ArrayBuffer;

/** Names as OpenSSL knows them → names of the Web. */
const HASHES = new Map([
  ["md5", "MD5"],
  ["rsa-md5", "MD5"],
  ["sha1", "SHA-1"],
  ["sha-1", "SHA-1"],
  ["rsa-sha1", "SHA-1"],
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
export const BLOCK_BYTES = { "MD5": 64, "SHA-1": 64, "SHA-256": 64, "SHA-384": 128, "SHA-512": 128 };
/** What OpenSSL has and dodev does not emulate. */
const OTHER_HASHES = /^(sha-?512[-/](224|256)|sha-?224|sha3-|ripemd|rmd160|blake2|shake|sm3|whirlpool)/;

/** The Web's name of the hash `name`; `undefined` if there is none. */
export function hashOf(name) {
  const found = HASHES.get(name.toLowerCase());
  if (found !== undefined) return found;
  if (OTHER_HASHES.test(name.toLowerCase())) throw notEmulated(`the hash "${name}" of crypto`);
  return undefined;
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

export function invalidDigest(Class, name) {
  return nodeError(Class, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${name}`);
}
