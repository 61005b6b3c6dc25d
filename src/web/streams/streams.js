// Streams: the public classes, and the short ways that bodies take through them.
import host from "dodev:host";
import { enqueueBytes, finishBytes } from "dodev:web/streams/byte_controller";
import { checkOwner, isReadableStream, nativeStream, stateOf, streamOf } from "dodev:web/streams/readable";
import { makeReader, nextChunk } from "dodev:web/streams/readers";
import { tee } from "dodev:web/streams/tee";

const NOT_BYTES = "This ReadableStream did not return bytes.";

/** A byte stream of one buffer, which now belongs to the stream; it is `maker`'s. */
export function streamFromBytes(buffer, maker) {
  return nativeStream(
    async (controller) => {
      await undefined;
      enqueueBytes(controller, buffer);
      finishBytes(controller);
    },
    undefined,
    buffer,
    maker,
  );
}

/**
 * A byte stream of what arrives in the pipe `pipe` of the host; it is `maker`'s. When it is cancelled for a reason, `told` says in an
 * array what the other side is told, where it is; it is also given whether anything was read. `ended` is called when nothing more comes; with it the stream does not stand for its pipe.
 */
export function streamFromPipe(pipe, maker, told, ended) {
  let read = false;
  return nativeStream(
    async (controller) => {
      read = true;
      const chunk = await host.bodyRead(pipe);
      if (chunk === null) {
        ended?.();
        finishBytes(controller);
      } else {
        enqueueBytes(controller, chunk);
      }
    },
    async (reason) => {
      ended?.();
      const said = told?.(reason, read);
      if (said) host.bodyCancel(pipe, said);
      else host.bodyCancel(pipe);
    },
    ended === undefined ? pipe : undefined,
    maker,
  );
}

/**
 * What a stream of the platform stands for, if nobody has touched it: its buffer or its pipe; the stream is spent
 * then. `undefined` for every other stream.
 */
export function takeOrigin(stream) {
  const state = stateOf(stream);
  checkOwner(state);
  const { origin } = state;
  if (origin === undefined || state.disturbed || state.reader !== undefined || state.status !== "readable") {
    return undefined;
  }
  state.disturbed = true;
  state.origin = undefined;
  state.status = "closed";
  makeReader(state, false);
  return origin;
}

/**
 * Calls `callback` when nobody reads any more from the pipe `pipe`, into which a stream is written, with an array of the reason, if one
 * was given. What it promises may fail. `isAwaited`: more hangs on that than what is read.
 */
export async function whenGone(pipe, callback, isAwaited = false) {
  await host.bodyGone(pipe, isAwaited);
  const reason = host.bodyCancelled(pipe);
  if (reason === undefined) return;
  host.bodyEnd(pipe);
  await callback(reason).catch(() => {});
}

/** Has whoever reads from a stream of the platform get `error` from now on; one that has ended stays as it is. */
export function breakStream(stream, error) {
  const { controller, native, origin, status } = stateOf(stream);
  if (!native || status !== "readable") return;
  if (typeof origin === "number") host.bodyCancel(origin);
  controller.fail(error);
}

/** Promise of all bytes of an unlocked stream as one ArrayBuffer. */
export async function readAllBytes(stream) {
  const origin = takeOrigin(stream);
  if (origin !== undefined) return typeof origin === "number" ? host.bodyReadAll(origin) : origin;
  const reader = makeReader(stateOf(stream), false);
  const chunks = [];
  for (;;) {
    const { value, done } = await nextChunk(reader);
    if (done) return host.concatBytes(chunks);
    if (!(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value)) throw new TypeError(NOT_BYTES);
    chunks.push(value);
  }
}

/** Two streams with the contents of one, which is locked from now on. */
export function teeStream(stream) {
  checkOwner(stateOf(stream));
  return tee(stateOf(stream)).map(streamOf);
}

export { isReadableStream };
export { ByteLengthQueuingStrategy, CountQueuingStrategy } from "dodev:web/streams/strategies";
export {
  ReadableStream,
  ReadableStreamDefaultController,
  isDisturbed,
  isLocked,
  moveStream,
  spentStream,
} from "dodev:web/streams/readable";
export { ReadableByteStreamController, ReadableStreamBYOBRequest } from "dodev:web/streams/byte_controller";
export {
  ReadableStreamBYOBReader,
  ReadableStreamDefaultReader,
  cancelReader,
  drainNext,
  readNext,
  readerOf,
} from "dodev:web/streams/readers";
export {
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
  isWritableStream,
  nativeWritable,
} from "dodev:web/streams/writable";
export { TransformStream, TransformStreamDefaultController } from "dodev:web/streams/transform";
export { FixedLengthStream, IdentityTransformStream } from "dodev:web/streams/identity";
