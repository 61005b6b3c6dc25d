// CryptoKey, and importing, making and exporting keys: HMAC, and what PBKDF2 and HKDF derive from.
import host from "dodev:host";
import { blockBits, checkUsages, copyBytes, error, hashOf, isBuffer, isObject, need, refuse } from "dodev:web/crypto/algorithms";
import { illegalConstructor, shape } from "dodev:web/interface";

const MAKE = Symbol("make");

/** The bytes of a key; `undefined` if `value` is no CryptoKey. */
export let secretOf;
/** The name of a key's algorithm, its hash function if it has one, and its usages. */
export let partsOf;

export class CryptoKey {
  #secret;
  #parts;

  constructor(token, secret, algorithm, extractable, usages) {
    if (token !== MAKE) throw illegalConstructor();
    this.#secret = secret;
    this.#parts = { name: algorithm.name, hash: algorithm.hash?.name, length: algorithm.length, extractable, usages };
    // Fidelity: workerd gives each key these as own, read-only properties, in this order.
    const own = { usages: [...usages], algorithm, extractable, type: "secret" };
    for (const name in own) {
      Object.defineProperty(this, name, { value: own[name], enumerable: true, configurable: true });
    }
  }

  static {
    secretOf = (value) => (isObject(value) && #secret in value ? value.#secret : undefined);
    partsOf = (key) => key.#parts;
  }
}
shape(CryptoKey);

function hmacKey(secret, hash, length, extractable, usages) {
  return new CryptoKey(MAKE, secret, { name: "HMAC", hash: { name: hash }, length }, extractable, usages);
}

/** The length of a new HMAC key in bits. */
export function hmacBits(algorithm) {
  const hash = hashOf(need(algorithm, "hash"));
  const { length } = algorithm;
  if (length === undefined) return blockBits(hash);
  if (!(length > 0)) {
    throw error("OperationError", `HMAC key length must be a non-zero unsigned long integer (requested ${length}).`);
  }
  return Math.trunc(length);
}

export function generateKey(name, algorithm, extractable, usages) {
  refuse(name.toUpperCase());
  if (name.toUpperCase() !== "HMAC") {
    throw error("NotSupportedError", `Unrecognized key generation algorithm "${name}" requested.`);
  }
  const hash = hashOf(need(algorithm, "hash"));
  const checked = checkUsages(usages, ["sign", "verify"], "generate HMAC key");
  const bits = hmacBits(algorithm);
  return hmacKey(cut(new Uint8Array(host.randomBytes(Math.ceil(bits / 8))), bits), hash, bits, extractable, checked);
}

// A key of so many bits: the rest of its last byte is zero.
function cut(bytes, bits) {
  if (bits % 8 !== 0) bytes[bytes.length - 1] &= 0xff << (8 - (bits % 8));
  return bytes;
}

export function importKey(format, data, name, algorithm, extractable, usages) {
  const known = name.toUpperCase();
  refuse(known);
  if (known === "HMAC") return importHmac(format, data, algorithm, extractable, usages);
  if (known === "PBKDF2" || known === "HKDF") return importSource(format, data, known, extractable, usages);
  throw error("NotSupportedError", `Unrecognized key import algorithm "${name}" requested.`);
}

function importHmac(format, data, algorithm, extractable, usages) {
  const checked = checkUsages(usages, ["sign", "verify"], "import secret HMAC key");
  const hash = hashOf(need(algorithm, "hash"));
  let secret;
  if (format === "raw") secret = copyBytes(data);
  else if (format === "jwk") secret = readJwk(data, hash, extractable);
  else throw error("NotSupportedError", `Unrecognized key import format "${format}".`);
  const bits = secret.length * 8;
  const length = algorithm.length ?? bits;
  if (!(length > bits - 8 && length <= bits && length > 0)) {
    throw error(
      "DataError",
      `Imported HMAC key length (${length}) must be a non-zero value up to 7 bits less than, and no greater ` +
        `than, the bit length of the raw key data (${bits}).`,
    );
  }
  return hmacKey(secret, hash, length, extractable, checked);
}

const jwkName = (hash) => (hash === "MD5" ? undefined : `HS${hash.slice("SHA-".length)}`);

function readJwk(jwk, hash, extractable) {
  const start = 'HMAC "jwk" key import';
  if (jwk.kty !== "oct") {
    throw error(
      "DataError",
      `${start} requires a JSON Web Key with Key Type parameter ("kty") equal to "oct" (encountered "${jwk.kty}").`,
    );
  }
  if (jwk.ext === false && extractable) {
    throw error("DataError", 'JWK ext field for "HMAC" is set to false but extractable is true');
  }
  const expected = jwkName(hash);
  if (jwk.alg !== undefined && jwk.alg !== expected) {
    throw error(
      "DataError",
      `${start} specifies "alg" that is incompatible with the hash name (encountered "${jwk.alg}", expected "${expected}").`,
    );
  }
  const text = typeof jwk.k === "string" && /^[\w-]+$/.test(jwk.k) ? host.decodeBase64(fromUrl(jwk.k)) : undefined;
  if (text === undefined) throw error("DataError", `${start} requires a base64Url encoding of the key`);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const fromUrl = (text) => text.replaceAll("-", "+").replaceAll("_", "/");
const toUrl = (text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function importSource(format, data, name, extractable, usages) {
  const checked = checkUsages(usages, ["deriveKey", "deriveBits"], `import secret ${name} key`);
  if (extractable) throw error("SyntaxError", `${name} key cannot be extractable.`);
  if (format !== "raw") {
    const end = name === "HKDF" ? "" : ".";
    throw error("NotSupportedError", `${name} key must be imported in "raw" format (requested "${format}")${end}`);
  }
  return new CryptoKey(MAKE, copyBytes(data), { name }, false, checked);
}

export function exportKey(format, key) {
  const { name, hash, extractable, usages } = partsOf(key);
  if (!extractable) throw error("InvalidAccessError", `Attempt to export non-extractable ${name} key.`);
  const secret = secretOf(key);
  if (format === "raw") return secret.slice().buffer;
  if (format !== "jwk") throw error("NotSupportedError", `Unimplemented key export format "${format}".`);
  const k = toUrl(host.encodeBase64(Array.from(secret, (byte) => String.fromCharCode(byte)).join("")));
  return { kty: "oct", key_ops: [...usages], alg: jwkName(hash), ext: true, k };
}

/** Checks that the data for `format` is of its kind. */
export function checkData(format, data) {
  const bytes = isBuffer(data);
  if (format === "jwk" && bytes) {
    throw new TypeError('Import data provided for "jwk" import format must be a JsonWebKey.');
  }
  if (format !== "jwk" && !bytes) {
    throw new TypeError("Import data provided for buffer-based import formats must be a buffer source.");
  }
}
