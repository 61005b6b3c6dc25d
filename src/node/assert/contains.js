// What `assert.partialDeepStrictEqual` asks: whether a value has at least what another one has.
//
// Fidelity: workerd's `src/node/internal/internal_assert.ts`. Lists are compared from their beginning.
import { deepEqual } from "dodev:node/util/deep_equal";
import { isDate, isMap, isNativeError, isRegExp, isSet } from "dodev:node/util/types";

const { getOwnPropertySymbols, getPrototypeOf, keys } = Object;
const isEnumerable = Object.prototype.propertyIsEnumerable;
const isObject = (value) => typeof value === "object" && value !== null;
const same = (a, b) => deepEqual(a, b, true);

/** Whether `actual` has everything that `expected` has; `path` holds the pairs that are being compared. */
export function contains(actual, expected, path = []) {
  if (!isObject(expected)) return Object.is(actual, expected);
  if (!isObject(actual)) return false;
  if (path.some(([a, b]) => a === actual && b === expected)) return true;
  path.push([actual, expected]);
  try {
    return containsParts(actual, expected, path);
  } finally {
    path.pop();
  }
}

function containsParts(actual, expected, path) {
  if (isDate(expected)) return isDate(actual) && actual.getTime() === expected.getTime();
  if (isRegExp(expected)) {
    return isRegExp(actual) && `${actual}` === `${expected}` && actual.lastIndex === expected.lastIndex;
  }
  if (isNativeError(expected)) {
    return isNativeError(actual) && actual.name === expected.name && actual.message === expected.message;
  }
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && keys(expected).every((key) => key in actual && contains(actual[key], expected[key], path));
  }
  if (isSet(expected)) {
    return isSet(actual) && [...expected].every((item) => actual.has(item) || [...actual].some((each) => same(each, item)));
  }
  if (isMap(expected)) {
    return isMap(actual) && [...expected].every(([key, value]) => {
      const entry = [...actual].find(([each]) => same(each, key));
      return entry !== undefined && contains(entry[1], value, path);
    });
  }
  if (getPrototypeOf(actual) !== getPrototypeOf(expected)) return false;
  const symbols = getOwnPropertySymbols(expected).filter((key) => isEnumerable.call(expected, key));
  return [...keys(expected), ...symbols].every((key) => key in actual && contains(actual[key], expected[key], path));
}
