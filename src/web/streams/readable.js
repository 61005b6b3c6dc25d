// ReadableStream itself: state, locking, cancelling, and the default controller.
//
// The state is an object of its own: a stream's contents can be moved into another stream, and controllers and
// readers hold the state, never the stream.
import host from "dodev:host";
import { ByteController, makeByteController } from "dodev:web/streams/byte_controller";
import { pipe } from "dodev:web/streams/pipe";
import { markOf, methodOf, promiseCall, SizedQueue, sizeOf } from "dodev:web/streams/strategies";
import {
  ReadableStreamBYOBReader,
  ReadableStreamDefaultReader,
  makeReader,
  nextChunk,
  release,
} from "dodev:web/streams/readers";
import { SOURCE as NATIVE, ownerOfNew, requireOwn } from "dodev:web/owner";
import { tee } from "dodev:web/streams/tee";
import { isWritableLocked, isWritableStream } from "dodev:web/streams/writable";
import { badArgument, badConstruction, badField, hidden, illegal, isObject, publish } from "dodev:web/webidl";

export const LOCKED = "This ReadableStream is currently locked to a reader.";
const SOURCE = "UnderlyingSource";

/** What a stream is: readable, closed or errored; who reads it; where its chunks come from. */
export class ReadableState {
  status = "readable";
  error = undefined;
  disturbed = false;
  /** The internal reader, if the stream is locked. */
  reader = undefined;
  controller = undefined;
  /** Whether the platform delivers the chunks: then one read waits at a time. */
  native = false;
  /** Who may use it, where the platform delivers the chunks; 0 is everybody. */
  owner = 0;
  /** Bytes or a host pipe that the whole stream stands for while nobody has touched it. */
  origin = undefined;
}

/** How many bytes the whole stream will bring, where that is known beforehand. */
ReadableState.prototype.expected = undefined;

/** Closes `state` and tells its reader. */
export function closeState(state) {
  state.status = "closed";
  const { reader } = state;
  if (reader === undefined) return;
  reader.closed.resolve(undefined);
  if (!reader.byob) for (const request of reader.requests.splice(0)) request.close();
}

/** Errors `state` and tells its reader. */
export function errorState(state, error) {
  state.status = "errored";
  state.error = error;
  const { reader } = state;
  if (reader === undefined) return;
  reader.closed.reject(error);
  for (const request of reader.requests.splice(0)) request.error(error);
}

/** Throws unless the stream belongs to what runs now. */
export function checkOwner(state) {
  if (state.owner !== 0) requireOwn(state.owner, NATIVE);
}

/** Cancels `state` whoever holds it. */
export function cancelState(state, reason) {
  try {
    checkOwner(state);
  } catch (error) {
    return Promise.reject(error);
  }
  state.disturbed = true;
  if (state.status === "closed") return Promise.resolve(undefined);
  if (state.status === "errored") return Promise.reject(state.error);
  const { reader } = state;
  const waited = state.native && reader !== undefined && !reader.byob && reader.requests.length > 0;
  if (waited) {
    // Fidelity: observed with workerd 1.20261117.1: who waits for a chunk of the platform's learns why none comes.
    for (const request of reader.requests.splice(0)) request.error(asThrown(reason));
  }
  closeState(state);
  if (reader !== undefined && reader.byob) for (const request of reader.requests.splice(0)) request.close(undefined);
  return state.controller.cancel(reason, waited).then(() => undefined);
}

/** `reason` as an error, where it is none that can be told. */
function asThrown(reason) {
  if (reason === undefined) return new Error("Stream was cancelled.");
  return host.retold === undefined ? reason : host.retold(reason);
}

/** The chunks of a default stream and when to ask for more. */
export class DefaultController {
  queue = new SizedQueue();
  started = false;
  closing = false;
  pulling = false;
  pullAgain = false;

  constructor(state, mark, size, pull, cancel) {
    this.state = state;
    this.mark = mark;
    this.size = size;
    this.pullSource = pull;
    this.cancelSource = cancel;
  }

  start(result) {
    Promise.resolve(result).then(
      () => {
        this.started = true;
        this.pullIfNeeded();
      },
      (error) => this.fail(error),
    );
  }

  canEnqueue() {
    return !this.closing && this.state.status === "readable";
  }

  wanted() {
    const { status } = this.state;
    if (status === "errored") return null;
    return status === "closed" ? 0 : this.mark - this.queue.total;
  }

  enqueue(chunk) {
    const { state } = this;
    const request = state.reader?.requests.shift();
    if (request !== undefined) {
      request.chunk(chunk);
    } else {
      try {
        this.queue.push(chunk, this.size(chunk));
      } catch (error) {
        this.fail(error);
        throw error;
      }
    }
    this.pullIfNeeded();
  }

  close() {
    this.closing = true;
    if (this.queue.length === 0) {
      this.forget();
      closeState(this.state);
    }
  }

  fail(error) {
    if (this.state.status !== "readable") return;
    this.queue.clear();
    this.forget();
    errorState(this.state, error);
  }

