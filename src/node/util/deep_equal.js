// Deep equality, as `util.isDeepStrictEqual` and the `assert` module define it.
//
// Fidelity: "Comparison details" in Node.js's documentation of `assert`.
import {
  isAnyArrayBuffer, isArrayBufferView, isBoxedPrimitive, isDate, isMap, isNativeError, isRegExp, isSet, isTypedArray,
  isWeakMap, isWeakSet, isPromise,
} from "dodev:node/util/types";

const { getPrototypeOf, hasOwn } = Object;
const { ownKeys } = Reflect;
const isEnumerable = Object.prototype.propertyIsEnumerable;
const tagOf = (value) => Object.prototype.toString.call(value);
const isObject = (value) => typeof value === "object" && value !== null;

/** Whether `a` and `b` are deeply equal; `strict` compares types and prototypes as well. */
export function deepEqual(a, b, strict) {
  return compare(a, b, strict, []);
}

function samePrimitive(a, b, strict) {
  if (strict) return Object.is(a, b);
  return a == b || (a !== a && b !== b);
}

function compare(a, b, strict, path) {
  if (a === b) return a !== 0 || !strict || Object.is(a, b);
  if (!isObject(a) || !isObject(b)) {
    if (strict || (!isObject(a) && !isObject(b))) return samePrimitive(a, b, strict);
    return false;
  }
  if (strict && getPrototypeOf(a) !== getPrototypeOf(b)) return false;
  if (tagOf(a) !== tagOf(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (!sameContents(a, b, strict)) return false;
  // Cycles are equal if they close at the same place.
  const met = path.find((pair) => pair[0] === a || pair[1] === b);
  if (met !== undefined) return met[0] === a && met[1] === b;
  path.push([a, b]);
  try {
    return sameKeys(a, b, strict, path) && sameEntries(a, b, strict, path);
  } finally {
    path.pop();
  }
}

function bytesOf(value) {
  return isAnyArrayBuffer(value) ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

// What objects hold beside their properties, except for members of collections.
function sameContents(a, b, strict) {
  if (isDate(a) || isDate(b)) return isDate(a) && isDate(b) && Object.is(+a, +b);
  if (isRegExp(a)) return isRegExp(b) && String(a) === String(b) && a.lastIndex === b.lastIndex;
  if (isNativeError(a) || a instanceof Error) return a.name === b.name && a.message === b.message;
  if (isAnyArrayBuffer(a) || isArrayBufferView(a)) {
    if (a.byteLength !== b.byteLength) return false;
    if (isTypedArray(a) && isTypedArray(b) && /Float/.test(tagOf(a))) {
      return a.every((item, at) => (strict ? Object.is(item, b[at]) : item === b[at] || (item !== item && b[at] !== b[at])));
    }
    const [x, y] = [bytesOf(a), bytesOf(b)];
    return x.every((byte, at) => byte === y[at]);
  }
  if (isMap(a)) return isMap(b) && a.size === b.size;
  if (isSet(a)) return isSet(b) && a.size === b.size;
  if (isWeakMap(a) || isWeakSet(a) || isPromise(a)) return false;
  if (isBoxedPrimitive(a)) return isBoxedPrimitive(b) && Object.is(a.valueOf(), b.valueOf());
  return true;
}

function keysOf(value, strict) {
  const keys = ownKeys(value).filter((key) => (strict || typeof key === "string") && isEnumerable.call(value, key));
  return isTypedArray(value) ? keys.filter((key) => typeof key === "symbol" || !/^\d+$/.test(key)) : keys;
}

function sameKeys(a, b, strict, path) {
  if (Array.isArray(a) && a.length !== b.length) return false;
  const keys = keysOf(a, strict);
  if (keys.length !== keysOf(b, strict).length) return false;
  if (isNativeError(a)) {
    for (const key of ["cause", "errors"]) {
      if (hasOwn(a, key) !== hasOwn(b, key) || !compare(a[key], b[key], strict, path)) return false;
    }
  }
  return keys.every((key) => isEnumerable.call(b, key) && compare(a[key], b[key], strict, path));
}

// Members of maps and sets come in any order; objects among keys are compared deeply.
function sameEntries(a, b, strict, path) {
  if (!isSet(a) && !isMap(a)) return true;
  const left = isSet(a) ? [...a].map((item) => [item, undefined]) : [...a];
  const right = isSet(b) ? [...b].map((item) => [item, undefined]) : [...b];
  return left.every(([key, value]) => {
    let at = right.findIndex(([other]) => Object.is(other, key) || (other === 0 && key === 0));
    if (at < 0 || !compare(value, right[at][1], strict, path)) {
      if (strict && !isObject(key)) return false;
      at = right.findIndex(([other, held]) => compare(key, other, strict, path) && compare(value, held, strict, path));
    }
    if (at < 0) return false;
    right.splice(at, 1);
    return true;
  });
}
