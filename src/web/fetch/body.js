// What Request and Response have in common: one body that can be read once, in six ways.
//
// A body stays what it was given as (string, buffer, pipe of the host) until somebody touches `.body`;
// reading it whole then needs no stream.
import host from "dodev:host";
import { bytesOfBlob, isBlob, makeBlob } from "dodev:web/blob";
import { Cloudflare } from "dodev:web/cloudflare";
import { FormData, formDataFrom, isFormData, serializeForm } from "dodev:web/form_data";
import { SOURCE, owner, ownerOfNew, requireOwn } from "dodev:web/owner";
import { illegal, isObject, publish, usv } from "dodev:web/webidl";
import { URLSearchParams } from "dodev:web/url";
import {
  ReadableStream,
  breakStream,
  isDisturbed,
  isLocked,
  isReadableStream,
  moveStream,
  readAllBytes,
  spentStream,
  streamFromBytes,
  streamFromPipe,
  takeOrigin,
  teeStream,
} from "dodev:web/streams";

export const BODY_USED =
  "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.";
/** The content type of strings. */
export const TEXT_TYPE = "text/plain;charset=UTF-8";

const { concatBytes, utf8Decode, utf8Encode } = host;

/** Stands in the place of a source that was taken. */
export const TAKEN = Symbol("taken");

/** Who owns a request or response made with `source`: a stream that its maker feeds needs none. */
export function makerOfBody(source) {
  return isReadableStream(source) ? owner() : ownerOfNew();
}

/** Whether `source`, as a request or response holds it, was read. */
export function isUsed(source) {
  if (source === null) return false;
  return isReadableStream(source) ? isDisturbed(source) : source === TAKEN;
}

/** Takes the source away for good; the caller reads it to its end. `locked` is what is said of one that has a reader. */
export function takeBody(owner, locked = "This ReadableStream is currently locked to a reader.") {
  const source = getSource(owner);
  if (source === null) return null;
  if (isUsed(source)) throw new TypeError(BODY_USED);
  if (isReadableStream(source)) {
    if (isLocked(source)) throw new TypeError(locked);
    return takeOrigin(source) ?? source;
  }
  requireOwn(makerOf(owner), SOURCE);
  setSource(owner, TAKEN);
  return source;
}

/** Said of a body that cannot be given on. */
export const HAS_READER = "The ReadableStream has been locked to a reader.";

/** Moves the source into another body; this one is used and locked from now on. */
export function moveBody(owner) {
  const source = getSource(owner);
  if (source === null) return null;
  if (isReadableStream(source)) {
    if (isLocked(source)) throw new TypeError(HAS_READER);
    return moveStream(source);
  }
  requireOwn(makerOf(owner), SOURCE);
  setSource(owner, TAKEN);
  return source;
}

/** What is left of `source`, which `maker` made: a stream whose reading fails with `error`. */
export function brokenBody(source, maker, error) {
  let stream = source;
  if (typeof source === "number") stream = streamFromPipe(source, maker);
  else if (!isReadableStream(source)) stream = streamFromBytes(typeof source === "string" ? utf8Encode(source) : source, maker);
  breakStream(stream, error);
  return stream;
}

/** Makes a second source with the same contents. */
export function forkBody(owner) {
  let source = getSource(owner);
  if (source === null) return null;
  if (source === TAKEN || (isReadableStream(source) && isLocked(source))) {
    throw new TypeError("This ReadableStream is currently locked to a reader,");
  }
  if (typeof source === "number") source = streamOf(owner);
  if (!isReadableStream(source)) {
    requireOwn(makerOf(owner), SOURCE);
    // Each of the two is read into a buffer of its own.
    return typeof source === "string" ? source : source.slice();
  }
  const [mine, other] = teeStream(source);
  setSource(owner, mine);
  return other;
}

/** The source as a stream, which stays in its place. */
function streamOf(owner) {
  const source = getSource(owner);
  if (source === null || isReadableStream(source)) return source;
  let stream;
  if (source === TAKEN) stream = spentStream();
  else if (typeof source === "number") stream = streamFromPipe(source, makerOf(owner));
  else stream = streamFromBytes(typeof source === "string" ? utf8Encode(source) : source, makerOf(owner));
  setSource(owner, stream);
  return stream;
}

/**
 * What Request and Response inherit. Each holds its source itself (null, a string, an ArrayBuffer, a pipe id of the
 * host, or a ReadableStream): a base class with a constructor of its own would cost every request and response.
 */
export class Body {
  constructor() {
    throw new TypeError("Illegal constructor");
  }

