// The global scope as an event target, `reportError`, and the way to the events of Workers that listen for them.
import host from "dodev:host";
import { EventTarget, globalTarget, reportException } from "dodev:web/events";
import { wrongArgument } from "dodev:web/interface";

const { addEventListener: add, dispatchEvent: send, removeEventListener: remove } = EventTarget.prototype;
const { apply } = Reflect;

export function addEventListener(...args) {
  apply(add, globalTarget, args);
}

export function removeEventListener(...args) {
  apply(remove, globalTarget, args);
}

export function dispatchEvent(...args) {
  return apply(send, globalTarget, args);
}

export function reportError(...args) {
  if (args.length === 0) throw wrongArgument("ServiceWorkerGlobalScope", "reportError", 1, "Value");
  reportException(args[0]);
}

let extendable;

/** The classes of the platform's events, loaded when somebody first wants one. */
export function extendableEvents() {
  extendable ??= host.lazy("dodev:web/events/extendable");
  return extendable;
}