  forget() {
    this.pullSource = undefined;
    this.cancelSource = undefined;
    this.size = undefined;
  }

  cancel(reason) {
    this.queue.clear();
    const { cancelSource } = this;
    this.forget();
    return cancelSource === undefined ? Promise.resolve(undefined) : cancelSource(reason);
  }

  pull(request) {
    if (this.queue.length > 0) {
      const chunk = this.queue.shift();
      if (this.closing && this.queue.length === 0) {
        this.forget();
        closeState(this.state);
      } else {
        this.pullIfNeeded();
      }
      request.chunk(chunk);
      return;
    }
    this.state.reader.requests.push(request);
    this.pullIfNeeded();
  }

  release() {}

  pullIfNeeded() {
    const { state } = this;
    if (!this.started || !this.canEnqueue()) return;
    const waiting = state.reader !== undefined && state.reader.requests.length > 0;
    if (!waiting && !(this.wanted() > 0)) return;
    if (this.pulling) {
      this.pullAgain = true;
      return;
    }
    if (this.pullSource === undefined) return;
    this.pulling = true;
    this.pullSource().then(
      () => {
        this.pulling = false;
        if (this.pullAgain) {
          this.pullAgain = false;
          this.pullIfNeeded();
        }
      },
      (error) => this.fail(error),
    );
  }
}

const BARE = Symbol("bare");
let wrapController;

/** What an underlying source of a default stream gets. */
export class ReadableStreamDefaultController {
  #inner;

  constructor(key) {
    if (key !== BARE) throw new TypeError("Illegal constructor");
  }

  static {
    wrapController = (inner) => {
      const controller = new ReadableStreamDefaultController(BARE);
      controller.#inner = inner;
      return controller;
    };
  }

