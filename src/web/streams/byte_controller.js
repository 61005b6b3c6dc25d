// The controller of byte streams: a queue of byte ranges, and the buffers that readers brought.
import { closeState, errorState } from "dodev:web/streams/readable";
import { promiseCall } from "dodev:web/streams/strategies";
import { badArgument, illegal, publish } from "dodev:web/webidl";

/** A view of `Class` over bytes of `buffer`. */
function viewOf(Class, buffer, offset, bytes) {
  return new Class(buffer, offset, Class === DataView ? bytes : bytes / Class.BYTES_PER_ELEMENT);
}

/** The bytes of a byte stream and the buffers that wait for some. */
export class ByteController {
  /** Ranges `{ buffer, offset, length }` that nobody has read. */
  ranges = [];
  total = 0;
  /** Buffers to fill, first in first out. */
  pending = [];
  started = false;
  closing = false;
  pulling = false;
  pullAgain = false;
  autoChunk = undefined;
  request = null;

  constructor(state, mark, pull, cancel) {
    this.state = state;
    this.mark = mark;
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
    return status === "closed" ? 0 : this.mark - this.total;
  }

  forget() {
    this.pullSource = undefined;
    this.cancelSource = undefined;
  }

  dropRequest() {
    if (this.request !== null) detachRequest(this.request);
    this.request = null;
  }

  /** Adds bytes; their buffer now belongs to the stream. */
  enqueue(buffer, offset, length) {
    const { state } = this;
    if (this.pending.length > 0) {
      this.dropRequest();
      this.pending[0].buffer = this.pending[0].buffer.transfer();
      if (this.pending[0].kind === "none") {
        const orphan = this.pending.shift();
        this.addRange(orphan.buffer.slice(orphan.offset, orphan.offset + orphan.filled), 0, orphan.filled);
      }
    }
    const { reader } = state;
    if (reader === undefined) {
      this.addRange(buffer, offset, length);
    } else if (reader.byob) {
      this.addRange(buffer, offset, length);
      this.serve();
    } else {
      this.serveRequests();
      if (reader.requests.length === 0) {
        this.addRange(buffer, offset, length);
      } else {
        if (this.pending.length > 0) this.pending.shift();
        reader.requests.shift().chunk(new Uint8Array(buffer, offset, length));
      }
    }
    this.pullIfNeeded();
  }

  addRange(buffer, offset, length) {
    if (length === 0) return;
    this.ranges.push({ buffer, offset, length });
    this.total += length;
  }

  /** Hands queued ranges to waiting default requests. */
  serveRequests() {
    const { reader } = this.state;
    while (reader.requests.length > 0 && this.ranges.length > 0) this.shiftInto(reader.requests.shift());
  }

  shiftInto(request) {
    const { buffer, offset, length } = this.ranges.shift();
    this.total -= length;
    if (this.total === 0 && this.closing) this.finish();
    else this.pullIfNeeded();
    request.chunk(new Uint8Array(buffer, offset, length));
  }

  /** Moves queued bytes into a waiting buffer; says whether it has what it asked for. */
  fill(into) {
    let room = Math.min(this.total, into.length - into.filled);
    const most = into.filled + room;
    const whole = most - (most % into.elementSize);
    let ready = false;
    if (most >= into.min && whole >= into.min) {
      room = whole - into.filled;
      ready = true;
    }
    while (room > 0) {
      const range = this.ranges[0];
      const take = Math.min(room, range.length);
      const at = into.offset + into.filled;
      new Uint8Array(into.buffer, at, take).set(new Uint8Array(range.buffer, range.offset, take));
      if (take === range.length) {
        this.ranges.shift();
      } else {
        range.offset += take;
        range.length -= take;
      }
      this.total -= take;
      into.filled += take;
      room -= take;
    }
    return ready;
  }

  /** Fills waiting buffers from the queue as far as it goes. */
  serve() {
    const done = [];
    while (this.pending.length > 0 && this.total > 0) {
      if (!this.fill(this.pending[0])) break;
      done.push(this.pending.shift());
    }
    if (this.total === 0 && this.closing && this.pending.length === 0) this.finish();
    for (const into of done) this.deliver(into);
  }

  deliver(into) {
    const { reader } = this.state;
    const closed = this.state.status === "closed";
    const view = viewOf(into.Class, into.buffer, into.offset, into.filled);
    const request = reader?.requests.shift();
    if (request === undefined) return;
    if (closed && into.filled === 0) request.close(into.kind === "default" ? undefined : view);
    else request.chunk(view);
  }

  finish() {
    this.forget();
    closeState(this.state);
  }

  close() {
    if (this.total > 0) {
      this.closing = true;
      return;
    }
    const first = this.pending[0];
    if (first !== undefined && first.filled % first.elementSize !== 0) {
      const error = new TypeError("This ReadableStream was closed with a partial read pending.");
      this.fail(error);
      throw error;
    }
    this.finish();
  }

