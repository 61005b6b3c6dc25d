// node:crypto: hashes, HMAC, key derivation and randomness; keys, signatures and ciphers are beside it.
//
// Fidelity: Node.js's documentation of `crypto`.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { Cipheriv, Decipheriv, createCipheriv, createDecipheriv, getCipherInfo, getCiphers } from "dodev:node/crypto/ciphers";
import {
  DiffieHellman, DiffieHellmanGroup, ECDH, createDiffieHellman, createDiffieHellmanGroup, createECDH, getDiffieHellman,
} from "dodev:node/crypto/dh";
import { Hash, Hmac, createHash, createHmac, hash } from "dodev:node/crypto/hash";
import { bytesOf, hashOf, later } from "dodev:node/crypto/input";
import {
  KeyObject, createPrivateKey, createPublicKey, createSecretKey, diffieHellman, generateKey, generateKeyPair,
  generateKeyPairSync, generateKeySync, secretBytes,
} from "dodev:node/crypto/keys";
import { checkPrime, checkPrimeSync, generatePrime, generatePrimeSync } from "dodev:node/crypto/primes";
import {
  Sign, Verify, createSign, createVerify, privateDecrypt, privateEncrypt, publicDecrypt, publicEncrypt, sign, verify,
} from "dodev:node/crypto/signatures";
import {
  needFunction, needInteger, needNumber, needObject, needString, nodeError, notEmulated, outOfRange, wrongType,
} from "dodev:node/errors";
import { crypto as webCrypto } from "dodev:web/crypto";
import { CryptoKey as CryptoKey_ } from "dodev:web/crypto/keys";

const { isView } = ArrayBuffer;

/** Fidelity: the names that workerd gives, whether it computes with them or not. */
const HASHES = "md4 md5 sha1 sha224 sha256 sha384 sha512 md5-sha1 RSA-MD5 RSA-SHA1 RSA-SHA224 RSA-SHA256 RSA-SHA384 RSA-SHA512 DSA-SHA DSA-SHA1 ecdsa-with-SHA1";
export const getHashes = () => HASHES.split(" ");
export const getCurves = () => ["secp224r1", "prime256v1", "secp384r1", "secp521r1"];

export function randomBytes(size, callback) {
  needNumber(size, "size");
  if (!(size >= 0 && size <= 2 ** 31 - 1)) throw outOfRange("size", `>= 0 && <= ${2 ** 31 - 1}`, size);
  return later(callback, () => Buffer.from(host.randomBytes(size)));
}
export const pseudoRandomBytes = randomBytes;
export const prng = randomBytes;
export const rng = randomBytes;

export function randomFillSync(buffer, offset = 0, size = undefined) {
  if (!isView(buffer) && !(buffer instanceof ArrayBuffer)) {
    throw wrongType("buf", "an instance of ArrayBuffer or ArrayBufferView", buffer);
  }
  const bytes = bytesOf(buffer, "buf");
  const unit = buffer.BYTES_PER_ELEMENT ?? 1;
  needInteger(offset * unit, "offset", 0, bytes.length);
  const end = size === undefined ? bytes.length : (offset + size) * unit;
  needInteger(end, "size", offset * unit, bytes.length);
  bytes.set(new Uint8Array(host.randomBytes(end - offset * unit)), offset * unit);
  return buffer;
}

export function randomFill(buffer, ...rest) {
  const callback = rest.pop();
  needFunction(callback, "callback");
  later(callback, () => randomFillSync(buffer, ...rest));
}

export function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") [min, max, callback] = [0, min, max];
  if (!Number.isSafeInteger(min)) throw wrongType("min", "a safe integer", min);
  if (!Number.isSafeInteger(max)) throw wrongType("max", "a safe integer", max);
  if (max <= min) throw outOfRange("max", `greater than the value of "min" (${min})`, max);
  const range = max - min;
  if (range > 2 ** 48 - 1) throw outOfRange("max - min", `<= ${2 ** 48 - 1}`, range);
  return later(callback, () => {
    // What lies above the last whole multiple of the range would favour small numbers.
    const limit = 2 ** 48 - (2 ** 48 % range);
    for (;;) {
      const value = Buffer.from(host.randomBytes(6)).readUIntBE(0, 6);
      if (value < limit) return min + (value % range);
    }
  });
}

export const randomUUID = () => host.randomUuid();

/** Fidelity: workerd's is the one of `crypto.subtle`, with its words. */
export const timingSafeEqual = (a, b) => webCrypto.subtle.timingSafeEqual(a, b);

function digestFor(digest, message) {
  needString(digest, "digest");
  const found = hashOf(digest);
  if (found === undefined) throw new TypeError(message);
  return found;
}

export function pbkdf2Sync(password, salt, iterations, keylen, digest) {
  const name = digestFor(digest, `Invalid Pbkdf2 digest: ${digest}.`);
  const [secret, grain] = [bytesOf(password, "password"), bytesOf(salt, "salt")];
  needInteger(iterations, "iterations", 1, 2 ** 31 - 1);
  needInteger(keylen, "keylen", 0, 2 ** 31 - 1);
  return Buffer.from(host.pbkdf2(name, secret, grain, iterations, keylen));
}

export function pbkdf2(password, salt, iterations, keylen, digest, callback) {
  if (typeof digest === "function") throw wrongType("digest", "of type string", undefined);
  needFunction(callback, "callback");
  later(callback, () => pbkdf2Sync(password, salt, iterations, keylen, digest));
}

