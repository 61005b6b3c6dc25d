// The errors of Node.js modules: a class, a code and a message that programs compare.
//
// Fidelity: codes and wording are those of Node.js's documentation of `errors`, as Node.js 24 prints them.
import { inspect } from "dodev:web/console/inspect";

/** An error of `Class` with Node.js's `code`; the code shows in the stack's first line as well. */
export function nodeError(Class, code, message) {
  const error = new Class(message);
  Object.defineProperty(error, "code", { value: code, enumerable: true, writable: true, configurable: true });
  return error;
}

/** What a wrong value is, as the end of a message. */
export function received(value) {
  if (value === undefined || value === null) return ` Received ${value}`;
  if (typeof value === "function") return ` Received function ${value.name}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  let text = inspect(value);
  if (text.length > 28) text = `${text.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${text})`;
}

/** `expected` continues "must be": "of type string", "an instance of Buffer". */
export function wrongType(name, expected, value) {
  const kind = name.endsWith(" argument") ? name : name.includes(".") ? `"${name}" property` : `"${name}" argument`;
  return nodeError(TypeError, "ERR_INVALID_ARG_TYPE", `The ${kind} must be ${expected}.${received(value)}`);
}

export function wrongValue(name, value, reason = "is invalid") {
  const kind = name.includes(".") ? "property" : "argument";
  let text = inspect(value);
  if (text.length > 128) text = `${text.slice(0, 128)}...`;
  const message = `The ${kind} '${name}' ${reason}. Received ${text}`;
  return nodeError(TypeError, "ERR_INVALID_ARG_VALUE", message);
}

const grouped = (text) => text.replace(/\B(?=(\d{3})+$)/g, "_");

export function outOfRange(name, range, value) {
  let text;
  if (Number.isInteger(value) && Math.abs(value) > 2 ** 32) text = grouped(`${value}`);
  else if (typeof value === "bigint") text = `${value > 2n ** 32n || value < -(2n ** 32n) ? grouped(`${value}`) : value}n`;
  else text = inspect(value);
  return nodeError(
    RangeError,
    "ERR_OUT_OF_RANGE",
    `The value of "${name}" is out of range. It must be ${range}. Received ${text}`,
  );
}

export function unknownEncoding(encoding) {
  return nodeError(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encoding}`);
}

export function missingArguments(...names) {
  const list = names.map((name) => `"${name}"`);
  const text = list.length < 3 ? list.join(" and ") : `${list.slice(0, -1).join(", ")}, and ${list.at(-1)}`;
  const message = `The ${text} argument${list.length > 1 ? "s" : ""} must be specified`;
  return nodeError(TypeError, "ERR_MISSING_ARGS", message);
}

export function needString(value, name) {
  if (typeof value !== "string") throw wrongType(name, "of type string", value);
}

export function needFunction(value, name) {
  if (typeof value !== "function") throw wrongType(name, "of type function", value);
}

export function needNumber(value, name) {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
}

export function needObject(value, name) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw wrongType(name, "of type object", value);
}

/** An integer from `min` to `max`. */
export function needInteger(value, name, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
  needNumber(value, name);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
}

/** What dodev does not emulate of Node.js. */
export function notEmulated(name) {
  return new Error(`dodev does not emulate ${name} of Node.js yet`);
}
