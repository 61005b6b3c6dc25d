// Keys that are plain bytes: AES, HMAC, and what PBKDF2 and HKDF derive from. Loaded with the first such key.
import host from "dodev:host";
import {
  blockBits, checkUsages, copyBytes, error, fromBase64Url, hashOf, need, needBytes, needUsage, optionalBytes,
  toBase64Url, toInt,
} from "dodev:web/crypto/algorithms";
import { makeKey, partsOf, secretOf } from "dodev:web/crypto/keys";

const ciphers = host.ciphers();
const isAes = (name) => name.startsWith("AES-");
const ENCRYPT = "EncryptAlgorithm";

function usagesOf(name) {
  if (name === "HMAC") return ["sign", "verify"];
  if (name === "AES-KW") return ["wrapKey", "unwrapKey"];
  return isAes(name) ? ["encrypt", "decrypt", "wrapKey", "unwrapKey"] : ["deriveKey", "deriveBits"];
}

function aesKey(name, secret, extractable, usages) {
  const length = secret.length * 8;
  return makeKey(secret, { name, length, type: "secret", extractable, usages }, { name, length });
}

function hmacKey(secret, hash, length, extractable, usages) {
  const algorithm = { name: "HMAC", hash: { name: hash }, length };
  return makeKey(secret, { name: "HMAC", hash, length, type: "secret", extractable, usages }, algorithm);
}

/** The length of a new HMAC key in bits. */
function hmacBits(algorithm) {
  const hash = hashOf(need(algorithm, "hash"));
  const { length } = algorithm;
  if (length === undefined) return blockBits(hash);
  if (!(length > 0)) {
    throw error("OperationError", `HMAC key length must be a non-zero unsigned long integer (requested ${length}).`);
  }
  return Math.trunc(length);
}

const isAesLength = (bits) => bits === 128 || bits === 192 || bits === 256;

export function generateKey(name, algorithm, extractable, usages) {
  if (isAes(name)) {
    const checked = checkUsages(usages, usagesOf(name), `generate ${name} key`);
    const length = toInt(need(algorithm, "length"));
    if (!isAesLength(length)) {
      const message = `Generated AES key length must be 128, 192, or 256 bits but requested ${length}.`;
      throw error("OperationError", message);
    }
    needUsage(checked);
    return aesKey(name, new Uint8Array(host.randomBytes(length / 8)), extractable, checked);
  }
  if (name !== "HMAC") return undefined;
  const hash = hashOf(need(algorithm, "hash"));
  const checked = needUsage(checkUsages(usages, ["sign", "verify"], "generate HMAC key"));
  const bits = hmacBits(algorithm);
  return hmacKey(cut(new Uint8Array(host.randomBytes(Math.ceil(bits / 8))), bits), hash, bits, extractable, checked);
}

// A key of so many bits: the rest of its last byte is zero.
function cut(bytes, bits) {
  if (bits % 8 !== 0) bytes[bytes.length - 1] &= 0xff << (8 - (bits % 8));
  return bytes;
}

export function importKey(name, format, data, algorithm, extractable, usages) {
  const checked = checkUsages(usages, usagesOf(name), `import secret ${name} key`);
  if (isAes(name)) return importAes(name, format, data, extractable, usages, checked);
  if (name === "HMAC") return importHmac(format, data, algorithm, extractable, checked);
  if (extractable) throw error("SyntaxError", `${name} key cannot be extractable.`);
  if (format !== "raw") {
    const end = name === "HKDF" ? "" : ".";
    throw error("NotSupportedError", `${name} key must be imported in "raw" format (requested "${format}")${end}`);
  }
  return makeKey(copyBytes(data), { name, type: "secret", extractable, usages: checked }, { name });
}

function unknownFormat(format) {
  return error("NotSupportedError", `Unrecognized key import format "${format}".`);
}

