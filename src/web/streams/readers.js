// Readers: the default one and the one that brings its own buffers.
import host from "dodev:host";
import { LOCKED, cancelState, checkOwner, isReadableStream, stateOf } from "dodev:web/streams/readable";
import { promiseCall, quietDeferred } from "dodev:web/streams/strategies";
import { badArgument, badConstruction, illegal, publish } from "dodev:web/webidl";

const BUSY = "This ReadableStream only supports a single pending read request at a time.";
const RELEASED = "This ReadableStream reader has been released.";

/** Who holds a stream: its waiting requests and the promise of its end. */
class Reader {
  requests = [];

  constructor(state, byob) {
    this.state = state;
    this.byob = byob;
    this.closed = quietDeferred();
    state.reader = this;
    if (state.status === "closed") this.closed.resolve(undefined);
    else if (state.status === "errored") this.closed.reject(state.error);
  }
}

/** Locks a stream's state to a new internal reader. */
export function makeReader(state, byob) {
  if (state.reader !== undefined) throw new TypeError(LOCKED);
  return new Reader(state, byob);
}

/** Unlocks the stream; requests that wait are refused. */
export function release(reader) {
  const { state } = reader;
  if (state === undefined) return;
  if (state.native && reader.requests.length > 0) {
    throw new TypeError("Cannot call releaseLock() on a reader with outstanding read promises.");
  }
  const error = new TypeError(RELEASED);
  if (state.status !== "readable") reader.closed = quietDeferred();
  reader.closed.reject(error);
  reader.state = undefined;
  for (const request of reader.requests.splice(0)) request.error(error);
  state.controller?.release();
  state.reader = undefined;
}

/** Asks the stream of a default reader for one chunk. */
export function requestChunk(reader, request) {
  const { state } = reader;
  if (state.owner !== 0) checkOwner(state);
  state.disturbed = true;
  if (state.status === "closed") request.close();
  else if (state.status === "errored") request.error(state.error);
  else state.controller.pull(request);
}

/** Promise of `{ value, done }`. */
export function nextChunk(reader) {
  if (reader.state === undefined) return Promise.reject(new TypeError(RELEASED));
  if (isBusy(reader)) return Promise.reject(new TypeError(BUSY));
  const { promise, resolve, reject } = Promise.withResolvers();
  try {
    requestChunk(reader, {
      chunk: (value) => resolve({ value, done: false }),
      close: () => resolve({ value: undefined, done: true }),
      error: reject,
    });
  } catch (error) {
    reject(error);
  }
  return promise;
}

function isBusy(reader) {
  return reader.state.native && reader.requests.length > 0;
}

function cancelOf(reader, reason) {
  if (reader.state === undefined) return Promise.reject(new TypeError(RELEASED));
  return cancelState(reader.state, reason);
}

/** Reads whatever chunks the stream has. */
export class ReadableStreamDefaultReader {
  #inner;

  constructor(stream) {
    if (!isReadableStream(stream)) badConstruction("ReadableStreamDefaultReader", 1, "ReadableStream");
    this.#inner = makeReader(stateOf(stream), false);
  }

  get closed() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.closed.promise;
  }

  cancel(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    return cancelOf(this.#inner, reason);
  }

  read() {
    if (this === undefined || !(#inner in this)) return promiseCall(illegal);
    return nextChunk(this.#inner);
  }

  releaseLock() {
    if (this === undefined || !(#inner in this)) illegal();
    release(this.#inner);
  }
}
publish(ReadableStreamDefaultReader);

/** Reads bytes into buffers of the caller. */
export class ReadableStreamBYOBReader {
  #inner;

  constructor(stream) {
    if (!isReadableStream(stream)) badConstruction("ReadableStreamBYOBReader", 1, "ReadableStream");
    const state = stateOf(stream);
    if (state.reader !== undefined) throw new TypeError(LOCKED);
    if (state.controller?.pullInto === undefined) {
      throw new TypeError("This ReadableStream does not support BYOB reads.");
    }
    this.#inner = makeReader(state, true);
  }

  get closed() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.closed.promise;
  }

  cancel(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    return cancelOf(this.#inner, reason);
  }

  read(view, options) {
    if (this === undefined || !(#inner in this)) return promiseCall(illegal);
    return readInto(this.#inner, view, options?.min === undefined ? 1 : Number(options.min), "read");
  }

  readAtLeast(minElements, view) {
    if (this === undefined || !(#inner in this)) return promiseCall(illegal);
    return readInto(this.#inner, view, Number(minElements), "readAtLeast");
  }

  releaseLock() {
    if (this === undefined || !(#inner in this)) illegal();
    release(this.#inner);
  }
}
publish(ReadableStreamBYOBReader);

function readInto(reader, view, min, method) {
  try {
    if (!ArrayBuffer.isView(view)) {
      badArgument(method, "ReadableStreamBYOBReader", method === "read" ? 1 : 2, "ArrayBufferView");
    }
  } catch (error) {
    return Promise.reject(error);
  }
  const { state } = reader;
  if (state === undefined) return Promise.reject(new TypeError(RELEASED));
  if (view.byteLength === 0) {
    return Promise.reject(
      new TypeError('You must call read() on a "byob" reader with a positive-sized TypedArray object.'),
    );
  }
  const length = view.length ?? view.byteLength;
  if (!(min >= 1)) {
    return Promise.reject(new TypeError(`Requested invalid minimum number of bytes to read (${min}).`));
  }
  if (min > length) {
    return Promise.reject(
      new TypeError(`Minimum bytes to read (${min}) exceeds size of buffer (${view.byteLength}).`),
    );
  }
  if (isBusy(reader)) return Promise.reject(new TypeError(BUSY));
  state.disturbed = true;
  if (state.status === "errored") return Promise.reject(state.error);
  const { promise, resolve, reject } = Promise.withResolvers();
  state.controller.pullInto(view, Math.trunc(min), {
    chunk: (value) => resolve({ value, done: false }),
    close: (value) => resolve({ value, done: true }),
    error: reject,
  });
  return promise;
}

/** A reader for the platform's own use. */
export const readerOf = (stream) => makeReader(stateOf(stream), false);
/** The next chunk, `undefined` at the end. */
export async function readNext(reader) {
  const { value, done } = await nextChunk(reader);
  return done ? undefined : value;
}

const UNDRAINABLE = "Draining read encountered a value that cannot be converted to bytes";

/**
 * All that stands ready in a stream once there is anything, as bytes in one piece; undefined at the end. Rejects when the
 * stream has failed by then, or brings what is no bytes.
 *
 * Fidelity: observed with wrangler 4.164.0, texts included.
 */
export async function drainNext(reader) {
  const { state } = reader;
  const first = await nextChunk(reader);
  if (first.done) return undefined;
  const chunks = [];
  let { value } = first;
  for (;;) {
    if (typeof value === "string") value = host.utf8Encode(value.toWellFormed());
    else if (!(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value)) throw new TypeError(UNDRAINABLE);
    chunks.push(value);
    if (state.status === "errored") throw state.error;
    const { controller } = state;
    if (!((controller.queue ?? controller.ranges)?.length > 0)) break;
    requestChunk(reader, { chunk: (next) => (value = next), close() {}, error() {} });
  }
  return chunks.length === 1 ? chunks[0] : host.concatBytes(chunks);
}

/** Cancels the stream of a reader. */
export const cancelReader = (reader, reason) => cancelOf(reader, reason);
