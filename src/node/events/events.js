// node:events: `EventEmitter` and what is built on it.
//
// Fidelity: Node.js's documentation of `events`. Domains are absent.
import {
  needFunction, needNumber, nodeError, notEmulated, outOfRange, wrongType,
} from "dodev:node/errors";
import { inspect } from "dodev:web/console/inspect";

const REJECTION = Symbol.for("nodejs.rejection");
export const errorMonitor = Symbol("events.errorMonitor");
export const captureRejectionSymbol = REJECTION;
const CAPTURE = Symbol("captureRejections");
let captureByDefault = false;
let maxByDefault = 10;

const { apply, ownKeys } = Reflect;

/** The function behind a listener that `once` wraps. */
const original = (listener) => listener.listener ?? listener;

// It must be callable without `new`: older classes inherit by `EventEmitter.call(this)`.
export function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}

EventEmitter.init = function init(options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = Object.create(null);
    this._eventsCount = 0;
  }
  this._maxListeners = this._maxListeners || undefined;
  if (options?.captureRejections !== undefined) {
    if (typeof options.captureRejections !== "boolean") {
      throw wrongType("options.captureRejections", "of type boolean", options.captureRejections);
    }
    this[CAPTURE] = options.captureRejections;
  } else {
    this[CAPTURE] = captureByDefault;
  }
};

function needListener(listener) {
  needFunction(listener, "listener");
}

function checkMax(count, name) {
  needNumber(count, name);
  if (!(count >= 0)) throw outOfRange(name, ">= 0", count);
}

function listOf(emitter, type) {
  const found = emitter._events?.[type];
  if (found === undefined) return [];
  return typeof found === "function" ? [found] : found;
}

function warn(emitter, type, list) {
  const max = emitter.getMaxListeners();
  if (max <= 0 || list.length <= max || list.warned) return;
  list.warned = true;
  console.warn(
    `MaxListenersExceededWarning: Possible EventEmitter memory leak detected. ${list.length} ${String(type)} ` +
      `listeners added to ${inspect(emitter, { depth: -1 })}. MaxListeners is ${max}. ` +
      "Use emitter.setMaxListeners() to increase limit",
  );
}

function add(emitter, type, listener, first) {
  needListener(listener);
  if (emitter._events === undefined) {
    emitter._events = Object.create(null);
    emitter._eventsCount = 0;
  } else if (emitter._events.newListener !== undefined) {
    emitter.emit("newListener", type, original(listener));
  }
  const found = emitter._events[type];
  if (found === undefined) {
    emitter._events[type] = listener;
    emitter._eventsCount++;
    return emitter;
  }
  // A list that is being emitted must not change: a new one takes its place.
  const before = typeof found === "function" ? [found] : found;
  const list = first ? [listener, ...before] : [...before, listener];
  list.warned = before.warned;
  emitter._events[type] = list;
  warn(emitter, type, list);
  return emitter;
}

function wrapOnce(emitter, type, listener) {
  needListener(listener);
  let fired = false;
  function wrapper(...args) {
    if (fired) return undefined;
    fired = true;
    emitter.removeListener(type, wrapper);
    return apply(listener, emitter, args);
  }
  wrapper.listener = listener;
  return wrapper;
}

function drop(emitter, type) {
  delete emitter._events[type];
  emitter._eventsCount--;
}

