// node:crypto's signatures, and encryption with RSA.
//
// Fidelity: Node.js's documentation of `crypto`: signatures of elliptic curves are in DER unless asked otherwise, the
// salt of RSA-PSS is as long as it can be.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { bytesOf, hashOf, later, show } from "dodev:node/crypto/input";
import { partsOfKey, privateKeyOf, publicKeyOf } from "dodev:node/crypto/keys";
import { needString, nodeError, notEmulated, wrongValue } from "dodev:node/errors";
import { Writable } from "dodev:node/stream";

const ciphers = host.ciphers();
const PKCS1 = 1;
const OAEP = 4;
const PSS = 6;
const SALT_DIGEST = -1;
const SALT_MAX = -2;
const HASH_BYTES = { "MD5": 16, "SHA-1": 20, "SHA-224": 28, "SHA-512/256": 32, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
const FIELD_BYTES = { "P-256": 32, "P-384": 48, "P-521": 66 };

/** What programs give beside a key: `{ padding, saltLength, dsaEncoding }`. */
function optionsOf(input) {
  if (partsOfKey(input) !== undefined || input === null || typeof input !== "object" || ArrayBuffer.isView(input)) return {};
  const { padding, saltLength, dsaEncoding = "der" } = input;
  if (dsaEncoding !== "der" && dsaEncoding !== "ieee-p1363") throw wrongValue("options.dsaEncoding", dsaEncoding);
  return { padding, saltLength, dsaEncoding };
}

const inDer = (number) => {
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start++;
  const digits = number.subarray(start);
  const all = digits[0] >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
  return Buffer.concat([Buffer.from([2, all.length]), all]);
};

/** Two numbers of the field's size as DER. */
function toDer(signature) {
  const half = signature.length / 2;
  const inner = Buffer.concat([inDer(signature.subarray(0, half)), inDer(signature.subarray(half))]);
  const head = inner.length < 128 ? [0x30, inner.length] : [0x30, 0x81, inner.length];
  return Buffer.concat([Buffer.from(head), inner]);
}

/** The two numbers of a signature in DER, each of `size` bytes; `undefined` if it is none. */
function fromDer(signature, size) {
  const start = signature[1] === 0x81 ? 3 : 2;
  if (signature[0] !== 0x30 || signature[start - 1] !== signature.length - start) return undefined;
  const result = new Uint8Array(2 * size);
  let at = start;
  for (const end of [size, 2 * size]) {
    const length = signature[at + 1];
    let digits = signature.subarray(at + 2, at + 2 + length);
    if (signature[at] !== 2 || digits.length !== length || length === 0) return undefined;
    while (digits.length > size && digits[0] === 0) digits = digits.subarray(1);
    if (digits.length > size) return undefined;
    result.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === signature.length ? result : undefined;
}

const incompatible = () => new Error("Failed to initialize signing context");

/** The length of the salt, `undefined` for PKCS #1; `hash` is the hash that is signed. */
function saltOf({ padding = PKCS1, saltLength = SALT_MAX }, parts, isPrivate, hash) {
  if (padding === PKCS1) return undefined;
  if (padding !== PSS) throw notEmulated(`the padding ${padding} of crypto's signatures`);
  const [n] = ciphers.rsaNumbers(isPrivate, parts.secret);
  if (saltLength === SALT_DIGEST) return HASH_BYTES[hash];
  return saltLength === SALT_MAX ? n.byteLength - HASH_BYTES[hash] - 2 : saltLength;
}

function needHash(name) {
  if (name === null || name === undefined) return "SHA-256";
  const found = hashOf(name);
  if (found === undefined) throw new Error(`Unknown digest: ${name}`);
  return found;
}

function signWith(name, data, input) {
  const parts = partsOfKey(privateKeyOf(input));
  const options = optionsOf(input);
  const { kind, secret } = parts;
  if (kind === "X25519") throw incompatible();
  if (kind === "Ed25519") {
    if (name) throw incompatible();
    return Buffer.from(ciphers.curveSign(kind, secret, data));
  }
  const hash = needHash(name);
  if (kind === "RSA") {
    const signature = ciphers.rsaSign(secret, hash, saltOf(options, parts, true, hash), data);
    if (signature === undefined) throw new Error("Failed to generate signature");
    return Buffer.from(signature);
  }
  const signature = Buffer.from(ciphers.curveSign(kind, secret, host.digest(hash, data)));
  return options.dsaEncoding === "ieee-p1363" ? signature : toDer(signature);
}

function verifyWith(name, data, input, signature) {
  const parts = partsOfKey(publicKeyOf(input));
  const options = optionsOf(input);
  const { kind, secret } = parts;
  if (kind === "X25519") throw incompatible();
  if (kind === "Ed25519") {
    if (name) throw incompatible();
    return signature.length === 64 && ciphers.curveVerify(kind, secret, signature, data);
  }
  const hash = needHash(name);
  if (kind === "RSA") return verifyRsa(hash, data, parts, options, signature);
  const raw = options.dsaEncoding === "ieee-p1363" ? signature : fromDer(signature, FIELD_BYTES[kind]);
  return raw !== undefined && ciphers.curveVerify(kind, secret, raw, host.digest(hash, data));
}

function verifyRsa(hash, data, parts, options, signature) {
  const check = (salt) => ciphers.rsaVerify(parts.secret, hash, salt, signature, data);
  const salt = saltOf(options, parts, false, hash);
  if (salt === undefined || (options.saltLength !== undefined && options.saltLength !== SALT_MAX)) return check(salt);
  // Without a length any is right; these are the usual ones.
  const usual = [HASH_BYTES[hash], salt, 0];
  for (const length of usual) if (check(length)) return true;
  for (let length = 1; length < salt; length++) if (!usual.includes(length) && check(length)) return true;
  return false;
}

/** What signs and verifies in pieces. */
class Signing extends Writable {
  #name;
  #chunks = [];

  constructor(algorithm, options) {
    needString(algorithm, "algorithm");
    super(options);
    needHash(algorithm);
    this.#name = algorithm;
  }
  _write(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }
  update(data, encoding) {
    this.#chunks.push(Buffer.from(bytesOf(data, "data", encoding)));
    return this;
  }
  /** The hash's name and all that was written. */
  _all() {
    return [this.#name, Buffer.concat(this.#chunks)];
  }
}

export class Sign extends Signing {
  sign(key, encoding) {
    if (!key) throw nodeError(Error, "ERR_CRYPTO_SIGN_KEY_REQUIRED", "No key provided to sign");
    const [name, data] = this._all();
    return show(signWith(name, data, key), encoding);
  }
}

export class Verify extends Signing {
  verify(key, signature, encoding) {
    const [name, data] = this._all();
    return verifyWith(name, data, key, bytesOf(signature, "signature", encoding));
  }
}

export const createSign = (algorithm, options) => new Sign(algorithm, options);
export const createVerify = (algorithm, options) => new Verify(algorithm, options);

export function sign(algorithm, data, key, callback) {
  if (algorithm !== null && algorithm !== undefined) needString(algorithm, "algorithm");
  return later(callback, () => signWith(algorithm, bytesOf(data, "data"), key));
}

export function verify(algorithm, data, key, signature, callback) {
  if (algorithm !== null && algorithm !== undefined) needString(algorithm, "algorithm");
  return later(callback, () => verifyWith(algorithm, bytesOf(data, "data"), key, bytesOf(signature, "signature")));
}

/** The hash and the label of OAEP; other paddings are refused by name. */
function oaepOf(input, method) {
  const { padding = OAEP, oaepHash = "sha1", oaepLabel = new Uint8Array(0) } = partsOfKey(input) === undefined ? input : {};
  if (padding !== OAEP) throw notEmulated(`the padding ${padding} of crypto.${method}()`);
  return [needHash(oaepHash), bytesOf(oaepLabel, "key.oaepLabel")];
}

function crypt(sealing, key, input, data, method) {
  const { kind, secret } = partsOfKey(key);
  if (kind !== "RSA") throw new Error(sealing ? "Failed to encrypt data" : "Failed to decrypt data");
  const [hash, label] = oaepOf(input, method);
  const result = ciphers.oaep(sealing, secret, hash, label, bytesOf(data, "buffer"));
  if (result !== undefined) return Buffer.from(result);
  throw new Error(sealing ? "Failed to encrypt data" : "Failed to decrypt data");
}

export const publicEncrypt = (key, data) => crypt(true, publicKeyOf(key), key, data, "publicEncrypt");
export const privateDecrypt = (key, data) => crypt(false, privateKeyOf(key), key, data, "privateDecrypt");

/** Bytes of the frame around what is encrypted with a private key. */
const FRAME = 11;

const failedTo = (what) => new Error(`Failed to ${what} data`);

/** The numbers of an RSA key that encrypt or decrypt without hash, by PKCS #1: [modulus, exponent]. */
function plainNumbers(key, input, isPrivate, method) {
  const { kind, secret } = partsOfKey(key);
  if (kind !== "RSA") throw failedTo(isPrivate ? "encrypt" : "decrypt");
  const { padding = 1 } = partsOfKey(input) === undefined ? input : {};
  if (padding !== 1) throw notEmulated(`the padding ${padding} of crypto.${method}()`);
  const numbers = ciphers.rsaNumbers(isPrivate, secret);
  return [new Uint8Array(numbers[0]), numbers[isPrivate ? 2 : 1]];
}

/** `base` to the power of `exponent` in as many bytes as the modulus has. */
function power(base, exponent, modulus) {
  const found = new Uint8Array(ciphers.power(base, exponent, modulus));
  const padded = Buffer.alloc(modulus.length);
  padded.set(found, modulus.length - found.length);
  return padded;
}

export function privateEncrypt(key, data) {
  const [modulus, exponent] = plainNumbers(privateKeyOf(key), key, true, "privateEncrypt");
  const bytes = bytesOf(data, "buffer");
  if (bytes.length > modulus.length - FRAME) throw failedTo("encrypt");
  const framed = new Uint8Array(modulus.length).fill(0xff);
  framed.set([0, 1]);
  framed[framed.length - bytes.length - 1] = 0;
  framed.set(bytes, framed.length - bytes.length);
  return power(framed, exponent, modulus);
}

export function publicDecrypt(key, data) {
  const [modulus, exponent] = plainNumbers(publicKeyOf(key), key, false, "publicDecrypt");
  const bytes = bytesOf(data, "buffer");
  if (bytes.length !== modulus.length) throw failedTo("decrypt");
  const framed = power(bytes, exponent, modulus);
  const end = framed.indexOf(0, 2);
  const fits = framed[0] === 0 && framed[1] === 1 && end >= FRAME - 1 && framed.subarray(2, end).every((byte) => byte === 0xff);
  if (!fits) throw failedTo("decrypt");
  return framed.subarray(end + 1);
}
