// node:stream's Readable.
import { StringDecoder } from "dodev:node/string_decoder";
import { Buffer } from "dodev:node/buffer";
import { nodeError, wrongType } from "dodev:node/errors";
import {
  Stream, abortError, addAbortSignal, construct, destroy, expose, extend, fail, lifeOf, markOf, nextTick, notImplemented, premature,
} from "dodev:node/stream/state";

export function Readable(options) {
  if (!(this instanceof Readable)) return new Readable(options);
  initReadable(this, options, options?.readableObjectMode);
  Stream.call(this, options);
  if (typeof options?.read === "function") this._read = options.read;
  if (typeof options?.destroy === "function") this._destroy = options.destroy;
  if (typeof options?.construct === "function") this._construct = options.construct;
  if (options?.signal) addAbortSignal(options.signal, this);
  construct(this, () => {
    if (this._readableState.needReadable) fill(this);
  });
}
extend(Readable, Stream);

export function initReadable(stream, options, objects) {
  const objectMode = Boolean(options?.objectMode || objects);
  stream._readableState = {
    ...lifeOf(options),
    objectMode,
    highWaterMark: markOf(options, "readable", objectMode),
    buffer: [],
    length: 0,
    flowing: null,
    ended: false,
    endEmitted: false,
    reading: false,
    sync: true,
    needReadable: false,
    emittedReadable: false,
    readableListening: false,
    resumeScheduled: false,
    didRead: false,
    pipes: [],
    waiting: new Set(),
    decoder: options?.encoding ? new StringDecoder(options.encoding) : null,
    encoding: options?.encoding ?? null,
    defaultEncoding: options?.defaultEncoding ?? "utf8",
  };
}

const { prototype } = Readable;
prototype.destroy = destroy;
prototype._destroy = (error, done) => done(error);
prototype._read = function () {
  throw notImplemented("_read()");
};
prototype.push = function (chunk, encoding) {
  return add(this, chunk, encoding, false);
};
prototype.unshift = function (chunk, encoding) {
  return add(this, chunk, encoding, true);
};

