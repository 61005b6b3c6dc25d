// node:buffer: `Buffer`, a `Uint8Array` that knows encodings, numbers and searching.
//
// Fidelity: Node.js's documentation of `buffer`. There is no pool: every buffer has memory of its own,
// and `allocUnsafe` gives zeros.
import host from "dodev:host";
import { decodeBytes, encodeText, normalizeEncoding, textLength } from "dodev:node/buffer/encodings";
import { defineNumbers } from "dodev:node/buffer/numbers";
import {
  needInteger, needNumber, nodeError, notEmulated, outOfRange, unknownEncoding, wrongType, wrongValue,
} from "dodev:node/errors";
import { loaded } from "dodev:node/loaded";
import { Blob as Blob_, File as File_ } from "dodev:web/blob";
import { inspect } from "dodev:web/console/inspect";
import { atob as atob_, btoa as btoa_ } from "dodev:web/encoding";

const { isView } = ArrayBuffer;
const { defineProperty, setPrototypeOf } = Object;

/** Fidelity: workerd's bound. */
export const kMaxLength = 2 ** 31 - 1;
export const kStringMaxLength = 2 ** 29 - 24;
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength };
export const INSPECT_MAX_BYTES = 50;

class NodeBuffer extends Uint8Array {}

const isBytes = (value) => value instanceof Uint8Array;
const isMemory = (value) => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

/** `Buffer(…)`, with `new` or without: the old way to make a buffer. */
export function Buffer(value, encodingOrOffset, length) {
  if (typeof value === "number") {
    if (typeof encodingOrOffset === "string") throw wrongType("string", "of type string", value);
    return Buffer.alloc(value);
  }
  return Buffer.from(value, encodingOrOffset, length);
}
// Species and `instanceof` of typed arrays go through the constructor.
setPrototypeOf(Buffer, Uint8Array);
defineProperty(Buffer, "prototype", { value: NodeBuffer.prototype, writable: false });
defineProperty(NodeBuffer.prototype, "constructor", { value: Buffer, writable: true, configurable: true });
defineProperty(Buffer, Symbol.species, { configurable: true, get: () => NodeBuffer });

function need(encoding) {
  const found = normalizeEncoding(encoding);
  if (found === undefined) throw unknownEncoding(encoding);
  return found;
}

/** A Buffer on the memory of `bytes`, a `Uint8Array`. */
const over = (bytes) => new NodeBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function needSize(size) {
  needNumber(size, "size");
  if (Number.isNaN(size)) throw nodeError(RangeError, "ERR_INVALID_ARG_VALUE", "The argument 'size' is invalid. Received NaN");
  if (size > kMaxLength) throw outOfRange("size", `0 to ${kMaxLength}`, size);
  // The words of V8, which refuses it on the platform.
  if (size < 0) throw new RangeError(`Invalid typed array length: ${size}`);
}

