// WritableStream: a sink behind a queue, its controller and its writer.
import { AbortController } from "dodev:web/abort";
import { markOf, methodOf, promiseCall, quietDeferred, SizedQueue, sizeOf } from "dodev:web/streams/strategies";
import { badConstruction, illegal, isObject, publish } from "dodev:web/webidl";

const LOCKED = "This WritableStream is currently locked to a writer.";
const RELEASED = "This WritableStream writer has been released.";
const CLOSED = "This WritableStream has been closed.";
const SINK = "UnderlyingSink";
const CLOSE = Symbol("close");
const BARE = Symbol("bare");

/** What a stream is: writable, erroring, errored or closed; who writes to it; what is under way. */
class WritableState {
  status = "writable";
  error = undefined;
  writer = undefined;
  backpressure = false;
  /** Deferreds of queued writes, of the write and of the close under way. */
  writes = [];
  writing = undefined;
  closeRequest = undefined;
  closing = undefined;
  pendingAbort = undefined;
  queue = new SizedQueue();
  started = false;
  aborter = undefined;
  closes = false;

  constructor(mark, size, sink) {
    this.mark = mark;
    this.size = size;
    this.sink = sink;
  }

  start(result) {
    this.setBackpressure();
    Promise.resolve(result).then(
      () => {
        this.started = true;
        this.advance();
      },
      (error) => {
        this.started = true;
        this.dealWith(error);
      },
    );
  }

  closeQueued() {
    return this.closeRequest !== undefined || this.closing !== undefined;
  }

  wanted() {
    if (this.status === "errored" || this.status === "erroring") return null;
    return this.status === "closed" ? 0 : this.mark - this.queue.total;
  }

  setBackpressure() {
    const backpressure = this.mark - this.queue.total <= 0;
    const { writer } = this;
    if (writer !== undefined && backpressure !== this.backpressure) {
      if (backpressure) writer.ready = quietDeferred();
      else writer.ready.resolve(undefined);
    }
    this.backpressure = backpressure;
  }

  write(chunk) {
    try {
      this.sink.check?.(chunk);
    } catch (error) {
      return Promise.reject(error);
    }
    // Fidelity: as streams of the platform that come from elsewhere: who did not see it fail finds it closed.
    if (this.closes && this.status === "errored") return Promise.reject(new TypeError(CLOSED));
    let size = 1;
    try {
      size = this.size === undefined ? 1 : this.size(chunk);
    } catch (error) {
      this.failIfNeeded(error);
    }
    if (this.status === "errored" || this.status === "erroring") return Promise.reject(this.error);
    if (this.closeQueued() || this.status === "closed") return Promise.reject(new TypeError(CLOSED));
    const deferred = Promise.withResolvers();
    this.writes.push(deferred);
    try {
      this.queue.push(chunk, size);
    } catch (error) {
      this.failIfNeeded(error);
      return deferred.promise;
    }
    if (!this.closeQueued() && this.status === "writable") this.setBackpressure();
    this.advance();
    return deferred.promise;
  }

  close() {
    if (this.status === "closed" || this.closeQueued() || (this.closes && this.status === "errored")) return Promise.reject(new TypeError(CLOSED));
    if (this.status === "errored") return Promise.reject(this.error);
    this.closeRequest = Promise.withResolvers();
    const { promise } = this.closeRequest;
    if (this.writer !== undefined && this.backpressure && this.status === "writable") {
      this.writer.ready.resolve(undefined);
    }
    this.queue.push(CLOSE, 0);
    this.advance();
    return promise;
  }

  abort(reason) {
    if (this.status === "closed" || this.status === "errored") return Promise.resolve(undefined);
    this.aborter?.abort(reason);
    this.abortReason = { reason };
    if (this.status === "closed" || this.status === "errored") return Promise.resolve(undefined);
    if (this.pendingAbort !== undefined) return this.pendingAbort.promise;
    const wasErroring = this.status === "erroring";
    this.pendingAbort = { ...Promise.withResolvers(), reason: wasErroring ? undefined : reason, wasErroring };
    const { promise } = this.pendingAbort;
    if (!wasErroring) this.startErroring(reason);
    return promise;
  }

  failIfNeeded(error) {
    if (this.status === "writable") this.startErroring(error);
  }

  startErroring(error) {
    this.status = "erroring";
    this.error = error;
    const { writer } = this;
    if (writer !== undefined) refuseReady(writer, error);
    if (this.writing === undefined && this.closing === undefined && this.started) this.finishErroring();
  }

