// setTimeout and its kin. The host keeps what is due when and calls the entry `timer`; the callbacks live
// here. An exception leaves the entry: whoever runs turns reports it.
import host from "dodev:host";
import { shape, wrongArgument } from "dodev:web/interface";
import { ownerOfNew } from "dodev:web/owner";
import { keepContext } from "dodev:web/timers/frame";

const { apply } = Reflect;
const { cancelTimer, setTimer, setTimerAgain } = host;

// Timer number → what to do when it is due.
const timers = new Map();

class Timer {
  constructor(callback, args, repeatMs) {
    this.callback = callback;
    this.args = args;
    // `undefined` for timers that fire once.
    this.repeatMs = repeatMs;
  }
}

// Longest delay in milliseconds: a hundred years.
const DELAY_MAX_MS = 3_155_760_000_000;

function toDelay(value) {
  const delayMs = +value;
  return delayMs > 0 ? Math.min(delayMs, DELAY_MAX_MS) : 0;
}

/** Calls `callback` once, `delayMs` from now; returns the timer's number. */
export function after(delayMs, callback) {
  return start(callback, toDelay(delayMs), undefined, false);
}

/** Forgets the timer with the number `id`, if it is still set. */
export function cancel(id) {
  if (timers.delete(id)) cancelTimer(id);
}

function start(callback, delayMs, args, repeat) {
  const id = setTimer(delayMs);
  timers.set(id, new Timer(callback, args, repeat ? delayMs : undefined));
  return id;
}

host.entry("timer", (id) => {
  const timer = timers.get(id);
  if (timer === undefined) return;
  if (timer.repeatMs === undefined) timers.delete(id);
  try {
    if (timer.args === undefined) apply(timer.callback, globalThis, []);
    else apply(timer.callback, globalThis, timer.args);
  } finally {
    // Fidelity: an interval goes on even if its callback throws.
    if (timer.repeatMs !== undefined && timers.has(id)) setTimerAgain(id, timer.repeatMs);
  }
});

// The timers of an owner that is gone are dropped from the host's table at once; their callbacks here.
host.entry("forget-timers", (ids) => {
  for (const id of ids) timers.delete(id);
});

// Fidelity: with Node.js compatibility, which is the default since 2026-08-04, timers are objects.
let objects = true;
/** Chooses whether `setTimeout` returns objects, as with `nodejs_compat`, or plain numbers. */
export function useTimerObjects(use) {
  objects = use;
}

let timerOf;

class Timeout {
  #id;
  #callback;
  #delayMs;
  #args;
  #repeat;
  #referenced = true;

  constructor(callback, delayMs, args, repeat) {
    this.#callback = callback;
    this.#delayMs = delayMs;
    this.#args = args;
    this.#repeat = repeat;
    this.#id = start(callback, delayMs, args, repeat);
  }
  refresh() {
    cancel(this.#id);
    this.#id = start(this.#callback, this.#delayMs, this.#args, this.#repeat);
    return this;
  }
  unref() {
    this.#referenced = false;
    return this;
  }
  ref() {
    this.#referenced = true;
    return this;
  }
  hasRef() {
    return this.#referenced;
  }
  close() {
    cancel(this.#id);
    return this;
  }
  [Symbol.dispose]() {
    cancel(this.#id);
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
  static {
    timerOf = (value) => (typeof value === "object" && value !== null && #id in value ? value.#id : value);
  }
}

function show(value) {
  if (value === undefined || value === null) return ` ${value}`;
  if (typeof value === "object") {
    const { name } = value.constructor ?? {};
    return name ? ` an instance of ${name}` : " [Object: null prototype] {}";
  }
  const text = typeof value === "string" ? `'${value}'` : `${String(value)}${typeof value === "bigint" ? "n" : ""}`;
  return ` type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

function checkCallback(name, callback) {
  if (typeof callback === "function") return;
  if (!objects) throw wrongArgument("ServiceWorkerGlobalScope", name, 1, "function");
  const error = new TypeError(`The "callback" argument must be of type function. Received${show(callback)}`);
  error.code = "ERR_INVALID_ARG_TYPE";
  throw error;
}

function set(name, callback, delay, args, repeat) {
  checkCallback(name, callback);
  callback = keepContext(callback);
  // A default of one millisecond for objects, none for numbers.
  const delayMs = toDelay(delay === undefined ? Number(objects) : delay * 1);
  const given = args.length === 0 ? undefined : args;
  return objects ? new Timeout(callback, delayMs, given, repeat) : start(callback, delayMs, given, repeat);
}

export function setTimeout(callback, delay, ...args) {
  return set("setTimeout", callback, delay, args, false);
}

export function setInterval(callback, delay, ...args) {
  return set("setInterval", callback, delay, args, true);
}

export function clearTimeout(timer) {
  const id = timerOf(timer);
  if (typeof id !== "number") return;
  ownerOfNew();
  cancel(id);
}

export function clearInterval(timer) {
  clearTimeout(timer);
}

let cancelImmediate;

class Immediate {
  #id;
  #referenced = true;
  constructor(callback, args) {
    this.#id = start(callback, 0, args, false);
  }
  ref() {
    this.#referenced = true;
  }
  unref() {
    this.#referenced = false;
  }
  hasRef() {
    return this.#referenced;
  }
  static {
    cancelImmediate = (value) => {
      if (typeof value === "object" && value !== null && #id in value) cancel(value.#id);
    };
  }
}
shape(Immediate);

export function setImmediate(callback, ...args) {
  if (typeof callback !== "function") {
    throw wrongArgument("ServiceWorkerGlobalScope", "setImmediate", 1, "function");
  }
  return new Immediate(keepContext(callback), args);
}

export function clearImmediate(immediate) {
  cancelImmediate(immediate);
}
