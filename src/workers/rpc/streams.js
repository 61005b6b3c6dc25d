// Streams that cross RPC: each is a pipe of the host, which one side fills and the other empties.
import host from "dodev:host";
import { WritableStream } from "dodev:web/streams";
import { cancelReader, readerOf, readNext } from "dodev:web/streams/readers";

/** A chunk as bytes: RPC streams carry nothing else. */
function bytesOf(chunk) {
  if (typeof chunk === "string") return host.utf8Encode(chunk.toWellFormed());
  if (chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk)) return chunk;
  throw new TypeError("This ReadableStream did not return bytes.");
}

async function pump(stream, pipe) {
  const reader = readerOf(stream);
  try {
    for (let chunk = await readNext(reader); chunk !== undefined; chunk = await readNext(reader)) {
      const full = host.bodyWrite(pipe, bytesOf(chunk));
      if (full !== undefined) await full;
    }
    host.bodyEnd(pipe);
  } catch (error) {
    host.bodyFail(pipe, `${error?.message ?? error}`);
    await cancelReader(reader, error).catch(() => {});
  }
}

/** The number of a pipe that brings what `stream` brings, or the bytes of `origin` that it stood for. */
export function pipeOfReadable(stream, origin) {
  const [writer, reader] = host.newPipe();
  if (origin === undefined) {
    host.waitUntil(pump(stream, writer));
  } else {
    host.bodyWrite(writer, origin);
    host.bodyEnd(writer);
  }
  return reader;
}

/** The number of a pipe that takes what `stream` is to be given. */
export function pipeFromWritable(stream) {
  const [writer, reader] = host.newPipe();
  host.waitUntil(drain(reader, stream.getWriter()));
  return writer;
}

async function drain(pipe, writer) {
  try {
    for (let chunk = await host.bodyRead(pipe); chunk !== null; chunk = await host.bodyRead(pipe)) {
      await writer.write(new Uint8Array(chunk));
    }
    await writer.close();
  } catch (error) {
    host.bodyCancel(pipe);
    await writer.abort(error).catch(() => {});
  }
}

/** A stream whose bytes go into the pipe `pipe`. */
export function streamIntoPipe(pipe) {
  return new WritableStream({
    write(chunk) {
      return host.bodyWrite(pipe, bytesOf(chunk));
    },
    close() {
      host.bodyEnd(pipe);
    },
    abort(reason) {
      host.bodyFail(pipe, `${reason?.message ?? reason}`);
    },
  });
}
