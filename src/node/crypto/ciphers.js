// node:crypto's ciphers: AES in the modes GCM, CBC and CTR, in pieces.
//
// Fidelity: Node.js's documentation of `crypto`, with the messages of workerd. The host works on whole messages: a block that is thrown away, or one
// that is added, makes pieces of them.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { bytesOf, show } from "dodev:node/crypto/input";
import { secretBytes } from "dodev:node/crypto/keys";
import { needString, notEmulated, wrongType } from "dodev:node/errors";
import { Transform } from "dodev:node/stream";

const ciphers = host.ciphers();
const BLOCK = 16;
const NAMES = /^aes-?(128|192|256)-(gcm|cbc|ctr)$|^id-aes(128|192|256)-(gcm)$/;
const NIDS = {
  "aes-128-cbc": 419, "aes-192-cbc": 423, "aes-256-cbc": 427, "aes-128-ctr": 904, "aes-192-ctr": 905, "aes-256-ctr": 906,
  "aes-128-gcm": 895, "aes-192-gcm": 898, "aes-256-gcm": 901,
};
/** What OpenSSL has and dodev does not emulate. */
const OTHERS = /^(aes|aria|camellia|chacha20|des|bf|cast|rc2|rc4|seed|sm4|id-)/;

export const getCiphers = () => Object.keys(NIDS);

/** The mode and the key's length, in bytes, of the cipher `name`; `undefined` if there is none. */
function parse(name) {
  const found = NAMES.exec(name.toLowerCase());
  if (found === null) return undefined;
  return { mode: found[2] ?? found[4], keyLength: Number(found[1] ?? found[3]) / 8 };
}

export function getCipherInfo(nameOrNid, options = {}) {
  const name = typeof nameOrNid === "number" ? Object.keys(NIDS).find((key) => NIDS[key] === nameOrNid) : nameOrNid;
  if (typeof name !== "string" && name !== undefined) throw wrongType("nameOrNid", "of type string or number", nameOrNid);
  const found = name === undefined ? undefined : parse(name);
  if (found === undefined) return undefined;
  const { mode, keyLength } = found;
  const ivLength = mode === "gcm" ? 12 : 16;
  if (options.keyLength !== undefined && options.keyLength !== keyLength) return undefined;
  if (options.ivLength !== undefined && options.ivLength !== ivLength && mode !== "gcm") return undefined;
  const bits = keyLength * 8;
  return {
    name: mode === "gcm" ? `id-aes${bits}-GCM` : `AES-${bits}-${mode.toUpperCase()}`,
    nid: NIDS[`aes-${bits}-${mode}`],
    blockSize: mode === "cbc" ? BLOCK : 1,
    ivLength: options.ivLength ?? ivLength,
    keyLength,
    mode,
  };
}

const failed = () => new Error("Authentication failed");
const finished = () => new Error("Cipher/decipher context has already been finalized");

/** CBC in pieces: blocks wait until there is a next one, the last one of a message to be opened too. */
function cbc(sealing, key, iv) {
  let [previous, rest, padded] = [iv, Buffer.alloc(0), true];
  const run = (data) => {
    if (data.length === 0) return data;
    const next = data.subarray(-BLOCK);
    let result;
    if (sealing) {
      result = Buffer.from(ciphers.cbc(true, key, previous, data)).subarray(0, -BLOCK);
      previous = result.subarray(-BLOCK);
    } else {
      // A block of padding is added, which the host takes off: it asks nothing of the blocks before.
      const last = ciphers.cbc(true, key, next, new Uint8Array(0));
      result = Buffer.from(ciphers.cbc(false, key, previous, Buffer.concat([data, new Uint8Array(last)])));
      previous = next;
    }
    return result;
  };
  return {
    setPadding: (on) => (padded = on),
    update(data) {
      const all = Buffer.concat([rest, data]);
      let size = all.length - (all.length % BLOCK);
      if (!sealing && padded && size === all.length && size > 0) size -= BLOCK;
      rest = all.subarray(size);
      return run(all.subarray(0, size));
    },
    final() {
      if (!padded) {
        if (rest.length === 0) return rest;
        throw failed();
      }
      if (sealing) return Buffer.from(ciphers.cbc(true, key, previous, rest));
      if (rest.length !== BLOCK) throw failed();
      const text = ciphers.cbc(false, key, previous, rest);
      if (text === undefined) throw failed();
      return Buffer.from(text);
    },
  };
}

/** The counter block `steps` after `counter`; only its last `bits` count. */
function advanced(counter, steps, bits) {
  const result = Buffer.from(counter);
  const modulus = 1n << BigInt(bits);
  const number = BigInt(`0x${result.toString("hex")}`);
  const next = (number - (number % modulus)) + ((number + BigInt(steps)) % modulus);
  return Buffer.from(next.toString(16).padStart(2 * BLOCK, "0"), "hex");
}

/** CTR in pieces, whose counter has `bits`. */
function ctr(key, counter, bits = 128) {
  let at = 0;
  return {
    setPadding() {},
    update(data) {
      const skipped = at % BLOCK;
      const start = advanced(counter, (at - skipped) / BLOCK, bits);
      at += data.length;
      const padded = skipped === 0 ? data : Buffer.concat([Buffer.alloc(skipped), data]);
      return Buffer.from(ciphers.ctr(key, start, bits, padded)).subarray(skipped);
    },
    final: () => Buffer.alloc(0),
  };
}

