// Hash and Hmac of node:crypto: objects that are given data, and streams that give one digest.
//
// Fidelity: Node.js's documentation of `crypto`.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { BLOCK_BYTES, bytesOf, hashOf, show, unsupportedDigest } from "dodev:node/crypto/input";
import { secretBytes } from "dodev:node/crypto/keys";
import { needString, nodeError, notEmulated } from "dodev:node/errors";
import { Transform } from "dodev:node/stream/duplex";

/** What a stream keeps in its object: whoever looks for one of these uses the hash as a stream. */
const STREAM_FIELDS = ["_events", "_readableState", "_writableState"];

/** Makes instances of `Class` transform streams, which become so when they are first used as one: most never are. */
function asStream(Class) {
  const { prototype } = Class;
  Object.setPrototypeOf(prototype, Transform.prototype);
  for (const name of STREAM_FIELDS) {
    Object.defineProperty(prototype, name, {
      get() {
        if (this === prototype) return undefined;
        for (const field of STREAM_FIELDS) define(this, field, undefined);
        Transform.call(this);
        return this[name];
      },
      set(value) {
        define(this, name, value);
      },
      configurable: true,
    });
  }
  prototype._transform = function (chunk, encoding, done) {
    this.update(chunk, encoding);
    done();
  };
  prototype._flush = function (done) {
    this.push(this.digest());
    done();
  };
}

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
}

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
    if (name === undefined) throw unsupportedDigest();
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
asStream(Hash);

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
    if (name === undefined) throw unsupportedDigest();
    this.#name = name;
    let secret = secretBytes(key, "key");
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
asStream(Hmac);

export const createHmac = (algorithm, key, options) => new Hmac(algorithm, key, options);
