// Names and parameters of algorithms, and the buffers and keys that go with them.
import { DOMException } from "dodev:web/dom_exception";
import { wrongField } from "dodev:web/interface";

/** What the platform knows and dodev does not emulate. */
const REFUSED = new Set([
  "AES-CBC",
  "AES-CTR",
  "AES-GCM",
  "AES-KW",
  "ECDH",
  "ECDSA",
  "ED25519",
  "NODE-ED25519",
  "RSA-OAEP",
  "RSA-PSS",
  "RSA-RAW",
  "RSASSA-PKCS1-V1_5",
  "X25519",
]);

export const error = (name, message) => new DOMException(message, name);

/** Throws if dodev does not emulate the algorithm `name`, which is in capitals. */
export function refuse(name) {
  if (REFUSED.has(name)) throw error("NotSupportedError", `dodev does not emulate the algorithm "${name}" yet`);
}

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

/** The member `field` of an algorithm's parameters, which must be there. */
export function need(algorithm, field) {
  const value = algorithm?.[field];
  if (value === undefined) throw new TypeError(`Missing field "${field}" in "algorithm".`);
  return value;
}

/** The member `field`, which must be bytes. */
export function needBytes(algorithm, field, dictionary) {
  const value = need(algorithm, field);
  if (!isBuffer(value)) throw wrongField(dictionary, field, "BufferSource");
  return value;
}

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
  if (usages.length === 0) throw error("SyntaxError", "Secret/private CryptoKeys must have at least one usage.");
  return USAGES.filter((usage) => usages.includes(usage));
}
