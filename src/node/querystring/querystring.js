// node:querystring: the older form of query strings.
//
// Fidelity: Node.js's documentation of `querystring`.
import { decodeBytes } from "dodev:node/buffer/encodings";
import { Buffer } from "dodev:node/buffer";
import { nodeError } from "dodev:node/errors";

/** Percent-encodes `text` except for unreserved characters. */
export function escape(text) {
  if (typeof text !== "string") text = typeof text === "object" ? String(text) : `${text}`;
  try {
    return encodeURIComponent(text);
  } catch {
    throw nodeError(URIError, "ERR_INVALID_URI", "URI malformed");
  }
}

/** The bytes of percent-encoded text; what is not properly encoded stays as it is. */
export function unescapeBuffer(text, decodeSpaces) {
  const bytes = [];
  for (let i = 0; i < text.length; i++) {
    const pair = text[i] === "%" ? text.slice(i + 1, i + 3) : "";
    if (/^[0-9a-f]{2}$/i.test(pair)) {
      bytes.push(Number.parseInt(pair, 16));
      i += 2;
    } else {
      bytes.push(decodeSpaces && text[i] === "+" ? 32 : text.charCodeAt(i));
    }
  }
  return Buffer.from(bytes);
}

export function unescape(text, decodeSpaces) {
  try {
    return decodeURIComponent(text);
  } catch {
    return decodeBytes(unescapeBuffer(`${text}`, decodeSpaces), "utf8");
  }
}

function show(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "";
  return typeof value === "bigint" || typeof value === "boolean" ? `${value}` : "";
}

export function stringify(object, separator = "&", equals = "=", options) {
  const encode = typeof options?.encodeURIComponent === "function" ? options.encodeURIComponent : querystring.escape;
  if (object === null || typeof object !== "object") return "";
  const pairs = [];
  for (const key of Object.keys(object)) {
    const start = encode(show(key)) + (equals || "=");
    const value = object[key];
    for (const item of Array.isArray(value) ? value : [value]) pairs.push(start + encode(show(item)));
  }
  return pairs.join(separator || "&");
}

export function parse(text, separator, equals, options) {
  const result = Object.create(null);
  if (typeof text !== "string" || text.length === 0) return result;
  const max = typeof options?.maxKeys === "number" ? options.maxKeys : 1000;
  const decode = typeof options?.decodeURIComponent === "function" ? options.decodeURIComponent : querystring.unescape;
  const read = (part) => {
    const spaced = part.replaceAll("+", decode === querystring.unescape ? " " : "%20");
    try {
      return decode(spaced);
    } catch {
      return querystring.unescape(spaced, true);
    }
  };
  let pairs = text.split(separator ? `${separator}` : "&").filter((pair) => pair !== "");
  if (max > 0) pairs = pairs.slice(0, max);
  const sign = equals ? `${equals}` : "=";
  for (const pair of pairs) {
    const at = pair.indexOf(sign);
    const key = read(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? "" : read(pair.slice(at + sign.length));
    if (!(key in result)) result[key] = value;
    else if (Array.isArray(result[key])) result[key].push(value);
    else result[key] = [result[key], value];
  }
  return result;
}

export const encode = stringify;
export const decode = parse;

// Its members may be replaced: `parse` and `stringify` look here.
const querystring = { decode, encode, escape, parse, stringify, unescape, unescapeBuffer };
export default querystring;
