// node:stream: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "stream",
  "Duplex PassThrough Readable Stream Transform Writable _isArrayBufferView _isUint8Array " +
    "_uint8ArrayToBuffer addAbortSignal compose destroy duplexPair finished getDefaultHighWaterMark " +
    "isDestroyed isDisturbed isErrored isReadable isWritable pipeline setDefaultHighWaterMark",
  "promises",
  {},
);

export const {
  Duplex, PassThrough, Readable, Stream, Transform, Writable, _isArrayBufferView, _isUint8Array,
  _uint8ArrayToBuffer, addAbortSignal, compose, destroy, duplexPair, finished, getDefaultHighWaterMark,
  isDestroyed, isDisturbed, isErrored, isReadable, isWritable, pipeline, promises, setDefaultHighWaterMark,
} = module;
export default module;
