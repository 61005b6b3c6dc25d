// node:stream's Duplex, Transform and PassThrough.
import { Readable, initReadable } from "dodev:node/stream/readable";
import { Stream, addAbortSignal, called, construct, expose, extend, fail, notImplemented } from "dodev:node/stream/state";
import { Writable, afterConstruct, initWritable, takeMethods, writableGetters } from "dodev:node/stream/writable";

export function Duplex(options) {
  if (!(this instanceof Duplex)) return new Duplex(options);
  initReadable(this, options, options?.readableObjectMode);
  initWritable(this, options, options?.writableObjectMode);
  Stream.call(this, options);
  this.allowHalfOpen = options?.allowHalfOpen !== false;
  if (options?.readable === false) Object.assign(this._readableState, { readable: false, ended: true, endEmitted: true });
  if (options?.writable === false) {
    Object.assign(this._writableState, { writable: false, ending: true, ended: true, finished: true });
  }
  if (typeof options?.read === "function") this._read = options.read;
  takeMethods(this, options);
  if (typeof options?.destroy === "function") this._destroy = options.destroy;
  if (typeof options?.construct === "function") this._construct = options.construct;
  if (options?.signal) addAbortSignal(options.signal, this);
  construct(this, () => {
    if (this._readableState.needReadable) this.read(0);
    afterConstruct(this);
  });
}
extend(Duplex, Readable);
for (const name of ["write", "end", "cork", "uncork", "setDefaultEncoding", "_write", "_writev", "destroy"]) {
  Duplex.prototype[name] = Writable.prototype[name];
}
expose(Duplex, {
  ...writableGetters,
  errored() {
    return this._readableState.errored ?? this._writableState.errored;
  },
  closed() {
    return this._readableState.closed && this._writableState.closed;
  },
  destroyed() {
    return Boolean(this._readableState?.destroyed && this._writableState?.destroyed);
  },
});

const WAITING = Symbol("waiting");

export function Transform(options) {
  if (!(this instanceof Transform)) return new Transform(options);
  const zero = options?.readableHighWaterMark ?? options?.highWaterMark;
  Duplex.call(this, zero === 0 ? { ...options, highWaterMark: null, readableHighWaterMark: 0, writableHighWaterMark: options.writableHighWaterMark || 0 } : options);
  this._readableState.sync = false;
  this[WAITING] = null;
  if (typeof options?.transform === "function") this._transform = options.transform;
  if (typeof options?.flush === "function") this._flush = options.flush;
}
extend(Transform, Duplex);

Transform.prototype._transform = function () {
  throw notImplemented("_transform()");
};
Transform.prototype._final = function (done) {
  if (typeof this._flush !== "function" || this.destroyed) {
    this.push(null);
    done();
    return;
  }
  let once = false;
  this._flush((error, data) => {
    if (once) return fail(this, called());
    once = true;
    if (error) return done(error);
    if (data !== undefined && data !== null) this.push(data);
    this.push(null);
    return done();
  });
};
Transform.prototype._write = function (chunk, encoding, done) {
  const state = this._readableState;
  const before = state.length;
  this._transform(chunk, encoding, (error, data) => {
    if (error) {
      done(error);
      return;
    }
    if (data !== undefined && data !== null) this.push(data);
    if (this._writableState.ended || before === state.length || state.length < state.highWaterMark) done();
    else this[WAITING] = done;
  });
};
Transform.prototype._read = function () {
  const done = this[WAITING];
  if (!done) return;
  this[WAITING] = null;
  done();
};

export function PassThrough(options) {
  if (!(this instanceof PassThrough)) return new PassThrough(options);
  Transform.call(this, options);
}
extend(PassThrough, Transform);
PassThrough.prototype._transform = (chunk, encoding, done) => done(null, chunk);

/** Two streams, each of which reads what is written to the other. */
export function duplexPair(options) {
  const sides = [];
  const make = (other) => {
    let wake = null;
    const side = new Duplex({
      ...options,
      read() {
        const done = wake;
        wake = null;
        done?.();
      },
      write(chunk, encoding, done) {
        const peer = sides[other];
        if (chunk.length === 0) queueMicrotask(done);
        else {
          peer.push(chunk);
          peer.wakeWriter(done);
        }
      },
      final(done) {
        sides[other].on("end", done);
        sides[other].push(null);
      },
    });
    side.wakeWriter = (done) => (wake = done);
    return side;
  };
  sides.push(make(1), make(0));
  return sides;
}
