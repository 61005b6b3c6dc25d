// EventTarget: who listens to what. An exception in a listener is reported and stops nobody else.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { illegalInvocation, shape, wrongArgument, wrongField } from "dodev:web/interface";
import {
  ErrorEvent,
  beginDispatch,
  endDispatch,
  isEvent,
  isPrevented,
  isStopped,
  setPassive,
} from "dodev:web/events/event";

export {
  CloseEvent,
  CustomEvent,
  ErrorEvent,
  Event,
  MessageEvent,
  PromiseRejectionEvent,
  trust,
} from "dodev:web/events/event";

// How an AbortSignal is recognised and listened to; the `abort` part sets it, since it builds on this one.
let signals;
export function setSignals(access) {
  signals = access;
}

class Listener {
  constructor(callback, receiver, options) {
    this.callback = callback;
    // `undefined` stands for the target itself.
    this.receiver = receiver;
    this.once = !!options?.once;
    this.passive = !!options?.passive;
    this.removed = false;
  }
}

/** Delivers `event` to the listeners of `target`; false if a listener prevented the default. */
export let dispatch;
/** Whether `target` has a listener or an `on…` handler for events of `type`. */
export let hasListener;

/** Delivers `event`; the first exception of a listener leaves this function. */
export function dispatchThrowing(target, event) {
  const before = propagates;
  propagates = true;
  try {
    dispatch(target, event);
  } finally {
    propagates = before;
  }
}

/** Delivers `event`; what a listener threw is reported, and given in an array. */
export function dispatchCatching(target, event) {
  caught = undefined;
  try {
    dispatch(target, event);
  } catch (error) {
    reportException(error);
    caught = [error];
  }
  const thrown = caught;
  caught = undefined;
  return thrown;
}

export class EventTarget {
  // Event type → the identity of a handler → its listener, in order of adding.
  #listeners;

  addEventListener(type, handler, options) {
    if (!isTarget(this)) throw illegalInvocation();
    if (arguments.length === 0) throw wrongArgument("EventTarget", "addEventListener", 1, "string");
    if (arguments.length === 1) throw wrongHandler();
    type = `${type}`;
    const listener = makeListener(handler, options);
    if (listener === undefined) return;
    const { signal } = options ?? {};
    if (signal !== undefined && signals.aborted(signal)) return;
    this.#listeners ??= new Map();
    let ofType = this.#listeners.get(type);
    if (ofType === undefined) this.#listeners.set(type, (ofType = new Map()));
    if (ofType.has(handler)) return;
    ofType.set(handler, listener);
    if (signal !== undefined) {
      signals.follow(signal, () => {
        if (ofType.get(handler) === listener) this.#remove(type, handler);
      });
    }
  }

  removeEventListener(type, handler, options) {
    if (!isTarget(this)) throw illegalInvocation();
    if (arguments.length === 0) throw wrongArgument("EventTarget", "removeEventListener", 1, "string");
    if (arguments.length === 1 || (typeof handler !== "object" && typeof handler !== "function")) {
      throw wrongArgument("EventTarget", "removeEventListener", 2, "Object");
    }
    checkCapture("removeEventListener", options);
    this.#remove(`${type}`, handler);
  }

  dispatchEvent(event) {
    if (!isTarget(this)) throw illegalInvocation();
    if (!isEvent(event)) throw wrongArgument("EventTarget", "dispatchEvent", 1, "Event");
    return dispatch(this, event);
  }

