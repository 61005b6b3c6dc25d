// Names and parameters of algorithms, and the buffers and texts that go with them.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { wrongField } from "dodev:web/interface";

export const error = (name, message) => new DOMException(message, name);

export const isObject = (value) => typeof value === "object" && value !== null;

/** The name of an algorithm given as a string or as an object with a `name`, as it was written. */
export function nameOf(algorithm, fail) {
  if (typeof algorithm === "string") return algorithm;
  if (!isObject(algorithm)) throw fail();
  return `${algorithm.name}`;
}

const HASHES = new Set(["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]);

/** The hash function that `algorithm` names, in capitals. */
export function hashOf(algorithm) {
  const name = isObject(algorithm) ? algorithm.name : algorithm;
  const found = `${name}`.toUpperCase();
  if (HASHES.has(found)) return found;
  throw error("NotSupportedError", "Unrecognized or unimplemented digest algorithm requested.");
}

export const HASH_BYTES = { "MD5": 16, "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };

/** The member `field` of an algorithm's parameters, which must be there. */
export function need(algorithm, field, owner = "algorithm") {
  const value = algorithm?.[field];
  if (value === undefined) throw new TypeError(`Missing field "${field}" in "${owner}".`);
  return value;
}

/** The member `field`, which must be bytes. */
export function needBytes(algorithm, field, dictionary) {
  const value = need(algorithm, field);
  if (!isBuffer(value)) throw wrongField(dictionary, field, "BufferSource");
  return value;
}

/** The member `field`, bytes or nothing. */
export function optionalBytes(algorithm, field, dictionary) {
  const value = algorithm?.[field];
  if (value !== undefined && !isBuffer(value)) throw wrongField(dictionary, field, "BufferSource");
  return value;
}

/** A number as bindings convert it. */
export const toInt = (value) => Number(value) | 0;

/** Bits of the block that HMAC uses with the hash function `hash`. */
export const blockBits = (hash) => (hash === "SHA-384" || hash === "SHA-512" ? 1024 : 512);

const { isView } = ArrayBuffer;

export function isBuffer(value) {
  return isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** A copy of the bytes of a buffer or view. */
export function copyBytes(value) {
  const view = isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
  return view.slice();
}

const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

/** `usages` in the order of the standard, once each; `what` says what is being done, for the error. */
export function checkUsages(usages, allowed, what) {
  for (const usage of usages) {
    if (!allowed.includes(usage)) throw error("SyntaxError", `Attempt to ${what} with invalid usage "${usage}".`);
  }
  return USAGES.filter((usage) => usages.includes(usage));
}

/** Throws if a secret or private key may be used for nothing. */
export function needUsage(usages) {
  if (usages.length === 0) throw error("SyntaxError", "Secret/private CryptoKeys must have at least one usage.");
  return usages;
}

/** The bytes of a text in base64url; `undefined` if it is none. */
export function fromBase64Url(text) {
  if (typeof text !== "string") return undefined;
  const plain = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(plain) || plain.length % 4 === 1) return undefined;
  const decoded = host.decodeBase64(plain);
  return decoded === undefined ? undefined : Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}

/** Bytes as text in base64url. */
export function toBase64Url(buffer) {
  const text = host.encodeBase64(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
