// node:string_decoder: text out of bytes that come in pieces.
//
// Fidelity: Node.js's documentation of `string_decoder`.
import { Buffer } from "dodev:node/buffer";
import { decodeBytes, normalizeEncoding } from "dodev:node/buffer/encodings";
import { unknownEncoding, wrongType } from "dodev:node/errors";

const { isView } = ArrayBuffer;

/** How many bytes at the end of `bytes` begin something that is not complete yet. */
function incomplete(bytes, encoding) {
  const { length } = bytes;
  switch (encoding) {
    case "utf8":
      for (let back = 1; back <= Math.min(3, length); back++) {
        const byte = bytes[length - back];
        if ((byte & 0xc0) === 0x80) continue;
        const wanted = byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
        return wanted > back ? back : 0;
      }
      return 0;
    case "utf16le": {
      const odd = length % 2;
      const high = length - odd >= 2 ? bytes[length - odd - 1] : 0;
      return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
    }
    case "base64":
    case "base64url":
      return length % 3;
    default:
      return 0;
  }
}

// Callable without `new`, for classes of the older kind.
export function StringDecoder(encoding) {
  const name = normalizeEncoding(encoding);
  if (name === undefined) throw unknownEncoding(encoding);
  this.encoding = name;
  this.held = new Uint8Array();
  Object.defineProperty(this, "held", { enumerable: false });
}

StringDecoder.prototype.write = function write(chunk) {
  if (typeof chunk === "string") return chunk;
  if (!isView(chunk)) throw wrongType("buf", "an instance of Buffer, TypedArray, or DataView", chunk);
  let bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (this.held.length > 0) bytes = Buffer.concat([this.held, bytes]);
  const rest = incomplete(bytes, this.encoding);
  this.held = bytes.slice(bytes.length - rest);
  return decodeBytes(bytes.subarray(0, bytes.length - rest), this.encoding);
};

StringDecoder.prototype.end = function end(chunk) {
  const text = chunk === undefined ? "" : this.write(chunk);
  const rest = decodeBytes(this.held, this.encoding);
  this.held = new Uint8Array();
  return text + rest;
};

Object.defineProperties(StringDecoder.prototype, {
  lastNeed: {
    enumerable: true,
    get() {
      if (this.held.length === 0) return 0;
      if (this.encoding !== "utf8") return this.encoding === "utf16le" ? 2 - (this.held.length % 2) : 3 - this.held.length;
      const [first] = this.held;
      return (first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2) - this.held.length;
    },
  },
  lastTotal: {
    enumerable: true,
    get() {
      return this.held.length === 0 ? 0 : this.held.length + this.lastNeed;
    },
  },
});

export default { StringDecoder };