  #remove(type, handler) {
    const ofType = this.#listeners?.get(type);
    const listener = ofType?.get(handler);
    if (listener === undefined) return;
    listener.removed = true;
    ofType.delete(handler);
    if (ofType.size === 0) this.#listeners.delete(type);
  }

  static {
    EventTarget.isTarget = (value) => typeof value === "object" && value !== null && #listeners in value;

    hasListener = (target, type) =>
      target.#listeners?.has(type) || typeof target[`on${type}`] === "function";

    dispatch = (target, event) => {
      // Programs know the global target as the global object.
      const shown = target === globalTarget ? globalThis : target;
      if (!beginDispatch(event, shown)) {
        throw new DOMException("The event is already being dispatched.", "InvalidStateError");
      }
      const { type } = event;
      // Fidelity: workerd calls an `on…` property first, as a bare function.
      const on = target[`on${type}`];
      if (typeof on === "function") call(on, undefined, event);
      const ofType = target.#listeners?.get(type);
      if (ofType !== undefined) {
        for (const [handler, listener] of [...ofType]) {
          if (isStopped(event)) break;
          if (listener.removed) continue;
          if (listener.once) target.#remove(type, handler);
          setPassive(event, listener.passive);
          call(listener.callback, listener.receiver === undefined ? shown : listener.receiver, event);
        }
      }
      endDispatch(event);
      // Fidelity: workerd asks whether anybody prevented it, not whether it was cancelable.
      return !isPrevented(event);
    };
  }
}

const { isTarget } = EventTarget;
delete EventTarget.isTarget;
shape(EventTarget);

const { apply } = Reflect;

// Fidelity: before the compatibility date 2026-09-15 the first exception leaves `dispatchEvent`.
let propagates = false;
// What a listener threw since `dispatchCatching` began, in an array.
let caught;
/** Chooses whether what a listener throws leaves `dispatchEvent` instead of being reported. */
export function propagateExceptions(propagate) {
  propagates = propagate;
}

function call(callback, receiver, event) {
  try {
    // Fidelity: under workerd, a handler that returns `true` prevents the default.
    if (apply(callback, receiver, [event]) === true) event.preventDefault();
  } catch (error) {
    if (propagates) {
      endDispatch(event);
      throw error;
    }
    caught ??= [error];
    reportException(error);
  }
}

function makeListener(handler, options) {
  if (handler === null || handler === undefined) {
    // Fidelity: the options of no handler are read as well, and may ask for capture.
    checkSignal(options);
    return void new Listener(undefined, undefined, options);
  }
  checkCapture("addEventListener", options);
  checkSignal(options);
  if (typeof handler === "function") return new Listener(handler, undefined, options);
  if (typeof handler !== "object") {
    throw wrongHandler();
  }
  const { handleEvent } = handler;
  if (typeof handleEvent !== "function") throw wrongField("HandlerObject", "handleEvent", "function");
  return new Listener(handleEvent, handler, options);
}

function wrongHandler() {
  return wrongArgument("EventTarget", "addEventListener", 2, "function or HandlerObject");
}

function checkCapture(method, options) {
  // Fidelity: whatever is no object counts as a boolean.
  if (options && typeof options !== "object" && typeof options !== "function") throw new TypeError(`${method}(): useCapture must be false.`);
  if (options?.capture) throw new TypeError(`${method}(): options.capture must be false.`);
}

function checkSignal(options) {
  const signal = options?.signal;
  if (signal !== undefined && !signals?.is(signal)) {
    throw wrongField("AddEventListenerOptions", "signal", "AbortSignal");
  }
}

/** The target of the global `addEventListener`. */
export const globalTarget = new EventTarget();

let reporting = false;

/** Reports what a callback threw: to the global `error` listeners, then to the developer. */
export function reportException(error) {
  // What an `error` listener throws is only shown, or reporting would never end.
  if (!reporting && hasListener(globalTarget, "error")) {
    reporting = true;
    try {
      if (!dispatch(globalTarget, describeError(error))) return;
    } finally {
      reporting = false;
    }
  }
  host.reportException(error);
}

const POSITION = /\(?([^\s()]+):(\d+):(\d+)\)?$/m;

function describeError(error) {
  const init = { message: "Uncaught", error, cancelable: true };
  try {
    init.message = `Uncaught ${error}`;
    const position = POSITION.exec(error?.stack);
    if (position) {
      [, init.filename] = position;
      init.lineno = Number(position[2]);
      init.colno = Number(position[3]);
    }
  } catch {
    // An error that cannot even be described is still handed over.
  }
  return new ErrorEvent("error", init);
}