  finishErroring() {
    this.status = "errored";
    this.queue.clear();
    const { error } = this;
    for (const write of this.writes.splice(0)) write.reject(error);
    const { pendingAbort, sink } = this;
    this.pendingAbort = undefined;
    if (pendingAbort === undefined) {
      this.rejectClose();
      return;
    }
    if (pendingAbort.wasErroring) {
      pendingAbort.reject(error);
      this.rejectClose();
      return;
    }
    const aborted = sink.abort === undefined ? Promise.resolve() : sink.abort(pendingAbort.reason);
    this.forget();
    aborted.then(
      () => {
        pendingAbort.resolve(undefined);
        this.rejectClose();
      },
      (failure) => {
        pendingAbort.reject(failure);
        this.rejectClose();
      },
    );
  }

  rejectClose() {
    if (this.closeRequest !== undefined) {
      this.closeRequest.reject(this.error);
      this.closeRequest = undefined;
    }
    this.writer?.closed.reject(this.error);
  }

  dealWith(error) {
    if (this.status === "writable") this.startErroring(error);
    else if (this.status === "erroring") this.finishErroring();
  }

  forget() {
    this.sink = {};
    this.size = undefined;
  }

  advance() {
    if (!this.started || this.writing !== undefined || this.closing !== undefined) return;
    if (this.status === "erroring") {
      this.finishErroring();
      return;
    }
    if (this.status !== "writable" || this.queue.length === 0) return;
    if (this.queue.peek() === CLOSE) this.runClose();
    else this.runWrite(this.queue.peek());
  }

  runWrite(chunk) {
    this.writing = this.writes.shift();
    const written = this.sink.write === undefined ? Promise.resolve() : this.sink.write(chunk);
    written.then(
      () => {
        this.writing.resolve(undefined);
        this.writing = undefined;
        this.queue.shift();
        if (!this.closeQueued() && this.status === "writable") this.setBackpressure();
        this.advance();
      },
      (error) => {
        if (this.status === "writable") this.forget();
        this.writing.reject(error);
        this.writing = undefined;
        this.dealWith(error);
      },
    );
  }

  runClose() {
    this.closing = this.closeRequest;
    this.closeRequest = undefined;
    this.queue.shift();
    const closed = this.sink.close === undefined ? Promise.resolve() : this.sink.close();
    this.forget();
    closed.then(
      () => {
        this.closing.resolve(undefined);
        this.closing = undefined;
        if (this.status === "erroring") {
          this.error = undefined;
          this.pendingAbort?.resolve(undefined);
          this.pendingAbort = undefined;
        }
        this.status = "closed";
        this.writer?.closed.resolve(undefined);
      },
      (error) => {
        this.closing.reject(error);
        this.closing = undefined;
        this.pendingAbort?.reject(error);
        this.pendingAbort = undefined;
        this.dealWith(error);
      },
    );
  }
}

function refuseReady(writer, error) {
  writer.ready.reject(error);
  writer.ready = quietDeferred();
  writer.ready.reject(error);
}

/** Who holds a stream: the promises that its writer shows. */
class Writer {
  constructor(state) {
    this.state = state;
    this.ready = quietDeferred();
    this.closed = quietDeferred();
    state.writer = this;
    if (state.status === "writable") {
      if (state.closeQueued() || !state.backpressure) this.ready.resolve(undefined);
    } else if (state.status === "closed") {
      this.ready.resolve(undefined);
      this.closed.resolve(undefined);
    } else {
      this.ready.reject(state.error);
      if (state.status === "errored") this.closed.reject(state.error);
    }
  }
}

/** Locks a stream's state to a new internal writer. */
export function makeWriter(state) {
  if (state.writer !== undefined) throw new TypeError(LOCKED);
  return new Writer(state);
}

/** Unlocks the stream. */
export function releaseWriter(writer) {
  const { state } = writer;
  if (state === undefined) return;
  const error = new TypeError(RELEASED);
  refuseReady(writer, error);
  writer.closed.reject(error);
  writer.closed = quietDeferred();
  writer.closed.reject(error);
  state.writer = undefined;
  writer.state = undefined;
}

let wrapController;

/** What an underlying sink gets. */
export class WritableStreamDefaultController {
  #state;

  constructor(key) {
    if (key !== BARE) throw new TypeError("Illegal constructor");
  }

