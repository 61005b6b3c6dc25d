// Queuing strategies, the queue of chunks with sizes, and small promise tools that all streams use.
import { badConstruction, badField, illegal, isObject, publish, toUint } from "dodev:web/webidl";

// Fidelity: both functions are nameless on the platform.
const countSize = (() => () => 1)();
const byteSize = (() => (chunk) => chunk?.byteLength)();

function highWaterMarkOf(init, name) {
  if (!isObject(init)) badConstruction(name, 1, "QueuingStrategyInit");
  return init.highWaterMark === undefined ? undefined : Number(init.highWaterMark);
}

/** Every chunk counts as one. */
export class CountQueuingStrategy {
  #mark;

  constructor(init) {
    this.#mark = highWaterMarkOf(init, "CountQueuingStrategy");
  }

  get highWaterMark() {
    if (this === undefined || !(#mark in this)) illegal();
    return this.#mark;
  }

  get size() {
    if (this === undefined || !(#mark in this)) illegal();
    return countSize;
  }
}
publish(CountQueuingStrategy);

/** A chunk counts as many as it has bytes. */
export class ByteLengthQueuingStrategy {
  #mark;

  constructor(init) {
    this.#mark = highWaterMarkOf(init, "ByteLengthQueuingStrategy");
  }

  get highWaterMark() {
    if (this === undefined || !(#mark in this)) illegal();
    return this.#mark;
  }

  get size() {
    if (this === undefined || !(#mark in this)) illegal();
    return byteSize;
  }
}
publish(ByteLengthQueuingStrategy);

const STRATEGY = "StreamQueuingStrategy";

/** The strategy's size function, or one that counts. */
export function sizeOf(strategy) {
  const size = methodOf(strategy, "size", STRATEGY);
  return size === undefined ? () => 1 : (chunk) => size(chunk);
}

/** The strategy's mark, or `fallback`. */
export function markOf(strategy, fallback) {
  const value = strategy?.highWaterMark;
  if (value === undefined) return fallback;
  return toUint(value);
}

/** Chunks with sizes, first in first out. */
export class SizedQueue {
  total = 0;
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  // Fidelity: the platform counts a size that is no number as nothing where the standard throws.
  push(value, given) {
    const size = given > 0 ? Number(given) : 0;
    this.#items.push({ value, size });
    this.total += size;
  }

  peek() {
    return this.#items[this.#head].value;
  }

  shift() {
    const { value, size } = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    }
    this.total = this.length === 0 ? 0 : this.total - size;
    return value;
  }

  clear() {
    this.#items = [];
    this.#head = 0;
    this.total = 0;
  }
}

/** Calls `f` and gives a promise of its result, rejected if it throws. */
export function promiseCall(f, self, ...args) {
  try {
    return Promise.resolve(f.apply(self, args));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** `{ promise, resolve, reject }` whose rejection nobody has to handle. */
export function quietDeferred() {
  const deferred = Promise.withResolvers();
  deferred.promise.catch(() => {});
  return deferred;
}

/** An optional method of an underlying source or sink, checked. */
export function methodOf(object, name, type) {
  const method = object?.[name];
  if (method === undefined) return undefined;
  if (typeof method !== "function") badField(name, type, "function");
  return method;
}
