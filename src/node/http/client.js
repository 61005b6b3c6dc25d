// Clients of node:http and node:https: a request is collected until its end and sent by fetch.
//
// Fidelity: workerd's `src/node/internal/internal_http_client.ts` for options that are refused and their texts. What is sent
// leaves when the request is ended; nothing waits for its answer but the program.
import { Buffer } from "dodev:node/buffer";
import { needFunction, nodeError, wrongType, wrongValue } from "dodev:node/errors";
import { globalAgent } from "dodev:node/http/agent";
import { badToken, isToken, notImplemented, optionNotImplemented } from "dodev:node/http/fields";
import { IncomingMessage, fillMessage } from "dodev:node/http/incoming";
import { OutgoingMessage, fieldsOf } from "dodev:node/http/outgoing";
import { addAbortSignal } from "dodev:node/stream/state";
import { urlToHttpOptions } from "dodev:node/url";
import { fetch } from "dodev:web/fetch";

const BAD_PATH = /[^\u0021-\u00ff]/;
/** What would make another host of a path: two separators at its beginning, or a scheme. */
const OTHER_HOST = /^(?:[/\\]{2}|[^/\\]*:)/;
/** What needs sockets. */
const WITHOUT_SOCKETS = ["maxHeaderSize", "insecureHTTPParser", "createConnection", "lookup", "socketPath"];

function needHost(value, name) {
  if (value !== undefined && value !== null && typeof value !== "string") {
    throw wrongType(`options.${name}`, "one of type string, undefined, or null", value);
  }
  return value;
}

