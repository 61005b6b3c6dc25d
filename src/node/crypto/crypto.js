// node:crypto: hashes, HMAC, key derivation and randomness; ciphers and public keys are refused by name.
//
// Fidelity: Node.js's documentation of `crypto`.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import {
  needFunction, needInteger, needNumber, needString, nodeError, notEmulated, outOfRange, wrongType,
} from "dodev:node/errors";
import { crypto as webCrypto } from "dodev:web/crypto";
import { CryptoKey as CryptoKey_ } from "dodev:web/crypto/keys";

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
const BLOCK_BYTES = { "MD5": 64, "SHA-1": 64, "SHA-256": 64, "SHA-384": 128, "SHA-512": 128 };
/** What OpenSSL has and dodev does not emulate. */
const OTHER_HASHES = /^(sha-?512[-/](224|256)|sha-?224|sha3-|ripemd|rmd160|blake2|shake|sm3|whirlpool)/;

function hashOf(name) {
  const found = HASHES.get(name.toLowerCase());
  if (found !== undefined) return found;
  if (OTHER_HASHES.test(name.toLowerCase())) throw notEmulated(`the hash "${name}" of crypto`);
  return undefined;
}

function bytesOf(value, name, encoding) {
  if (typeof value === "string") return Buffer.from(value, encoding === "buffer" ? "utf8" : encoding);
  if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  throw wrongType(name, "of type string or an instance of Buffer, TypedArray, or DataView", value);
}

const show = (buffer, encoding) => (encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer);

