// RSASSA-PKCS1-v1_5, RSA-PSS, RSA-OAEP and RSA-RAW. Loaded with the first such key.
import { HASH_BYTES, error, hashOf, need, needBytes, optionalBytes, toBase64Url, toInt } from "dodev:web/crypto/algorithms";
import {
  SIGNING, VERIFYING, cannotExport, ciphers, exportDer, importAny, needType, number, splitUsages,
} from "dodev:web/crypto/asymmetric";
import { makeKey, partsOf, secretOf } from "dodev:web/crypto/keys";

const SIGN = ["sign", "verify"];
const CRYPT = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
const usagesOf = (name) => (name === "RSA-OAEP" ? CRYPT : SIGN);

const bytesOf = (buffer) => new Uint8Array(buffer);

function rsaKey(name, type, secret, hash, extractable, usages) {
  const [n, e] = ciphers.rsaNumbers(type === "private", secret).map(bytesOf);
  const length = n.length * 8;
  const algorithm = { name, modulusLength: length, publicExponent: e };
  if (hash !== undefined) algorithm.hash = { name: hash };
  return makeKey(bytesOf(secret), { name, hash, length, type, extractable, usages }, algorithm);
}

export function generateKey(name, algorithm, extractable, usages) {
  if (name === "RSA-RAW") return undefined;
  const exponent = needBytes(algorithm, "publicExponent", "GenerateKeyAlgorithm");
  const asked = need(algorithm, "hash");
  const length = toInt(need(algorithm, "modulusLength"));
  if (length <= 0) throw error("OperationError", `modulusLength must be greater than zero (requested ${length}).`);
  const hash = hashOf(asked);
  const [ofPrivate, ofPublic] = splitUsages(name, usages, usagesOf(name));
  if (length % 8 !== 0 || length < 256 || length > 16_384) {
    const message = `The modulus length must be a multiple of 8 and between 256 and 16k, but ${length} was requested.`;
    throw error("OperationError", message);
  }
  const value = [...bytesOf(exponent.buffer ?? exponent)].reduce((sum, byte) => sum * 256 + byte, 0);
  if (value !== 3 && value !== 65_537) {
    const what = value >= 2 ** 32 ? "a number larger than 2^32" : value;
    throw error("OperationError", `The "publicExponent" must be either 3 or 65537, but got ${what}.`);
  }
  if (length % 128 !== 0) {
    throw error("OperationError", "Can't generate key: RSA key size is required to be a multiple of 128");
  }
  if (length < 512) throw error("OperationError", "RSA key size is too small.");
  if (length > ciphers.privateModulusMax) {
    const message = `dodev does not emulate RSA keys of more than ${ciphers.privateModulusMax} bits`;
    throw error("NotSupportedError", message);
  }
  const secret = ciphers.rsaKey(length, value);
  return {
    publicKey: rsaKey(name, "public", ciphers.publicOf("RSA", secret), hash, true, ofPublic),
    privateKey: rsaKey(name, "private", secret, hash, extractable, ofPrivate),
  };
}

export function importKey(name, format, data, algorithm, extractable, usages) {
  const hash = name === "RSA-RAW" ? undefined : hashOf(need(algorithm, "hash"));
  if (format === "raw") throw error("NotSupportedError", 'Unrecognized key import format "raw".');
  const read = (jwk, type) => readJwk(name, hash, jwk, type);
  const { kind, secret, type, usages: checked } = importAny(name, format, data, usages, usagesOf(name), read);
  if (kind !== "RSA") throw error("DataError", "Input was not an RSA key.");
  if (name === "RSA-RAW") {
    if (type !== "private") throw error("DataError", `RSA-RAW only supports private keys but requested "${type}".`);
  }
  const key = rsaKey(name, type, secret, hash, extractable, checked);
  const [, e] = ciphers.rsaNumbers(type === "private", secret).map(bytesOf);
  const exponent = e.reduce((sum, byte) => sum * 256 + byte, 0);
  const { length } = partsOf(key);
  if (length < 256 || length > 16_384) {
    const message = `The modulus length must be a multiple of 8 and between 256 and 16k, but ${length} was requested.`;
    throw error("OperationError", message);
  }
  if (![3, 17, 37, 65_537].includes(exponent)) {
    throw error("OperationError", `Imported RSA key has invalid publicExponent ${exponent}.`);
  }
  return key;
}

