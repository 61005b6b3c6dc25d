// node:util: showing, comparing and adapting values and functions.
//
// Fidelity: Node.js's documentation of `util`.
import { needFunction, needObject, needString, nodeError, notEmulated, wrongType, wrongValue } from "dodev:node/errors";
import { deepEqual } from "dodev:node/util/deep_equal";
import { constants } from "dodev:node/os";
import { MIMEParams, MIMEType } from "dodev:node/util/mime_type";
import { parseEnv } from "dodev:node/util/parse_env";
import { getSystemErrorMap, getSystemErrorMessage, getSystemErrorName } from "dodev:node/util/system_errors";
import * as allTypes from "dodev:node/util/types";
import { format as formatWith } from "dodev:web/console/format";
import { inspect as inspect_ } from "dodev:web/console/inspect";
import { TextDecoder as TextDecoder_, TextEncoder as TextEncoder_ } from "dodev:web/encoding";

const { apply } = Reflect;
const { defineProperties, defineProperty, getOwnPropertyDescriptors, getPrototypeOf, setPrototypeOf } = Object;

const { signals } = constants;

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
  reset: [0, 0], bold: [1, 22], dim: [2, 22], italic: [3, 23], underline: [4, 24], blink: [5, 25], inverse: [7, 27],
  hidden: [8, 28], strikethrough: [9, 29], doubleunderline: [21, 24], black: [30, 39], red: [31, 39], green: [32, 39],
  yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39], white: [37, 39], bgBlack: [40, 49], bgRed: [41, 49],
  bgGreen: [42, 49], bgYellow: [43, 49], bgBlue: [44, 49], bgMagenta: [45, 49], bgCyan: [46, 49], bgWhite: [47, 49],
  framed: [51, 54], overlined: [53, 55], gray: [90, 39], redBright: [91, 39], greenBright: [92, 39], yellowBright: [93, 39],
  blueBright: [94, 39], magentaBright: [95, 39], cyanBright: [96, 39], whiteBright: [97, 39], bgGray: [100, 49],
  bgRedBright: [101, 49], bgGreenBright: [102, 49], bgYellowBright: [103, 49], bgBlueBright: [104, 49],
  bgMagentaBright: [105, 49], bgCyanBright: [106, 49], bgWhiteBright: [107, 49],
};
const STYLE_ALIASES = { grey: "gray", bgGrey: "bgGray" };

/**
 * `text` with the escape sequences of terminals around it.
 *
 * Fidelity: nothing is a terminal, so that they are left out unless the stream is not asked.
 */
export function styleText(style, text, options) {
  needString(text, "text");
  const validates = options?.validateStream !== false;
  let [start, end] = ["", ""];
  for (const given of [style].flat()) {
    if (given === "none") continue;
    const name = STYLE_ALIASES[given] ?? given;
    if (!Object.hasOwn(STYLES, name)) throw wrongValue("format", given, `must be one of: ${Object.keys(STYLES).map((n) => `'${n}'`).join(", ")}`);
    const [on, off] = STYLES[name];
    start += `\u001b[${on}m`;
    end = `\u001b[${off}m${end}`;
  }
  return validates && options?.stream?.isTTY !== true ? text : start + text + end;
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
export const parseArgs = refuse("parseArgs");
export const transferableAbortController = () => new AbortController();
export function transferableAbortSignal(signal) {
  if (!(signal instanceof AbortSignal)) throw wrongType("signal", "an instance of AbortSignal", signal);
  return signal;
}

/** The code with which a process ends that the signal `name` ended. */
export function convertProcessSignalToExitCode(name) {
  needString(name, "signalCode");
  const number = signals[name];
  if (number === undefined) throw nodeError(TypeError, "ERR_UNKNOWN_SIGNAL", `Unknown signal: ${name}`);
  return 128 + number;
}

/** @deprecated in Node.js as well. */
export const log = (...args) => console.log(...args);

export { MIMEParams, MIMEType, getSystemErrorMap, getSystemErrorMessage, getSystemErrorName, parseEnv };

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
  MIMEParams, MIMEType, TextDecoder, TextEncoder, _extend, aborted, callbackify, convertProcessSignalToExitCode, debug, debuglog, deprecate, format,
  formatWithOptions, getCallSites, getSystemErrorMap, getSystemErrorMessage, getSystemErrorName, inherits, inspect, isArray, isBoolean, isBuffer,
  isDate, isDeepStrictEqual, isError, isFunction, isNull, isNullOrUndefined, isNumber, isObject, isPrimitive, isRegExp,
  isString, isSymbol, isUndefined, log, parseArgs, parseEnv, promisify, stripVTControlCharacters, styleText, toUSVString,
  transferableAbortController, transferableAbortSignal, types,
};
