// AbortController and AbortSignal: one promise that work is no longer wanted, kept once.
import { DOMException } from "dodev:web/dom_exception";
import { Event, EventTarget, dispatch, hasListener, setSignals, trust } from "dodev:web/events";
import { illegalConstructor, illegalInvocation, shape, wrongArgument } from "dodev:web/interface";
import { after } from "dodev:web/timers";

const MAKE = Symbol("make");

/** Makes a signal that nothing has aborted yet. */
export let makeSignal;
/** Aborts `signal` with `reason`, and everything that depends on it; a second time has no effect. */
export let abortSignal;
/** Calls `callback` when `signal` is aborted, before its listeners hear of it; returns what stops that. */
export let follow;
/** Whether `value` is an AbortSignal. */
export let isSignal;

/** Reasons that the platform gave because the program gave none. */
const defaults = new WeakSet();

/** What `abort()` without a reason gives as one. */
export function defaultReason() {
  return noted(new DOMException("The operation was aborted", "AbortError"));
}

function noted(reason) {
  defaults.add(reason);
  return reason;
}

/** Whether the program gave no reason, and so `reason` is the platform's. */
export function isDefaultReason(reason) {
  return isObject(reason) && defaults.has(reason);
}

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;
  #onabort = null;
  // Callbacks of the platform, and signals made of this one by `any`.
  #followers;
  #dependents;

  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
    super();
  }

  get aborted() {
    return check(this).#aborted;
  }
  get reason() {
    return check(this).#reason;
  }
  get onabort() {
    return check(this).#onabort;
  }
  set onabort(handler) {
    check(this).#onabort = typeof handler === "function" || isObject(handler) ? handler : null;
  }
  throwIfAborted() {
    if (check(this).#aborted) throw this.#reason;
  }

  static abort(reason) {
    const signal = makeSignal();
    signal.#aborted = true;
    signal.#reason = reason === undefined ? defaultReason() : reason;
    return signal;
  }

  static timeout(delayMs) {
    if (delayMs === undefined) throw wrongArgument("AbortSignal", "timeout", 1, "number");
    const signal = makeSignal();
    after(+delayMs, () => {
      abortSignal(signal, noted(new DOMException("The operation was aborted due to timeout", "TimeoutError")));
    });
    return signal;
  }

  static any(signals) {
    if (!isObject(signals) || typeof signals[Symbol.iterator] !== "function") {
      throw wrongArgument("AbortSignal", "any", 1, "Array");
    }
    const sources = [...signals];
    sources.forEach((source, index) => {
      if (isSignal(source)) return;
      throw new TypeError(
        `Incorrect type for array element ${index}: the provided value is not of type 'AbortSignal'.`,
      );
    });
    const aborted = sources.find((source) => source.#aborted);
    if (aborted !== undefined) return AbortSignal.abort(aborted.#reason);
    const signal = makeSignal();
    for (const source of sources) (source.#dependents ??= new Set()).add(signal);
    return signal;
  }

  static {
    isSignal = (value) => isObject(value) && #aborted in value;

    makeSignal = () => new AbortSignal(MAKE);

    abortSignal = (signal, reason) => {
      if (signal.#aborted) return;
      // All are marked before anybody hears of it.
      const marked = [signal];
      for (const each of marked) {
        each.#aborted = true;
        each.#reason = reason;
        for (const dependent of each.#dependents ?? []) {
          if (!dependent.#aborted && !marked.includes(dependent)) marked.push(dependent);
        }
        each.#dependents = undefined;
      }
      for (const each of marked) {
        const followers = each.#followers;
        each.#followers = undefined;
        for (const callback of followers ?? []) callback(reason);
        if (hasListener(each, "abort")) dispatch(each, trust(new Event("abort")));
      }
    };

    follow = (signal, callback) => {
      (signal.#followers ??= new Set()).add(callback);
      return () => signal.#followers?.delete(callback);
    };

    setSignals({ is: isSignal, aborted: (signal) => signal.#aborted, follow });
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function check(signal) {
  if (!isSignal(signal)) throw illegalInvocation();
  return signal;
}

shape(AbortSignal);

export class AbortController {
  #signal;

  // Most requests never look at their signal: it is made when first read.
  get signal() {
    return (this.#signal ??= makeSignal());
  }
  abort(reason) {
    abortSignal(this.signal, reason === undefined ? defaultReason() : reason);
  }
}

shape(AbortController);
