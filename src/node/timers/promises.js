// node:timers/promises: timers as promises.
import { nodeError, wrongType } from "dodev:node/errors";
import * as timers from "dodev:web/timers";

function aborted(signal) {
  const error = nodeError(Error, "ABORT_ERR", "The operation was aborted");
  error.name = "AbortError";
  error.cause = signal.reason;
  return error;
}

function check(options) {
  if (options === null || typeof options !== "object") throw wrongType("options", "of type object", options);
  const { signal } = options;
  if (signal !== undefined && (signal === null || typeof signal !== "object" || !("aborted" in signal))) {
    throw wrongType("options.signal", "an instance of AbortSignal", signal);
  }
  return signal;
}

// A promise that `start` resolves some time later, unless the signal aborts it first.
async function wait(options, start) {
  const signal = check(options);
  if (signal?.aborted) throw aborted(signal);
  return new Promise((resolve, reject) => {
    const stop = start((value) => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    });
    const abort = () => {
      stop();
      reject(aborted(signal));
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}

export function setTimeout(delay, value, options = {}) {
  return wait(options, (resolve) => {
    const timer = timers.setTimeout(resolve, delay, value);
    return () => timers.clearTimeout(timer);
  });
}

export function setImmediate(value, options = {}) {
  return wait(options, (resolve) => {
    const immediate = timers.setImmediate(resolve, value);
    return () => timers.clearImmediate(immediate);
  });
}

/** Yields `value` every `delay` milliseconds. */
export async function* setInterval(delay, value, options = {}) {
  const signal = check(options);
  if (signal?.aborted) throw aborted(signal);
  let due = 0;
  let wake;
  const interval = timers.setInterval(() => {
    due++;
    wake?.();
  }, delay);
  const abort = () => wake?.();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      if (signal?.aborted) throw aborted(signal);
      if (due === 0) await new Promise((resolve) => (wake = resolve));
      for (; due > 0; due--) yield value;
    }
  } finally {
    timers.clearInterval(interval);
    signal?.removeEventListener("abort", abort);
  }
}

export const scheduler = {
  wait: (delay, options) => setTimeout(delay, undefined, options),
  yield: () => setImmediate(),
};

export default { scheduler, setImmediate, setInterval, setTimeout };
