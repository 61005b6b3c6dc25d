// node:async_hooks: `AsyncLocalStorage`, values that follow a program through callbacks and awaits.
//
// The values of now are one immutable frame. Callbacks given to promises, timers and microtasks run in the
// frame in which they were given. The engine does not let anybody see the continuation of an `await`, so
// the bundler lowers async functions to generators that step by `then` in every project that imports this
// module (see `bundle/lowered_async.rs`); only `await` outside of functions loses the frame.
//
// Fidelity: workerd's `api/node/async-hooks.h`: no hooks, no ids, and neither `enterWith()` nor `disable()`.
import { needFunction, needString, notEmulated } from "dodev:node/errors";
import { context } from "dodev:web/timers/frame";

const { apply } = Reflect;
const { defineProperty } = Object;

// AsyncLocalStorage → value; `undefined` where there are none.
let frame;

function runIn(entered, callback, receiver, args) {
  const before = frame;
  frame = entered;
  try {
    return apply(callback, receiver, args);
  } finally {
    frame = before;
  }
}

function bindTo(bound, callback) {
  return function (...args) {
    return runIn(bound, callback, this, args);
  };
}

context.bind = (callback) => (frame === undefined ? callback : bindTo(frame, callback));

const { then: nativeThen } = Promise.prototype;
const keep = (callback) => (typeof callback === "function" ? bindTo(frame, callback) : callback);
const then = {
  then(onFulfilled, onRejected) {
    // Jobs begin without a frame: only a frame needs to be kept.
    if (frame === undefined) return apply(nativeThen, this, [onFulfilled, onRejected]);
    return apply(nativeThen, this, [keep(onFulfilled), keep(onRejected)]);
  },
}.then;
defineProperty(Promise.prototype, "then", { value: then, writable: true, configurable: true, enumerable: false });

// What the bundler makes of an async function, as its source text begins.
const LOWERED =
  /^[^{]*(?:\{[^{}]*\}[^{]*)*?\)\s*\{\s*(?:var [^;]*;\s*)?return (?:_asyncToGenerator[\w$]*\(function\*|_[\w$]+\.apply\(this, arguments\);?\s*\}$)/;
const AsyncFunction = (async () => {}).constructor;
const { isPrototypeOf } = Object.prototype;
const { toString } = Function.prototype;
// Code that tells async functions by their constructor is given this one, which knows the lowered ones.
defineProperty(AsyncFunction, Symbol.hasInstance, {
  value: (value) =>
    typeof value === "function" &&
    (apply(isPrototypeOf, AsyncFunction.prototype, [value]) || LOWERED.test(apply(toString, value, []))),
});
defineProperty(globalThis, Symbol.for("dodev.AsyncFunction"), { value: AsyncFunction });

export class AsyncLocalStorage {
  #default;
  #name;

  constructor(options = {}) {
    this.#default = options?.defaultValue;
    this.#name = options?.name === undefined ? "" : `${options.name}`;
  }
  get name() {
    return this.#name;
  }
  run(store, callback, ...args) {
    return runIn(new Map(frame).set(this, store), callback, undefined, args);
  }
  exit(callback, ...args) {
    return runIn(new Map(frame).set(this, undefined), callback, undefined, args);
  }
  getStore() {
    return frame?.has(this) ? frame.get(this) : this.#default;
  }
  enterWith() {
    throw new Error("asyncLocalStorage.enterWith() is not implemented");
  }
  disable() {
    throw new Error("asyncLocalStorage.disable() is not implemented");
  }
  static bind(callback) {
    needFunction(callback, "fn");
    return bindTo(frame, callback);
  }
  static snapshot() {
    const bound = frame;
    return (callback, ...args) => runIn(bound, callback, undefined, args);
  }
}

export class AsyncResource {
  #frame = frame;

  constructor(type, options) {
    needString(type, "type");
    if (options?.triggerAsyncId !== undefined) throw notEmulated("async_hooks.AsyncResource with triggerAsyncId");
  }
  bind(callback, receiver) {
    needFunction(callback, "fn");
    const resource = this;
    return function (...args) {
      return resource.runInAsyncScope(callback, receiver ?? this, ...args);
    };
  }
  runInAsyncScope(callback, receiver, ...args) {
    return runIn(this.#frame, callback, receiver, args);
  }
  asyncId() {
    return 0;
  }
  triggerAsyncId() {
    return 0;
  }
  emitDestroy() {
    return this;
  }
  static bind(callback, type, receiver) {
    return new AsyncResource(type ?? "bound-anonymous-fn").bind(callback, receiver);
  }
}

class AsyncHook {
  enable() {
    return this;
  }
  disable() {
    return this;
  }
}

export const createHook = () => new AsyncHook();
export const executionAsyncId = () => 0;
export const executionAsyncResource = () => Object.create(null);
export const triggerAsyncId = () => 0;
export const asyncWrapProviders = Object.create(null);

export default {
  AsyncLocalStorage, AsyncResource, asyncWrapProviders, createHook, executionAsyncId, executionAsyncResource,
  triggerAsyncId,
};
