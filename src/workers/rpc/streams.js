// Streams that cross RPC. One to read is a pipe of the host, which one side fills and the other empties; one to write is an
// export, whose methods take what is written.
//
// Fidelity: texts and reasons observed with wrangler 4.164.0, see `fixtures/rpc-streams`.
import host from "dodev:host";
import { NOT_BYTES } from "dodev:web/streams/identity";
import { cancelReader, drainNext, nativeWritable, readerOf, streamFromPipe, whenGone } from "dodev:web/streams";
import { LOST, retryable } from "dodev:web/webidl";

const DISCONNECTED = "ReadableStream received over RPC disconnected prematurely.";
const RELEASED = "ReadableStream sent over RPC was canceled or released by the remote execution context.";
const ENDED = "WritableStream received over RPC was disconnected because the remote execution context has ended.";

/** Brings all of `stream` through `pipe`. Fails where the stream does, which its own side is told. */
async function pump(stream, pipe) {
  const reader = readerOf(stream);
  whenGone(pipe, ([reason]) => cancelReader(reader, reason === undefined ? retryable(LOST) : reason));
  let bytes;
  do {
    try {
      bytes = await drainNext(reader);
    } catch (error) {
      host.bodyFail(pipe, DISCONNECTED);
      cancelReader(reader, error).catch(() => {});
      throw error;
    }
    // Nothing is read ahead of the other side.
    try {
      if (bytes !== undefined) await host.bodyWrite(pipe, bytes, true);
    } catch {
      // Nobody reads any more, which may be told here first.
      return cancelReader(reader, retryable(LOST)).catch(() => {});
    }
  } while (bytes !== undefined);
  host.bodyEnd(pipe);
}

/** The number of a pipe that brings what `stream` brings, or the bytes of `origin` that it stood for. */
export function pipeOfReadable(stream, origin) {
  const [writer, reader] = host.newPipe(DISCONNECTED);
  if (origin === undefined) {
    host.waitUntil(pump(stream, writer));
  } else {
    host.bodyWrite(writer, origin);
    host.bodyEnd(writer);
  }
  return reader;
}

/** Whether `reason` can be told to the other side. */
function isTellable(reason) {
  if (reason === undefined) return false;
  try {
    host.cloneToBytes(reason);
    return true;
  } catch {
    return false;
  }
}

/** The stream of what arrives in the pipe `pipe`. */
export function receivedReadable(pipe) {
  // Who has not read anything was never there.
  return streamFromPipe(pipe, undefined, (reason, read) => read && [isTellable(reason) ? reason : retryable(RELEASED)]);
}

/** What takes the chunks that others write to a stream of this side; what fails is told as a value. */
class Sink {
  #writer;
  #ended = false;

  constructor(stream) {
    this.#writer = stream.getWriter();
  }

  static async told(work) {
    try {
      await work();
    } catch (error) {
      return [error instanceof Error && isTellable(error) ? error : host.retold(error)];
    }
  }

  write(chunk) {
    return Sink.told(() => this.#writer.write(chunk));
  }

  close() {
    this.#ended = true;
    return Sink.told(() => this.#writer.close());
  }

  abort() {
    this.#ended = true;
    return Sink.told(() => this.#writer.abort(retryable(ENDED)));
  }

  [Symbol.dispose]() {
    if (!this.#ended) this.#writer.abort(retryable(ENDED)).catch(() => {});
  }
}

/** What is exported of `stream`. */
export function sinkOf(stream) {
  return new Sink(stream);
}

/** A stream whose chunks go to the sink behind `handle`. */
export function receivedWritable(handle) {
  const call = async (name, ...args) => {
    // What its own side throws is told as a value: anything else says that this side is gone.
    const failed = await host.callImport(handle, name, args).catch(() => [retryable(ENDED)]);
    if (failed !== undefined) throw failed[0];
  };
  const end = (name) => call(name).finally(() => host.dropImport(handle));
  return nativeWritable(
    {
      check(chunk) {
        if (typeof chunk !== "string" && !(chunk instanceof ArrayBuffer) && !ArrayBuffer.isView(chunk)) {
          throw new TypeError(NOT_BYTES);
        }
      },
      async write(chunk) {
        const bytes = typeof chunk === "string" ? host.utf8Encode(chunk.toWellFormed()) : host.concatBytes([chunk]);
        if (bytes.byteLength > 0) await call("write", bytes);
      },
      close: () => end("close"),
      abort: () => end("abort"),
    },
    1,
    () => 1,
    true,
  );
}