const JWK_HASHES = { "": "SHA-1", 1: "SHA-1", 256: "SHA-256", 384: "SHA-384", 512: "SHA-512" };

function jwkHash(alg) {
  const [, digits] = /^(?:RS|PS)(1|256|384|512)$/.exec(alg) ?? /^RSA-OAEP(?:-(256|384|512))?$/.exec(alg) ?? [];
  return digits === undefined && alg !== "RSA-OAEP" ? undefined : JWK_HASHES[digits ?? ""];
}

const INVALID = "Invalid RSA key in JSON Web Key;";

function readJwk(name, hash, jwk, type) {
  const { kty, alg } = jwk;
  if (`${kty}` !== "RSA") {
    const shown = name === "RSA-RAW" ? name : "RSASSA-PKCS1-v1_5";
    throw error(
      "DataError",
      `${shown} "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ("${kty}") equal to "RSA".`,
    );
  }
  if (alg !== undefined) {
    const found = jwkHash(alg);
    if (found === undefined) {
      throw error(
        "NotSupportedError",
        `Unrecognized or unimplemented algorithm "${alg}" listed in JSON Web Key Algorithm parameter.`,
      );
    }
    if (hash !== undefined && found !== hash) {
      throw error(
        "DataError",
        `JSON Web Key Algorithm parameter "alg" ("${alg}") does not match requested hash algorithm "${alg}".`,
      );
    }
  }
  const n = number(jwk, "n", `${INVALID} missing or invalid Modulus parameter ("n").`);
  const e = number(jwk, "e", `${INVALID} missing or invalid Exponent parameter ("e").`);
  if (type === "public") return { kind: "RSA", secret: ciphers.rsaPublic(n, e) };
  const d = number(jwk, "d", `${INVALID} missing or invalid Private Exponent parameter ("d").`);
  const [p, q] = readFactors(jwk);
  const secret = ciphers.rsaPrivate(n, e, d, p, q);
  if (secret === undefined) throw error("DataError", `${INVALID} its numbers do not belong together.`);
  return { kind: "RSA", secret };
}

function readFactors(jwk) {
  const named = [
    ["p", "First Prime Factor"],
    ["q", "Second Prime Factor"],
    ["dp", "First Factor CRT Exponent"],
    ["dq", "Second Factor CRT Exponent"],
    ["qi", "First CRT Coefficient"],
  ];
  const given = named.filter(([field]) => jwk[field] !== undefined);
  if (given.length === 0) return [];
  if (given.length < named.length) {
    throw error(
      "DataError",
      "Invalid RSA private key in JSON Web Key; if one Prime Factor or CRT Exponent/Coefficient parameter is present, " +
        'then they must all be present ("p", "q", "dp", "dq", "qi").',
    );
  }
  return named.map(([field, text]) => number(jwk, field, `${INVALID} invalid ${text} parameter ("${field}").`));
}