  fail(error) {
    if (this.state.status !== "readable") return;
    this.dropRequest();
    this.pending.length = 0;
    this.ranges.length = 0;
    this.total = 0;
    this.forget();
    errorState(this.state, error);
  }

  cancel(reason, waited) {
    this.dropRequest();
    this.pending.length = 0;
    this.ranges.length = 0;
    this.total = 0;
    const { cancelSource } = this;
    this.forget();
    return cancelSource === undefined ? Promise.resolve(undefined) : cancelSource(reason, waited);
  }

  release() {
    if (this.pending.length > 0) {
      this.pending.length = 1;
      this.pending[0].kind = "none";
    }
  }

  /** A default reader wants a chunk. */
  pull(request) {
    if (this.total > 0) {
      this.shiftInto(request);
      return;
    }
    if (this.autoChunk !== undefined) {
      this.pending.push({
        buffer: new ArrayBuffer(this.autoChunk),
        size: this.autoChunk,
        offset: 0,
        length: this.autoChunk,
        filled: 0,
        min: 1,
        elementSize: 1,
        Class: Uint8Array,
        kind: "default",
      });
    }
    this.state.reader.requests.push(request);
    this.pullIfNeeded();
  }

  /** A reader brought `view` and wants at least `min` elements of it filled. */
  pullInto(view, min, request) {
    const Class = view.constructor;
    const elementSize = Class.BYTES_PER_ELEMENT ?? 1;
    const { byteOffset, byteLength } = view;
    let buffer;
    try {
      buffer = view.buffer.transfer();
    } catch (error) {
      request.error(error);
      return;
    }
    const into = {
      buffer,
      // The source may move the bytes to another buffer of this size, which empties the first one.
      size: buffer.byteLength,
      offset: byteOffset,
      length: byteLength,
      filled: 0,
      min: min * elementSize,
      elementSize,
      Class,
      kind: "byob",
    };
    const { state } = this;
    if (this.pending.length > 0) {
      this.pending.push(into);
      state.reader.requests.push(request);
      return;
    }
    if (state.status === "closed") {
      request.close(viewOf(Class, buffer, byteOffset, 0));
      return;
    }
    if (this.total > 0) {
      if (this.fill(into)) {
        const filled = viewOf(Class, buffer, byteOffset, into.filled);
        if (this.total === 0 && this.closing) this.finish();
        else this.pullIfNeeded();
        request.chunk(filled);
        return;
      }
      if (this.closing) {
        const error = new TypeError("This ReadableStream was closed with a partial read pending.");
        this.fail(error);
        request.error(error);
        return;
      }
    }
    this.pending.push(into);
    state.reader.requests.push(request);
    this.pullIfNeeded();
  }

  /** The source filled `bytes` bytes of the first waiting buffer, which may have moved to `buffer`. */
  respond(bytes, buffer) {
    const into = this.pending[0];
    this.dropRequest();
    into.buffer = (buffer ?? into.buffer).transfer();
    if (this.state.status === "closed") {
      if (into.kind === "none") this.pending.shift();
      while (this.state.reader?.byob && this.state.reader.requests.length > 0 && this.pending.length > 0) {
        this.deliver(this.pending.shift());
      }
      this.pending.length = 0;
      return;
    }
    into.filled += bytes;
    if (into.kind === "none") {
      this.pending.shift();
      this.addRange(into.buffer.slice(into.offset, into.offset + into.filled), 0, into.filled);
      this.serve();
    } else if (into.filled >= into.min) {
      this.pending.shift();
      const rest = into.filled % into.elementSize;
      if (rest > 0) {
        const end = into.offset + into.filled;
        this.addRange(into.buffer.slice(end - rest, end), 0, rest);
        into.filled -= rest;
      }
      this.deliver(into);
      this.serve();
    }
    this.pullIfNeeded();
  }

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

/** Adds a buffer to a stream of the platform. */
export function enqueueBytes(controller, buffer) {
  if (controller.canEnqueue() && buffer.byteLength > 0) controller.enqueue(buffer, 0, buffer.byteLength);
}

/** Ends a stream of the platform, giving back the buffers that wait. */
export function finishBytes(controller) {
  if (!controller.canEnqueue()) return;
  controller.close();
  if (controller.pending.length > 0) controller.respond(0);
}

const BARE = Symbol("bare");
let wrapByteController;
let wrapRequest;
let detachRequest;

/** What an underlying source fills instead of enqueueing. */
export class ReadableStreamBYOBRequest {
  #inner;
  #view = null;

  constructor(key) {
    if (key !== BARE) throw new TypeError("Illegal constructor");
  }

