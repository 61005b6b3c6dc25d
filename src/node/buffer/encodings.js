// Between text and bytes, in the encodings of Node.js's buffers.
import host from "dodev:host";
import { encode } from "dodev:web/encoding";

const { decodeUtf8, nodeBytes, nodeText } = host;

const NAMES = new Map([
  ["utf8", "utf8"],
  ["utf-8", "utf8"],
  ["ucs2", "utf16le"],
  ["ucs-2", "utf16le"],
  ["utf16le", "utf16le"],
  ["utf-16le", "utf16le"],
  ["latin1", "latin1"],
  ["binary", "latin1"],
  ["base64", "base64"],
  ["base64url", "base64url"],
  ["hex", "hex"],
  ["ascii", "ascii"],
]);

/** The one name of an encoding; `undefined` if there is no such encoding. Nothing means UTF-8. */
export function normalizeEncoding(encoding) {
  if (encoding === undefined || encoding === null || encoding === "") return "utf8";
  return NAMES.get(encoding) ?? NAMES.get(`${encoding}`.toLowerCase());
}

/** The bytes of `text` in an encoding named by `normalizeEncoding`, as a `Uint8Array`. */
export function encodeText(text, encoding) {
  switch (encoding) {
    case "utf8":
      return encode(text);
    case "utf16le": {
      const bytes = new Uint8Array(text.length * 2);
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        bytes[2 * i] = unit;
        bytes[2 * i + 1] = unit >> 8;
      }
      return bytes;
    }
    default:
      return new Uint8Array(nodeBytes(text.isWellFormed() ? text : text.toWellFormed(), encoding));
  }
}

/** The text that `bytes`, a `Uint8Array`, stand for. */
export function decodeBytes(bytes, encoding) {
  if (bytes.length === 0) return "";
  switch (encoding) {
    case "utf8":
      return decodeUtf8(bytes, false, true);
    case "utf16le": {
      let text = "";
      for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | (bytes[i + 1] << 8));
      return text;
    }
    default:
      return nodeText(bytes, encoding);
  }
}

/** How many bytes `text` takes. */
export function textLength(text, encoding) {
  switch (encoding) {
    case "utf8":
      return encode(text).length;
    case "utf16le":
      return text.length * 2;
    case "hex":
      return text.length >>> 1;
    case "base64":
    case "base64url": {
      let { length } = text;
      while (length > 0 && text.length - length < 2 && text[length - 1] === "=") length--;
      return (length * 3) >>> 2;
    }
    default:
      return text.length;
  }
}