function finalized() {
  return nodeError(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
}

export class Hash {
  #hash;
  #done = false;

  constructor(algorithm, options) {
    if (algorithm instanceof Hash) {
      this.#hash = algorithm.#hash(null);
      return;
    }
    needString(algorithm, "algorithm");
    if (options?.outputLength !== undefined) throw notEmulated("crypto.Hash with outputLength");
    const name = hashOf(algorithm);
    if (name === undefined) throw nodeError(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
    this.#hash = host.makeHash(name);
  }
  update(data, encoding) {
    if (this.#done) throw finalized();
    this.#hash(bytesOf(data, "data", encoding));
    return this;
  }
  digest(encoding) {
    if (this.#done) throw finalized();
    this.#done = true;
    return show(Buffer.from(this.#hash(undefined)), encoding);
  }
  copy() {
    if (this.#done) throw finalized();
    return new Hash(this);
  }
}

export const createHash = (algorithm, options) => new Hash(algorithm, options);

export function hash(algorithm, data, encoding = "hex") {
  return new Hash(algorithm).update(data).digest(encoding);
}

export class Hmac {
  #inner;
  #outer;
  #name;

  constructor(algorithm, key) {
    needString(algorithm, "hmac");
    const name = hashOf(algorithm);
    if (name === undefined) throw nodeError(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
    this.#name = name;
    let secret = bytesOf(key, "key");
    const block = BLOCK_BYTES[name];
    if (secret.length > block) secret = new Uint8Array(host.digest(name, secret));
    const pad = (mask) => new Uint8Array(block).map((_, at) => (secret[at] ?? 0) ^ mask);
    this.#inner = host.makeHash(name);
    this.#inner(pad(0x36));
    this.#outer = pad(0x5c);
  }
  update(data, encoding) {
    if (this.#inner === undefined) throw finalized();
    this.#inner(bytesOf(data, "data", encoding));
    return this;
  }
  digest(encoding) {
    // Fidelity: a second digest is empty.
    if (this.#inner === undefined) return show(Buffer.alloc(0), encoding);
    const inner = new Uint8Array(this.#inner(undefined));
    this.#inner = undefined;
    return show(Buffer.from(host.digest(this.#name, Buffer.concat([this.#outer, inner]))), encoding);
  }
}

export const createHmac = (algorithm, key, options) => new Hmac(algorithm, key, options);
export const getHashes = () => ["RSA-MD5", "RSA-SHA1", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512", "md5", "sha1", "sha256", "sha384", "sha512"];
export const getCiphers = () => [];
export const getCurves = () => [];

/** Calls `callback` soon with the result of `make`, or gives it at once without a callback. */
function later(callback, make) {
  if (callback === undefined) return make();
  needFunction(callback, "callback");
  const value = make();
  queueMicrotask(() => callback(null, value));
  return undefined;
}

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

export function timingSafeEqual(a, b) {
  for (const [name, value] of [["buf1", a], ["buf2", b]]) {
    if (!isView(value) && !(value instanceof ArrayBuffer)) {
      throw wrongType(name, "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", value);
    }
  }
  if (a.byteLength !== b.byteLength) {
    throw nodeError(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
  }
  return host.equalBytes(a, b);
}

function digestFor(digest) {
  needString(digest, "digest");
  const found = hashOf(digest);
  if (found === undefined) throw nodeError(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${digest}`);
  return found;
}

export function pbkdf2Sync(password, salt, iterations, keylen, digest) {
  const name = digestFor(digest);
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
  const name = digestFor(digest);
  needInteger(keylen, "length", 0, 2 ** 31 - 1);
  const derived = host.hkdf(name, bytesOf(key, "ikm"), bytesOf(salt, "salt"), bytesOf(info, "info"), keylen);
  if (derived === undefined) throw nodeError(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
  return derived;
}

export function hkdf(digest, key, salt, info, keylen, callback) {
  needFunction(callback, "callback");
  later(callback, () => hkdfSync(digest, key, salt, info, keylen));
}

const refuse = (name) =>
  ({
    [name]() {
      throw notEmulated(`crypto.${name}()`);
    },
  })[name];

const refuseClass = (name) =>
  ({
    [name]: class {
      constructor() {
        throw notEmulated(`crypto.${name}`);
      }
    },
  })[name];

export const checkPrime = refuse("checkPrime");
export const checkPrimeSync = refuse("checkPrimeSync");
export const createCipheriv = refuse("createCipheriv");
export const createDecipheriv = refuse("createDecipheriv");
export const createDiffieHellman = refuse("createDiffieHellman");
export const createDiffieHellmanGroup = refuse("createDiffieHellmanGroup");
export const createECDH = refuse("createECDH");
export const createPrivateKey = refuse("createPrivateKey");
export const createPublicKey = refuse("createPublicKey");
export const createSecretKey = refuse("createSecretKey");
export const createSign = refuse("createSign");
export const createVerify = refuse("createVerify");
export const diffieHellman = refuse("diffieHellman");
export const generateKey = refuse("generateKey");
export const generateKeyPair = refuse("generateKeyPair");
export const generateKeyPairSync = refuse("generateKeyPairSync");
export const generateKeySync = refuse("generateKeySync");
export const generatePrime = refuse("generatePrime");
export const generatePrimeSync = refuse("generatePrimeSync");
export const getCipherInfo = refuse("getCipherInfo");
export const getDiffieHellman = refuse("getDiffieHellman");
export const getFips = () => 0;
export const privateDecrypt = refuse("privateDecrypt");
export const privateEncrypt = refuse("privateEncrypt");
export const publicDecrypt = refuse("publicDecrypt");
export const publicEncrypt = refuse("publicEncrypt");
export const scrypt = refuse("scrypt");
export const scryptSync = refuse("scryptSync");
export const secureHeapUsed = refuse("secureHeapUsed");
export const setEngine = refuse("setEngine");
export const setFips = refuse("setFips");
export const sign = refuse("sign");
export const verify = refuse("verify");
export const Certificate = refuseClass("Certificate");
export const Cipheriv = refuseClass("Cipheriv");
export const Decipheriv = refuseClass("Decipheriv");
export const DiffieHellman = refuseClass("DiffieHellman");
export const DiffieHellmanGroup = refuseClass("DiffieHellmanGroup");
export const ECDH = refuseClass("ECDH");
export const KeyObject = refuseClass("KeyObject");
export const Sign = refuseClass("Sign");
export const Verify = refuseClass("Verify");
export const X509Certificate = refuseClass("X509Certificate");
export const CryptoKey = CryptoKey_;
export const constants = Object.create(null);
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
