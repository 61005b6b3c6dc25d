// node:stream's finished, pipeline and compose.
import { missingArguments, needFunction, nodeError, wrongType } from "dodev:node/errors";
import { Duplex, PassThrough } from "dodev:node/stream/duplex";
import { Readable } from "dodev:node/stream/readable";
import { abortError, nextTick, premature } from "dodev:node/stream/state";

const isNode = (value) => typeof value?.on === "function" && Boolean(value._readableState || value._writableState || typeof value.pipe === "function" || typeof value.write === "function");
const isWeb = (value) => value instanceof ReadableStream || value instanceof WritableStream;
const isIterable = (value) => typeof value?.[Symbol.asyncIterator] === "function" || typeof value?.[Symbol.iterator] === "function";

/** Calls back once the stream ended, failed or was closed too early; gives what stops listening. */
export function finished(stream, options, callback) {
  if (typeof options === "function") [callback, options] = [options, {}];
  needFunction(callback, "callback");
  if (isWeb(stream)) {
    throw nodeError(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The finished() of streams of the Web method is not implemented");
  }
  if (!isNode(stream)) throw wrongType("stream", "an instance of ReadableStream, WritableStream, or Stream", stream);
  const { readable: wantRead, writable: wantWrite, signal, error: wantError = true } = options ?? {};
  const [reading, writing] = [stream._readableState, stream._writableState];
  const readable = wantRead ?? (Boolean(reading) && reading.readable !== false);
  const writable = wantWrite ?? (Boolean(writing) && writing.writable !== false);
  let over = false;
  const done = (error) => {
    if (over) return;
    over = true;
    callback.call(stream, error);
  };
  const readDone = () => !readable || !reading || reading.endEmitted;
  const writeDone = () => !writable || !writing || writing.finished;
  const onEither = () => {
    if (!readDone() || !writeDone()) return;
    const willClose = [reading, writing].some((side) => side?.autoDestroy && side.emitClose && !side.closed);
    if (!willClose || (!readable && reading) || (!writable && writing)) done();
  };
  const onError = (error) => done(error);
  const onClose = () => {
    const error = reading?.errored ?? writing?.errored;
    if (error) done(error);
    else if (readDone() && writeDone()) done();
    else done(premature());
  };
  stream.on("end", onEither).on("finish", onEither).on("close", onClose);
  if (wantError) stream.on("error", onError);
  const clean = () => {
    over = true;
    stream.off("end", onEither).off("finish", onEither).off("close", onClose).off("error", onError);
  };
  const sides = [reading, writing].filter(Boolean);
  if (sides.some((side) => side.closeEmitted || side.closed)) nextTick(onClose);
  else if (sides.some((side) => side.errorEmitted)) nextTick(() => done(reading?.errored ?? writing?.errored));
  else if (sides.length > 0) nextTick(onEither);
  if (signal) {
    const abort = () => done(abortError(signal));
    if (signal.aborted) nextTick(abort);
    else signal.addEventListener("abort", abort);
  }
  return clean;
}

/** Connects streams, iterables and generator functions; calls back when all are done, destroys all on failure. */
export function pipeline(...parts) {
  const callback = typeof parts.at(-1) === "function" ? parts.pop() : undefined;
  needFunction(callback, "callback");
  return connect(parts, {}, callback);
}

export function connect(given, { signal, end = true } = {}, callback) {
  const parts = given.length === 1 && Array.isArray(given[0]) ? [...given[0]] : [...given];
  if (parts.length < 2) throw missingArguments("streams");
  const streams = [];
  let value;
  let left = 1;
  let failure;
  let over = false;
  const settle = (error) => {
    if (error && (!failure || failure.code === "ERR_STREAM_PREMATURE_CLOSE")) failure = error;
    left -= 1;
    if (failure && !over) for (const stream of streams) if (!stream.destroyed) stream.destroy(failure);
    if (over || (left > 0 && !failure)) return;
    over = true;
    nextTick(callback, failure, value);
  };
  const watch = (stream, reads, writes) => {
    left += 1;
    streams.push(stream);
    finished(stream, { readable: reads, writable: writes }, settle);
    // What comes after the end must not be uncaught.
    stream.on("error", () => {});
  };
  let last;
  parts.forEach((part, index) => {
    const isLast = index === parts.length - 1;
    if (isNode(part)) {
      if (isLast && !end) last = toStream(last);
      else watch(part, !isLast, index > 0);
      if (index > 0) {
        last = toStream(last, (stream) => watch(stream, true, false));
        last.pipe(part, { end: !isLast || end });
      }
      last = part;
      return;
    }
    if (part instanceof TransformStream || isWeb(part)) {
      const made = part instanceof TransformStream ? Duplex.fromWeb(part) : index === 0 ? Readable.fromWeb(part) : fromWritable(part);
      watch(made, !isLast, index > 0);
      if (index > 0) toStream(last, (stream) => watch(stream, true, false)).pipe(made);
      last = made;
      return;
    }
    if (typeof part === "function") {
      const input = index === 0 ? undefined : isNode(last) ? iterableOf(last) : last;
      const made = index === 0 ? part({ signal }) : part(input, { signal });
      if (!isLast && !isIterable(made)) {
        throw nodeError(
          TypeError,
          "ERR_INVALID_RETURN_VALUE",
          `Expected Iterable, AsyncIterable or Stream to be returned from the "${index === 0 ? "source" : `transform[${index - 1}]`}" function but got ${made === null ? "null" : `type ${typeof made}`}.`,
        );
      }
      if (isLast) {
        left += 1;
        const whole = isIterable(made) ? drain(made) : Promise.resolve(made);
        whole.then((result) => {
          value = result;
          settle();
        }, settle);
      }
      last = made;
      return;
    }
    if (index === 0 && isIterable(part)) {
      last = part;
      return;
    }
    throw wrongType(`streams[${index}]`, "an instance of Stream, Iterable, or AsyncIterable", part);
  });
  if (signal) {
    const abort = () => settle(abortError(signal));
    left += 1;
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    left -= 1;
  }
  settle();
  return isNode(last) ? last : new PassThrough({ objectMode: true });
}

async function drain(iterable) {
  for await (const _ of iterable);
}

function iterableOf(stream) {
  return stream[Symbol.asyncIterator] ? stream : Readable.prototype.iterator.call(stream);
}

function fromWritable(stream) {
  const writer = stream.getWriter();
  return new Duplex({
    readable: false,
    objectMode: true,
    write: (chunk, _, done) => void writer.write(chunk).then(() => done(), done),
    final: (done) => void writer.close().then(() => done(), done),
  });
}

function toStream(value, made) {
  if (isNode(value)) return value;
  const stream = Readable.from(value, { objectMode: true });
  made?.(stream);
  return stream;
}

/** One Duplex of a chain of streams. */
export function compose(...parts) {
  if (parts.length === 1 && isNode(parts[0])) return parts[0];
  const [first, last] = [parts[0], parts.at(-1)];
  const input = isNode(first) ? first : new PassThrough({ objectMode: true });
  const chain = isNode(first) ? parts : [input, ...parts];
  const output = isNode(last) ? last : new PassThrough({ objectMode: true });
  if (!isNode(last)) chain.push(output);
  const made = new Duplex({
    readableObjectMode: Boolean(output.readableObjectMode),
    writableObjectMode: Boolean(input.writableObjectMode),
    write(chunk, encoding, done) {
      if (input.write(chunk, encoding)) done();
      else input.once("drain", done);
    },
    final(done) {
      input.end();
      done();
    },
    read() {
      output.resume();
    },
  });
  output.on("data", (chunk) => {
    if (!made.push(chunk)) output.pause();
  });
  output.on("end", () => made.push(null));
  connect(chain, {}, (error) => {
    if (error) made.destroy(error);
  });
  return made;
}