function importAes(name, format, data, extractable, usages, checked) {
  let secret;
  if (format === "raw") secret = copyBytes(data);
  else if (format === "jwk") secret = readAesJwk(data);
  else throw unknownFormat(format);
  const bits = secret.length * 8;
  if (!isAesLength(bits)) {
    throw error("DataError", `Imported AES key length must be 128, 192, or 256 bits but provided ${bits}.`);
  }
  if (format === "jwk") checkAesJwk(data, `A${bits}${name.slice("AES-".length)}`, usages);
  return aesKey(name, secret, extractable, checked);
}

const AES_JWK = 'Symmetric "jwk" key';

function readAesJwk({ kty, k }) {
  if (`${kty}` !== "oct") {
    throw error(
      "DataError",
      `${AES_JWK} import requires a JSON Web Key with Key Type parameter "kty" equal to "oct" (encountered "${kty}").`,
    );
  }
  const secret = fromBase64Url(k);
  if (secret === undefined) throw error("DataError", `${AES_JWK} import requires a base64Url encoding of the key.`);
  return secret;
}

function checkAesJwk({ alg, use, key_ops }, expected, usages) {
  if (alg !== undefined && alg !== expected) {
    throw error("DataError", `${AES_JWK} contains invalid "alg" value "${alg}", expected "${expected}".`);
  }
  if (usages.length > 0 && use !== undefined && use !== "enc") {
    throw error("DataError", `${AES_JWK} must have a "use" of "enc", not "${use}".`);
  }
  if (key_ops === undefined) return;
  const sorted = [...key_ops].sort();
  const twice = sorted.find((one, at) => one === sorted[at + 1]);
  if (twice !== undefined) {
    throw error("DataError", `${AES_JWK} contains duplicate value "${twice}", in "key_op".`);
  }
  const missing = usages.find((usage) => !sorted.includes(usage));
  if (missing !== undefined) throw error("DataError", `"jwk" key missing usage "${missing}", in "key_ops".`);
}