function fromMemory(memory, offset, length) {
  offset = +offset || 0;
  const room = memory.byteLength - offset;
  if (room < 0) throw nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"offset" is outside of buffer bounds');
  if (length === undefined) return new NodeBuffer(memory, offset);
  length = +length > 0 ? +length : 0;
  if (length > room) throw nodeError(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"length" is outside of buffer bounds');
  return new NodeBuffer(memory, offset, length);
}

function fromObject(value) {
  if (typeof value.length === "number" || isMemory(value.buffer)) {
    if (typeof value.length !== "number") return new NodeBuffer(0);
    const buffer = new NodeBuffer(value.length > 0 ? Math.trunc(value.length) : 0);
    for (let i = 0; i < buffer.length; i++) buffer[i] = value[i];
    return buffer;
  }
  if (value.type === "Buffer" && Array.isArray(value.data)) return fromObject(value.data);
  return undefined;
}

Buffer.from = function from(value, encodingOrOffset, length) {
  if (typeof value === "string") return over(encodeText(value, need(encodingOrOffset)));
  if (typeof value === "object" && value !== null) {
    if (isMemory(value)) return fromMemory(value, encodingOrOffset, length);
    if (isBytes(value)) return new NodeBuffer(value);
    const primitive = value.valueOf?.();
    if (primitive !== undefined && primitive !== null && primitive !== value &&
      (typeof primitive === "string" || typeof primitive === "object")) {
      return Buffer.from(primitive, encodingOrOffset, length);
    }
    const buffer = fromObject(value);
    if (buffer !== undefined) return buffer;
    if (typeof value[Symbol.toPrimitive] === "function") {
      const text = value[Symbol.toPrimitive]("string");
      if (typeof text === "string") return Buffer.from(text, encodingOrOffset);
    }
  }
  throw wrongType(
    "first argument",
    "of type string or an instance of Buffer, TypedArray, ArrayBuffer, SharedArrayBuffer, or Array or an Array-like Object",
    value,
  );
};

Buffer.of = (...items) => {
  const buffer = new NodeBuffer(items.length);
  for (let i = 0; i < items.length; i++) buffer[i] = items[i];
  return buffer;
};

Buffer.alloc = function alloc(size, fill, encoding) {
  needSize(size);
  const buffer = new NodeBuffer(size);
  if (fill === undefined || fill === 0 || size === 0) return buffer;
  return buffer.fill(fill, encoding);
};

Buffer.allocUnsafe = function allocUnsafe(size) {
  needSize(size);
  return new NodeBuffer(size);
};
Buffer.allocUnsafeSlow = function allocUnsafeSlow(size) {
  needSize(size);
  return new NodeBuffer(size);
};

export function SlowBuffer(size) {
  needSize(size);
  return new NodeBuffer(size);
}

Buffer.isBuffer = (value) => value instanceof Buffer;
Buffer.isEncoding = (encoding) =>
  typeof encoding === "string" && encoding.length !== 0 && normalizeEncoding(encoding) !== undefined;
Buffer.poolSize = 8192;

Buffer.byteLength = function byteLength(value, encoding) {
  if (typeof value === "string") return textLength(value, normalizeEncoding(encoding) ?? "utf8");
  if (isView(value) || isMemory(value)) return value.byteLength;
  throw wrongType("string", "of type string or an instance of Buffer or ArrayBuffer", value);
};

Buffer.compare = function compare(a, b) {
  if (!isBytes(a)) throw wrongType("buf1", "an instance of Buffer or Uint8Array", a);
  if (!isBytes(b)) throw wrongType("buf2", "an instance of Buffer or Uint8Array", b);
  return host.nodeCompare(a, b);
};

Buffer.concat = function concat(list, length) {
  if (!Array.isArray(list)) throw wrongType("list", "an instance of Array", list);
  if (length === undefined) {
    length = 0;
    for (const part of list) if (part.length) length += part.length;
  } else {
    needInteger(length, "length", 0);
  }
  const buffer = new NodeBuffer(length);
  let at = 0;
  for (const [index, part] of list.entries()) {
    if (!isBytes(part)) {
      // Fidelity: workerd's words, which are not Node.js's.
      throw new TypeError(`Incorrect type for array element ${index}: the provided value is not of type 'Uint8Array'.`);
    }
    const rest = length - at;
    buffer.set(part.length > rest ? part.subarray(0, rest) : part, at);
    at += Math.min(part.length, rest);
  }
  return buffer;
};

const clamp = (value, low, high) => (value < low ? low : value > high ? high : value);

function toIndex(value, length, missing) {
  if (value === undefined) return missing;
  const index = Math.trunc(value) || 0;
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length);
}

function checkRange(value, name, max) {
  if (value === undefined) return;
  needInteger(value, name, 0, max);
}

