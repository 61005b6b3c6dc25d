// `scheduler.wait` and `queueMicrotask`: waiting as a promise, and running soon.
import { follow, isSignal } from "dodev:web/abort";
import { reportException } from "dodev:web/events";
import { shape, wrongArgument, wrongField } from "dodev:web/interface";
import { after, cancel } from "dodev:web/timers";
import { keepContext } from "dodev:web/timers/frame";

class Scheduler {
  async wait(delayMs, options) {
    if (delayMs === undefined) throw wrongArgument("Scheduler", "wait", 1, "number");
    const signal = options?.signal;
    if (signal === undefined || signal === null) {
      return new Promise((resolve) => after(delayMs, resolve));
    }
    if (!isSignal(signal)) throw wrongField("WaitOptions", "signal", "AbortSignal");
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const timer = after(delayMs, () => {
        unfollow();
        resolve();
      });
      const unfollow = follow(signal, (reason) => {
        cancel(timer);
        reject(reason);
      });
    });
  }
}
shape(Scheduler);

export const scheduler = new Scheduler();

const resolved = Promise.resolve();
const { then } = Promise.prototype;
const { apply } = Reflect;

export function queueMicrotask(callback) {
  if (typeof callback !== "function") {
    throw wrongArgument("ServiceWorkerGlobalScope", "queueMicrotask", 1, "function");
  }
  callback = keepContext(callback);
  apply(then, resolved, [
    () => {
      try {
        callback();
      } catch (error) {
        reportException(error);
      }
    },
  ]);
}
