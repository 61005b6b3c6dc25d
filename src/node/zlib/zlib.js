// node:zlib: gzip, zlib, raw deflate and Brotli, at once and as streams; Zstandard is refused by name.
//
// Fidelity: Node.js's documentation of `zlib`, with the messages of workerd. Deviation: data that is broken in the
// middle is always "incorrect data check"; `windowBits`, `memLevel` and `strategy` change nothing, and Brotli is written
// without compressing.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { absent } from "dodev:node/absent";
import { needFunction, notEmulated, outOfRange, wrongType } from "dodev:node/errors";
import { Transform } from "dodev:node/stream";

const { isView } = ArrayBuffer;
const { fromEntries, entries, freeze } = Object;
/** How much is decompressed at a time, bytes: what comes out is looked at in between. */
const STEP_BYTES = 16 * 1024;

/** Fidelity: zlib's numbers, as workerd shows them. */
export const constants = freeze({
  Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1,
  Z_NEED_DICT: 2, Z_ERRNO: -1, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5,
  Z_VERSION_ERROR: -6, Z_NO_COMPRESSION: 0, Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1,
  Z_FILTERED: 1, Z_HUFFMAN_ONLY: 2, Z_RLE: 3, Z_FIXED: 4, Z_DEFAULT_STRATEGY: 0, DEFLATE: 1, INFLATE: 2, GZIP: 3,
  GUNZIP: 4, DEFLATERAW: 5, INFLATERAW: 6, UNZIP: 7, BROTLI_DECODE: 8, BROTLI_ENCODE: 9, Z_MIN_WINDOWBITS: 8,
  Z_MAX_WINDOWBITS: 15, Z_DEFAULT_WINDOWBITS: 15, Z_MIN_CHUNK: 64, Z_MAX_CHUNK: Infinity, Z_DEFAULT_CHUNK: 16384,
  Z_MIN_MEMLEVEL: 1, Z_MAX_MEMLEVEL: 9, Z_DEFAULT_MEMLEVEL: 8, Z_MIN_LEVEL: -1, Z_MAX_LEVEL: 9, Z_DEFAULT_LEVEL: -1,
  BROTLI_OPERATION_PROCESS: 0, BROTLI_OPERATION_FLUSH: 1, BROTLI_OPERATION_FINISH: 2,
  BROTLI_OPERATION_EMIT_METADATA: 3, BROTLI_PARAM_MODE: 0, BROTLI_MODE_GENERIC: 0, BROTLI_MODE_TEXT: 1,
  BROTLI_MODE_FONT: 2, BROTLI_DEFAULT_MODE: 0, BROTLI_PARAM_QUALITY: 1, BROTLI_MIN_QUALITY: 0, BROTLI_MAX_QUALITY: 11,
  BROTLI_DEFAULT_QUALITY: 11, BROTLI_PARAM_LGWIN: 2, BROTLI_PARAM_SIZE_HINT: 5,
});

const CODES = ["Z_OK", "Z_STREAM_END", "Z_NEED_DICT", "Z_ERRNO", "Z_STREAM_ERROR", "Z_DATA_ERROR", "Z_MEM_ERROR", "Z_BUF_ERROR", "Z_VERSION_ERROR"];
export const codes = freeze({
  ...fromEntries(CODES.map((name) => [name, constants[name]])),
  ...fromEntries(CODES.map((name) => [constants[name], name])),
});

const MESSAGES = new Map([
  ["Called close() on a decompression stream with incomplete data", "unexpected end of file"],
  ["Gzip compressed stream ended prematurely.", "unexpected end of file"],
  ["Decompression failed.", "incorrect data check"],
  ["Gzip decompression failed.", "incorrect data check"],
  ["Brotli compressed stream ended prematurely.", "unexpected end of file"],
  ["Brotli decompression failed.", "Compression failed"],
]);

/** The numbers that a failure of a stream has; without them it is the limit that was reached. */
function withCode(error) {
  if (error instanceof RangeError) return error;
  const code = error.message === "unexpected end of file" ? "Z_BUF_ERROR" : "Z_DATA_ERROR";
  return Object.assign(error, { code, errno: constants[code] });
}

