// Servers of node:http: they listen on ports that only exist within the Worker, from where `cloudflare:node` asks them.
//
// Fidelity: workerd's `src/node/internal/internal_http_server.ts` for what exists, its answers and its texts.
import host from "dodev:host";
import { EventEmitter } from "dodev:node/events";
import { needFunction, needInteger, needNumber, needObject, nodeError, outOfRange, wrongType, wrongValue } from "dodev:node/errors";
import { badCharacter, hasBadCharacter, headersSent, notImplemented, optionNotImplemented } from "dodev:node/http/fields";
import { IncomingMessage, fillMessage, socketOf } from "dodev:node/http/incoming";
import { OutgoingMessage, fieldsOf } from "dodev:node/http/outgoing";
import { STATUS_CODES } from "dodev:node/http/tables";
import { getDefaultHighWaterMark } from "dodev:node/stream/state";
import { Cloudflare } from "dodev:web/cloudflare";

/** What listens, by port. */
const ports = new Map();

const BODILESS = new Set([204, 304]);
/** Fields of which a server shows what stands before the first comma. */
const FIRST_ONLY = new Set([
  "host", "content-type", "user-agent", "referer", "authorization", "proxy-authorization", "if-modified-since",
  "if-unmodified-since", "from", "location", "max-forwards",
]);

const isRefused = () => Cloudflare.compatibilityFlags.enable_nodejs_http_server_modules === false;

/** A field's value up to its first comma that is not quoted. */
const untilComma = (value) => value.match(/^(?:"(?:[^"\\]|\\[^])*"?|[^",])*/)[0];

/** Fulfilled with the fetch response of a ServerResponse. */
let answerOf;

export class ServerResponse extends OutgoingMessage {
  #answer = Promise.withResolvers();
  #controller;
  /** What writing goes on with when the client has read. */
  #resume;
  #left = Infinity;
  #sent = false;

