// node:stream: the classes, and what connects and ends streams.
import "dodev:node/stream/adapters";
import "dodev:node/stream/operators";
import { Duplex, PassThrough, Transform, duplexPair } from "dodev:node/stream/duplex";
import { compose, finished, pipeline } from "dodev:node/stream/finished";
import promises from "dodev:node/stream/promises";
import { Readable } from "dodev:node/stream/readable";
import { Stream, addAbortSignal, getDefaultHighWaterMark, setDefaultHighWaterMark } from "dodev:node/stream/state";
import { Writable } from "dodev:node/stream/writable";
import { Buffer } from "dodev:node/buffer";

const isStream = (value) => Boolean(value?._readableState || value?._writableState);

export const destroy = (stream, error) => void stream.destroy(error);
export const isDestroyed = (stream) => (isStream(stream) ? stream.destroyed : null);
export const isReadable = (stream) => (stream?._readableState ? stream.readable : null);
export const isWritable = (stream) => (stream?._writableState ? stream.writable : null);
export const isErrored = (stream) => isStream(stream) && stream.errored !== null;
export const isDisturbed = (stream) => Boolean(stream?._readableState && (stream.readableDidRead || stream.readableAborted));
export const _isArrayBufferView = ArrayBuffer.isView;
export const _isUint8Array = (value) => value instanceof Uint8Array;
export const _uint8ArrayToBuffer = (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength);

const promisify = Symbol.for("nodejs.util.promisify.custom");
Object.defineProperty(pipeline, promisify, { value: promises.pipeline });
Object.defineProperty(finished, promisify, { value: promises.finished });

Object.assign(Stream, {
  Duplex, PassThrough, Readable, Stream, Transform, Writable, _isArrayBufferView, _isUint8Array, _uint8ArrayToBuffer,
  addAbortSignal, compose, destroy, duplexPair, finished, getDefaultHighWaterMark, isDestroyed, isDisturbed, isErrored,
  isReadable, isWritable, pipeline, promises, setDefaultHighWaterMark,
});

export {
  Duplex, PassThrough, Readable, Stream, Transform, Writable, addAbortSignal, compose, duplexPair, finished,
  getDefaultHighWaterMark, pipeline, promises, setDefaultHighWaterMark,
};
export default Stream;
