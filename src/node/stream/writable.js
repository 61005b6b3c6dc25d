// node:stream's Writable.
import { Buffer } from "dodev:node/buffer";
import { nodeError, unknownEncoding, wrongType } from "dodev:node/errors";
import {
  Stream, addAbortSignal, called, construct, destroy, destroyed, expose, extend, fail, lifeOf, markOf, nextTick, notImplemented,
} from "dodev:node/stream/state";

export function Writable(options) {
  // A Duplex has a Writable's state without being made by it.
  if (!(this instanceof Writable)) return new Writable(options);
  initWritable(this, options, options?.writableObjectMode);
  Stream.call(this, options);
  takeMethods(this, options);
  if (typeof options?.destroy === "function") this._destroy = options.destroy;
  if (typeof options?.construct === "function") this._construct = options.construct;
  if (options?.signal) addAbortSignal(options.signal, this);
  construct(this, () => afterConstruct(this));
}
extend(Writable, Stream);

export function takeMethods(stream, options) {
  if (typeof options?.write === "function") stream._write = options.write;
  if (typeof options?.writev === "function") stream._writev = options.writev;
  if (typeof options?.final === "function") stream._final = options.final;
}

/** What waits until the stream is made. */
export function afterConstruct(stream) {
  const state = stream._writableState;
  if (!state.writing) drainBuffer(stream, state);
  finishIfDone(stream, state);
}

export function initWritable(stream, options, objects) {
  const objectMode = Boolean(options?.objectMode || objects);
  stream._writableState = {
    ...lifeOf(options),
    objectMode,
    highWaterMark: markOf(options, "writable", objectMode),
    decodeStrings: options?.decodeStrings !== false,
    defaultEncoding: options?.defaultEncoding ?? "utf8",
    length: 0,
    buffer: [],
    writing: false,
    corked: 0,
    sync: true,
    needDrain: false,
    ending: false,
    ended: false,
    finished: false,
    finalCalled: false,
    prefinished: false,
    pending: 0,
    afterEnd: [],
    writable: true,
  };
}

const { prototype } = Writable;
prototype.destroy = function (error, callback) {
  const state = this._writableState;
  if (!state.destroyed && (state.buffer.length > 0 || state.afterEnd.length > 0)) nextTick(failBuffered, state);
  return destroy.call(this, error, callback);
};
prototype._destroy = (error, done) => done(error);
prototype._write = function (chunk, encoding, done) {
  if (typeof this._writev !== "function") throw notImplemented("_write()");
  this._writev([{ chunk, encoding }], done);
};
prototype._writev = null;
prototype.pipe = function () {
  fail(this, nodeError(Error, "ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"));
};

function failBuffered(state) {
  const error = state.errored ?? destroyed("write");
  for (const { callback } of state.buffer.splice(0)) callback(error);
  for (const callback of state.afterEnd.splice(0)) callback(state.errored ?? destroyed("end"));
}

const ignore = () => {};

prototype.write = function (chunk, encoding, callback) {
  return write(this, chunk, encoding, callback) === true;
};

