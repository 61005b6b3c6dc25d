// OutgoingMessage: what a server answers and a client asks, with fields that can be changed until the first byte is written.
//
// Fidelity: Node.js's documentation of `http.OutgoingMessage`; which fields it adds itself as workerd answers.
import { Buffer } from "dodev:node/buffer";
import { nodeError, wrongType } from "dodev:node/errors";
import { headersSent, notImplemented, validateHeaderName, validateHeaderValue } from "dodev:node/http/fields";
import { Writable } from "dodev:node/stream/writable";

const mismatch = (written, announced) =>
  nodeError(
    Error,
    "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
    `Response body's content-length of ${written} byte(s) does not match the content-length of ${announced} byte(s) set in header`,
  );

const lengthOf = (chunk, encoding) => (typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.byteLength);

function checkChunk(chunk) {
  if (chunk === null) throw nodeError(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
  if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
    throw wrongType("chunk", "of type string or an instance of Buffer or Uint8Array", chunk);
  }
}

export class OutgoingMessage extends Writable {
  /** Name in lower case → [name as given, value]. */
  #fields = new Map();
  #written = 0;

  constructor(request, options) {
    super({ highWaterMark: options?.highWaterMark, autoDestroy: options?.autoDestroy });
    Object.assign(this, {
      req: request, sendDate: false, shouldKeepAlive: true, useChunkedEncodingByDefault: true, chunkedEncoding: false,
      strictContentLength: false, socket: null, connection: null, headersSent: false, _hasBody: true, _contentLength: null,
    });
    for (const hidden of ["headersSent", "_contentLength", "_hasBody"]) {
      Object.defineProperty(this, hidden, { enumerable: false });
    }
  }

  /** The fields in order, those with several values once for each. */
  static list(message) {
    const list = [];
    for (const [name, value] of message.#fields.values()) {
      const isCookie = name.toLowerCase() === "cookie";
      if (!Array.isArray(value)) list.push([name, `${value}`]);
      else if (isCookie) list.push([name, value.join("; ")]);
      else for (const one of value) list.push([name, `${one}`]);
    }
    return list;
  }

  setHeader(name, value) {
    if (this.headersSent) throw headersSent("set");
    validateHeaderName(name);
    for (const one of Array.isArray(value) ? value : [value]) validateHeaderValue(name, one);
    this.#fields.set(name.toLowerCase(), [name, value]);
    return this;
  }
  setHeaders(headers) {
    if (this.headersSent) throw headersSent("set");
    if (!(headers instanceof Headers) && !(headers instanceof Map)) {
      throw wrongType("headers", "an instance of Headers or Map", headers);
    }
    const cookies = [];
    for (const [name, value] of headers) {
      if (name === "set-cookie") cookies.push(...(Array.isArray(value) ? value : [value]));
      else this.setHeader(name, value);
    }
    if (cookies.length > 0) this.setHeader("set-cookie", cookies);
    return this;
  }
  appendHeader(name, value) {
    if (this.headersSent) throw headersSent("append");
    const found = this.#fields.get(`${name}`.toLowerCase());
    if (found === undefined) return this.setHeader(name, value);
    for (const one of Array.isArray(value) ? value : [value]) validateHeaderValue(name, one);
    found[1] = [].concat(found[1], value);
    return this;
  }
  getHeader(name) {
    needName(name);
    return this.#fields.get(name.toLowerCase())?.[1];
  }
  hasHeader(name) {
    needName(name);
    return this.#fields.has(name.toLowerCase());
  }
  removeHeader(name) {
    needName(name);
    if (this.headersSent) throw headersSent("remove");
    this.#fields.delete(name.toLowerCase());
  }
  getHeaderNames() {
    return [...this.#fields.keys()];
  }
  getRawHeaderNames() {
    return [...this.#fields.values()].map(([name]) => name);
  }
  getHeaders() {
    const headers = Object.create(null);
    for (const [name, [, value]] of this.#fields) headers[name] = value;
    return headers;
  }
  flushHeaders() {
    if (!this.headersSent) this._implicitHeader();
    this._sendHeaders();
  }
  addTrailers() {
    throw notImplemented("addTrailers");
  }
  get finished() {
    return this.writableEnded;
  }
  set finished(_) {
    // Old programs set it; the stream knows better.
  }

  /** Fixes the fields; `_contentLength` is known where everything is written at once. */
  _fixHeaders() {
    this.headersSent = true;
    const has = (name) => this.#fields.has(name);
    const add = (name, value) => this.#fields.set(name.toLowerCase(), [name, value]);
    if (!has("connection")) add("Connection", this.shouldKeepAlive ? "keep-alive" : "close");
    if (has("content-length")) this._contentLength = Number(this.#fields.get("content-length")[1]);
    else if (has("transfer-encoding")) this.chunkedEncoding = true;
    else if (!this._hasBody) this.chunkedEncoding = false;
    else if (this._contentLength !== null) add("Content-Length", `${this._contentLength}`);
    else if (this.useChunkedEncodingByDefault) {
      this.chunkedEncoding = true;
      add("Transfer-Encoding", "chunked");
    }
  }

  /** Whether more bytes than announced are refused instead of left out. */
  #checkLength(length, isLast) {
    if (!this.strictContentLength || !this._hasBody || this._contentLength === null || this.chunkedEncoding) return;
    const total = this.#written + length;
    if (isLast ? total !== this._contentLength : total > this._contentLength) throw mismatch(total, this._contentLength);
  }

  write(chunk, encoding, callback) {
    if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
    checkChunk(chunk);
    if (this.writableEnded || this.destroyed) return super.write(chunk, encoding, callback);
    const length = lengthOf(chunk, encoding);
    if (!this.headersSent) this._implicitHeader();
    this.#checkLength(length, false);
    this.#written += length;
    this._sendHeaders();
    if (!this._hasBody) {
      if (typeof callback === "function") queueMicrotask(callback);
      return true;
    }
    // What is empty says nothing on the wire.
    if (length === 0) {
      if (typeof callback === "function") queueMicrotask(callback);
      return true;
    }
    return super.write(chunk, encoding, callback);
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === "function") [callback, chunk, encoding] = [chunk, undefined, undefined];
    else if (typeof encoding === "function") [callback, encoding] = [encoding, undefined];
    if (this.writableEnded || this.destroyed) return super.end(chunk, encoding, callback);
    const given = chunk !== undefined && chunk !== null;
    if (given) checkChunk(chunk);
    const length = given ? lengthOf(chunk, encoding) : 0;
    if (!this.headersSent) {
      this._contentLength = length;
      this._implicitHeader();
    }
    this.#checkLength(length, true);
    this.#written += length;
    this._sendHeaders();
    if (given && length > 0 && this._hasBody) return super.end(chunk, encoding, callback);
    return super.end(callback);
  }

  /** Decides status and fields before the first byte. */
  _implicitHeader() {
    throw notImplemented("_implicitHeader()");
  }
  /** Lets the head leave, once. */
  _sendHeaders() {
    // A client's head leaves with its body.
  }
}

export const fieldsOf = OutgoingMessage.list;
delete OutgoingMessage.list;

function needName(name) {
  if (typeof name !== "string") throw wrongType("name", "of type string", name);
}
