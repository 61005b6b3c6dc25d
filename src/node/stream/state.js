// What readable and writable streams share: options, errors, destruction, and emission after the running code.
//
// Fidelity: Node.js's documentation of `stream`. Classes are functions, because older packages inherit from
// them by `Readable.call(this)`.
import { EventEmitter } from "dodev:node/events";
import { needNumber, nodeError, wrongType, wrongValue } from "dodev:node/errors";
import process from "dodev:node/process";

export const { nextTick } = process;

export const premature = () => nodeError(Error, "ERR_STREAM_PREMATURE_CLOSE", "Premature close");
export const destroyed = (method) =>
  nodeError(Error, "ERR_STREAM_DESTROYED", `Cannot call ${method} after a stream was destroyed`);
export const notImplemented = (method) =>
  nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", `The ${method} method is not implemented`);
export const called = () => nodeError(Error, "ERR_MULTIPLE_CALLBACK", "Callback called multiple times");

export function abortError(signal) {
  const error = nodeError(Error, "ABORT_ERR", "The operation was aborted");
  if (signal?.reason !== undefined) error.cause = signal.reason;
  error.name = "AbortError";
  return error;
}

let markBytes = 65_536;
let markObjects = 16;

export const getDefaultHighWaterMark = (objects) => (objects ? markObjects : markBytes);
export function setDefaultHighWaterMark(objects, value) {
  needNumber(value, "value");
  if (objects) markObjects = value;
  else markBytes = value;
}

/** The mark of one side: its own option, the common one, or the default. */
export function markOf(options, side, objects) {
  const value = options?.[`${side}HighWaterMark`] ?? options?.highWaterMark;
  if (value === undefined || value === null) return getDefaultHighWaterMark(objects);
  if (!Number.isInteger(value) || value < 0) {
    const name = options[`${side}HighWaterMark`] === undefined ? "options.highWaterMark" : `options.${side}HighWaterMark`;
    throw wrongValue(name, value);
  }
  return value;
}

/** The oldest class of all: an emitter with a simple `pipe`. */
export function Stream(options) {
  EventEmitter.call(this, options);
}
Object.setPrototypeOf(Stream.prototype, EventEmitter.prototype);
Object.setPrototypeOf(Stream, EventEmitter);
Stream.prototype.pipe = function (target, options) {
  this.on("data", (chunk) => {
    if (target.writable && target.write(chunk) === false) this.pause?.();
  });
  target.on("drain", () => this.resume?.());
  if (!target._isStdio && options?.end !== false) this.on("end", () => target.end());
  target.emit("pipe", this);
  return target;
};

/** Makes `Class` a subclass of `Parent` in the old way. */
export function extend(Class, Parent) {
  Object.setPrototypeOf(Class.prototype, Parent.prototype);
  Object.setPrototypeOf(Class, Parent);
}

const sidesOf = (stream) => [stream._readableState, stream._writableState].filter(Boolean);

/** What both sides know of their end. */
export const lifeOf = (options) => ({
  destroyed: false,
  errored: null,
  closed: false,
  closeEmitted: false,
  errorEmitted: false,
  constructed: true,
  autoDestroy: options?.autoDestroy ?? true,
  emitClose: options?.emitClose ?? true,
});

/** Runs `_construct` if there is one; what waits for it is woken by `ready`. */
export function construct(stream, ready) {
  if (typeof stream._construct !== "function") return;
  for (const side of sidesOf(stream)) side.constructed = false;
  nextTick(() => {
    let once = false;
    const done = (error) => {
      if (once) return fail(stream, called());
      once = true;
      for (const side of sidesOf(stream)) side.constructed = true;
      if (stream._afterConstruct) stream._afterConstruct();
      else if (error) fail(stream, error);
      else nextTick(ready);
      return undefined;
    };
    try {
      stream._construct((error) => nextTick(done, error));
    } catch (error) {
      nextTick(done, error);
    }
  });
}

/** Ends a stream for good: `_destroy`, then `error` if there is one, then `close`. */
export function destroy(error, callback) {
  const sides = sidesOf(this);
  if (sides.some((side) => side.destroyed)) {
    callback?.();
    return this;
  }
  for (const side of sides) {
    side.destroyed = true;
    if (error) side.errored ??= error;
  }
  const run = () => {
    let once = false;
    const done = (problem) => {
      if (once) return;
      once = true;
      for (const side of sides) {
        side.closed = true;
        if (problem) side.errored ??= problem;
      }
      callback?.(problem);
      nextTick(emitEnd, this, problem);
    };
    try {
      this._destroy(error ?? null, done);
    } catch (problem) {
      done(problem);
    }
  };
  if (sides.every((side) => side.constructed)) run();
  else this._afterConstruct = run;
  return this;
}

function emitEnd(stream, error) {
  const sides = sidesOf(stream);
  if (error && !sides.some((side) => side.errorEmitted)) {
    for (const side of sides) side.errorEmitted = true;
    stream.emit("error", error);
  }
  for (const side of sides) side.closeEmitted = true;
  if (sides.every((side) => side.emitClose)) stream.emit("close");
}

/** An error of the stream: it destroys the stream, or is only emitted if that is not wanted. */
export function fail(stream, error) {
  const sides = sidesOf(stream);
  if (sides.some((side) => side.destroyed)) return;
  if (sides.every((side) => side.autoDestroy)) {
    stream.destroy(error);
    return;
  }
  for (const side of sides) side.errored ??= error;
  nextTick(() => {
    if (sides.some((side) => side.errorEmitted)) return;
    for (const side of sides) side.errorEmitted = true;
    stream.emit("error", error);
  });
}

/** Destroys `stream` when `signal` aborts. */
export function addAbortSignal(signal, stream) {
  if (typeof signal !== "object" || !("aborted" in signal)) throw wrongType("signal", "an instance of AbortSignal", signal);
  const abort = () => stream.destroy(abortError(signal));
  if (signal.aborted) abort();
  else {
    signal.addEventListener("abort", abort);
    stream.once("close", () => signal.removeEventListener("abort", abort));
  }
  return stream;
}

/** Getters that look into the states, on the prototype of `Class`. */
export function expose(Class, getters) {
  for (const name in getters) {
    Object.defineProperty(Class.prototype, name, { get: getters[name], configurable: true, enumerable: false });
  }
}