export function hkdfSync(digest, key, salt, info, keylen) {
  const name = digestFor(digest, `Invalid Hkdf digest: ${digest}`);
  needInteger(keylen, "length", 0, 2 ** 31 - 1);
  const derived = host.hkdf(name, secretBytes(key, "ikm"), bytesOf(salt, "salt"), bytesOf(info, "info"), keylen);
  if (derived === undefined) throw nodeError(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
  return derived;
}

export function hkdf(digest, key, salt, info, keylen, callback) {
  needFunction(callback, "callback");
  later(callback, () => hkdfSync(digest, key, salt, info, keylen));
}

/** Fidelity: workerd's limit and messages. */
const SCRYPT_COST_MAX = 2 ** 20;
const SCRYPT_ALIASES = { N: "cost", r: "blockSize", p: "parallelization" };

export function scryptSync(password, salt, keylen, options = {}) {
  const [secret, grain] = [bytesOf(password, "password"), bytesOf(salt, "salt")];
  needInteger(keylen, "keylen", 0, 2 ** 31 - 1);
  needObject(options, "options");
  const chosen = { N: 16_384, r: 8, p: 1, maxmem: 32 * 1024 * 1024 };
  for (const name in chosen) {
    const alias = SCRYPT_ALIASES[name];
    const value = options[name] ?? options[alias];
    if (value === undefined) continue;
    needInteger(value, name, 0, name === "maxmem" ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 1);
    chosen[name] = value;
  }
  const { N, r, p, maxmem } = chosen;
  if (N >= SCRYPT_COST_MAX) throw new RangeError(`Scrypt failed: cost exceeds maximum (${SCRYPT_COST_MAX}).`);
  const fits = N > 1 && Number.isInteger(Math.log2(N)) && r > 0 && p > 0 && r * p < 2 ** 30 && 128 * r * (N + p + 2) <= maxmem;
  if (!fits) throw new Error("Scrypt failed");
  return Buffer.from(host.scrypt(secret, grain, N, r, p, keylen));
}

export function scrypt(password, salt, keylen, options, callback) {
  if (typeof options === "function") [options, callback] = [undefined, options];
  needFunction(callback, "callback");
  later(callback, () => scryptSync(password, salt, keylen, options));
}

const refuseClass = (name) =>
  ({
    [name]: class {
      constructor() {
        throw notEmulated(`crypto.${name}`);
      }
    },
  })[name];

/** Fidelity: workerd's answers. */
export const getFips = () => true;
export const secureHeapUsed = () => ({ total: 0, used: 0, utilization: 0, min: 0 });
/** Fidelity: workerd's refusals. */
const unimplemented = (name) => () => {
  throw nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", `The ${name} method is not implemented`);
};
export const setEngine = unimplemented("setEngine");
export const setFips = unimplemented("setFips");
export const Certificate = refuseClass("Certificate");
export const X509Certificate = refuseClass("X509Certificate");
export const CryptoKey = CryptoKey_;
/** Fidelity: the numbers of OpenSSL that Node.js shows. */
export const constants = Object.assign(Object.create(null), {
  RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_X931_PADDING: 5, RSA_PKCS1_PSS_PADDING: 6,
  RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2, POINT_CONVERSION_COMPRESSED: 2,
  POINT_CONVERSION_UNCOMPRESSED: 4, POINT_CONVERSION_HYBRID: 6,
});
export {
  Cipheriv, Decipheriv, DiffieHellman, DiffieHellmanGroup, ECDH, Hash, Hmac, KeyObject, Sign, Verify, checkPrime, checkPrimeSync,
  createDiffieHellman, createDiffieHellmanGroup, createECDH, generatePrime, generatePrimeSync, getDiffieHellman, createCipheriv, createDecipheriv, createHash, createHmac,
  createPrivateKey, createPublicKey, createSecretKey, createSign, createVerify, diffieHellman, generateKey, generateKeyPair,
  generateKeyPairSync, generateKeySync, getCipherInfo, getCiphers, hash, privateDecrypt, privateEncrypt, publicDecrypt,
  publicEncrypt, sign, verify,
};
export const webcrypto = webCrypto;
export const { subtle } = webCrypto;
export const getRandomValues = (view) => webCrypto.getRandomValues(view);

export default {
  Certificate, Cipheriv, CryptoKey, Decipheriv, DiffieHellman, DiffieHellmanGroup, ECDH, Hash, Hmac, KeyObject, Sign, Verify,
  X509Certificate, checkPrime, checkPrimeSync, constants, createCipheriv, createDecipheriv, createDiffieHellman,
  createDiffieHellmanGroup, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, createSign,
  createVerify, diffieHellman, generateKey, generateKeyPair, generateKeyPairSync, generateKeySync, generatePrime,
  generatePrimeSync, getCipherInfo, getCiphers, getCurves, getDiffieHellman, getFips, getHashes, getRandomValues, hash, hkdf,
  hkdfSync, pbkdf2, pbkdf2Sync, prng, privateDecrypt, privateEncrypt, pseudoRandomBytes, publicDecrypt, publicEncrypt,
  randomBytes, randomFill, randomFillSync, randomInt, randomUUID, rng, scrypt, scryptSync, secureHeapUsed, setEngine, setFips,
  sign, subtle, timingSafeEqual, verify, webcrypto,
};