  constructor(request, options) {
    if (isRefused()) throw notImplemented("ServerResponse");
    super(request, options);
    this.statusCode = 200;
    // Fidelity: the reason that is sent unless the program gives one.
    this.statusMessage = "unknown";
    if (request?.method === "HEAD") this._hasBody = false;
    this.#answer.promise.catch(() => {});
    this.once("error", (error) => this.#answer.reject(error));
  }

  static {
    answerOf = (response) => response.#answer.promise;
  }

  writeHead(statusCode, reason, headers) {
    if (this.headersSent) throw headersSent("write");
    const status = statusCode | 0;
    if (status < 200 || status > 999) {
      throw nodeError(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${statusCode}`);
    }
    if (typeof reason === "string") this.statusMessage = reason;
    else {
      this.statusMessage ||= STATUS_CODES[status] || "unknown";
      headers ??= reason;
    }
    this.statusCode = status;
    if (Array.isArray(headers)) {
      if (headers.length % 2 !== 0) throw wrongValue("headers", headers);
      for (let at = 0; at < headers.length; at += 2) this.removeHeader(`${headers[at]}`);
      for (let at = 0; at < headers.length; at += 2) this.appendHeader(`${headers[at]}`, headers[at + 1]);
    } else if (headers) {
      for (const name of Object.keys(headers)) if (headers[name] !== undefined) this.setHeader(name, headers[name]);
    }
    if (hasBadCharacter(this.statusMessage)) throw badCharacter("statusMessage");
    if (BODILESS.has(status)) this._hasBody = false;
    this._fixHeaders();
    return this;
  }

  writeHeader(...args) {
    return this.writeHead(...args);
  }

  _implicitHeader() {
    this.writeHead(this.statusCode);
  }

  _sendHeaders() {
    if (this.#sent) return;
    this.#sent = true;
    if (this._contentLength !== null) this.#left = this._contentLength;
    try {
      const init = { status: this.statusCode, statusText: this.statusMessage, headers: fieldsOf(this) };
      this.#answer.resolve(new Response(this._hasBody ? this.#body() : null, init));
    } catch (error) {
      this.#answer.reject(error);
      this.destroy(error);
    }
  }

  #body() {
    return new ReadableStream(
      {
        type: "bytes",
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          const resume = this.#resume;
          this.#resume = undefined;
          resume?.();
        },
        cancel: (reason) => void this.destroy(reason instanceof Error ? reason : undefined),
      },
      { highWaterMark: this.writableHighWaterMark },
    );
  }

  _write(chunk, encoding, done) {
    // What goes beyond the announced length is left out.
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= part.length;
    if (part.length > 0) this.#controller.enqueue(new Uint8Array(part));
    if (this.#controller.desiredSize > 0) done();
    else this.#resume = done;
  }

  _final(done) {
    this.#controller?.close();
    done();
  }

  _destroy(error, done) {
    if (!this.writableFinished) this.#controller?.error(error ?? new Error("aborted"));
    done(error);
  }
}

for (const name of ["assignSocket", "detachSocket", "writeContinue", "writeProcessing", "writeEarlyHints"]) {
  Object.defineProperty(ServerResponse.prototype, name, {
    value: { [name]() { throw notImplemented(name); } }[name], writable: true, configurable: true,
  });
}

/** Options that mean nothing where requests come by fetch. */
const WITHOUT_EFFECT = ["maxHeaderSize", "keepAliveTimeout", "keepAliveTimeoutBuffer", "connectionsCheckingInterval"];

export class Server extends EventEmitter {
  #port = null;
  #messages = { incoming: IncomingMessage, response: ServerResponse };

  constructor(options, listener) {
    if (isRefused()) throw notImplemented("Server");
    super();
    if (typeof options === "function") [options, listener] = [{}, options];
    options ??= {};
    needObject(options, "options");
    for (const name of WITHOUT_EFFECT) if (options[name] !== undefined) throw optionNotImplemented(name);
    const { requestTimeout = 300_000, highWaterMark } = options;
    needInteger(requestTimeout, "requestTimeout", 0);
    const { headersTimeout = Math.min(60_000, requestTimeout) } = options;
    needInteger(headersTimeout, "headersTimeout", 0);
    if (requestTimeout > 0 && headersTimeout > requestTimeout) throw outOfRange("headersTimeout", "<= requestTimeout", headersTimeout);
    if (highWaterMark !== undefined) needNumber(highWaterMark, "options.highWaterMark");
    const flag = (name, missing) => {
      const value = options[name] ?? missing;
      if (typeof value !== "boolean") throw wrongType(`options.${name}`, "of type boolean", value);
      return value;
    };
    this.#messages = { incoming: options.IncomingMessage ?? IncomingMessage, response: options.ServerResponse ?? ServerResponse };
    Object.assign(this, {
      httpAllowHalfOpen: false, timeout: 0, maxHeadersCount: null, maxRequestsPerSocket: 0, connectionsCheckingInterval: 30_000,
      requestTimeout, headersTimeout, requireHostHeader: flag("requireHostHeader", true),
      joinDuplicateHeaders: flag("joinDuplicateHeaders", false),
      rejectNonStandardBodyWrites: flag("rejectNonStandardBodyWrites", false), keepAliveTimeout: 5000,
      keepAliveTimeoutBuffer: 1000, highWaterMark: highWaterMark > 0 ? highWaterMark : getDefaultHighWaterMark(),
    });
    if (listener) this.on("request", listener);
  }

  /** `listen()`, `listen(port)`, `listen({ port })`, each with a callback. */
  listen(...args) {
    const callback = args.findLast((arg) => typeof arg === "function");
    const first = args[0];
    const wanted = typeof first === "object" && first !== null ? first.port : first;
    let port = 0;
    if (typeof wanted === "number" || (typeof wanted === "string" && wanted.trim() !== "")) {
      port = Number(wanted);
      if (!Number.isInteger(port) || port < 0 || port > 65535) {
        const text = `options.port should be >= 0 and < 65536. Received ${typeof wanted}.`;
        throw nodeError(Error, "ERR_SOCKET_BAD_PORT", text);
      }
    }
    if (this.#port !== null || ports.has(port)) {
      throw nodeError(Error, "EADDRINUSE", `bind EADDRINUSE 127.0.0.1:${port || this.#port}`);
    }
    if (callback !== undefined) this.once("listening", callback);
    while (port === 0 || ports.has(port)) port = 1 + Math.trunc(Math.random() * 65535);
    this.#port = port;
    ports.set(port, (request, env, ctx) => this.#answer(request, env, ctx));
    queueMicrotask(() => this.emit("listening"));
    return this;
  }

  async #answer(request, env, ctx) {
    const message = new this.#messages.incoming();
    const { pathname, search } = new URL(request.url);
    const fields = [];
    for (const [name, value] of request.headers) fields.push(name, FIRST_ONLY.has(name) ? untilComma(value) : value);
    fillMessage(message, fields, request.body, socketOf(message, request.headers, this.#port));
    message.url = pathname + search;
    message.method = request.method;
    message.joinDuplicateHeaders = this.joinDuplicateHeaders;
    message.cloudflare = { env, ctx, cf: request.cf };
    const response = new this.#messages.response(message, { highWaterMark: this.highWaterMark });
    try {
      this.emit("connection", this, message);
      this.emit("request", message, response);
      return await answerOf(response);
    } catch (error) {
      response.on("error", () => {});
      response.destroy(error);
      throw error;
    }
  }

  close(callback) {
    if (this.#port !== null) {
      ports.delete(this.#port);
      this.#port = null;
    }
    if (typeof callback === "function") this.once("close", callback);
    queueMicrotask(() => this.emit("close"));
    return this;
  }
  closeAllConnections() {
    // There are no connections.
  }
  closeIdleConnections() {
    // There are no connections.
  }
  setTimeout(limitMs, callback) {
    if (typeof limitMs === "function") [limitMs, callback] = [undefined, limitMs];
    if (typeof limitMs === "number") this.timeout = limitMs;
    if (typeof callback === "function") this.once("timeout", callback);
    return this;
  }
  getConnections(callback) {
    if (callback) {
      needFunction(callback, "callback");
      queueMicrotask(() => callback(null, 0));
    }
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  get listening() {
    return this.#port !== null;
  }
  address() {
    return this.#port === null ? null : { port: this.#port, family: "IPv4", address: "127.0.0.1" };
  }
  get maxConnections() {
    return Infinity;
  }
  get connections() {
    return 0;
  }
  [Symbol.asyncDispose]() {
    return new Promise((resolve) => void this.close(resolve));
  }
}

export function createServer(options, listener) {
  if (isRefused()) throw notImplemented("createServer");
  return new Server(options, listener);
}

/** What answers on `port`, for `cloudflare:node`. */
host.serverOn = (port) => ports.get(port);