  get body() {
    return streamOf(this);
  }

  get bodyUsed() {
    return isUsed(getSource(this));
  }

  async arrayBuffer() {
    const source = takeBody(this);
    if (source === null) return new ArrayBuffer(0);
    if (typeof source === "string") return utf8Encode(source);
    return source instanceof ArrayBuffer ? source : bytesOf(source);
  }

  async bytes() {
    return new Uint8Array(await Body.prototype.arrayBuffer.call(this));
  }

  text() {
    try {
      const source = takeBody(this);
      if (source === null) return Promise.resolve("");
      if (typeof source === "string") return Promise.resolve(withoutBom(source));
      if (source instanceof ArrayBuffer) return Promise.resolve(utf8Decode(source));
      return bytesOf(source).then(decode);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  json() {
    try {
      const source = takeBody(this);
      if (source === null) return Promise.resolve(JSON.parse(""));
      if (typeof source === "string") return Promise.resolve(JSON.parse(withoutBom(source)));
      if (source instanceof ArrayBuffer) return Promise.resolve(JSON.parse(utf8Decode(source)));
      return bytesOf(source).then(parseBytes);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async formData() {
    if (isUsed(getSource(this))) throw new TypeError(BODY_USED);
    const type = typeOf(this);
    if (type === null) throw new TypeError("Parsing a Body as FormData requires a Content-Type header.");
    const source = takeBody(this);
    const whole = typeof source === "number" || isReadableStream(source) ? await bytesOf(source) : (source ?? "");
    return formDataFrom(whole, type);
  }

  async blob() {
    const bytes = await Body.prototype.arrayBuffer.call(this);
    return makeBlob(concatBytes([bytes]), host.mimeType(typeOf(this) ?? "") ?? "");
  }
}
publish(Body);

const decode = (buffer) => utf8Decode(buffer);
const parseBytes = (buffer) => JSON.parse(utf8Decode(buffer));
const withoutBom = (text) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);

function bytesOf(source) {
  return typeof source === "number" ? host.bodyReadAll(source) : readAllBytes(source);
}

/** How to reach the source and the content type of the classes that inherit from Body. */
let first;
let second;

/**
 * Makes `Class` inherit from Body. `owns` says whether an object is one; `get`, `set` reach its source; `type` gives
 * its content type or null, `maker` who made its source.
 */
export function inherit(Class, owner) {
  Object.setPrototypeOf(Class.prototype, Body.prototype);
  if (first === undefined) first = owner;
  else second = owner;
}

function ownerOf(body) {
  if (first.owns(body)) return first;
  return second.owns(body) ? second : illegal();
}

const getSource = (body) => ownerOf(body).get(body);
const setSource = (body, source) => ownerOf(body).set(body, source);
const makerOf = (body) => ownerOf(body).maker(body);
const typeOf = (body) => ownerOf(body).type(body);

/** The content type that the last call of `extract` found. */
export let extractedType = null;

/** The source for a body initialiser; leaves its content type in `extractedType`. */
export function extract(init) {
  if (typeof init === "string") {
    extractedType = TEXT_TYPE;
    return init.toWellFormed();
  }
  extractedType = null;
  if (isObject(init)) {
    if (isReadableStream(init)) {
      if (isDisturbed(init)) {
        throw new TypeError(
          "This ReadableStream is disturbed (has already been read from), and cannot be used as a body.",
        );
      }
      if (isLocked(init)) {
        throw new TypeError("This ReadableStream is locked to a reader, and cannot be used as a body.");
      }
      return init;
    }
    if (init instanceof ArrayBuffer || ArrayBuffer.isView(init)) return concatBytes([init]);
    if (init instanceof URLSearchParams) {
      extractedType = "application/x-www-form-urlencoded;charset=UTF-8";
      return URLSearchParams.prototype.toString.call(init);
    }
    if (isBlob(init)) {
      extractedType = init.type === "" ? null : init.type;
      // Who reads the body may change what it gets.
      return bytesOfBlob(init).slice();
    }
    if (isFormData(init)) {
      const { type, bytes } = serializeForm(init);
      extractedType = type;
      return bytes;
    }
    const iterable = init[Symbol.asyncIterator] ?? (init instanceof String ? undefined : init[Symbol.iterator]);
    const isTaken = typeof iterable === "function" && Cloudflare.compatibilityFlags.fetch_iterable_type_support !== false;
    if (isTaken) return ReadableStream.from(init);
  }
  extractedType = TEXT_TYPE;
  return usv(init);
}
