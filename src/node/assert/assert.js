// node:assert: assertions that throw.
//
// Fidelity: Node.js's documentation of `assert`.
import { AssertionError as AssertionError_ } from "dodev:node/assert/assertion_error";
import { needFunction, nodeError, notEmulated, wrongType, wrongValue } from "dodev:node/errors";
import { deepEqual as sameDeeply } from "dodev:node/util/deep_equal";
import { isPromise, isRegExp } from "dodev:node/util/types";
import { inspect } from "dodev:web/console/inspect";

export const AssertionError = AssertionError_;

function failWith(message, actual, expected, operator) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, actual, expected, operator });
}

export function ok(value, message) {
  if (value) return;
  if (arguments.length === 0) {
    failWith("No value argument passed to `assert.ok()`", value, true, "==");
  }
  failWith(message ?? "The expression evaluated to a falsy value", value, true, "==");
}

export function assert(...args) {
  ok(...args);
}

export function fail(message) {
  if (message instanceof Error) throw message;
  const error = new AssertionError({ message: message ?? "Failed", operator: "fail" });
  error.generatedMessage = message === undefined;
  throw error;
}

/** An assertion about two values, which fails unless `holds`. */
function comparison(name, operator, holds) {
  return {
    [name](actual, expected, message) {
      if (arguments.length < 2) {
        throw nodeError(TypeError, "ERR_MISSING_ARGS", 'The "actual" and "expected" arguments must be specified');
      }
      if (!holds(actual, expected)) failWith(message, actual, expected, operator);
    },
  }[name];
}

const looselySame = (a, b) => a == b || (a !== a && b !== b);
export const equal = comparison("equal", "==", looselySame);
export const notEqual = comparison("notEqual", "!=", (a, b) => !looselySame(a, b));
export const strictEqual = comparison("strictEqual", "strictEqual", Object.is);
export const notStrictEqual = comparison("notStrictEqual", "notStrictEqual", (a, b) => !Object.is(a, b));
export const deepEqual = comparison("deepEqual", "deepEqual", (a, b) => sameDeeply(a, b, false));
export const notDeepEqual = comparison("notDeepEqual", "notDeepEqual", (a, b) => !sameDeeply(a, b, false));
export const deepStrictEqual = comparison("deepStrictEqual", "deepStrictEqual", (a, b) => sameDeeply(a, b, true));
export const notDeepStrictEqual = comparison("notDeepStrictEqual", "notDeepStrictEqual", (a, b) => !sameDeeply(a, b, true));

export function partialDeepStrictEqual() {
  throw notEmulated("assert.partialDeepStrictEqual()");
}

const isErrorClass = (value) => typeof value === "function" && (value === Error || value.prototype instanceof Error);

/** Fails unless what was thrown is as `expected` says: a class, a pattern, properties, or a check. */
function checkThrown(error, expected, message, operator) {
  if (expected === undefined) return;
  if (isRegExp(expected)) {
    if (expected.test(String(error))) return;
    const text = `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(String(error))}\n`;
    failWith(message ?? text, error, expected, operator);
  }
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && error instanceof expected) return;
    if (isErrorClass(expected)) {
      const name = error?.constructor?.name;
      const text = `The error is expected to be an instance of "${expected.name}". Received ${name ? `"${name}"` : inspect(error)}` +
        (error instanceof Error ? `\n\nError message:\n\n${error.message}` : "");
      failWith(message ?? text, error, expected, operator);
    }
    if (Reflect.apply(expected, {}, [error]) === true) return;
    const text = `The ${expected.name ? `"${expected.name}" ` : ""}validation function is expected to return "true".`;
    failWith(message ?? text, error, expected, operator);
  }
  const keys = Object.keys(expected);
  if (expected instanceof Error) keys.push("name", "message");
  if (keys.length === 0) throw wrongValue("error", expected, "may not be an empty object");
  for (const key of keys) {
    const [found, wanted] = [error?.[key], expected[key]];
    if (typeof found === "string" && isRegExp(wanted) && wanted.test(found)) continue;
    if (error === null || typeof error !== "object" || !(key in error) || !sameDeeply(found, wanted, true)) {
      failWith(message, error, expected, operator);
    }
  }
}