function bytesOf(data) {
  if (typeof data === "string") return Buffer.from(data);
  if (isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw wrongType("buffer", "of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer", data);
}

function checkOptions(options) {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object") throw wrongType("options", "of type object", options);
  const { level, dictionary } = options;
  if (dictionary !== undefined) throw notEmulated("the dictionary of zlib");
  if (level !== undefined && !(level >= -1 && level <= 9)) throw outOfRange("options.level", ">= -1 && <= 9", level);
  return options;
}

/** Formats whose first two bytes say what they are. */
const HEADED = new Set(["gzip", "deflate", "unzip"]);
const isGzip = (first) => first === 0x1f;

/** Whether data that begins with `bytes` can be of `format`. */
function beginsAs(format, bytes) {
  if (format === "gzip") return bytes[0] === 0x1f && (bytes.length < 2 || bytes[1] === 0x8b);
  if (format === "deflate") return (bytes[0] & 15) === 8 && (bytes.length < 2 || ((bytes[0] << 8) | bytes[1]) % 31 === 0);
  return true;
}

/**
 * What decompresses pieces: `write(bytes)` and `end()` give pieces. `format` is gzip, deflate, deflate-raw, or unzip,
 * which is whichever of the first two the first byte says. Members of gzip may follow each other.
 */
function decompressor(format, { finishFlush }) {
  const isPartial = finishFlush === constants.Z_SYNC_FLUSH;
  let [kind, code] = [format, undefined];
  let start = new Uint8Array(0);
  const run = (bytes) => {
    const result = code(bytes);
    if (typeof result !== "string") return Buffer.from(result);
    if (bytes === undefined && isPartial) return Buffer.alloc(0);
    throw new Error(MESSAGES.get(result) ?? result);
  };
  const begin = () => {
    if (format === "unzip") kind = isGzip(start[0]) ? "gzip" : "deflate";
    if (!beginsAs(kind, start)) throw new Error("incorrect header check");
    code = host.makeUnpacker(kind);
  };
  return {
    *write(bytes) {
      if (bytes.length === 0) return;
      if (code === undefined) {
        // The header is looked at as a whole.
        start = Buffer.concat([start, bytes]);
        if (start.length < 2 && HEADED.has(kind)) return;
        begin();
        bytes = start;
      }
      for (let at = 0; at < bytes.length; at += STEP_BYTES) yield run(bytes.subarray(at, at + STEP_BYTES));
    },
    *end() {
      if (code === undefined) {
        if (isPartial && start.length === 0) return;
        if (start.length === 0) throw new Error("unexpected end of file");
        begin();
        yield run(start);
      }
      yield run(undefined);
    },
  };
}

function compressor(format, { level = -1 }) {
  const code = level === -1 ? host.makeCompressor(format) : host.makeCompressor(format, level);
  return {
    *write(bytes) {
      yield Buffer.from(code(bytes));
    },
    *flush() {
      yield Buffer.from(code(null));
    },
    *end() {
      yield Buffer.from(code(undefined));
    },
  };
}

/** All of `data` through `work`; at most `maxOutputLength` bytes come out. */
function whole(work, data, { maxOutputLength = Infinity }) {
  const pieces = [];
  let size = 0;
  for (const part of [work.write(data), work.end()]) {
    for (const piece of part) {
      size += piece.length;
      if (size > maxOutputLength) throw new RangeError("Memory limit exceeded");
      pieces.push(piece);
    }
  }
  return Buffer.concat(pieces);
}

class ZlibBase extends Transform {
  #work;
  #limit;
  #given = 0;
  bytesWritten = 0;

  constructor(work, options) {
    super(options);
    this.#work = work;
    this.#limit = options.maxOutputLength ?? Infinity;
  }
  #give(pieces, callback) {
    try {
      for (const piece of pieces) {
        this.#given += piece.length;
        if (this.#given > this.#limit) throw new RangeError("Memory limit exceeded");
        if (piece.length > 0) this.push(piece);
      }
    } catch (error) {
      callback(withCode(error));
      return;
    }
    callback();
  }
  _transform(chunk, encoding, callback) {
    const bytes = bytesOf(chunk);
    this.bytesWritten += bytes.length;
    this.#give(this.#work.write(bytes), callback);
  }
  _flush(callback) {
    this.#give(this.#work.end(), callback);
  }
  /** Gives what was held back so far. */
  flush(kind, callback = typeof kind === "function" ? kind : undefined) {
    const done = (error) => {
      if (error) this.destroy(error);
      else callback?.();
    };
    const give = () => (this.#work.flush === undefined ? done() : this.#give(this.#work.flush(), done));
    // What was written before is compressed before.
    if (this.writableLength === 0) give();
    else this.once("drain", give);
  }
  close(callback) {
    if (callback) this.once("close", callback);
    this.destroy();
  }
  params() {
    throw notEmulated("zlib.params()");
  }
  reset() {
    throw notEmulated("zlib.reset()");
  }
}

/** A class of streams, and how it is called without `new`. */
function streamClass(name, make, format) {
  const Class = {
    [name]: class extends ZlibBase {
      constructor(options) {
        const checked = checkOptions(options);
        super(make(format, checked), checked);
      }
    },
  }[name];
  return new Proxy(Class, { apply: (target, self, args) => new target(...args) });
}

export const Gzip = streamClass("Gzip", compressor, "gzip");
export const Deflate = streamClass("Deflate", compressor, "deflate");
export const DeflateRaw = streamClass("DeflateRaw", compressor, "deflate-raw");
export const Gunzip = streamClass("Gunzip", decompressor, "gzip");
export const Inflate = streamClass("Inflate", decompressor, "deflate");
export const InflateRaw = streamClass("InflateRaw", decompressor, "deflate-raw");
export const Unzip = streamClass("Unzip", decompressor, "unzip");
export const BrotliCompress = streamClass("BrotliCompress", compressor, "brotli");
export const BrotliDecompress = streamClass("BrotliDecompress", decompressor, "brotli");

export const createGzip = (options) => new Gzip(options);
export const createDeflate = (options) => new Deflate(options);
export const createDeflateRaw = (options) => new DeflateRaw(options);
export const createGunzip = (options) => new Gunzip(options);
export const createInflate = (options) => new Inflate(options);
export const createInflateRaw = (options) => new InflateRaw(options);
export const createUnzip = (options) => new Unzip(options);
export const createBrotliCompress = (options) => new BrotliCompress(options);
export const createBrotliDecompress = (options) => new BrotliDecompress(options);

/** The synchronous form and the one with a callback. */
function both(make, format) {
  const sync = (data, options) => {
    const checked = checkOptions(options);
    return whole(make(format, checked), bytesOf(data), checked);
  };
  const callback = (data, options, done) => {
    if (typeof options === "function") [options, done] = [undefined, options];
    needFunction(done, "callback");
    const checked = checkOptions(options);
    const bytes = bytesOf(data);
    queueMicrotask(() => {
      let result;
      try {
        result = whole(make(format, checked), bytes, checked);
      } catch (error) {
        done(error);
        return;
      }
      done(null, result);
    });
  };
  return [sync, callback];
}

export const [gzipSync, gzip] = both(compressor, "gzip");
export const [deflateSync, deflate] = both(compressor, "deflate");
export const [deflateRawSync, deflateRaw] = both(compressor, "deflate-raw");
export const [gunzipSync, gunzip] = both(decompressor, "gzip");
export const [inflateSync, inflate] = both(decompressor, "deflate");
export const [inflateRawSync, inflateRaw] = both(decompressor, "deflate-raw");
export const [unzipSync, unzip] = both(decompressor, "unzip");
export const [brotliCompressSync, brotliCompress] = both(compressor, "brotli");
export const [brotliDecompressSync, brotliDecompress] = both(decompressor, "brotli");

export function crc32(data, value = 0) {
  if (typeof data !== "string" && !isView(data)) {
    throw wrongType("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }
  if (typeof value !== "number") throw wrongType("value", "of type number", value);
  return host.crc32(typeof data === "string" ? Buffer.from(data) : data, value >>> 0);
}

const refused = absent(
  "zlib",
  "ZstdCompress ZstdDecompress createZstdCompress createZstdDecompress zstdCompress zstdCompressSync zstdDecompress " +
    "zstdDecompressSync",
);

export const {
  ZstdCompress, ZstdDecompress, createZstdCompress, createZstdDecompress, zstdCompress, zstdCompressSync, zstdDecompress,
  zstdDecompressSync,
} = refused;

export default {
  BrotliCompress, BrotliDecompress, brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync,
  createBrotliCompress, createBrotliDecompress, Deflate, DeflateRaw, Gunzip, Gzip, Inflate, InflateRaw, Unzip, codes, constants, crc32, createDeflate,
  createDeflateRaw, createGunzip, createGzip, createInflate, createInflateRaw, createUnzip, deflate, deflateRaw,
  deflateRawSync, deflateSync, gunzip, gunzipSync, gzip, gzipSync, inflate, inflateRaw, inflateRawSync, inflateSync,
  unzip, unzipSync, ...refused,
};
