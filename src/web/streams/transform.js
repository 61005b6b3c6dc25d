// TransformStream: a writable and a readable side with a transformer between them.
import { DefaultController, ReadableState, streamOf } from "dodev:web/streams/readable";
import { markOf, methodOf, promiseCall, sizeOf } from "dodev:web/streams/strategies";
import { nativeWritable, writableState } from "dodev:web/streams/writable";
import { badConstruction, illegal, isObject, publish } from "dodev:web/webidl";

const TRANSFORMER = "Transformer";
const BARE = Symbol("bare");

/** Both sides of a transform and the pressure between them. */
class Transform {
  backpressure = true;
  change = Promise.withResolvers();
  transformer = undefined;
  finishing = undefined;

  constructor(writableStrategy, readableStrategy) {
    this.readable = new ReadableState();
    const pull = () => {
      this.setBackpressure(false);
      return this.change.promise;
    };
    this.controller = new DefaultController(
      this.readable,
      markOf(readableStrategy, 0),
      sizeOf(readableStrategy),
      pull,
      (reason) => this.cancel(reason),
    );
    this.readable.controller = this.controller;
    this.started = Promise.withResolvers();
    const sink = {
      write: (chunk) => this.started.promise.then(() => this.write(chunk)),
      close: () => this.started.promise.then(() => this.close()),
      abort: (reason) => this.started.promise.then(() => this.abort(reason)),
    };
    this.writableStream = nativeWritable(sink, markOf(writableStrategy, 1), sizeOf(writableStrategy));
    this.writable = writableState(this.writableStream);
  }

  setBackpressure(backpressure) {
    if (this.backpressure === backpressure) return;
    this.change.resolve(undefined);
    this.change = Promise.withResolvers();
    this.backpressure = backpressure;
  }

  unblock() {
    if (this.backpressure) this.setBackpressure(false);
  }

  fail(error) {
    this.controller.fail(error);
    this.failWritable(error);
  }

  failWritable(error) {
    this.forget();
    this.writable.failIfNeeded(error);
    this.unblock();
  }

  forget() {
    this.transformer = undefined;
  }

  enqueue(chunk) {
    if (!this.controller.canEnqueue()) {
      throw new TypeError("The readable side of this TransformStream is no longer readable.");
    }
    try {
      this.controller.enqueue(chunk);
    } catch (error) {
      this.failWritable(error);
      throw this.readable.error;
    }
    const waiting = this.readable.reader !== undefined && this.readable.reader.requests.length > 0;
    if (!waiting && !(this.controller.wanted() > 0)) this.setBackpressure(true);
  }

  terminate() {
    if (this.controller.canEnqueue()) this.controller.close();
    this.failWritable(new TypeError("The transform stream has been terminated"));
  }

  async write(chunk) {
    if (this.backpressure) {
      await this.change.promise;
      if (this.writable.status === "erroring") throw this.writable.error;
    }
    const { transformer } = this;
    if (transformer === undefined) return;
    try {
      await transformer.transform(chunk);
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  close() {
    return this.finish(async () => {
      const { transformer } = this;
      this.forget();
      try {
        await transformer?.flush?.();
      } catch (error) {
        this.controller.fail(error);
        throw error;
      }
      if (this.readable.status === "errored") throw this.readable.error;
      if (this.controller.canEnqueue()) this.controller.close();
    });
  }

  abort(reason) {
    return this.finish(async () => {
      const { transformer } = this;
      this.forget();
      try {
        await transformer?.cancel?.(reason);
      } catch (error) {
        this.controller.fail(error);
        throw error;
      }
      if (this.readable.status === "errored") throw this.readable.error;
      this.controller.fail(reason);
    });
  }

  cancel(reason) {
    return this.finish(async () => {
      const { transformer } = this;
      this.forget();
      try {
        await transformer?.cancel?.(reason);
      } catch (error) {
        this.writable.failIfNeeded(error);
        this.unblock();
        throw error;
      }
      if (this.writable.status === "errored") throw this.writable.error;
      this.writable.failIfNeeded(reason);
      this.unblock();
    });
  }

  /** Ends the transform once, whichever side began. */
  finish(run) {
    return (this.finishing ??= run());
  }
}

let wrapController;

/** What a transformer gets. */
export class TransformStreamDefaultController {
  #inner;

  constructor(key) {
    if (key !== BARE) throw new TypeError("Illegal constructor");
  }

  static {
    wrapController = (inner) => {
      const controller = new TransformStreamDefaultController(BARE);
      controller.#inner = inner;
      return controller;
    };
  }

  get desiredSize() {
    if (this === undefined || !(#inner in this)) illegal();
    return this.#inner.controller.wanted();
  }

  enqueue(chunk) {
    if (this === undefined || !(#inner in this)) illegal();
    this.#inner.enqueue(chunk);
  }

  error(reason) {
    if (this === undefined || !(#inner in this)) illegal();
    this.#inner.fail(reason);
  }

  terminate() {
    if (this === undefined || !(#inner in this)) illegal();
    this.#inner.terminate();
  }
}
publish(TransformStreamDefaultController);

let setSides;

/** A pair of streams: what is written to one comes transformed out of the other. */
export class TransformStream {
  #readable;
  #writable;

  constructor(transformer, writableStrategy, readableStrategy) {
    if (transformer === BARE) return;
    if (transformer !== undefined && transformer !== null && !isObject(transformer)) {
      badConstruction("TransformStream", 1, TRANSFORMER);
    }
    for (const type of ["readableType", "writableType"]) {
      if (transformer?.[type] !== undefined) throw new TypeError(`transformer.${type} must be undefined.`);
    }
    const start = methodOf(transformer, "start", TRANSFORMER);
    const transform = methodOf(transformer, "transform", TRANSFORMER);
    const flush = methodOf(transformer, "flush", TRANSFORMER);
    const cancel = methodOf(transformer, "cancel", TRANSFORMER);
    const inner = new Transform(writableStrategy, readableStrategy);
    const controller = wrapController(inner);
    inner.transformer = {
      transform:
        transform === undefined
          ? (chunk) => inner.enqueue(chunk)
          : (chunk) => promiseCall(transform, transformer, chunk, controller),
      flush: flush && (() => promiseCall(flush, transformer, controller)),
      cancel: cancel && ((reason) => promiseCall(cancel, transformer, reason)),
    };
    this.#readable = streamOf(inner.readable);
    this.#writable = inner.writableStream;
    begin(inner, start && promiseCall(start, transformer, controller));
  }

  static {
    setSides = (stream, readable, writable) => {
      stream.#readable = readable;
      stream.#writable = writable;
    };
  }

  get readable() {
    if (this === undefined || !(#readable in this)) illegal();
    return this.#readable;
  }

  get writable() {
    if (this === undefined || !(#readable in this)) illegal();
    return this.#writable;
  }
}
publish(TransformStream);

function begin(inner, result) {
  const started = Promise.resolve(result);
  started.then(inner.started.resolve, (error) => {
    inner.fail(error);
    inner.started.resolve(undefined);
  });
  inner.controller.start(started);
}

/** Marks a constructor call of a subclass that sets both sides itself, and how it does so. */
export { BARE, setSides };
