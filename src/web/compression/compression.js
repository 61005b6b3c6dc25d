// CompressionStream and DecompressionStream: loaded when first used.
import host from "dodev:host";
import { encode } from "dodev:web/encoding";
import { shape, wrongConstruction } from "dodev:web/interface";
import { SINK, owner, ownerOfNew, requireOwn } from "dodev:web/owner";
import { TransformStream } from "dodev:web/streams";
import { stateOf } from "dodev:web/streams/readable";

const { makeCompressor, makeDecompressor } = host;
const { isView } = ArrayBuffer;

function checkFormat(format, count, name) {
  if (count === 0) throw wrongConstruction(name, 1, "string");
  if (!["deflate", "deflate-raw", "gzip"].includes(`${format}`)) {
    throw new TypeError("The compression format must be either 'deflate', 'deflate-raw' or 'gzip'.");
  }
  return `${format}`;
}

// Feeds what is written to `code`, which gives bytes or says by a string why it cannot.
/** The sides belong to who made them. */
function owned(stream) {
  stateOf(stream.readable).owner = owner();
}

function coder(code) {
  const maker = ownerOfNew();
  const pass = (bytes, controller) => {
    const result = code(bytes);
    if (typeof result === "string") throw new TypeError(result);
    if (result.byteLength > 0) controller.enqueue(new Uint8Array(result));
  };
  return {
    transform(chunk, controller) {
      requireOwn(maker, SINK);
      const bytes = typeof chunk === "string" ? encode(chunk) : chunk;
      if (!isView(bytes) && !(bytes instanceof ArrayBuffer) && !(bytes instanceof SharedArrayBuffer)) {
        throw new TypeError(
          "This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.",
        );
      }
      pass(bytes, controller);
    },
    flush: (controller) => pass(undefined, controller),
  };
}

export class CompressionStream extends TransformStream {
  constructor(format) {
    super(coder(makeCompressor(checkFormat(format, arguments.length, "CompressionStream"))));
    owned(this);
  }
}
shape(CompressionStream);

export class DecompressionStream extends TransformStream {
  constructor(format) {
    super(coder(makeDecompressor(checkFormat(format, arguments.length, "DecompressionStream"))));
    owned(this);
  }
}
shape(DecompressionStream);