  static {
    wrapController = (state) => {
      const controller = new WritableStreamDefaultController(BARE);
      controller.#state = state;
      return controller;
    };
  }

  get signal() {
    if (this === undefined || !(#state in this)) illegal();
    const state = this.#state;
    if (state.aborter === undefined) {
      state.aborter = new AbortController();
      if (state.abortReason !== undefined) state.aborter.abort(state.abortReason.reason);
    }
    return state.aborter.signal;
  }

  error(reason) {
    if (this === undefined || !(#state in this)) illegal();
    this.#state.failIfNeeded(reason);
  }
}
publish(WritableStreamDefaultController);

let writableState;
let isWritableStream;
let writableOf;

/** A sink of chunks. */
export class WritableStream {
  #state;

  constructor(sink, strategy) {
    if (sink === BARE) return;
    if (sink !== undefined && !isObject(sink)) badConstruction("WritableStream", 1, SINK);
    const write = methodOf(sink, "write", SINK);
    const close = methodOf(sink, "close", SINK);
    const abort = methodOf(sink, "abort", SINK);
    const start = methodOf(sink, "start", SINK);
    const state = new WritableState(markOf(strategy, 1), sizeOf(strategy), {
      write: write && ((chunk) => promiseCall(write, sink, chunk, controller)),
      close: close && (() => promiseCall(close, sink)),
      abort: abort && ((reason) => promiseCall(abort, sink, reason)),
    });
    const controller = wrapController(state);
    this.#state = state;
    state.start(start && promiseCall(start, sink, controller));
  }

  static {
    isWritableStream = (value) => isObject(value) && #state in value;
    writableState = (stream) => stream.#state;
    writableOf = (state) => {
      const stream = new WritableStream(BARE);
      stream.#state = state;
      return stream;
    };
  }

  get locked() {
    if (this === undefined || !(#state in this)) illegal();
    return this.#state.writer !== undefined;
  }

  abort(reason) {
    if (this === undefined || !(#state in this)) illegal();
    if (this.locked) return Promise.reject(new TypeError(LOCKED));
    return this.#state.abort(reason);
  }

  close() {
    if (this === undefined || !(#state in this)) illegal();
    if (this.locked) return Promise.reject(new TypeError(LOCKED));
    return this.#state.close();
  }

  getWriter() {
    if (this === undefined || !(#state in this)) illegal();
    return new WritableStreamDefaultWriter(this);
  }
}
publish(WritableStream);

/** Writes chunks to a stream. */
export class WritableStreamDefaultWriter {
  #inner;

  constructor(stream) {
    if (!isWritableStream(stream)) badConstruction("WritableStreamDefaultWriter", 1, "WritableStream");
    this.#inner = makeWriter(writableState(stream));
  }

  get closed() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.closed.promise;
  }

  get ready() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.ready.promise;
  }

  get desiredSize() {
    if (this === undefined || !(#inner in this)) illegal();
    const { state } = this.#inner;
    if (state === undefined) throw new TypeError(RELEASED);
    return state.wanted();
  }

  abort(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    const { state } = this.#inner;
    return state === undefined ? Promise.reject(new TypeError(RELEASED)) : state.abort(reason);
  }

  close() {
    if (this === undefined || !(#inner in this)) illegal();
    const { state } = this.#inner;
    return state === undefined ? Promise.reject(new TypeError(RELEASED)) : state.close();
  }

  write(chunk) {
    if (this === undefined || !(#inner in this)) illegal();
    const { state } = this.#inner;
    return state === undefined ? Promise.reject(new TypeError(RELEASED)) : state.write(chunk);
  }

  releaseLock() {
    if (this === undefined || !(#inner in this)) illegal();
    releaseWriter(this.#inner);
  }
}
publish(WritableStreamDefaultWriter);

/**
 * A stream into functions of the platform; `sink` has promise-giving `write`, `close`, `abort`, and may `check` chunks that are to be
 * refused without harm. When it fails, it is `closed` for whoever comes later where `closes` says so.
 */
export function nativeWritable(sink, mark, size, closes = false) {
  const state = new WritableState(mark, size, sink);
  state.closes = closes;
  state.start(undefined);
  return writableOf(state);
}

/** Whether somebody holds `stream`. */
export const isWritableLocked = (stream) => writableState(stream).writer !== undefined;

export { isWritableStream, writableState };
