// node:assert: assertions that throw.
//
// Fidelity: Node.js's documentation of `assert`, in workerd's words and with what workerd leaves out.
import { AssertionError as AssertionError_ } from "dodev:node/assert/assertion_error";
import { contains } from "dodev:node/assert/contains";
import { describeUnequal } from "dodev:node/assert/difference";
import { missingArguments, needFunction, nodeError, wrongType, wrongValue } from "dodev:node/errors";
import { deepEqual as sameDeeply } from "dodev:node/util/deep_equal";
import { isPromise, isRegExp } from "dodev:node/util/types";
import { inspect } from "dodev:web/console/inspect";

export const AssertionError = AssertionError_;

function failWith(message, actual, expected, operator) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, actual, expected, operator });
}

export function ok(value, message) {
  if (arguments.length === 0) throw new AssertionError({ message: "No value argument passed to `assert.ok()`" });
  if (!value) throw new AssertionError({ message, actual: value, expected: true, operator: "==" });
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

function needBoth(count, ...names) {
  if (count < 2) throw missingArguments(...names);
}

/** An assertion about two values, which fails unless `holds`; `describe` makes the message that is not given. */
function comparison(name, holds, describe) {
  return {
    [name](actual, expected, message) {
      needBoth(arguments.length, "actual", "expected");
      if (holds(actual, expected)) return;
      throw new AssertionError({ message: message ? `${message}` : describe(actual, expected), actual, expected, operator: name });
    },
  }[name];
}

/** `run` under the name that Node.js gives the loose comparison. */
const named = (name, run) => Object.defineProperty((...args) => run(...args), "name", { value: name });

const strictlyDeep = (a, b) => sameDeeply(a, b, true);
export const strictEqual = comparison("strictEqual", Object.is, describeUnequal);
export const notStrictEqual = comparison(
  "notStrictEqual", (a, b) => !Object.is(a, b), () => "Expected actual to be strictly unequal to expected",
);
// What is left out is described by the error itself.
export const deepStrictEqual = comparison("deepStrictEqual", strictlyDeep, () => undefined);
export const notDeepStrictEqual = comparison(
  "notDeepStrictEqual", (a, b) => !strictlyDeep(a, b), () => "Expected actual to not be deeply strictly equal to expected",
);
export const partialDeepStrictEqual = comparison(
  "partialDeepStrictEqual", contains, () => "Expected actual to be partially deeply strictly equal to expected",
);

// Fidelity: on the platform the loose comparisons are the strict ones, whichever module they are imported from.
export const equal = named("equal", strictEqual);
export const notEqual = named("notEqual", notStrictEqual);
export const deepEqual = named("deepEqual", deepStrictEqual);
export const notDeepEqual = named("notDeepEqual", notDeepStrictEqual);

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

function failMatch(name, text, pattern, message, problem) {
  throw new AssertionError({ message: message ? `${message}` : problem, actual: text, expected: pattern, operator: name });
}

export function match(text, pattern, message) {
  needBoth(arguments.length, "actual", "regexp");
  if (!isRegExp(pattern)) throw wrongType("regexp", "an instance of RegExp", pattern);
  if (!pattern.test(text)) failMatch("match", text, pattern, message, `actual: "${text}" expected to match: "${pattern}"`);
}

export function doesNotMatch(text, pattern, message) {
  needBoth(arguments.length, "string", "regexp");
  if (!isRegExp(pattern)) throw wrongType("regexp", "an instance of RegExp", pattern);
  if (typeof text !== "string") {
    if (message instanceof Error) throw message;
    const problem = `The "string" argument must be of type string. Received type ${typeof text} (${inspect(text)})`;
    failMatch("doesNotMatch", text, pattern, message, problem);
  }
  if (pattern.test(text)) failMatch("doesNotMatch", text, pattern, message, `actual: "${text}" expected to not match: "${pattern}"`);
}

const members = {
  AssertionError, deepEqual, deepStrictEqual, doesNotMatch, doesNotReject, doesNotThrow, equal, fail, ifError,
  match, notDeepEqual, notDeepStrictEqual, notEqual, notStrictEqual, ok, partialDeepStrictEqual, rejects, strictEqual, throws,
};

export const strict = Object.assign((...args) => ok(...args), members);
strict.strict = strict;
Object.assign(assert, members, { strict });

export default assert;
