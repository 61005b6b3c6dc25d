// IdentityTransformStream and FixedLengthStream: bytes in, the same bytes out, one write waiting at a time.
import { ByteController, finishBytes } from "dodev:web/streams/byte_controller";
import { ReadableState, streamOf } from "dodev:web/streams/readable";
import { markOf } from "dodev:web/streams/strategies";
import { BARE, TransformStream, setSides } from "dodev:web/streams/transform";
import { nativeWritable, writableState } from "dodev:web/streams/writable";
import host from "dodev:host";
import { SINK, ownerOfNew, requireOwn } from "dodev:web/owner";
import { badConstruction, LOST, publish, retryable, toUint } from "dodev:web/webidl";

/** What is said of chunks that are neither bytes nor texts. */
export const NOT_BYTES =
  "This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.";

/** An error crosses to the other side as it is, anything else as the message of one. */
function errorFrom(reason) {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** The sides of a passage for at most `expected` bytes (`Infinity`: any number). */
function passage(expected, strategy) {
  const readable = new ReadableState();
  let left = expected;
  let waiting;
  const pull = () => {
    waiting?.resolve(undefined);
    waiting = undefined;
    return Promise.resolve();
  };
  const cancel = (reason, waited) => {
    // Fidelity: observed with workerd 1.20261117.1: a reader that waits for a chunk takes the reason with it.
    const error = waited ? retryable(LOST) : errorFrom(reason ?? "Stream was cancelled.");
    writableState(writable).failIfNeeded(error);
    waiting?.reject(error);
    waiting = undefined;
    return Promise.resolve();
  };
  const controller = new ByteController(readable, 0, pull, cancel);
  readable.controller = controller;
  readable.native = true;
  if (expected !== Infinity) readable.expected = expected;
  const maker = ownerOfNew();
  readable.owner = maker;
  controller.started = true;

  /** Fulfils when the readable side asked for more. */
  const consumed = () => {
    waiting = Promise.withResolvers();
    return waiting.promise;
  };
  const sink = {
    async write(chunk) {
      requireOwn(maker, SINK);
      if (typeof chunk === "string") chunk = host.utf8Encode(chunk.toWellFormed());
      else if (!(chunk instanceof ArrayBuffer) && !ArrayBuffer.isView(chunk)) throw new TypeError(NOT_BYTES);
      const { byteLength } = chunk;
      if (byteLength === 0) return;
      if (byteLength > left) {
        const error = new TypeError("Attempt to write too many bytes through a FixedLengthStream.");
        controller.fail(error);
        throw error;
      }
      left -= byteLength;
      const copy = host.concatBytes([chunk]);
      const asked = readable.reader !== undefined && readable.reader.requests.length > 0;
      controller.enqueue(copy, 0, byteLength);
      if (!asked || controller.total > 0) await consumed();
    },
    async close() {
      if (left > 0 && left !== Infinity) {
        // Fidelity: the writer does not learn of it, only the reader.
        controller.fail(new TypeError("FixedLengthStream did not see all expected bytes before close()."));
        return;
      }
      finishBytes(controller);
    },
    async abort(reason) {
      controller.fail(errorFrom(reason));
    },
  };
  // Without a strategy no write holds back the next; each waits for its own reader.
  const size = strategy?.highWaterMark === undefined ? () => 0 : (chunk) => chunk?.byteLength ?? 0;
  const writable = nativeWritable(sink, markOf(strategy, 1), size);
  return [streamOf(readable), writable];
}

/** A pair of byte streams: what is written to one comes out of the other. */
export class IdentityTransformStream extends TransformStream {
  constructor(strategy) {
    super(BARE);
    setSides(this, ...passage(Infinity, strategy));
  }
}
publish(IdentityTransformStream);

/** The same for a number of bytes known beforehand. */
export class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength, strategy) {
    if (arguments.length === 0) badConstruction("FixedLengthStream", 1, "bigint");
    super(strategy);
    const length = toUint(expectedLength);
    if (length >= 2 ** 53) {
      throw new TypeError("FixedLengthStream requires an integer expected length less than 2^53.");
    }
    setSides(this, ...passage(length, strategy));
  }
}
publish(FixedLengthStream);
