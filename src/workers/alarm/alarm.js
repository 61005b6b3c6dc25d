// An object's alarm: setting it, and calling the handler when it is due.
import host from "dodev:host";
import { notePlatformClass } from "dodev:web/interface";

/** Awake objects whose class has no alarm() handler, by slot. */
const withoutHandler = new Set();

export function noteInstance(slot, instance) {
  if (typeof instance.alarm !== "function") withoutHandler.add(slot);
}

export function forgetInstance(slot) {
  withoutHandler.delete(slot);
}

const NANOSECONDS_PER_MS = 1e6;
/** Times are 64-bit nanoseconds on the platform. */
const NANOSECONDS_END = 2 ** 63;

/** Milliseconds of a Date or a number, as the platform takes them. */
function milliseconds(time, where) {
  const ms = typeof time === "number" ? time : time instanceof Date ? time.getTime() : undefined;
  if (ms === undefined) {
    throw new TypeError(`Failed to execute 'setAlarm' on '${where}': parameter 1 is not of type 'date'.`);
  }
  if (!Number.isFinite(ms)) {
    throw new TypeError("The value cannot be converted because it is not a valid Date.");
  }
  if (ms * NANOSECONDS_PER_MS >= NANOSECONDS_END) {
    throw new TypeError("This API doesn't support dates after 2189.");
  }
  if (ms * NANOSECONDS_PER_MS <= -NANOSECONDS_END) {
    throw new TypeError("This API doesn't support dates before 1687.");
  }
  return Math.trunc(ms);
}

export function setAlarm(slot, time, where) {
  const ms = milliseconds(time, where);
  if (ms <= 0) throw new TypeError("setAlarm() cannot be called with an alarm time <= 0");
  if (withoutHandler.has(slot)) {
    throw new TypeError(
      "Your Durable Object class must have an alarm() handler in order to call setAlarm()",
    );
  }
  host.setAlarm(slot, ms);
}

export function getAlarm(slot) {
  return host.getAlarm(slot);
}

export function deleteAlarm(slot) {
  host.deleteAlarm(slot);
}

class AlarmInvocationInfo {
  constructor(scheduledTime, retryCount) {
    // Fidelity: in this order, read-only but removable, as observed with workerd 1.20261117.1.
    for (const [key, value] of Object.entries({ scheduledTime, retryCount, isRetry: retryCount > 0 })) {
      Object.defineProperty(this, key, { value, enumerable: true, configurable: true });
    }
  }

  get [Symbol.toStringTag]() {
    return "AlarmInvocationInfo";
  }
}

// It goes nowhere: neither storage nor RPC takes it.
notePlatformClass(AlarmInvocationInfo);

/** Calls the handler of `instance`; its result is the outcome of the alarm. */
export function runAlarm(slot, instance, scheduledTime, retryCount) {
  if (typeof instance.alarm !== "function") {
    host.warnOfAlarm(
      slot,
      "Attempted to run a scheduled alarm without a handler, did you remember to export an alarm() function?",
    );
    return undefined;
  }
  return instance.alarm(new AlarmInvocationInfo(scheduledTime, retryCount));
}