const methods = {
  toString(encoding, start = 0, end = this.length) {
    start = clamp(Math.trunc(start) || 0, 0, this.length);
    end = clamp(Math.trunc(end) || 0, 0, this.length);
    if (end <= start) return "";
    const bytes = start === 0 && end === this.length ? this : this.subarray(start, end);
    return decodeBytes(bytes, need(encoding));
  },
  toJSON() {
    return { type: "Buffer", data: Array.from(this) };
  },
  equals(other) {
    if (!isBytes(other)) throw wrongType("otherBuffer", "an instance of Buffer or Uint8Array", other);
    return this === other || (this.length === other.length && host.nodeCompare(this, other) === 0);
  },
  compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
    if (!isBytes(target)) throw wrongType("target", "an instance of Buffer or Uint8Array", target);
    checkRange(targetStart, "targetStart", Number.MAX_SAFE_INTEGER);
    checkRange(targetEnd, "targetEnd", target.length);
    checkRange(sourceStart, "sourceStart", Number.MAX_SAFE_INTEGER);
    checkRange(sourceEnd, "sourceEnd", this.length);
    return host.nodeCompare(
      this.subarray(sourceStart ?? 0, sourceEnd ?? this.length),
      target.subarray(targetStart ?? 0, targetEnd ?? target.length),
    );
  },
  copy(target, targetStart = 0, sourceStart = 0, sourceEnd = this.length) {
    if (!isBytes(target)) throw wrongType("target", "an instance of Buffer or Uint8Array", target);
    [targetStart, sourceStart, sourceEnd] = [targetStart, sourceStart, sourceEnd].map((at) => Math.trunc(at) || 0);
    if (targetStart < 0) throw outOfRange("targetStart", ">= 0", targetStart);
    if (sourceStart < 0 || sourceStart > this.length) {
      throw outOfRange("sourceStart", `>= 0 && <= ${this.length}`, sourceStart);
    }
    if (sourceEnd < 0) throw outOfRange("sourceEnd", ">= 0", sourceEnd);
    if (targetStart >= target.length || sourceStart >= sourceEnd) return 0;
    const length = Math.min(sourceEnd - sourceStart, target.length - targetStart, this.length - sourceStart);
    target.set(this.subarray(sourceStart, sourceStart + length), targetStart);
    return length;
  },
  slice(start, end) {
    return this.subarray(start, end);
  },
  subarray(start, end) {
    const { length } = this;
    const from = toIndex(start, length, 0);
    const to = toIndex(end, length, length);
    return new NodeBuffer(this.buffer, this.byteOffset + from, Math.max(to - from, 0));
  },
  write(text, offset, length, encoding) {
    if (typeof text !== "string") throw wrongType("argument", "of type string", text);
    if (typeof offset === "string") [offset, length, encoding] = [undefined, undefined, offset];
    else if (typeof length === "string") [length, encoding] = [undefined, length];
    if (offset !== undefined) needInteger(offset, "offset", 0, this.length);
    const start = offset ?? 0;
    if (length !== undefined) needInteger(length, "length", 0, this.length - start);
    return place(this, text, start, Math.min(length ?? Infinity, this.length - start), need(encoding));
  },
  fill(value, offset, end, encoding) {
    if (typeof value === "string") {
      if (typeof offset === "string") [offset, end, encoding] = [undefined, undefined, offset];
      else if (typeof end === "string") [end, encoding] = [undefined, end];
    }
    if (offset !== undefined) needInteger(offset, "offset", 0);
    if (end !== undefined) needInteger(end, "end", 0, this.length);
    const start = offset ?? 0;
    const stop = end ?? this.length;
    if (start >= stop) return this;
    let pattern = value;
    if (typeof value === "string") {
      if (encoding !== undefined && typeof encoding !== "string") throw wrongType("encoding", "of type string", encoding);
      pattern = value === "" ? 0 : encodeText(value, need(encoding));
    } else if (isView(value)) {
      pattern = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    } else {
      pattern = value & 255;
    }
    if (typeof pattern === "number") {
      Uint8Array.prototype.fill.call(this, pattern, start, stop);
      return this;
    }
    if (pattern.length === 0) throw wrongValue("value", value);
    this.set(pattern.subarray(0, stop - start), start);
    for (let done = Math.min(pattern.length, stop - start); start + done < stop; done *= 2) {
      this.copyWithin(start + done, start, Math.min(start + done, stop - done));
    }
    return this;
  },
  indexOf(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, true);
  },
  lastIndexOf(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, false);
  },
  includes(value, byteOffset, encoding) {
    return search(this, value, byteOffset, encoding, true) !== -1;
  },
  swap16() {
    return swap(this, 2);
  },
  swap32() {
    return swap(this, 4);
  },
  swap64() {
    return swap(this, 8);
  },
  toLocaleString(encoding, start, end) {
    return this.toString(encoding, start, end);
  },
};

// Writes as much of `text` as fits, whole characters only.
function place(buffer, text, start, room, encoding) {
  let bytes = encodeText(text, encoding);
  if (bytes.length > room) {
    let fit = room;
    if (encoding === "utf16le") fit -= fit % 2;
    else if (encoding === "utf8") while (fit > 0 && (bytes[fit] & 0xc0) === 0x80) fit--;
    bytes = bytes.subarray(0, fit);
  }
  buffer.set(bytes, start);
  return bytes.length;
}

function search(buffer, value, offset, encoding, forward) {
  if (typeof offset === "string") [encoding, offset] = [offset, undefined];
  offset = +offset;
  // Fidelity: what is not a number means the whole buffer.
  if (Number.isNaN(offset)) offset = forward ? 0 : buffer.length;
  offset = Math.trunc(clamp(offset, -0x7fffffff, 0x7fffffff));
  if (typeof value === "number") {
    const start = offset < 0 ? buffer.length + offset : offset;
    if (forward) return Uint8Array.prototype.indexOf.call(buffer, value & 255, Math.max(start, 0));
    return start < 0 ? -1 : Uint8Array.prototype.lastIndexOf.call(buffer, value & 255, start);
  }
  let step = 1;
  let wanted = value;
  if (typeof value === "string") {
    const name = need(encoding);
    if (name === "utf16le") step = 2;
    wanted = encodeText(value, name);
  } else if (isBytes(value)) {
    if (normalizeEncoding(encoding) === "utf16le") step = 2;
  } else {
    throw wrongType("value", "one of type number or string or an instance of Buffer or Uint8Array", value);
  }
  return host.nodeIndexOf(buffer, wanted, offset, forward, step);
}