function write(stream, chunk, encoding, callback) {
  const state = stream._writableState;
  if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
  if (typeof callback !== "function") callback = ignore;
  encoding ||= state.defaultEncoding;
  if (encoding !== "buffer" && !Buffer.isEncoding(encoding)) throw unknownEncoding(encoding);
  if (chunk === null) throw nodeError(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
  if (!state.objectMode) {
    if (typeof chunk === "string") {
      if (state.decodeStrings) {
        chunk = Buffer.from(chunk, encoding);
        encoding = "buffer";
      }
    } else if (chunk instanceof Uint8Array) {
      if (!Buffer.isBuffer(chunk)) chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      encoding = "buffer";
    } else {
      throw wrongType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
    }
  }
  let error;
  if (state.ending) error = nodeError(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
  else if (state.destroyed) error = destroyed("write");
  if (error) {
    nextTick(callback, error);
    fail(stream, error);
    return error;
  }
  state.pending += 1;
  const size = state.objectMode ? 1 : chunk.length;
  state.length += size;
  const more = state.length < state.highWaterMark;
  if (!more) state.needDrain = true;
  if (state.writing || state.corked > 0 || state.errored || !state.constructed) {
    state.buffer.push({ chunk, encoding, callback, size });
  } else {
    send(stream, state, size, [callback], (done) => stream._write(chunk, encoding, done));
  }
  return more && !state.errored && !state.destroyed;
}

// Hands chunks to the program; `run` calls back when they are written.
function send(stream, state, size, callbacks, run) {
  state.writing = true;
  state.sync = true;
  let once = false;
  const done = (error) => {
    if (once) {
      fail(stream, called());
      return;
    }
    once = true;
    state.writing = false;
    state.length -= size;
    if (error) {
      state.errored ??= error;
      const later = () => {
        state.pending -= callbacks.length;
        for (const callback of callbacks) callback(error);
        failBuffered(state);
        fail(stream, error);
      };
      if (state.sync) nextTick(later);
      else later();
      return;
    }
    if (state.buffer.length > 0) drainBuffer(stream, state);
    const after = () => afterWrite(stream, state, callbacks);
    if (state.sync) nextTick(after);
    else after();
  };
  try {
    run(done);
  } catch (error) {
    state.sync = false;
    stream.destroy(error);
    return;
  }
  state.sync = false;
}

function afterWrite(stream, state, callbacks) {
  if (!state.ending && !stream.destroyed && state.length === 0 && state.needDrain) {
    state.needDrain = false;
    stream.emit("drain");
  }
  for (const callback of callbacks) {
    state.pending -= 1;
    callback(state.errored && state.destroyed ? state.errored : null);
  }
  if (state.destroyed) failBuffered(state);
  finishIfDone(stream, state);
}

function drainBuffer(stream, state) {
  if (state.corked > 0 || state.draining || state.destroyed || !state.constructed) return;
  state.draining = true;
  if (stream._writev && state.buffer.length > 1) {
    const all = state.buffer.splice(0);
    const size = all.reduce((sum, one) => sum + one.size, 0);
    send(stream, state, size, all.map((one) => one.callback), (done) => stream._writev(all, done));
  } else {
    while (state.buffer.length > 0 && !state.writing) {
      const { chunk, encoding, callback, size } = state.buffer.shift();
      send(stream, state, size, [callback], (done) => stream._write(chunk, encoding, done));
    }
  }
  state.draining = false;
}

prototype.cork = function () {
  this._writableState.corked += 1;
};
prototype.uncork = function () {
  const state = this._writableState;
  if (state.corked === 0) return;
  state.corked -= 1;
  if (!state.writing) drainBuffer(this, state);
};
prototype.setDefaultEncoding = function (encoding) {
  if (!Buffer.isEncoding(encoding)) throw unknownEncoding(encoding);
  this._writableState.defaultEncoding = encoding;
  return this;
};

prototype.end = function (chunk, encoding, callback) {
  const state = this._writableState;
  if (typeof chunk === "function") [callback, chunk, encoding] = [chunk, undefined, undefined];
  else if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
  let error;
  if (chunk !== undefined && chunk !== null) {
    const result = write(this, chunk, encoding);
    if (result instanceof Error) error = result;
  }
  if (state.corked > 0) {
    state.corked = 1;
    this.uncork();
  }
  if (!error) {
    if (!state.errored && !state.ending) {
      state.ending = true;
      finishIfDone(this, state);
      state.ended = true;
    } else if (state.finished) {
      error = nodeError(Error, "ERR_STREAM_ALREADY_FINISHED", "Cannot call end after a stream was finished");
    } else if (state.destroyed) error = destroyed("end");
  }
  if (typeof callback === "function") {
    if (error) nextTick(callback, error);
    else if (state.finished) nextTick(callback);
    else state.afterEnd.push(callback);
  }
  return this;
};

function isDone(state) {
  return (
    state.ending && !state.destroyed && state.constructed && state.length === 0 && !state.errored &&
    state.buffer.length === 0 && !state.finished && !state.writing && !state.errorEmitted && !state.closeEmitted
  );
}

function finishIfDone(stream, state) {
  if (!isDone(state) || state.pending > 0 || state.finalCalled) return;
  state.finalCalled = true;
  nextTick(() => {
    if (state.destroyed || state.errored) return;
    if (typeof stream._final !== "function") {
      emitFinish(stream, state);
      return;
    }
    let once = false;
    const done = (error) => {
      if (once) {
        fail(stream, called());
        return;
      }
      once = true;
      if (error) {
        for (const callback of state.afterEnd.splice(0)) callback(error);
        fail(stream, error);
      } else nextTick(emitFinish, stream, state);
    };
    try {
      stream._final(done);
    } catch (error) {
      done(error);
    }
  });
}

function emitFinish(stream, state) {
  if (state.finished || state.destroyed) return;
  state.prefinished = true;
  stream.emit("prefinish");
  state.finished = true;
  for (const callback of state.afterEnd.splice(0)) callback();
  stream.emit("finish");
  const reading = stream._readableState;
  if (state.autoDestroy && (!reading || (reading.autoDestroy && (reading.endEmitted || reading.readable === false)))) {
    stream.destroy();
  }
}

export const writableGetters = {
  writable() {
    const state = this._writableState;
    return Boolean(state) && state.writable !== false && !state.destroyed && !state.errored && !state.ending && !state.ended;
  },
  writableFinished() {
    return this._writableState.finished;
  },
  writableObjectMode() {
    return this._writableState.objectMode;
  },
  writableBuffer() {
    return this._writableState.buffer;
  },
  writableEnded() {
    return this._writableState.ending;
  },
  writableNeedDrain() {
    const { destroyed: gone, ending, needDrain } = this._writableState;
    return !gone && !ending && needDrain;
  },
  writableHighWaterMark() {
    return this._writableState.highWaterMark;
  },
  writableCorked() {
    return this._writableState.corked;
  },
  writableLength() {
    return this._writableState.length;
  },
  writableAborted() {
    const { destroyed: gone, errored, finished } = this._writableState;
    return Boolean((gone || errored) && !finished);
  },
};
expose(Writable, {
  ...writableGetters,
  errored() {
    return this._writableState.errored;
  },
  closed() {
    return this._writableState.closed;
  },
  destroyed() {
    return this._writableState?.destroyed ?? false;
  },
});
// A Duplex is a Writable, too.
Object.defineProperty(Writable, Symbol.hasInstance, {
  value(object) {
    if (Function.prototype[Symbol.hasInstance].call(this, object)) return true;
    return this === Writable && Boolean(object?._writableState) && object instanceof Stream;
  },
});
prototype[Symbol.asyncDispose] = function () {
  const closed = new Promise((resolve) => this.once("close", resolve));
  if (this.destroyed) return Promise.resolve();
  this.destroy();
  return closed;
};