export function exportKey(format, key) {
  const { name, type, usages, hash } = partsOf(key);
  const secret = secretOf(key);
  const der = exportDer(format, "RSA", type, secret);
  if (der !== undefined) return der;
  if (format !== "jwk") throw cannotExport(name, format);
  if (hash === "MD5") throw error("NotSupportedError", 'JWK export not supported for hash algorithm "MD5".');
  const digits = (hash ?? "SHA-").slice("SHA-".length);
  const names = { "RSA-OAEP": digits === "1" ? "RSA-OAEP" : `RSA-OAEP-${digits}`, "RSA-PSS": `PS${digits}` };
  const jwk = { kty: "RSA", key_ops: [...usages], alg: names[name] ?? `RS${digits}`, ext: true };
  const [n, e, d, ...rest] = ciphers.rsaNumbers(type === "private", secret).map(toBase64Url);
  jwk.n = n;
  jwk.e = e;
  if (type === "private") {
    const [p, q, dp, dq, qi] = rest;
    Object.assign(jwk, { d, p, q, dp, dq, qi });
  }
  return jwk;
}

// The length of the salt; `undefined` for PKCS #1.
function saltOf(name, algorithm) {
  if (name !== "RSA-PSS") return undefined;
  return algorithm.saltLength === undefined ? undefined : toInt(algorithm.saltLength);
}

const NO_SALT = "Failed to provide salt for RSA-PSS key operation which requires a salt";
const badSalt = (salt) => error("DataError", `SaltLength for RSA-PSS must be non-negative (provided ${salt}).`);

export function sign(key, algorithm, data) {
  const { name, type, hash, length } = partsOf(key);
  if (name === "RSA-RAW") return signBare(key, data);
  needType(type, "private", SIGNING);
  const size = length / 8;
  const salt = saltOf(name, algorithm);
  const digest = HASH_BYTES[hash];
  if (name === "RSA-PSS") {
    if (salt === undefined) throw error("DataError", NO_SALT);
    if (salt < 0) throw badSalt(salt);
    if (digest + 2 > size) throw error("OperationError", "key too small for signing with given digest");
    if (salt > size - digest - 2) {
      throw error("OperationError", "key too small for signing with given digest and salt length");
    }
  } else if (digest + 32 > size) {
    const message = `key too small for signing with given digest, need at least ${8 * (digest + 32)}bits.`;
    throw error("OperationError", message);
  }
  const signature = ciphers.rsaSign(secretOf(key), hash, salt, data);
  if (signature === undefined) throw error("OperationError", "RSA operation failed.");
  return signature;
}

function signBare(key, data) {
  const size = partsOf(key).length / 8;
  const { byteLength } = data;
  if (byteLength > size) {
    throw error(
      "DataError",
      `Blind Signing requires presigned data (${byteLength} bytes) to be smaller than the key (${size} bytes).`,
    );
  }
  const signature = ciphers.rsaBare(secretOf(key), data);
  if (signature !== undefined) return signature;
  throw error(
    "DataError",
    "Blind Signing requires presigned data value to be strictly smaller than RSA keymodulus, consider using a larger " +
      "key size.",
  );
}

export function verify(key, algorithm, signature, data) {
  const { name, type, hash } = partsOf(key);
  needType(type, "public", VERIFYING);
  const salt = saltOf(name, algorithm);
  if (name === "RSA-PSS") {
    if (salt === undefined) throw new TypeError(NO_SALT);
    if (salt < 0) throw badSalt(salt);
  }
  return ciphers.rsaVerify(secretOf(key), hash, salt, signature, data);
}

function crypt(sealing, key, algorithm, data) {
  const label = optionalBytes(algorithm, "label", "EncryptAlgorithm");
  const { hash, type } = partsOf(key);
  if (sealing) needType(type, "public", `Encryption/key wrapping only works with public keys, not "${type}".`);
  else needType(type, "private", `Decryption/key unwrapping only works with private keys, not "${type}".`);
  const result = ciphers.oaep(sealing, secretOf(key), hash, label, data);
  if (result === undefined) throw error("OperationError", "RSA-OAEP failed encrypt/decrypt.");
  return result;
}

export const encrypt = (key, algorithm, data) => crypt(true, key, algorithm, data);
export const decrypt = (key, algorithm, data) => crypt(false, key, algorithm, data);
export const wrap = encrypt;
export const unwrap = decrypt;
