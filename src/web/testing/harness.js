// Runs the `tests.js` files beside the Web APIs: a few assertions and a loop, nothing more.
//
// It has neither imports nor exports, so that a bare isolate can evaluate it as a script and workerd as a module.
// The host provides `report(name, ok, message)`, evaluates this file and then the tests, and awaits `runTests()`.
// It is no test framework: no grouping, no setup, no timeouts; a hanging test is ended by the host.

{
  const tests = [];

  /** Text of a value for messages; unlike JSON it tells apart what `same` tells apart. */
  const show = (value, depth = 0) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[function ${value.name}]`;
    if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof Date) return `Date(${+value})`;
    if (value instanceof RegExp) return String(value);
    const name = Object.getPrototypeOf(value)?.constructor?.name ?? "null";
    if (depth > 3) return `[${name}]`;
    const list = (items) => items.map((item) => show(item, depth + 1)).join(", ");
    if (Array.isArray(value)) return `[${list(value)}]`;
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${list([...new Uint8Array(value)])})`;
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return `${name}(${list([...value])})`;
    if (value instanceof Map || value instanceof Set) return `${name}(${list([...value])})`;
    const fields = Reflect.ownKeys(value).map((key) => `${String(key)}: ${show(value[key], depth + 1)}`);
    return `${name === "Object" ? "" : name + " "}{${fields.join(", ")}}`;
  };

  const bytesOf = (value) =>
    value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

  const everySame = (a, b, seen) => a.length === b.length && a.every((item, at) => same(item, b[at], seen));

  /** Deep equality: same class, same own enumerable properties, same contents; NaN equals NaN, 0 is not -0. */
  const same = (a, b, seen = new Map()) => {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (seen.get(a) === b) return true;
    seen.set(a, b);
    if (a instanceof Date) return Object.is(+a, +b);
    if (a instanceof RegExp) return String(a) === String(b) && a.lastIndex === b.lastIndex;
    if (a instanceof Error && (a.name !== b.name || a.message !== b.message)) return false;
    if (a instanceof ArrayBuffer || ArrayBuffer.isView(a)) return everySame([...bytesOf(a)], [...bytesOf(b)], seen);
    if (a instanceof Map || a instanceof Set) {
      if (!everySame([...a], [...b], seen)) return false;
    }
    const keys = (value) => Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
    const keysOfA = keys(a);
    if (Array.isArray(a) && a.length !== b.length) return false;
    return keysOfA.length === keys(b).length && keysOfA.every((key) => Object.hasOwn(b, key) && same(a[key], b[key], seen));
  };

  const fail = (what, message) => {
    throw new Error(message === undefined ? what : `${message}: ${what}`);
  };

  /**
   * Checks a caught error and returns it. `expected` is the error's name, a class, a pattern for its text, an object
   * whose properties it must have, or a predicate; `text` is its whole text. `undefined` accepts everything.
   */
  const checkError = (error, expected, text) => {
    const isClass = (value) => value === Error || value.prototype instanceof Error || value === globalThis.DOMException;
    let fits = true;
    if (typeof expected === "string") fits = error?.name === expected;
    else if (expected instanceof RegExp) fits = expected.test(error?.message ?? String(error));
    else if (typeof expected === "function") fits = isClass(expected) ? error instanceof expected : expected(error) === true;
    else if (expected !== undefined) fits = Object.keys(expected).every((key) => same(error?.[key], expected[key]));
    if (!fits) fail(`wrong error ${show(error)}, want ${show(expected)}`);
    if (text !== undefined && error?.message !== text) fail(`wrong error ${show(error)}, want the text ${show(text)}`);
    return error;
  };

  globalThis.assert = {
    /** The value is truthy. */
    ok(value, message) {
      if (!value) fail(`${show(value)} is not true`, message);
    },
    /** Both are the same value (`Object.is`). */
    equal(actual, expected, message) {
      if (!Object.is(actual, expected)) fail(`got ${show(actual)}, want ${show(expected)}`, message);
    },
    /** Both have the same structure and contents. */
    deepEqual(actual, expected, message) {
      if (!same(actual, expected)) fail(`got ${show(actual)}, want ${show(expected)}`, message);
    },
    /** The function throws at once; returns the error. See `checkError`. */
    throws(run, expected, text) {
      let value;
      try {
        value = run();
      } catch (error) {
        return checkError(error, expected, text);
      }
      return fail(`nothing was thrown, got ${show(value)}`);
    },
    /** The promise, or the one that the function returns, is rejected; resolves to the error. See `checkError`. */
    async rejects(promise, expected, text) {
      let value;
      try {
        value = typeof promise === "function" ? promise() : promise;
      } catch (error) {
        return fail(`thrown at once instead of rejected: ${show(error)}`);
      }
      try {
        value = await value;
      } catch (error) {
        return checkError(error, expected, text);
      }
      return fail(`nothing was rejected, got ${show(value)}`);
    },
  };

  /** Registers a test; it fails when `run` throws or the promise it returns is rejected. */
  globalThis.test = (name, run) => {
    tests.push({ name, run });
  };

  /** Registers a test of what dodev says in its own words; the real platform does not run it. */
  globalThis.testOurs = (name, run) => {
    if (globalThis.isPlatform !== true) test(name, run);
  };

  /** Runs the registered tests one after another and reports each. Resolves to how many failed. */
  globalThis.runTests = async (report = globalThis.report) => {
    let failed = 0;
    for (const { name, run } of tests.splice(0)) {
      let problem;
      try {
        await run();
      } catch (error) {
        problem = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${show(error)}`;
      }
      if (problem !== undefined) failed++;
      report(name, problem === undefined, problem ?? "");
    }
    return failed;
  };
}