function unhandled(args) {
  const [error] = args;
  if (error instanceof Error) return error;
  let text;
  try {
    text = inspect(error);
  } catch {
    text = String(error);
  }
  const wrapped = nodeError(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${text})`);
  wrapped.context = error;
  return wrapped;
}

function capture(emitter, result, type, args) {
  if (typeof result?.then !== "function") return;
  result.then(undefined, (error) => {
    queueMicrotask(() => {
      if (typeof emitter[REJECTION] === "function") emitter[REJECTION](error, type, ...args);
      else {
        const before = emitter[CAPTURE];
        emitter[CAPTURE] = false;
        try {
          emitter.emit("error", error);
        } finally {
          emitter[CAPTURE] = before;
        }
      }
    });
  });
}

const methods = {
  setMaxListeners(count) {
    checkMax(count, "setMaxListeners");
    this._maxListeners = count;
    return this;
  },
  getMaxListeners() {
    return this._maxListeners ?? maxByDefault;
  },
  emit(type, ...args) {
    if (type === "error") {
      if (listOf(this, errorMonitor).length > 0) this.emit(errorMonitor, ...args);
      if (listOf(this, "error").length === 0) throw unhandled(args);
    }
    const found = this._events?.[type];
    if (found === undefined) return false;
    for (const listener of typeof found === "function" ? [found] : found) {
      const result = apply(listener, this, args);
      if (this[CAPTURE] && result !== undefined && result !== null) capture(this, result, type, args);
    }
    return true;
  },
  addListener(type, listener) {
    return add(this, type, listener, false);
  },
  on(type, listener) {
    return add(this, type, listener, false);
  },
  prependListener(type, listener) {
    return add(this, type, listener, true);
  },
  once(type, listener) {
    return this.on(type, wrapOnce(this, type, listener));
  },
  prependOnceListener(type, listener) {
    return this.prependListener(type, wrapOnce(this, type, listener));
  },
  removeListener(type, listener) {
    needListener(listener);
    const list = listOf(this, type);
    const at = list.findLastIndex((each) => each === listener || each.listener === listener);
    if (at < 0) return this;
    const removed = list[at];
    if (list.length === 1) drop(this, type);
    else {
      const rest = list.filter((_, index) => index !== at);
      rest.warned = list.warned;
      this._events[type] = rest.length === 1 ? rest[0] : rest;
    }
    if (this._events.removeListener !== undefined) this.emit("removeListener", type, original(removed));
    return this;
  },
  off(type, listener) {
    return this.removeListener(type, listener);
  },
  removeAllListeners(type) {
    if (this._events === undefined) return this;
    if (this._events.removeListener === undefined) {
      if (arguments.length === 0) {
        this._events = Object.create(null);
        this._eventsCount = 0;
      } else if (this._events[type] !== undefined) {
        drop(this, type);
      }
      return this;
    }
    if (arguments.length === 0) {
      for (const key of ownKeys(this._events)) if (key !== "removeListener") this.removeAllListeners(key);
      this.removeAllListeners("removeListener");
      return this;
    }
    for (const listener of [...listOf(this, type)].reverse()) this.removeListener(type, listener);
    return this;
  },
  listeners(type) {
    return listOf(this, type).map(original);
  },
  rawListeners(type) {
    return [...listOf(this, type)];
  },
  listenerCount(type, listener) {
    const list = listOf(this, type);
    if (listener === undefined || listener === null) return list.length;
    return list.filter((each) => each === listener || each.listener === listener).length;
  },
  eventNames() {
    return this._events === undefined ? [] : ownKeys(this._events);
  },
};

for (const name in methods) {
  Object.defineProperty(EventEmitter.prototype, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
}
EventEmitter.prototype._events = undefined;
EventEmitter.prototype._eventsCount = 0;
EventEmitter.prototype._maxListeners = undefined;

function abortError(signal) {
  const error = nodeError(Error, "ABORT_ERR", "The operation was aborted");
  error.name = "AbortError";
  error.cause = signal.reason;
  return error;
}

function checkSignal(signal) {
  if (signal === undefined) return;
  if (signal === null || typeof signal !== "object" || !("aborted" in signal)) {
    throw wrongType("options.signal", "an instance of AbortSignal", signal);
  }
}

function listen(emitter, type, listener, options) {
  if (typeof emitter?.on === "function") {
    if (options?.once) emitter.once(type, listener);
    else emitter.on(type, listener);
  } else if (typeof emitter?.addEventListener === "function") {
    emitter.addEventListener(type, listener, options);
  } else {
    throw wrongType("emitter", "an instance of EventEmitter", emitter);
  }
}

function unlisten(emitter, type, listener) {
  if (typeof emitter.removeListener === "function") emitter.removeListener(type, listener);
  else emitter.removeEventListener(type, listener);
}

/** A promise of the next `type` event's arguments. */
export async function once(emitter, type, options = {}) {
  const { signal } = options;
  checkSignal(signal);
  if (signal?.aborted) throw abortError(signal);
  const { promise, resolve, reject } = Promise.withResolvers();
  const done = (...args) => {
    clean();
    resolve(args);
  };
  const failed = (error) => {
    clean();
    reject(error);
  };
  const aborted = () => {
    clean();
    reject(abortError(signal));
  };
  const watchErrors = type !== "error" && typeof emitter?.once === "function";
  function clean() {
    unlisten(emitter, type, done);
    if (watchErrors) unlisten(emitter, "error", failed);
    signal?.removeEventListener("abort", aborted);
  }
  listen(emitter, type, done, { once: true });
  if (watchErrors) emitter.once("error", failed);
  signal?.addEventListener("abort", aborted, { once: true });
  return promise;
}

/** An asynchronous iterator over the arguments of all `type` events. Fidelity: workerd has no option `close`. */
export function on(emitter, type, options = {}) {
  const { signal } = options;
  checkSignal(signal);
  if (signal?.aborted) throw abortError(signal);
  const events = [];
  const waiting = [];
  let failure;
  let finished = false;
  const push = (...args) => {
    const next = waiting.shift();
    if (next) next.resolve({ value: args, done: false });
    else events.push(args);
  };
  const fail = (error) => {
    const next = waiting.shift();
    if (next) next.reject(error);
    else failure = error;
    iterator.return();
  };
  const aborted = () => fail(abortError(signal));
  const iterator = {
    async next() {
      if (events.length > 0) return { value: events.shift(), done: false };
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      if (finished) return { value: undefined, done: true };
      const { promise, resolve, reject } = Promise.withResolvers();
      waiting.push({ resolve, reject });
      return promise;
    },
    async return() {
      finished = true;
      unlisten(emitter, type, push);
      if (type !== "error" && typeof emitter.on === "function") unlisten(emitter, "error", fail);
      signal?.removeEventListener("abort", aborted);
      for (const next of waiting.splice(0)) next.resolve({ value: undefined, done: true });
      return { value: undefined, done: true };
    },
    async throw(error) {
      if (!(error instanceof Error)) throw wrongType("EventEmitter.AsyncIterator", "an instance of Error", error);
      fail(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  listen(emitter, type, push);
  if (type !== "error" && typeof emitter.on === "function") emitter.on("error", fail);
  signal?.addEventListener("abort", aborted, { once: true });
  return iterator;
}

export function getEventListeners(emitter, type) {
  if (typeof emitter?.listeners === "function") return emitter.listeners(type);
  if (emitter instanceof EventTarget) throw notEmulated("events.getEventListeners() of an EventTarget");
  throw wrongType("emitter", "an instance of EventEmitter or EventTarget", emitter);
}

export function listenerCount(emitter, type) {
  if (typeof emitter?.listenerCount === "function") return emitter.listenerCount(type);
  return getEventListeners(emitter, type).length;
}

export function getMaxListeners(emitter) {
  if (typeof emitter?.getMaxListeners === "function") return emitter.getMaxListeners();
  if (emitter instanceof EventTarget) return maxByDefault;
  throw wrongType("emitter", "an instance of EventEmitter or EventTarget", emitter);
}

export function setMaxListeners(count = maxByDefault, ...targets) {
  checkMax(count, "setMaxListeners");
  if (targets.length === 0) maxByDefault = count;
  for (const target of targets) {
    if (typeof target?.setMaxListeners === "function") target.setMaxListeners(count);
    else if (!(target instanceof EventTarget)) {
      throw wrongType("eventTargets", "an instance of EventEmitter or EventTarget", target);
    }
  }
}

export function addAbortListener(signal, listener) {
  if (signal === undefined) throw wrongType("signal", "an instance of AbortSignal", signal);
  checkSignal(signal);
  needFunction(listener, "listener");
  if (signal.aborted) queueMicrotask(() => listener());
  else signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
}

export class EventEmitterAsyncResource extends EventEmitter {
  constructor() {
    super();
    throw notEmulated("events.EventEmitterAsyncResource");
  }
}

export const usingDomains = false;
export const captureRejections = captureByDefault;
export const defaultMaxListeners = maxByDefault;

Object.assign(EventEmitter, {
  EventEmitter, EventEmitterAsyncResource, addAbortListener, captureRejectionSymbol, errorMonitor, getEventListeners,
  getMaxListeners, listenerCount, on, once, setMaxListeners, usingDomains,
});
Object.defineProperties(EventEmitter, {
  defaultMaxListeners: {
    enumerable: true,
    get: () => maxByDefault,
    set(count) {
      checkMax(count, "defaultMaxListeners");
      maxByDefault = count;
    },
  },
  captureRejections: {
    enumerable: true,
    get: () => captureByDefault,
    set(value) {
      if (typeof value !== "boolean") throw wrongType("EventEmitter.captureRejections", "of type boolean", value);
      captureByDefault = value;
    },
  },
});

export default EventEmitter;
