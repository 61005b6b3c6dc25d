// node:util: showing, comparing and adapting values and functions.
//
// Fidelity: Node.js's documentation of `util`.
import { needFunction, needObject, needString, nodeError, notEmulated, wrongType, wrongValue } from "dodev:node/errors";
import { deepEqual } from "dodev:node/util/deep_equal";
import * as allTypes from "dodev:node/util/types";
import { format as formatWith } from "dodev:web/console/format";
import { inspect as inspect_ } from "dodev:web/console/inspect";
import { TextDecoder as TextDecoder_, TextEncoder as TextEncoder_ } from "dodev:web/encoding";

const { apply } = Reflect;
const { defineProperties, defineProperty, getOwnPropertyDescriptors, getPrototypeOf, setPrototypeOf } = Object;

export const types = allTypes.default;
export const inspect = inspect_;
export const TextDecoder = TextDecoder_;
export const TextEncoder = TextEncoder_;

export function format(...args) {
  return formatWith(args);
}

export function formatWithOptions(options, ...args) {
  needObject(options, "inspectOptions");
  return formatWith(args, options);
}

export function isDeepStrictEqual(a, b) {
  return deepEqual(a, b, true);
}

/** Makes instances of `Class` instances of `Super` as well. */
export function inherits(Class, Super) {
  needFunction(Class, "ctor");
  needFunction(Super, "superCtor");
  if (Super.prototype === undefined) throw wrongType("superCtor.prototype", "of type object", Super.prototype);
  defineProperty(Class, "super_", { value: Super, writable: true, configurable: true });
  setPrototypeOf(Class.prototype, Super.prototype);
}

const CUSTOM = Symbol.for("nodejs.util.promisify.custom");

/** The function whose last argument is a callback, as one that gives a promise. */
export function promisify(original) {
  needFunction(original, "original");
  if (original[CUSTOM]) {
    const custom = original[CUSTOM];
    needFunction(custom, "util.promisify.custom");
    return defineProperty(custom, CUSTOM, { value: custom, configurable: true });
  }
  function promised(...args) {
    return new Promise((resolve, reject) => {
      apply(original, this, [...args, (error, value) => (error ? reject(error) : resolve(value))]);
    });
  }
  setPrototypeOf(promised, getPrototypeOf(original));
  defineProperty(promised, CUSTOM, { value: promised, configurable: true });
  return defineProperties(promised, getOwnPropertyDescriptors(original));
}
promisify.custom = CUSTOM;

/** The asynchronous function as one whose last argument is a callback. */
export function callbackify(original) {
  needFunction(original, "original");
  function callbackified(...args) {
    const callback = args.pop();
    needFunction(callback, "last argument");
    const later = (...result) => queueMicrotask(() => apply(callback, this, result));
    apply(original, this, args).then(
      (value) => later(null, value),
      (reason) => {
        if (reason) return later(reason);
        const error = nodeError(Error, "ERR_FALSY_VALUE_REJECTION", "Promise was rejected with falsy value");
        error.reason = reason;
        return later(error);
      },
    );
  }
  const descriptors = getOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === "number") descriptors.length.value++;
  if (typeof descriptors.name.value === "string") descriptors.name.value += "Callbackified";
  return defineProperties(callbackified, descriptors);
}

const warned = new Set();

/** `callback`, which says once that it is deprecated when it is called. */
export function deprecate(callback, message, code) {
  needFunction(callback, "fn");
  if (code !== undefined) needString(code, "code");
  let told = false;
  function deprecated(...args) {
    if (!told && !(code !== undefined && warned.has(code))) {
      console.warn(`${code === undefined ? "" : `[${code}] `}DeprecationWarning: ${message}`);
      if (code !== undefined) warned.add(code);
    }
    told = true;
    return new.target ? Reflect.construct(callback, args, new.target) : apply(callback, this, args);
  }
  setPrototypeOf(deprecated, callback);
  if (callback.prototype) deprecated.prototype = callback.prototype;
  return deprecated;
}

