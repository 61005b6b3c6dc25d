// CryptoKey, and which module makes, reads and writes the keys of which algorithm.
import host from "dodev:host";
import { error, isBuffer, isObject, needUsage } from "dodev:web/crypto/algorithms";
import { illegalConstructor, shape } from "dodev:web/interface";

const MAKE = Symbol("make");

/** The bytes of a key; `undefined` if `value` is no CryptoKey. */
export let secretOf;
/** What a key is: `name`, `hash`, `length`, `curve`, `type`, `extractable` and `usages`. */
export let partsOf;

export class CryptoKey {
  #secret;
  #parts;

  constructor(token, secret, parts, algorithm) {
    if (token !== MAKE) throw illegalConstructor();
    this.#secret = secret;
    this.#parts = parts;
    // Fidelity: workerd gives each key these as own, read-only properties, in this order.
    const { usages, extractable, type } = parts;
    const own = { usages: [...usages], algorithm, extractable, type };
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

/** A key of the bytes `secret`; `algorithm` is what programs see of its algorithm. */
export function makeKey(secret, parts, algorithm) {
  return new CryptoKey(MAKE, secret, parts, algorithm);
}

const SYMMETRIC = "dodev:web/crypto/symmetric";
const CURVES = "dodev:web/crypto/curves";
const RSA = "dodev:web/crypto/rsa";

/** Names in capitals → the name as the platform writes it and the module that knows the algorithm. */
const ALGORITHMS = new Map(
  Object.entries({
    [SYMMETRIC]: ["AES-CBC", "AES-CTR", "AES-GCM", "AES-KW", "HMAC", "HKDF", "PBKDF2"],
    [CURVES]: ["ECDSA", "ECDH", "Ed25519", "NODE-ED25519", "X25519"],
    [RSA]: ["RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP", "RSA-RAW"],
  }).flatMap(([module, names]) => names.map((name) => [name.toUpperCase(), { name, module }])),
);

const loaded = new Map();

function load(module) {
  let found = loaded.get(module);
  if (found === undefined) loaded.set(module, (found = host.lazy(module)));
  return found;
}

/** The module that knows the algorithm `name`, which is the platform's spelling. */
export const moduleOf = (name) => load(ALGORITHMS.get(name.toUpperCase()).module);

export function generateKey(name, algorithm, extractable, usages) {
  const found = ALGORITHMS.get(name.toUpperCase());
  const made = found && load(found.module).generateKey(found.name, algorithm, extractable, usages);
  if (made === undefined) {
    throw error("NotSupportedError", `Unrecognized key generation algorithm "${name}" requested.`);
  }
  if (made.privateKey && made.privateKey.usages.length === 0) {
    throw error("SyntaxError", "Attempt to generate asymmetric keys with no valid private key usages.");
  }
  return made;
}

export function importKey(format, data, name, algorithm, extractable, usages) {
  checkData(format, data, name, extractable);
  const found = ALGORITHMS.get(name.toUpperCase());
  if (found === undefined) throw error("NotSupportedError", `Unrecognized key import algorithm "${name}" requested.`);
  const key = load(found.module).importKey(found.name, format, data, algorithm, extractable, usages);
  if (partsOf(key).type !== "public") needUsage(partsOf(key).usages);
  return key;
}

/** Formats that the platform has behind a flag. */
function checkFormat(format) {
  if (format === "raw-secret" || format === "raw-public") {
    const message = `Key format "${format}" requires the webcrypto_modern_algorithms flag.`;
    throw error("NotSupportedError", message);
  }
}

export function exportKey(format, key) {
  checkFormat(format);
  const { name, extractable } = partsOf(key);
  if (!extractable) throw error("InvalidAccessError", `Attempt to export non-extractable ${name} key.`);
  return moduleOf(name).exportKey(format, key);
}

// Checks that the data for `format` is of its kind.
function checkData(format, data, name, extractable) {
  checkFormat(format);
  if (!["raw", "pkcs8", "spki", "jwk"].includes(format)) {
    throw error("NotSupportedError", `Unrecognized key import format "${format}".`);
  }
  const bytes = isBuffer(data);
  if (format === "jwk" && bytes) {
    throw new TypeError('Import data provided for "jwk" import format must be a JsonWebKey.');
  }
  if (format !== "jwk" && !bytes) {
    throw new TypeError("Import data provided for buffer-based import formats must be a buffer source.");
  }
  if (format === "jwk" && data.ext !== undefined && !data.ext && extractable) {
    throw error("DataError", `JWK ext field for "${name}" is set to false but extractable is true`);
  }
}