function toChunk(state, chunk, encoding) {
  if (state.objectMode) return chunk;
  if (typeof chunk === "string") {
    const same = state.encoding !== null && (encoding ?? state.defaultEncoding) === state.encoding;
    if (same) return chunk;
    chunk = Buffer.from(chunk, encoding ?? state.defaultEncoding);
  } else if (!Buffer.isBuffer(chunk)) {
    if (!(chunk instanceof Uint8Array)) {
      throw wrongType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
    }
    chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  return state.decoder === null ? chunk : state.decoder.write(chunk);
}

const sizeOf = (state, chunk) => (state.objectMode ? 1 : chunk.length);

function add(stream, given, encoding, first) {
  const state = stream._readableState;
  if (given === null) {
    state.reading = false;
    endOf(stream);
    return false;
  }
  let chunk;
  try {
    if (given === undefined && !state.objectMode) throw wrongType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", given);
    chunk = toChunk(state, given, encoding);
  } catch (error) {
    fail(stream, error);
    return false;
  }
  if (!state.objectMode && chunk.length === 0) {
    if (!first) {
      state.reading = false;
      fillLater(stream);
    }
    return wantsMore(state);
  }
  if (first && state.endEmitted) {
    fail(stream, nodeError(Error, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT", "stream.unshift() after end event"));
  } else if (!first && state.ended) {
    fail(stream, nodeError(Error, "ERR_STREAM_PUSH_AFTER_EOF", "stream.push() after EOF"));
  } else if (!state.destroyed && !state.errored) {
    if (!first) state.reading = false;
    put(stream, state, chunk, first);
  }
  return wantsMore(state);
}

const wantsMore = (state) => !state.ended && (state.length < state.highWaterMark || state.length === 0);

function put(stream, state, chunk, first) {
  if (state.flowing && state.length === 0 && !state.sync && stream.listenerCount("data") > 0) {
    state.waiting.clear();
    stream.emit("data", chunk);
  } else {
    state.length += sizeOf(state, chunk);
    if (first) state.buffer.unshift(chunk);
    else state.buffer.push(chunk);
    if (state.needReadable) emitReadable(stream);
  }
  fillLater(stream);
}

function endOf(stream) {
  const state = stream._readableState;
  if (state.ended) return;
  const rest = state.decoder?.end();
  if (rest) {
    state.buffer.push(rest);
    state.length += sizeOf(state, rest);
  }
  state.ended = true;
  if (state.sync) emitReadable(stream);
  else {
    state.needReadable = false;
    state.emittedReadable = true;
    readableNow(stream);
  }
}

function emitReadable(stream) {
  const state = stream._readableState;
  state.needReadable = false;
  if (state.emittedReadable) return;
  state.emittedReadable = true;
  nextTick(readableNow, stream);
}

function readableNow(stream) {
  const state = stream._readableState;
  if (!state.destroyed && !state.errored && (state.length > 0 || state.ended)) {
    stream.emit("readable");
    state.emittedReadable = false;
  }
  state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
  flow(stream);
}

function fillLater(stream) {
  const state = stream._readableState;
  if (state.filling || !state.constructed) return;
  state.filling = true;
  nextTick(() => {
    while (!state.reading && !state.ended && (state.length < state.highWaterMark || (state.flowing && state.length === 0))) {
      const before = state.length;
      stream.read(0);
      if (before === state.length) break;
    }
    state.filling = false;
  });
}

const fill = (stream) => fillLater(stream);

function howMuch(size, state) {
  if (size <= 0 || (state.length === 0 && state.ended)) return 0;
  if (state.objectMode) return 1;
  if (Number.isNaN(size)) return state.flowing && state.length > 0 ? state.buffer[0].length : state.length;
  if (size <= state.length) return size;
  return state.ended ? state.length : 0;
}

prototype.read = function (given) {
  const size = given === undefined ? Number.NaN : Number.parseInt(given, 10);
  const state = this._readableState;
  if (size > state.highWaterMark) state.highWaterMark = 2 ** Math.ceil(Math.log2(size));
  if (size !== 0) state.emittedReadable = false;
  const full = state.highWaterMark !== 0 ? state.length >= state.highWaterMark : state.length > 0;
  if (size === 0 && state.needReadable && (full || state.ended)) {
    if (state.length === 0 && state.ended) finish(this);
    else emitReadable(this);
    return null;
  }
  let count = howMuch(size, state);
  if (count === 0 && state.ended) {
    if (state.length === 0) finish(this);
    return null;
  }
  const more = state.needReadable || state.length === 0 || state.length - count < state.highWaterMark;
  if (more && !state.ended && !state.reading && !state.destroyed && !state.errored && state.constructed) {
    pull(this, state);
    if (!state.reading) count = howMuch(size, state);
  }
  const chunk = count > 0 && state.length > 0 ? take(count, state) : null;
  if (chunk === null) {
    state.needReadable = state.length <= state.highWaterMark;
    count = 0;
  } else {
    state.length -= count;
    state.waiting.clear();
  }
  if (state.length === 0) {
    if (!state.ended) state.needReadable = true;
    if (size !== count && state.ended) finish(this);
  }
  if (chunk !== null && !state.errored && !state.closeEmitted) {
    state.didRead = true;
    this.emit("data", chunk);
  }
  return chunk;
};

function pull(stream, state) {
  state.reading = true;
  state.sync = true;
  if (state.length === 0) state.needReadable = true;
  try {
    stream._read(state.highWaterMark);
  } catch (error) {
    fail(stream, error);
  }
  state.sync = false;
}

function take(count, state) {
  const { buffer } = state;
  if (state.objectMode) return buffer.shift();
  if (count >= state.length) {
    const all = state.decoder ? buffer.join("") : buffer.length === 1 ? buffer[0] : Buffer.concat(buffer, state.length);
    state.buffer = [];
    return all;
  }
  const parts = [];
  let left = count;
  while (left > 0) {
    const [head] = buffer;
    if (head.length <= left) {
      parts.push(buffer.shift());
      left -= head.length;
    } else {
      parts.push(head.slice(0, left));
      buffer[0] = head.slice(left);
      left = 0;
    }
  }
  if (parts.length === 1) return parts[0];
  return state.decoder ? parts.join("") : Buffer.concat(parts);
}

function finish(stream) {
  const state = stream._readableState;
  if (state.endEmitted || state.finishing) return;
  state.ended = true;
  state.finishing = true;
  nextTick(() => {
    state.finishing = false;
    if (state.errored || state.closeEmitted || state.endEmitted || state.length > 0) return;
    state.endEmitted = true;
    stream.emit("end");
    const writing = stream._writableState;
    if (writing && stream.allowHalfOpen === false) {
      if (stream.writable && !stream.writableEnded) nextTick(() => stream.end());
    } else if (state.autoDestroy && (!writing || (writing.autoDestroy && (writing.finished || writing.writable === false)))) {
      stream.destroy();
    }
  });
}

prototype.on = function (type, listener) {
  const result = Stream.prototype.on.call(this, type, listener);
  const state = this._readableState;
  if (type === "data") {
    state.readableListening = this.listenerCount("readable") > 0;
    if (state.flowing !== false) this.resume();
  } else if (type === "readable" && !state.endEmitted && !state.readableListening) {
    state.readableListening = state.needReadable = true;
    state.flowing = false;
    state.emittedReadable = false;
    if (state.length > 0) emitReadable(this);
    else if (!state.reading) nextTick(() => this.read(0));
  }
  return result;
};
prototype.addListener = prototype.on;
prototype.removeListener = function (type, listener) {
  const result = Stream.prototype.removeListener.call(this, type, listener);
  if (type === "readable") nextTick(updateListening, this);
  return result;
};
prototype.off = prototype.removeListener;
prototype.removeAllListeners = function (...types) {
  const result = Stream.prototype.removeAllListeners.apply(this, types);
  if (types.length === 0 || types[0] === "readable") nextTick(updateListening, this);
  return result;
};

function updateListening(stream) {
  const state = stream._readableState;
  state.readableListening = stream.listenerCount("readable") > 0;
  if (state.resumeScheduled && !state.paused) state.flowing = true;
  else if (stream.listenerCount("data") > 0) stream.resume();
  else if (!state.readableListening) state.flowing = null;
}

prototype.resume = function () {
  const state = this._readableState;
  if (!state.flowing) {
    state.flowing = !state.readableListening;
    if (!state.resumeScheduled) {
      state.resumeScheduled = true;
      nextTick(() => {
        if (!state.reading) this.read(0);
        state.resumeScheduled = false;
        this.emit("resume");
        flow(this);
        if (state.flowing && !state.reading) this.read(0);
      });
    }
  }
  state.paused = false;
  return this;
};
prototype.pause = function () {
  const state = this._readableState;
  if (state.flowing !== false) {
    state.flowing = false;
    this.emit("pause");
  }
  state.paused = true;
  return this;
};
prototype.isPaused = function () {
  return this._readableState.paused === true || this._readableState.flowing === false;
};

function flow(stream) {
  const state = stream._readableState;
  while (state.flowing && stream.read() !== null);
}

prototype.setEncoding = function (encoding) {
  const state = this._readableState;
  state.decoder = new StringDecoder(encoding);
  state.encoding = state.decoder.encoding;
  const text = state.buffer.map((chunk) => state.decoder.write(chunk)).join("");
  state.buffer = text === "" ? [] : [text];
  state.length = text.length;
  return this;
};

prototype.pipe = function (target, options) {
  const state = this._readableState;
  state.pipes.push(target);
  const onEnd = () => target.end();
  const onData = (chunk) => {
    if (target.write(chunk) !== false) return;
    state.waiting.add(target);
    this.pause();
  };
  const onDrain = () => {
    state.waiting.delete(target);
    if (state.waiting.size === 0 && this.listenerCount("data") > 0) this.resume();
  };
  const onError = (error) => {
    unpipe();
    if (target.listenerCount("error") === 0) fail(target, error);
  };
  const unpipe = () => this.unpipe(target);
  const clean = (source) => {
    if (source !== this) return;
    this.removeListener("data", onData);
    this.removeListener("end", onEnd);
    this.removeListener("end", unpipe);
    for (const [type, listener] of listeners) target.removeListener(type, listener);
    if (state.waiting.has(target)) onDrain();
  };
  const listeners = [["drain", onDrain], ["error", onError], ["close", unpipe], ["finish", unpipe], ["unpipe", clean]];
  for (const [type, listener] of listeners) {
    if (type === "error") target.prependListener(type, listener);
    else target.on(type, listener);
  }
  const isEnding = options?.end !== false;
  if (state.endEmitted) nextTick(isEnding ? onEnd : unpipe);
  else this.once("end", isEnding ? onEnd : unpipe);
  this.on("data", onData);
  target.emit("pipe", this);
  if (target.writableNeedDrain === true) {
    state.waiting.add(target);
    this.pause();
  } else if (!state.flowing) this.resume();
  return target;
};
prototype.unpipe = function (target) {
  const state = this._readableState;
  const gone = target === undefined ? [...state.pipes] : state.pipes.filter((one) => one === target);
  state.pipes = state.pipes.filter((one) => !gone.includes(one));
  if (gone.length > 0 && state.pipes.length === 0) this.pause();
  for (const one of gone) one.emit("unpipe", this, { hasUnpiped: false });
  return this;
};

/** Chunks as they come; leaving the loop destroys the stream unless `destroyOnReturn` is off. */
async function* iterate(stream, { destroyOnReturn = true } = {}) {
  const state = stream._readableState;
  let wake;
  let over = state.endEmitted;
  let error = state.errored ?? undefined;
  const onReadable = () => wake?.();
  const onEnd = () => ((over = true), wake?.());
  const onError = (problem) => ((error = problem), wake?.());
  const onClose = () => {
    if (!over && !error) error = state.endEmitted ? undefined : premature();
    over ||= error === undefined;
    wake?.();
  };
  stream.on("readable", onReadable).on("end", onEnd).on("error", onError).on("close", onClose);
  if (state.closed && !over) onClose();
  let left = true;
  try {
    for (;;) {
      const chunk = state.destroyed ? null : stream.read();
      if (chunk !== null) yield chunk;
      else if (error) throw error;
      else if (over) break;
      else await new Promise((resolve) => (wake = resolve));
    }
    left = false;
  } catch (problem) {
    error ??= problem;
    throw problem;
  } finally {
    stream.off("readable", onReadable).off("end", onEnd).off("close", onClose);
    if (state.closed || !(left && destroyOnReturn)) stream.off("error", onError);
    if (left && destroyOnReturn) stream.destroy();
  }
}

prototype[Symbol.asyncIterator] = function () {
  return iterate(this);
};
prototype.iterator = function (options) {
  return iterate(this, options);
};
prototype[Symbol.asyncDispose] = function () {
  const closed = new Promise((resolve) => this.once("close", resolve));
  if (this.destroyed) return Promise.resolve();
  this.destroy(abortError());
  return closed;
};

Readable.from = (source, options) => {
  if (typeof source === "string" || Buffer.isBuffer(source)) {
    return new Readable({ objectMode: true, ...options, read() { this.push(source), this.push(null); } });
  }
  const make = source?.[Symbol.asyncIterator] ?? source?.[Symbol.iterator];
  if (typeof make !== "function") throw wrongType("iterable", "an instance of Iterable", source);
  const iterator = make.call(source);
  let reading = false;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    ...options,
    async read() {
      if (reading) return;
      reading = true;
      try {
        for (;;) {
          const { done, value } = await iterator.next();
          if (done) {
            this.push(null);
            break;
          }
          const chunk = await value;
          if (chunk === null) throw nodeError(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
          if (!this.push(chunk)) break;
        }
      } catch (error) {
        this.destroy(error);
      }
      reading = false;
    },
    destroy(error, done) {
      Promise.resolve(iterator.return?.()).then(() => done(error), (problem) => done(error ?? problem));
    },
  });
};

expose(Readable, {
  readable() {
    const state = this._readableState;
    return Boolean(state) && state.readable !== false && !state.destroyed && !state.errorEmitted && !state.endEmitted;
  },
  readableDidRead() {
    return this._readableState.didRead;
  },
  readableAborted() {
    const { destroyed, errored, endEmitted } = this._readableState;
    return Boolean((destroyed || errored) && !endEmitted);
  },
  readableHighWaterMark() {
    return this._readableState.highWaterMark;
  },
  readableBuffer() {
    return this._readableState.buffer;
  },
  readableLength() {
    return this._readableState.length;
  },
  readableObjectMode() {
    return this._readableState.objectMode;
  },
  readableEncoding() {
    return this._readableState.encoding;
  },
  readableEnded() {
    return this._readableState.endEmitted;
  },
  errored() {
    return this._readableState.errored;
  },
  closed() {
    return this._readableState.closed;
  },
  destroyed() {
    return this._readableState?.destroyed ?? false;
  },
});
Object.defineProperty(prototype, "readableFlowing", {
  get() {
    return this._readableState.flowing;
  },
  set(value) {
    this._readableState.flowing = value;
  },
  configurable: true,
});
