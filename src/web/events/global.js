// The global scope as an event target, and `reportError`.
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
