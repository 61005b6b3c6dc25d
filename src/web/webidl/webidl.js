// Conversions and refusals that every Web API shares: what counts as a string, what a wrong receiver is told.
import host from "dodev:host";
import { notePlatformClass } from "dodev:web/interface";

const ILLEGAL =
  "Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.";

/** Throws what a method called on a foreign object throws. */
export function illegal() {
  throw new TypeError(ILLEGAL);
}

/** The string that `value` converts to, lone surrogates replaced. */
export function usv(value) {
  if (typeof value !== "string") {
    if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    value = `${value}`;
  }
  return value.toWellFormed();
}

/**
 * The same for texts that go through the platform's own strings.
 *
 * Fidelity: there each of the three bytes of a lone surrogate is replaced.
 */
export function nativeText(value) {
  const text = usv(value);
  return text === value || typeof value !== "string" ? text : host.asText(value);
}

/** What is told of a connection that broke. */
export const LOST = "Network connection lost.";

/** An error of the platform's after which the same may be tried again. */
export function retryable(message, options) {
  const error = new Error(message, options);
  error.retryable = true;
  return error;
}

/** Whether `value` may stand for a dictionary, a sequence or a record. */
export function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Throws what a missing or mistyped argument of a method causes. Counts from 1. */
export function badArgument(method, name, index, type) {
  throw new TypeError(`Failed to execute '${method}' on '${name}': parameter ${index} is not of type '${type}'.`);
}

/** Throws what a missing or mistyped argument of a constructor causes. Counts from 1. */
export function badConstruction(name, index, type) {
  throw new TypeError(`Failed to construct '${name}': constructor parameter ${index} is not of type '${type}'.`);
}

/** Throws what a mistyped member of an options object causes. */
export function badField(field, dictionary, type) {
  throw new TypeError(
    `Incorrect type for the '${field}' field on '${dictionary}': the provided value is not of type '${type}'.`,
  );
}

/** Throws what a value of the wrong type inside a sequence or union causes. */
export function badValue(type) {
  throw new TypeError(`Incorrect type: the provided value is not of type '${type}'.`);
}

/** Throws for what `Number()` would convert and bindings do not. */
export function refuseBigInt(value) {
  if (typeof value === "bigint") throw new TypeError("Cannot convert a BigInt value to a number");
}

/** Number to integer as bindings convert it: truncated, modulo 2^32, NaN is 0. */
export function toInt(value) {
  refuseBigInt(value);
  return Number(value) | 0;
}

/** Number to an integer of 64 bits, as bindings for unsigned ones convert it. */
export function toUint(value) {
  const number = Number(value);
  if (Number.isNaN(number) || number === Infinity) {
    throw new TypeError("The value cannot be converted because it is not an integer.");
  }
  if (number < 0) {
    throw new TypeError(
      "The value cannot be converted because it is negative and this API expects a positive bigint.",
    );
  }
  return Math.trunc(number);
}

/**
 * Makes the public members of a class look like the platform's: enumerable, without declared
 * parameters, with a string tag.
 */
export function publish(Class, name = Class.name) {
  const { prototype } = Class;
  expose(prototype);
  expose(Class);
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true, writable: true });
  Object.defineProperty(Class, "length", { value: 0, configurable: true });
  return Class;
}

function expose(target) {
  for (const key of Object.getOwnPropertyNames(target)) {
    if (key === "constructor" || key === "prototype" || key === "name" || key === "length") continue;
    Object.defineProperty(target, key, { enumerable: true });
    const method = Object.getOwnPropertyDescriptor(target, key).value;
    if (typeof method === "function") Object.defineProperty(method, "length", { value: 0 });
  }
}

/** Adds constants or methods under symbols that are not enumerable. */
export function hidden(target, key, value) {
  Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true });
}

const ENTRIES = 0;
const KEYS = 1;
const VALUES = 2;

class ListIterator {
  #list;
  #kind;
  #index = 0;

  constructor(list, kind) {
    this.#list = list;
    this.#kind = kind;
  }

  next() {
    if (this === undefined || !(#list in this)) illegal();
    const index = this.#index;
    const list = this.#list;
    if (index >= list.length) return { done: true, value: undefined };
    this.#index = index + 2;
    const kind = this.#kind;
    const value = kind === ENTRIES ? [list[index], list[index + 1]] : list[kind === KEYS ? index : index + 1];
    return { done: false, value };
  }
}
Object.setPrototypeOf(ListIterator.prototype, Iterator.prototype);

class EntryIterator extends ListIterator {}
class KeyIterator extends ListIterator {}
class ValueIterator extends ListIterator {}
for (const Class of [EntryIterator, KeyIterator, ValueIterator]) {
  hidden(Class.prototype, Symbol.toStringTag, Class.name);
  notePlatformClass(Class);
}

/** Iterates a flat list `[name, value, name, value, ...]` as pairs; sees later changes of the list. */
export const entriesOf = (list) => new EntryIterator(list, ENTRIES);
/** Iterates the names of a flat list. */
export const keysOf = (list) => new KeyIterator(list, KEYS);
/** Iterates the values of a flat list. */
export const valuesOf = (list) => new ValueIterator(list, VALUES);

/** The flat list of a sequence of pairs; `refuse` throws for an inner sequence that is not a pair. */
export function flatPairs(sequence, refuse) {
  const list = [];
  for (const pair of sequence) {
    if (!isObject(pair) || typeof pair[Symbol.iterator] !== "function") badValue("Sequence");
    const items = [...pair];
    if (items.length !== 2) refuse();
    list.push(items[0], items[1]);
  }
  return list;
}
