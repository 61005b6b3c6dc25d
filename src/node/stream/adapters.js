// Streams of Node.js as streams of the Web, and back.
import { Buffer } from "dodev:node/buffer";
import { wrongType } from "dodev:node/errors";
import { Duplex } from "dodev:node/stream/duplex";
import { finished } from "dodev:node/stream/finished";
import { Readable } from "dodev:node/stream/readable";
import { abortError } from "dodev:node/stream/state";
import { Writable } from "dodev:node/stream/writable";

Readable.toWeb = (stream) => {
  if (!(stream instanceof Readable)) throw wrongType("streamReadable", "an instance of stream.Readable", stream);
  stream.pause();
  const objects = stream.readableObjectMode;
  return new ReadableStream(
    {
      start(controller) {
        stream.on("data", (chunk) => {
          controller.enqueue(Buffer.isBuffer(chunk) && !objects ? new Uint8Array(chunk) : chunk);
          if (controller.desiredSize <= 0) stream.pause();
        });
        stream.pause();
        finished(stream, { writable: false }, (error) => {
          stream.on("error", () => {});
          if (error) controller.error(error.code === "ERR_STREAM_PREMATURE_CLOSE" ? abortError() : error);
          else controller.close();
        });
      },
      pull: () => void stream.resume(),
      cancel: (reason) => void stream.destroy(reason),
    },
    objects ? { highWaterMark: stream.readableHighWaterMark } : { highWaterMark: 1 },
  );
};

function reading(stream) {
  const reader = stream.getReader();
  return {
    read() {
      reader.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    stop: (error) => reader.cancel(error ?? undefined),
  };
}

function writing(stream) {
  const writer = stream.getWriter();
  return {
    write: (chunk, _, done) => void writer.ready.then(() => writer.write(chunk)).then(() => done(), done),
    final: (done) => void writer.close().then(() => done(), done),
    stop: (error) => (error ? writer.abort(error) : writer.close()),
  };
}

function destroyBy(...stops) {
  return function (error, done) {
    Promise.allSettled(stops.map((stop) => stop.call(this, error))).then(() => done(error));
  };
}

Readable.fromWeb = (stream, options) => {
  if (!(stream instanceof ReadableStream)) throw wrongType("readableStream", "an instance of ReadableStream", stream);
  const { read, stop } = reading(stream);
  return new Readable({
    ...options,
    read,
    destroy: destroyBy(function (error) {
      return this._readableState.endEmitted ? undefined : stop(error);
    }),
  });
};

Writable.fromWeb = (stream, options) => {
  if (!(stream instanceof WritableStream)) throw wrongType("writableStream", "an instance of WritableStream", stream);
  const { write, final, stop } = writing(stream);
  return new Writable({
    ...options,
    write,
    final,
    destroy: destroyBy(function (error) {
      return this._writableState.finished ? undefined : stop(error);
    }),
  });
};

Writable.toWeb = (stream) =>
  new WritableStream({
    start(controller) {
      finished(stream, { readable: false }, (error) => {
        stream.on("error", () => {});
        if (error) controller.error(error);
      });
    },
    write: (chunk) =>
      new Promise((resolve) => {
        if (stream.write(chunk)) resolve();
        else stream.once("drain", resolve);
      }),
    close: () =>
      new Promise((resolve, reject) => {
        finished(stream, { readable: false }, (error) => (error ? reject(error) : resolve()));
        stream.end();
      }),
    abort: (reason) => void stream.destroy(reason),
  });

Duplex.fromWeb = ({ readable, writable }, options) => {
  const [source, sink] = [reading(readable), writing(writable)];
  return new Duplex({
    ...options,
    read: source.read,
    write: sink.write,
    final: sink.final,
    destroy: destroyBy(
      function (error) {
        return this._readableState.endEmitted ? undefined : source.stop(error);
      },
      function (error) {
        return this._writableState.finished ? undefined : sink.stop(error);
      },
    ),
  });
};
Duplex.toWeb = (stream) => ({ readable: Readable.toWeb(stream), writable: Writable.toWeb(stream) });
Duplex.from = (source) => {
  if (source instanceof Duplex) return source;
  if (source?.readable instanceof ReadableStream) return Duplex.fromWeb(source);
  const inner = source instanceof Readable ? source : Readable.from(source);
  const made = new Duplex({ writable: false, readableObjectMode: inner.readableObjectMode, read: () => void inner.resume() });
  inner.on("data", (chunk) => {
    if (!made.push(chunk)) inner.pause();
  });
  inner.on("end", () => made.push(null));
  inner.on("error", (error) => made.destroy(error));
  return made;
};
