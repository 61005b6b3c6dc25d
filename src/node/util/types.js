// node:util/types: what kind of value something is, whatever its prototype says.
import host from "dodev:host";
import { CryptoKey } from "dodev:web/crypto/keys";

const { isView } = ArrayBuffer;
const { apply } = Reflect;
const { getOwnPropertyDescriptor, getPrototypeOf, prototype } = Object;
const tagOfTypedArray = getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

/** A check that succeeds where `method` accepts the value as its receiver. */
function accepts(method, ...args) {
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    try {
      apply(method, value, args);
      return true;
    } catch {
      return false;
    }
  };
}
const getter = (Class, name) => getOwnPropertyDescriptor(Class.prototype, name).get;
const tagged = (tag) => (value) =>
  ((typeof value === "object" && value !== null) || typeof value === "function") && apply(prototype.toString, value, []) === `[object ${tag}]`;

export const isArrayBuffer = accepts(getter(ArrayBuffer, "byteLength"));
export const isSharedArrayBuffer = accepts(getter(SharedArrayBuffer, "byteLength"));
export const isAnyArrayBuffer = (value) => isArrayBuffer(value) || isSharedArrayBuffer(value);
export const isArrayBufferView = (value) => isView(value);
export const isDataView = accepts(getter(DataView, "buffer"));
export const isDate = accepts(Date.prototype.getTime);
export const isMap = accepts(getter(Map, "size"));
export const isSet = accepts(getter(Set, "size"));
export const isWeakMap = accepts(WeakMap.prototype.has, {});
export const isWeakSet = accepts(WeakSet.prototype.has, {});
export const isNumberObject = accepts(Number.prototype.valueOf);
export const isStringObject = accepts(String.prototype.valueOf);
export const isBooleanObject = accepts(Boolean.prototype.valueOf);
export const isSymbolObject = accepts(Symbol.prototype.valueOf);
export const isBigIntObject = accepts(BigInt.prototype.valueOf);
export const isBoxedPrimitive = (value) =>
  isNumberObject(value) || isStringObject(value) || isBooleanObject(value) || isSymbolObject(value) || isBigIntObject(value);
export const isRegExp = tagged("RegExp");
export const isNativeError = (value) => Error.isError?.(value) ?? tagged("Error")(value);
export const isPromise = (value) => typeof value === "object" && value !== null && host.promiseState(value) !== undefined;
export const isProxy = (value) =>
  ((typeof value === "object" && value !== null) || typeof value === "function") && host.proxyTarget(value) !== value;
export const isArgumentsObject = (value) => !(Symbol.toStringTag in Object(value)) && tagged("Arguments")(value);
export const isGeneratorObject = tagged("Generator");
export const isMapIterator = tagged("Map Iterator");
export const isSetIterator = tagged("Set Iterator");
export const isModuleNamespaceObject = tagged("Module");
export const isAsyncFunction = (value) => typeof value === "function" && /^Async/.test(value[Symbol.toStringTag] ?? "");
export const isGeneratorFunction = (value) =>
  typeof value === "function" && /Generator/.test(value[Symbol.toStringTag] ?? "");
export const isExternal = () => false;
export const isKeyObject = () => false;
export const isCryptoKey = (value) => value instanceof CryptoKey;
export const isEventTarget = (value) => value instanceof EventTarget;

const kind = (name) => (value) => isView(value) && apply(tagOfTypedArray, value, []) === name;
export const isTypedArray = (value) => isView(value) && apply(tagOfTypedArray, value, []) !== undefined;
export const isUint8Array = kind("Uint8Array");
export const isUint8ClampedArray = kind("Uint8ClampedArray");
export const isUint16Array = kind("Uint16Array");
export const isUint32Array = kind("Uint32Array");
export const isInt8Array = kind("Int8Array");
export const isInt16Array = kind("Int16Array");
export const isInt32Array = kind("Int32Array");
export const isFloat16Array = kind("Float16Array");
export const isFloat32Array = kind("Float32Array");
export const isFloat64Array = kind("Float64Array");
export const isBigInt64Array = kind("BigInt64Array");
export const isBigUint64Array = kind("BigUint64Array");

export default {
  isAnyArrayBuffer, isArgumentsObject, isArrayBuffer, isArrayBufferView, isAsyncFunction, isBigInt64Array,
  isBigIntObject, isBigUint64Array, isBooleanObject, isBoxedPrimitive, isCryptoKey, isDataView, isDate, isEventTarget,
  isExternal, isFloat16Array, isFloat32Array, isFloat64Array, isGeneratorFunction, isGeneratorObject, isInt16Array,
  isInt32Array, isInt8Array, isKeyObject, isMap, isMapIterator, isModuleNamespaceObject, isNativeError, isNumberObject,
  isPromise, isProxy, isRegExp, isSet, isSetIterator, isSharedArrayBuffer, isStringObject, isSymbolObject, isTypedArray,
  isUint16Array, isUint32Array, isUint8Array, isUint8ClampedArray, isWeakMap, isWeakSet,
};