/** GCM in pieces: the text goes through CTR, the tag is made of all of it at the end. */
function gcm(sealing, key, iv, tagLength) {
  const sealed = [];
  const aad = [];
  let tag;
  let stream;
  if (iv.length === 12) stream = ctr(key, Buffer.concat([iv, Buffer.from([0, 0, 0, 2])]), 32);
  const begun = [];
  const apply = (data) => {
    if (stream !== undefined) return stream.update(data);
    // The first block of another IV is the host's secret: from its start each time.
    const before = begun.reduce((sum, chunk) => sum + chunk.length, 0);
    begun.push(data);
    const all = Buffer.concat(begun);
    return Buffer.from(ciphers.gcm(true, key, iv, new Uint8Array(0), BLOCK, all)).subarray(before, all.length);
  };
  const whole = () => Buffer.concat(sealed);
  return {
    setPadding() {},
    addAad: (data) => aad.push(Buffer.from(data)),
    setTag: (value) => (tag = value),
    getTag: () => tag,
    update(data) {
      const result = apply(data);
      sealed.push(Buffer.from(sealing ? result : data));
      return result;
    },
    final() {
      const size = tagLength ?? BLOCK;
      const text = whole();
      if (sealing) {
        // Applying the key stream again gives the text, which the host seals with its tag.
        const plain = Buffer.from(ciphers.gcm(true, key, iv, new Uint8Array(0), BLOCK, text)).subarray(0, text.length);
        tag = Buffer.from(ciphers.gcm(true, key, iv, Buffer.concat(aad), size, plain)).subarray(text.length);
      } else if (tag === undefined) {
        throw new Error("No auth tag provided");
      } else if (ciphers.gcm(false, key, iv, Buffer.concat(aad), tag.length, Buffer.concat([text, tag])) === undefined) {
        throw failed();
      }
      return Buffer.alloc(0);
    },
  };
}

class Cipher extends Transform {
  #work;
  #isGcm;
  #tagLength;
  #state = "new";

  constructor(sealing, name, key, iv, options) {
    needString(name, "cipher");
    super(options);
    const secret = Buffer.from(secretBytes(key, "key"));
    const found = parse(name);
    if (found === undefined) {
      if (OTHERS.test(name.toLowerCase())) throw notEmulated(`the cipher "${name}" of crypto`);
      throw new Error(`Unknown or unsupported cipher: ${name}`);
    }
    if (secret.length !== found.keyLength) throw new Error("Invalid key length");
    const start = iv === null ? new Uint8Array(0) : Buffer.from(bytesOf(iv, "iv"));
    this.#isGcm = found.mode === "gcm";
    if (this.#isGcm ? start.length === 0 : start.length !== BLOCK) {
      throw new Error("Invalid initialization vector");
    }
    this.#tagLength = options?.authTagLength;
    if (this.#isGcm && this.#tagLength !== undefined) checkTag(this.#tagLength);
    if (found.mode === "cbc") this.#work = cbc(sealing, secret, start);
    else if (found.mode === "ctr") this.#work = ctr(secret, start);
    else this.#work = gcm(sealing, secret, start, this.#tagLength);
  }
  update(data, inputEncoding, outputEncoding) {
    if (this.#state === "final") throw finished();
    this.#state = "begun";
    return show(this.#work.update(bytesOf(data, "data", inputEncoding)), outputEncoding);
  }
  final(encoding) {
    if (this.#state === "final") throw finished();
    this.#state = "final";
    return show(this.#work.final(), encoding);
  }
  setAutoPadding(on = true) {
    if (this.#state === "final") throw finished();
    this.#work.setPadding(Boolean(on));
    return this;
  }
  setAAD(data, options) {
    if (this.#state === "final") throw finished();
    if (!this.#isGcm) throw new Error("Failed to set AAD");
    this.#work.addAad(bytesOf(data, "buffer", options?.encoding));
    return this;
  }
  getAuthTag() {
    if (!this.#isGcm || this.#state !== "final") {
      throw new Error("Auth tag is only available once cipher context has been finalized");
    }
    return Buffer.from(this.#work.getTag());
  }
  setAuthTag(tag, encoding) {
    if (this.#state === "final") throw finished();
    if (!this.#isGcm) throw new Error("Failed to set auth tag");
    const bytes = Buffer.from(bytesOf(tag, "buffer", encoding));
    checkTag(bytes.length);
    if (this.#tagLength !== undefined && this.#tagLength !== bytes.length) throw badTag();
    this.#work.setTag(bytes);
    return this;
  }
  _transform(chunk, encoding, callback) {
    this.push(this.update(chunk, encoding));
    callback();
  }
  _flush(callback) {
    try {
      this.push(this.final());
      callback();
    } catch (error) {
      callback(error);
    }
  }
}

const badTag = () => new Error("Invalid authentication tag length");

function checkTag(length) {
  if (length !== 4 && length !== 8 && !(length >= 12 && length <= 16)) throw badTag();
}

export class Cipheriv extends Cipher {
  constructor(name, key, iv, options) {
    super(true, name, key, iv, options);
  }
}

export class Decipheriv extends Cipher {
  constructor(name, key, iv, options) {
    super(false, name, key, iv, options);
  }
}
// Only one of the two reads the tag, the other one writes it.
for (const [Class, name] of [[Cipheriv, "setAuthTag"], [Decipheriv, "getAuthTag"]]) {
  Object.defineProperty(Class.prototype, name, { value: undefined, configurable: true, writable: true });
}

export const createCipheriv = (name, key, iv, options) => new Cipheriv(name, key, iv, options);
export const createDecipheriv = (name, key, iv, options) => new Decipheriv(name, key, iv, options);