function importHmac(format, data, algorithm, extractable, checked) {
  const hash = hashOf(need(algorithm, "hash"));
  let secret;
  if (format === "raw") secret = copyBytes(data);
  else if (format === "jwk") secret = readHmacJwk(data, hash);
  else throw unknownFormat(format);
  needUsage(checked);
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

function readHmacJwk({ kty, alg, k }, hash) {
  const start = 'HMAC "jwk" key import';
  if (kty !== "oct") {
    throw error(
      "DataError",
      `${start} requires a JSON Web Key with Key Type parameter ("kty") equal to "oct" (encountered "${kty}").`,
    );
  }
  const expected = jwkName(hash);
  if (alg !== undefined && alg !== expected) {
    throw error(
      "DataError",
      `${start} specifies "alg" that is incompatible with the hash name (encountered "${alg}", expected "${expected}").`,
    );
  }
  const secret = k === "" ? undefined : fromBase64Url(k);
  if (secret === undefined) throw error("DataError", `${start} requires a base64Url encoding of the key`);
  return secret;
}

export function exportKey(format, key) {
  const { name, hash, usages } = partsOf(key);
  const secret = secretOf(key);
  if (format === "raw") return secret.slice().buffer;
  if (format !== "jwk") {
    const message = isAes(name)
      ? `${name} key only supports exporting "raw", "raw-secret" & "jwk", not "${format}".`
      : `Unimplemented key export format "${format}".`;
    throw error("NotSupportedError", message);
  }
  const alg = isAes(name) ? `A${secret.length * 8}${name.slice("AES-".length)}` : jwkName(hash);
  return { kty: "oct", key_ops: [...usages], alg, ext: true, k: toBase64Url(secret) };
}

/** Signs with HMAC. */
export function sign(key, algorithm, data) {
  return host.hmac(partsOf(key).hash, secretOf(key), data);
}

export function verify(key, algorithm, signature, data) {
  return host.equalBytes(sign(key, algorithm, data), signature);
}

/** The tag's length in bytes. */
function tagOf(algorithm) {
  const bits = algorithm.tagLength === undefined ? 128 : toInt(algorithm.tagLength);
  if ([32, 64, 96, 104, 112, 120, 128].includes(bits)) return bits / 8;
  throw error("OperationError", `Invalid AES-GCM tag length ${bits}.`);
}

function ctr(secret, algorithm, data) {
  const counter = optionalBytes(algorithm, "counter", ENCRYPT);
  if (counter === undefined) throw new TypeError('Missing "counter" member in "algorithm".');
  if (counter.byteLength !== 16) {
    throw error("OperationError", `Counter must have length of 16 bytes (provided ${counter.byteLength}).`);
  }
  if (algorithm.length === undefined) throw new TypeError('Missing "length" member in "algorithm".');
  const bits = toInt(algorithm.length);
  if (!(bits > 0 && bits <= 128)) throw error("OperationError", `Invalid counter of ${bits} bits length provided.`);
  const result = ciphers.ctr(secret, counter, bits, data);
  if (result === undefined) throw error("OperationError", "Counter block values will repeat.");
  return result;
}

function gcm(sealing, secret, algorithm, data) {
  const iv = needBytes(algorithm, "iv", ENCRYPT);
  const aad = optionalBytes(algorithm, "additionalData", ENCRYPT);
  if (iv.byteLength === 0) throw error("OperationError", "AES-GCM IV must not be empty.");
  const tag = tagOf(algorithm);
  if (!sealing && data.byteLength < tag) {
    throw error(
      "OperationError",
      `Ciphertext length of ${data.byteLength * 8} bits must be greater than or equal to the size of the AES-GCM ` +
        `tag length of ${tag * 8} bits.`,
    );
  }
  return ciphers.gcm(sealing, secret, iv, aad, tag, data) ?? fail("AES-GCM", data.byteLength - tag, data.byteLength - tag);
}

function cbc(sealing, secret, algorithm, data) {
  const iv = needBytes(algorithm, "iv", ENCRYPT);
  const { byteLength } = iv;
  if (byteLength !== 16) {
    const unit = sealing ? " bytes" : "";
    throw error("OperationError", `AES-CBC IV must be 16 bytes long (provided ${byteLength}${unit}).`);
  }
  // Fidelity: the platform keeps the last whole block back until it knows the padding.
  const expected = Math.max(0, Math.ceil(data.byteLength / 16) - 1) * 16;
  return ciphers.cbc(sealing, secret, iv, data) ?? fail("AES-CBC", data.byteLength, expected);
}

function fail(name, length, expected) {
  throw error(
    "OperationError",
    "Decryption failed. This could be due to a ciphertext authentication failure, bad padding, incorrect CryptoKey, " +
      `or another algorithm-specific reason. Input length was ${length}, output length expected to be ${expected} ` +
      `for ${name}`,
  );
}

function crypt(sealing, key, algorithm, data) {
  const { name } = partsOf(key);
  const secret = secretOf(key);
  if (name === "AES-CTR") return ctr(secret, algorithm, data);
  if (name === "AES-CBC") return cbc(sealing, secret, algorithm, data);
  return gcm(sealing, secret, algorithm, data);
}

export const encrypt = (key, algorithm, data) => crypt(true, key, algorithm, data);
export const decrypt = (key, algorithm, data) => crypt(false, key, algorithm, data);

export function wrap(key, algorithm, data) {
  const { name } = partsOf(key);
  if (name !== "AES-KW") return encrypt(key, algorithm, data);
  const { byteLength } = data;
  if (byteLength % 8 !== 0) {
    throw error(
      "OperationError",
      "Unwrapped key bit length must be a multiple of 64 bits but unwrapped key has a length of " +
        `${byteLength * 8} bits.`,
    );
  }
  if (byteLength < 16) {
    throw error(
      "OperationError",
      `Unwrapped key has length ${byteLength} bytes but it should be greater than or equal to 16 and less than or ` +
        "equal to 18446744073709551607",
    );
  }
  return ciphers.wrap(true, secretOf(key), data);
}

export function unwrap(key, algorithm, data) {
  const { name } = partsOf(key);
  if (name !== "AES-KW") return decrypt(key, algorithm, data);
  const bits = data.byteLength * 8;
  if (bits % 64 !== 0) {
    const message = `Provided a wrapped key to unwrap that is ${bits} bits which isn't a multiple of 64 bits.`;
    throw error("OperationError", message);
  }
  if (bits < 192) {
    const message = `Provided a wrapped key to unwrap this is ${bits} bits that is less than the minimal length of 192 bits.`;
    throw error("OperationError", message);
  }
  const unwrapped = ciphers.wrap(false, secretOf(key), data);
  if (unwrapped === undefined) throw error("OperationError", "AES-KW key unwrapping failed.");
  return unwrapped;
}

// Fidelity: Cloudflare's servers refuse more rounds of PBKDF2 than this; workerd alone does not.
const ITERATIONS_MAX = 100_000;
// Fidelity: workerd names the dictionary in messages about a member of the wrong type.
const DICTIONARY = "DeriveKeyAlgorithm";

/** So many bits derived from a key of PBKDF2 or HKDF. */
export function deriveBits(key, algorithm, bits) {
  const { name } = partsOf(key);
  const hash = hashOf(need(algorithm, "hash"));
  const salt = needBytes(algorithm, "salt", DICTIONARY);
  const info = name === "HKDF" ? needBytes(algorithm, "info", DICTIONARY) : undefined;
  const iterations = name === "PBKDF2" ? Math.trunc(Number(need(algorithm, "iterations"))) : undefined;
  if (bits === null || bits === undefined) {
    throw error("OperationError", `${name} cannot derive a key with null length.`);
  }
  if (bits % 8 !== 0) {
    throw error(
      "OperationError",
      `${name} requires a derived key length that is a multiple of eight (requested ${bits}).`,
    );
  }
  const length = bits / 8;
  if (name === "HKDF") {
    const derived = host.hkdf(hash, secretOf(key), salt, info, length);
    if (derived === undefined) throw error("OperationError", "HKDF deriveBits failed.");
    return derived;
  }
  if (!(iterations > 0)) {
    throw error("OperationError", `PBKDF2 requires a positive iteration count (requested ${iterations}).`);
  }
  if (iterations > ITERATIONS_MAX) {
    throw error(
      "NotSupportedError",
      `Pbkdf2 failed: iteration counts above ${ITERATIONS_MAX} are not supported (requested ${iterations}).`,
    );
  }
  return host.pbkdf2(hash, secretOf(key), salt, iterations, length);
}

const DERIVED = ["AES-CTR", "AES-CBC", "AES-GCM", "AES-KW", "HMAC", "HKDF", "PBKDF2"];

/** How many bits a derived key of the algorithm needs; `null` if it takes what there is. */
export function derivedBits(name, algorithm) {
  const known = name.toUpperCase();
  if (!DERIVED.includes(known)) {
    throw error("NotSupportedError", `Unrecognized derived key type "${name}" requested.`);
  }
  if (isAes(known)) {
    const length = toInt(need(algorithm, "length", "derivedKeyParams"));
    if (isAesLength(length)) return length;
    throw error("OperationError", `Derived AES key must be 128, 192, or 256 bits in length but provided ${length}.`);
  }
  if (known !== "HMAC") return null;
  if (algorithm.length !== undefined) {
    const length = toInt(algorithm.length);
    if (length > 0) return length;
    throw new TypeError("HMAC key length must be a non-zero unsigned long integer.");
  }
  return blockBits(hashOf(need(algorithm, "hash", "derivedKeyParams")));
}