/** Debugging output; nothing turns it on here. */
export function debuglog(section, callback) {
  needString(section, "section");
  const log = () => {};
  defineProperty(log, "enabled", { value: false, configurable: true });
  if (typeof callback === "function") callback(log);
  return log;
}
export const debug = debuglog;

export function stripVTControlCharacters(text) {
  needString(text, "str");
  return text.replace(/[\u001b\u009b][[\]()#;?]*(?:(?:[^\u0007\u001b]*\u0007)|(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~])/g, "");
}

export function toUSVString(text) {
  return `${text}`.toWellFormed();
}

const STYLES = {
  bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], inverse: [7, 27], strikethrough: [9, 29],
  black: [30, 39], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39],
  white: [37, 39], gray: [90, 39], grey: [90, 39],
};

/** `text` with the escape sequences of terminals around it. */
export function styleText(style, text) {
  needString(text, "text");
  let [start, end] = ["", ""];
  for (const name of [style].flat()) {
    if (name === "none") continue;
    if (!Object.hasOwn(STYLES, name)) throw wrongValue("format", name, `must be one of: ${Object.keys(STYLES).map((n) => `'${n}'`).join(", ")}`);
    const [on, off] = STYLES[name];
    start += `\u001b[${on}m`;
    end = `\u001b[${off}m${end}`;
  }
  return start + text + end;
}

export async function aborted(signal, resource) {
  if (signal === undefined) throw wrongType("signal", "an instance of AbortSignal", signal);
  needObject(resource, "resource");
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

const refuse = (name) =>
  ({
    [name]() {
      throw notEmulated(`util.${name}()`);
    },
  })[name];

export const getCallSites = refuse("getCallSites");
export const getSystemErrorMap = refuse("getSystemErrorMap");
export const getSystemErrorName = refuse("getSystemErrorName");
export const parseArgs = refuse("parseArgs");
export const parseEnv = refuse("parseEnv");
export const transferableAbortController = refuse("transferableAbortController");
export const transferableAbortSignal = refuse("transferableAbortSignal");
export class MIMEType {
  constructor() {
    throw notEmulated("util.MIMEType");
  }
}
export class MIMEParams {
  constructor() {
    throw notEmulated("util.MIMEParams");
  }
}

/** @deprecated in Node.js as well, and still imported by older packages. */
export function _extend(target, source) {
  return source !== null && typeof source === "object" ? Object.assign(target, source) : target;
}
export const isArray = Array.isArray;
export const isBoolean = (value) => typeof value === "boolean";
export const isBuffer = (value) => globalThis.Buffer?.isBuffer(value) === true;
export const isDate = allTypes.isDate;
export const isError = (value) => allTypes.isNativeError(value) || value instanceof Error;
export const isFunction = (value) => typeof value === "function";
export const isNull = (value) => value === null;
export const isNullOrUndefined = (value) => value === null || value === undefined;
export const isNumber = (value) => typeof value === "number";
export const isObject = (value) => value !== null && typeof value === "object";
export const isPrimitive = (value) => value === null || (typeof value !== "object" && typeof value !== "function");
export const isRegExp = allTypes.isRegExp;
export const isString = (value) => typeof value === "string";
export const isSymbol = (value) => typeof value === "symbol";
export const isUndefined = (value) => value === undefined;

export default {
  MIMEParams, MIMEType, TextDecoder, TextEncoder, _extend, aborted, callbackify, debug, debuglog, deprecate, format,
  formatWithOptions, getCallSites, getSystemErrorMap, getSystemErrorName, inherits, inspect, isArray, isBoolean, isBuffer,
  isDate, isDeepStrictEqual, isError, isFunction, isNull, isNullOrUndefined, isNumber, isObject, isPrimitive, isRegExp,
  isString, isSymbol, isUndefined, parseArgs, parseEnv, promisify, stripVTControlCharacters, styleText, toUSVString,
  transferableAbortController, transferableAbortSignal, types,
};
