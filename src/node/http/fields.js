// Checks of header fields.
import { nodeError } from "dodev:node/errors";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const BAD_TEXT = /[^\t\x20-\x7e\x80-\xff]/;

export const isToken = (text) => typeof text === "string" && TOKEN.test(text);
export const hasBadCharacter = (text) => BAD_TEXT.test(`${text}`);

export const badToken = (label, text) =>
  nodeError(TypeError, "ERR_INVALID_HTTP_TOKEN", `${label} must be a valid HTTP token ["${text}"]`);

export const badCharacter = (what, name) =>
  nodeError(TypeError, "ERR_INVALID_CHAR", `Invalid character in ${what}${name === undefined ? "" : ` ["${name}"]`}`);

export function validateHeaderName(name, label) {
  if (!isToken(name)) throw badToken(label || "Header name", name);
}

export function validateHeaderValue(name, value) {
  if (value === undefined) {
    throw nodeError(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "${value}" for header "${name}"`);
  }
  if (hasBadCharacter(value)) throw badCharacter("header content", name);
}

export const headersSent = (verb) =>
  nodeError(Error, "ERR_HTTP_HEADERS_SENT", `Cannot ${verb} headers after they are sent to the client`);

/** Fidelity: workerd's text for what has no meaning without sockets. */
export const notImplemented = (name) =>
  nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", `The ${name} method is not implemented`);

export const optionNotImplemented = (name) =>
  nodeError(Error, "ERR_OPTION_NOT_IMPLEMENTED", `The ${name} option is not implemented`);