  static {
    wrapRequest = (inner) => {
      const request = new ReadableStreamBYOBRequest(BARE);
      const into = inner.pending[0];
      request.#inner = inner;
      request.#view = new Uint8Array(into.buffer, into.offset + into.filled, into.length - into.filled);
      return request;
    };
    detachRequest = (request) => {
      request.#inner = undefined;
      request.#view = null;
    };
  }

  get view() {
    if (this === undefined || !(#view in this)) illegal();
    return this.#view;
  }

  get atLeast() {
    if (this === undefined || !(#view in this)) illegal();
    const into = this.#inner?.pending[0];
    return into === undefined ? null : Math.max(into.min - into.filled, 1);
  }

  respond(bytesWritten) {
    if (this === undefined || !(#view in this)) illegal();
    const inner = this.#inner;
    if (inner === undefined) throw new TypeError("This ReadableStreamBYOBRequest has been invalidated.");
    const bytes = Math.trunc(Number(bytesWritten)) || 0;
    const into = inner.pending[0];
    if (inner.state.status === "closed") {
      if (bytes !== 0) throw new TypeError("The bytesWritten must be zero after the stream is closed.");
    } else if (bytes <= 0) {
      throw new TypeError("The bytesWritten must be more than zero while the stream is open.");
    } else if (into.filled + bytes > into.length) {
      throw new RangeError(`Too many bytes [${bytes}] in response to a BYOB read request.`);
    }
    inner.respond(bytes);
  }

  respondWithNewView(view) {
    if (this === undefined || !(#view in this)) illegal();
    if (!ArrayBuffer.isView(view)) badArgument("respondWithNewView", "ReadableStreamBYOBRequest", 1, "ArrayBufferView");
    const inner = this.#inner;
    if (inner === undefined) throw new TypeError("This ReadableStreamBYOBRequest has been invalidated.");
    const into = inner.pending[0];
    if (inner.state.status === "closed") {
      if (view.byteLength !== 0) throw new TypeError("The view byte length must be zero after the stream is closed.");
    } else if (view.byteLength === 0) {
      throw new TypeError("The view byte length must be more than zero while the stream is open.");
    }
    if (view.byteOffset !== into.offset + into.filled) throw new RangeError("The view has an invalid byte offset.");
    if (view.buffer.byteLength !== into.size || into.filled + view.byteLength > into.length) {
      throw new RangeError("The underlying ArrayBuffer is not the correct length.");
    }
    inner.respond(view.byteLength, view.buffer);
  }
}
publish(ReadableStreamBYOBRequest);

/** What an underlying byte source gets. */
export class ReadableByteStreamController {
  #inner;

  constructor(key) {
    if (key !== BARE) throw new TypeError("Illegal constructor");
  }

  static {
    wrapByteController = (inner) => {
      const controller = new ReadableByteStreamController(BARE);
      controller.#inner = inner;
      return controller;
    };
  }

  get byobRequest() {
    if (this === undefined || !(#inner in this)) illegal();
    const inner = this.#inner;
    if (inner.request === null && inner.pending.length > 0) inner.request = wrapRequest(inner);
    return inner.request;
  }

  get desiredSize() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.wanted();
  }

  close() {
    if (this === undefined || !(#inner in this)) illegal();
    if (!this.#inner.canEnqueue()) throw new TypeError("This ReadableStream is closed.");
    finishBytes(this.#inner);
  }

  enqueue(chunk) {
    if (this === undefined || !(#inner in this)) illegal();
    const isBuffer = chunk instanceof ArrayBuffer;
    if (!isBuffer && !ArrayBuffer.isView(chunk)) {
      badArgument("enqueue", "ReadableByteStreamController", 1, "ArrayBuffer or ArrayBufferView");
    }
    const offset = isBuffer ? 0 : chunk.byteOffset;
    const length = chunk.byteLength;
    if (length === 0) throw new TypeError("Cannot enqueue a zero-length ArrayBuffer.");
    if (!this.#inner.canEnqueue()) throw new TypeError("This ReadableByteStreamController is closed.");
    const buffer = (isBuffer ? chunk : chunk.buffer).transfer();
    this.#inner.enqueue(buffer, offset, length);
  }

  error(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    this.#inner.fail(reason);
  }
}
publish(ReadableByteStreamController);

/** Gives `state` the controller of a user's byte source and starts it. */
export function makeByteController(state, source, start, pull, cancel, mark) {
  const inner = new ByteController(
    state,
    mark,
    pull && (() => promiseCall(pull, source, controller)),
    cancel && ((reason) => promiseCall(cancel, source, reason)),
  );
  const controller = wrapByteController(inner);
  state.controller = inner;
  const chunk = source.autoAllocateChunkSize;
  if (chunk !== undefined) {
    inner.autoChunk = Math.trunc(Number(chunk));
    if (!(inner.autoChunk > 0)) throw new TypeError("The autoAllocateChunkSize option cannot be zero.");
  }
  inner.start(start && promiseCall(start, source, controller));
}