// `throws(fn, "text")`: the second argument is the message.
function arrange(expected, message) {
  if (typeof expected === "string") return [undefined, expected];
  if (expected !== undefined && expected !== null && typeof expected !== "object" && typeof expected !== "function") {
    throw wrongType("error", "of type function or an instance of Error, RegExp, or Object", expected);
  }
  return [expected ?? undefined, message];
}

function missing(kind, expected, message, operator) {
  let text = `Missing expected ${kind}`;
  if (expected?.name) text += ` (${expected.name})`;
  failWith(message instanceof Error ? message : text + (message ? `: ${message}` : "."), undefined, expected, operator);
}

export function throws(callback, ...rest) {
  needFunction(callback, "fn");
  const [expected, message] = arrange(...rest);
  let thrown;
  try {
    callback();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) missing("exception", expected, message, "throws");
  checkThrown(thrown.error, expected, message, "throws");
}

function promiseOf(callback) {
  if (typeof callback !== "function") {
    if (isPromise(callback) || typeof callback?.then === "function") return callback;
    throw wrongType("promiseFn", "of type function or an instance of Promise", callback);
  }
  const promise = callback();
  if (isPromise(promise) || typeof promise?.then === "function") return promise;
  throw nodeError(
    TypeError,
    "ERR_INVALID_RETURN_VALUE",
    'Expected instance of Promise to be returned from the "promiseFn" function but got ' +
      `${promise === undefined || promise === null ? promise : `type ${typeof promise}`}.`,
  );
}

export async function rejects(callback, ...rest) {
  const promise = promiseOf(callback);
  const [expected, message] = arrange(...rest);
  let thrown;
  try {
    await promise;
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined) missing("rejection", expected, message, "rejects");
  checkThrown(thrown.error, expected, message, "rejects");
}

function unwanted(kind, error, expected, message, operator) {
  if (expected !== undefined) {
    const fits = isRegExp(expected) ? expected.test(String(error)) : error instanceof expected || expected(error) === true;
    if (!fits) throw error;
  }
  const text = `Got unwanted ${kind}${message ? `: ${message}` : "."}\nActual message: "${error?.message}"`;
  failWith(message instanceof Error ? message : text, error, expected, operator);
}

export function doesNotThrow(callback, ...rest) {
  needFunction(callback, "fn");
  const [expected, message] = arrange(...rest);
  try {
    callback();
  } catch (error) {
    unwanted("exception", error, expected, message, "doesNotThrow");
  }
}

export async function doesNotReject(callback, ...rest) {
  const promise = promiseOf(callback);
  const [expected, message] = arrange(...rest);
  try {
    await promise;
  } catch (error) {
    unwanted("rejection", error, expected, message, "doesNotReject");
  }
}

export function ifError(value) {
  if (value === null || value === undefined) return;
  const text = typeof value === "object" && typeof value.message === "string" ? value.message || value.constructor?.name : inspect(value);
  const error = new AssertionError({
    message: `ifError got unwanted exception: ${text}`, actual: value, expected: null, operator: "ifError",
  });
  error.generatedMessage = true;
  throw error;
}

function matching(name, wanted) {
  return {
    [name](text, pattern, message) {
      if (!isRegExp(pattern)) throw wrongType("regexp", "an instance of RegExp", pattern);
      if (typeof text === "string" && pattern.test(text) === wanted) return;
      const problem = typeof text === "string"
        ? `The input ${wanted ? "did not match" : "was expected to not match"} the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`
        : `The "string" argument must be of type string. Received type ${typeof text} (${inspect(text)})`;
      failWith(message ?? problem, text, pattern, name);
    },
  }[name];
}

export const match = matching("match", true);
export const doesNotMatch = matching("doesNotMatch", false);

export class CallTracker {
  constructor() {
    throw notEmulated("assert.CallTracker");
  }
}

const members = {
  AssertionError, CallTracker, deepEqual, deepStrictEqual, doesNotMatch, doesNotReject, doesNotThrow, equal, fail, ifError,
  match, notDeepEqual, notDeepStrictEqual, notEqual, notStrictEqual, ok, partialDeepStrictEqual, rejects, strictEqual, throws,
};

export const strict = Object.assign((...args) => ok(...args), members, {
  deepEqual: deepStrictEqual, equal: strictEqual, notDeepEqual: notDeepStrictEqual, notEqual: notStrictEqual,
});
strict.strict = strict;
Object.assign(assert, members, { strict });

export default assert;