function checkPath(path) {
  if (BAD_PATH.test(path)) {
    throw nodeError(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
  }
  if (OTHER_HOST.test(path)) throw wrongValue("options.path", path, "must be a path-only request target");
}

/** `(url, options, callback)`, `(url, callback)` or `(options, callback)`. */
function arrange(input, options, callback) {
  if (typeof input === "string" || input instanceof URL) input = urlToHttpOptions(new URL(input));
  else [input, options, callback] = [{}, input, options];
  if (typeof options === "function") [options, callback] = [{}, options];
  return [{ ...input, ...options }, callback];
}

export class ClientRequest extends OutgoingMessage {
  #chunks = [];
  #abort = new AbortController();
  #timer;
  #incoming;
  #url;

  constructor(input, init, listener) {
    // Its end is that of the answer.
    super(undefined, { autoDestroy: false });
    const [options, callback] = arrange(input, init, listener);
    if (options.path) checkPath(options.path);
    const fallback = options._defaultAgent ?? globalAgent;
    let { agent } = options;
    if (agent === false) agent = new fallback.constructor();
    else if (agent === undefined || agent === null) agent = fallback;
    else if (typeof agent !== "object" || typeof agent.addRequest !== "function") {
      throw wrongType("options.agent", "one of Agent-like Object, undefined, or false", agent);
    }
    const expected = agent.protocol ?? fallback.protocol;
    const protocol = options.protocol || expected;
    if (protocol !== expected) {
      throw nodeError(TypeError, "ERR_INVALID_PROTOCOL", `Protocol "${protocol}" not supported. Expected "${expected}"`);
    }
    const port = options.port || options.defaultPort || agent.defaultPort || 80;
    const host = needHost(options.hostname, "hostname") || needHost(options.host, "host") || "localhost";
    if (options.method !== undefined && options.method !== null && typeof options.method !== "string") {
      throw wrongType("options.method", "of type string", options.method);
    }
    if (options.method && !isToken(options.method)) throw badToken("Method", options.method);
    for (const name of WITHOUT_SOCKETS) if (options[name] !== undefined) throw optionNotImplemented(`options.${name}`);
    Object.assign(this, {
      agent, protocol, host, port: `${port}`, path: options.path || "/", method: (options.method || "GET").toUpperCase(),
      timeout: options.timeout, aborted: false, reusedSocket: false, maxHeadersCount: Infinity,
      joinDuplicateHeaders: options.joinDuplicateHeaders,
    });
    if (callback) this.once("response", callback);
    this.#takeFields(options, host, port, agent);
    if (options.signal) addAbortSignal(options.signal, this);
    this.#url = `${protocol}//${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
  }

  #takeFields({ headers, auth, setHost, setDefaultHeaders }, host, port, agent) {
    if (Array.isArray(headers)) {
      if (headers.length % 2 !== 0) throw wrongValue("headers", headers);
      for (let at = 0; at < headers.length; at += 2) this.setHeader(headers[at], headers[at + 1]);
      return;
    }
    for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value);
    if (!this.hasHeader("host") && (setHost ?? setDefaultHeaders !== false)) {
      const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
      this.setHeader("Host", Number(port) === agent.defaultPort ? shown : `${shown}:${port}`);
    }
    if (auth && !this.hasHeader("authorization")) this.setHeader("Authorization", `Basic ${Buffer.from(auth).toString("base64")}`);
  }

  _implicitHeader() {
    // The platform sends its own fields about the connection.
    this.headersSent = true;
    this._contentLength = null;
  }
  _write(chunk, encoding, done) {
    this.#chunks.push(chunk);
    done();
  }
  _final(done) {
    done();
    this.#send();
  }
  _destroy(error, done) {
    this.#stop();
    this.#incoming?.destroy(error);
    this.#abort.abort();
    done(error);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  #watch() {
    this.#stop();
    if (!this.timeout) return;
    this.#timer = setTimeout(() => {
      this.emit("timeout");
      this.#incoming?.emit("timeout");
      this.#abort.abort();
    }, this.timeout);
  }

  async #send() {
    const bodiless = this.method === "GET" || this.method === "HEAD";
    this.#watch();
    let response;
    try {
      response = await fetch(new URL(this.path, this.#url), {
        method: this.method,
        headers: fieldsOf(this),
        body: bodiless || this.#chunks.length === 0 ? null : Buffer.concat(this.#chunks),
        signal: this.#abort.signal,
        redirect: "manual",
        // As in Node.js, a body comes packed as it was sent.
        encodeResponseBody: "manual",
      });
    } catch (error) {
      this.#stop();
      if (this.listenerCount("error") > 0 || !this.aborted) this.emit("error", error);
      this.emit("close");
      return;
    }
    this.#receive(response);
  }

  #receive(response) {
    const incoming = new IncomingMessage();
    const fields = [];
    for (const [name, value] of response.headers) fields.push(name, value);
    fillMessage(incoming, fields, response.body, undefined);
    Object.assign(incoming, { url: response.url, statusCode: response.status, statusMessage: response.statusText, req: this });
    incoming.once("close", () => {
      this.#stop();
      this.emit("close");
    });
    this.#incoming = incoming;
    this.res = incoming;
    // Without a listener nobody would ever read it.
    if (!this.emit("response", incoming)) incoming._dump();
  }

  abort() {
    if (this.aborted) return;
    this.aborted = true;
    queueMicrotask(() => this.emit("abort"));
    this.#stop();
    this.#incoming?.destroy();
    this.#abort.abort();
  }
  setTimeout(limitMs, callback) {
    if (typeof limitMs !== "number") throw wrongType("msecs", "of type number", limitMs);
    if (callback !== undefined) {
      needFunction(callback, "callback");
      this.once("timeout", callback);
    }
    this.timeout = limitMs;
    if (this.writableEnded) this.#watch();
    return this;
  }
  clearTimeout(callback) {
    this.setTimeout(0, callback);
  }
  setNoDelay() {
    // The platform keeps the connections.
  }
  setSocketKeepAlive() {
    // The platform keeps the connections.
  }
  onSocket() {
    // There is none.
  }
  addTrailers() {
    throw notImplemented("addTrailers");
  }
}

export const request = (input, options, callback) => new ClientRequest(input, options, callback);

export function get(input, options, callback) {
  const asked = request(input, options, callback);
  asked.end();
  return asked;
}