function swap(buffer, size) {
  if (buffer.length % size !== 0) {
    throw nodeError(RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${size * 8}-bits`);
  }
  for (let at = 0; at < buffer.length; at += size) buffer.subarray(at, at + size).reverse();
  return buffer;
}

for (const encoding of ["ascii", "base64", "base64url", "hex", "latin1", "ucs2", "utf8"]) {
  const name = normalizeEncoding(encoding);
  methods[`${encoding}Slice`] = function (start = 0, end = this.length) {
    return decodeBytes(this.subarray(start, end), name);
  };
  methods[`${encoding}Write`] = function (text, offset = 0, length = this.length - offset) {
    return place(this, text, offset, Math.min(length, this.length - offset), name);
  };
}

for (const name in methods) {
  defineProperty(NodeBuffer.prototype, name, {
    value: methods[name], writable: true, enumerable: true, configurable: true,
  });
}
defineNumbers(NodeBuffer.prototype);
for (const name of ["parent", "offset"]) {
  defineProperty(NodeBuffer.prototype, name, {
    enumerable: true,
    get() {
      if (!(this instanceof Buffer)) return undefined;
      return name === "parent" ? this.buffer : this.byteOffset;
    },
  });
}
defineProperty(NodeBuffer.prototype, inspect.custom, {
  value(depth, options) {
    const shown = Math.min(INSPECT_MAX_BYTES, this.length);
    let text = decodeBytes(this.subarray(0, shown), "hex").replace(/(..)(?=.)/g, "$1 ");
    const rest = this.length - shown;
    if (rest > 0) text += ` ... ${rest} more byte${rest > 1 ? "s" : ""}`;
    return `<${this.constructor.name}${text === "" ? "" : ` ${text}`}>`;
  },
  writable: true,
  configurable: true,
});

export function isUtf8(input) {
  if (!isView(input) && !isMemory(input)) throw wrongType("input", "an instance of ArrayBuffer, Buffer, or TypedArray", input);
  return host.decodeUtf8(isMemory(input) ? new Uint8Array(input) : input, true, true) !== undefined;
}

export function isAscii(input) {
  if (!isView(input) && !isMemory(input)) throw wrongType("input", "an instance of ArrayBuffer, Buffer, or TypedArray", input);
  const bytes = isMemory(input) ? new Uint8Array(input) : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return bytes.every((byte) => byte < 128);
}

// What Windows writes where Latin-1 has control characters, from 0x80 on.
const WINDOWS = "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d" +
  "\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

/**
 * Fidelity: workerd's answers. A single byte holds what Latin-1 or Windows' Western table has; what nobody sees is
 * left out, everything else becomes a question mark.
 */
function toSingleBytes(text) {
  return text.replace(/(?!\xad)\p{Default_Ignorable_Code_Point}/gu, "").replace(/[^\0-\xff]/gu, (each) => {
    const at = WINDOWS.indexOf(each);
    return at < 0 ? "?" : String.fromCharCode(0x80 + at);
  });
}

export function transcode(source, from, to) {
  if (!isBytes(source)) throw wrongType("source", "an instance of Buffer or Uint8Array", source);
  const [before, after] = [normalizeEncoding(from), normalizeEncoding(to)];
  const known = ["ascii", "latin1", "utf16le", "utf8"];
  if (!known.includes(before) || !known.includes(after)) {
    throw new Error("Unable to transcode buffer due to unsupported encoding");
  }
  // Fidelity: "ascii" is Latin-1 here.
  const text = decodeBytes(source, before === "ascii" ? "latin1" : before);
  return after === "latin1" || after === "ascii" ? over(encodeText(toSingleBytes(text), "latin1")) : over(encodeText(text, after));
}

export function resolveObjectURL() {
  throw notEmulated("buffer.resolveObjectURL()");
}

export const Blob = Blob_;
export const File = File_;
export const atob = atob_;
export const btoa = btoa_;

loaded.Buffer = Buffer;
export default {
  Blob, Buffer, File, INSPECT_MAX_BYTES, SlowBuffer, atob, btoa, constants, isAscii, isUtf8, kMaxLength,
  kStringMaxLength, resolveObjectURL, transcode,
};