  get desiredSize() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.wanted();
  }

  close() {
    if (this === undefined || !(#inner in this)) illegal();
    if (!this.#inner.canEnqueue()) throw new TypeError("This ReadableStream is closed.");
    this.#inner.close();
  }

  enqueue(chunk) {
    if (this === undefined || !(#inner in this)) illegal();
    if (!this.#inner.canEnqueue()) throw new TypeError("Unable to enqueue");
    this.#inner.enqueue(chunk);
  }

  error(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    this.#inner.fail(reason);
  }
}
publish(ReadableStreamDefaultController);

let stateOf;
let isReadableStream;
let streamOf;
let moveStream;

/** A source of chunks. */
export class ReadableStream {
  #state;

  constructor(source, strategy) {
    if (source === BARE) return;
    if (source !== undefined && !isObject(source)) badConstruction("ReadableStream", 1, SOURCE);
    if (strategy !== undefined && strategy !== null && !isObject(strategy)) {
      badConstruction("ReadableStream", 2, "StreamQueuingStrategy");
    }
    const state = new ReadableState();
    this.#state = state;
    const start = methodOf(source, "start", SOURCE);
    const pull = methodOf(source, "pull", SOURCE);
    const cancel = methodOf(source, "cancel", SOURCE);
    const type = source?.type === undefined ? undefined : `${source.type}`;
    if (type === "bytes") {
      makeByteController(state, source, start, pull, cancel, markOf(strategy, 0));
      return;
    }
    if (type !== undefined && type !== "") {
      throw new TypeError(`"${type}" is not a valid type of ReadableStream.`);
    }
    const inner = new DefaultController(
      state,
      markOf(strategy, 1),
      sizeOf(strategy),
      pull && (() => promiseCall(pull, source, controller)),
      cancel && ((reason) => promiseCall(cancel, source, reason)),
    );
    const controller = wrapController(inner);
    state.controller = inner;
    inner.start(start && promiseCall(start, source, controller));
  }

  static {
    isReadableStream = (value) => isObject(value) && #state in value;
    stateOf = (stream) => stream.#state;
    streamOf = (state) => {
      const stream = new ReadableStream(BARE);
      stream.#state = state;
      return stream;
    };
    moveStream = (stream) => {
      const moved = streamOf(stream.#state);
      stream.#state = spentState();
      return moved;
    };
  }

  static from(iterable) {
    const open = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
    if (typeof open !== "function") badArgument("from", "ReadableStream", 1, "AsyncGenerator");
    const iterator = open.call(iterable);
    if (!isObject(iterator)) badArgument("from", "ReadableStream", 1, "AsyncGenerator");
    const state = new ReadableState();
    const pull = async () => {
      const result = await iterator.next();
      if (!isObject(result)) throw new TypeError("The result of next() is not an object.");
      if (result.done) state.controller.close();
      else state.controller.enqueue(await result.value);
    };
    const cancel = async (reason) => {
      const end = iterator.return;
      if (end === undefined || end === null) return;
      if (!isObject(await end.call(iterator, reason))) throw new TypeError("The result of return() is not an object.");
    };
    state.controller = new DefaultController(state, 0, () => 1, pull, cancel);
    state.controller.start(undefined);
    return streamOf(state);
  }

  get locked() {
    if (this === undefined || !(#state in this)) illegal();
    return this.#state.reader !== undefined;
  }

  cancel(reason) {
    if (this === undefined || !(#state in this)) illegal();
    if (this.locked) return Promise.reject(new TypeError(LOCKED));
    return cancelState(this.#state, reason);
  }

  getReader(options) {
    if (this === undefined || !(#state in this)) illegal();
    if (options !== undefined && options !== null && !isObject(options)) {
      badArgument("getReader", "ReadableStream", 1, "GetReaderOptions");
    }
    const mode = options?.mode;
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (`${mode}` === "byob") return new ReadableStreamBYOBReader(this);
    throw new TypeError("mode must be undefined or 'byob' in call to getReader().");
  }

  pipeThrough(transform, options) {
    if (this === undefined || !(#state in this)) illegal();
    if (!isObject(transform)) badArgument("pipeThrough", "ReadableStream", 1, "Transform");
    const { readable } = transform;
    if (!isReadableStream(readable)) badField("readable", "Transform", "ReadableStream");
    const { writable } = transform;
    if (!isWritableStream(writable)) badField("writable", "Transform", "WritableStream");
    if (this.locked) throw new TypeError(LOCKED);
    if (isWritableLocked(writable)) throw new TypeError("This WritableStream is currently locked to a writer.");
    pipe(this, writable, options).catch(() => {});
    return readable;
  }

  pipeTo(destination, options) {
    try {
      if (this === undefined || !(#state in this)) illegal();
      if (!isWritableStream(destination)) badArgument("pipeTo", "ReadableStream", 1, "WritableStream");
      if (this.locked) throw new TypeError(LOCKED);
      if (isWritableLocked(destination)) {
        throw new TypeError("This WritableStream is currently locked to a writer");
      }
      return pipe(this, destination, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tee() {
    if (this === undefined || !(#state in this)) illegal();
    if (this.locked) throw new TypeError("This ReadableStream is currently locked to a reader,");
    checkOwner(this.#state);
    return tee(this.#state).map(streamOf);
  }

  values(options) {
    if (this === undefined || !(#state in this)) illegal();
    const iterator = Object.create(iteratorPrototype);
    iterators.set(iterator, {
      reader: makeReader(this.#state, false),
      keep: Boolean(options?.preventCancel),
      done: false,
      last: undefined,
    });
    return iterator;
  }
}
publish(ReadableStream);
hidden(ReadableStream.prototype, Symbol.asyncIterator, ReadableStream.prototype.values);

/** Iterators of streams → where they are. Calls wait for each other. */
const iterators = new WeakMap();
const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype));
const iteratorPrototype = {
  __proto__: AsyncIteratorPrototype,
  get [Symbol.toStringTag]() {
    return "ReadableStreamAsyncIterator";
  },
  next() {
    return inTurn(this, async (at) => {
      if (at.done) return { value: undefined, done: true };
      try {
        const result = await nextChunk(at.reader);
        if (!result.done) return result;
        at.done = true;
        release(at.reader);
        return result;
      } catch (error) {
        at.done = true;
        release(at.reader);
        throw error;
      }
    });
  },
  return(value) {
    return inTurn(this, async (at) => {
      if (!at.done) {
        at.done = true;
        const cancelled = at.keep ? undefined : cancelState(at.reader.state, value);
        release(at.reader);
        await cancelled;
      }
      return { value, done: true };
    });
  },
};

function inTurn(iterator, step) {
  const at = iterators.get(iterator);
  if (at === undefined) return Promise.reject(new TypeError("not an iterator of a ReadableStream"));
  const run = () => step(at);
  return (at.last = at.last === undefined ? run() : at.last.then(run, run));
}

function spentState() {
  const state = new ReadableState();
  state.status = "closed";
  state.disturbed = true;
  makeReader(state, false);
  return state;
}

/** A stream that was read to its end and stays locked: what is left of a body that was taken. */
export function spentStream() {
  return streamOf(spentState());
}

/** Whether anybody has read from or cancelled `stream`. */
/** How many bytes the whole of `stream` will bring, if that is known beforehand. */
export const expectedLength = (stream) => stateOf(stream).expected;
export const isDisturbed = (stream) => stateOf(stream).disturbed;
/** Whether somebody holds `stream`. */
export const isLocked = (stream) => stateOf(stream).reader !== undefined;

/**
 * A stream whose contents the platform delivers: `pull(controller)` uses `enqueueBytes` and `finishBytes`. It belongs to
 * `maker`.
 */
export function nativeStream(pull, cancel, origin, maker = ownerOfNew()) {
  const state = new ReadableState();
  const controller = new ByteController(state, 0, () => pull(controller), cancel);
  state.controller = controller;
  state.origin = origin;
  state.native = true;
  state.owner = maker;
  controller.started = true;
  return streamOf(state);
}

export { isReadableStream, moveStream, stateOf, streamOf };
