// IncomingMessage: what a server of node:http is asked, and what a client is answered.
//
// Fidelity: Node.js's documentation of `http`, on top of the bodies of fetch; trailers are absent, as in workerd.
import { EventEmitter } from "dodev:node/events";
import { isIPv4 } from "dodev:node/net/address";
import { Readable } from "dodev:node/stream/readable";

/** Fields of which only the first one counts. Fidelity: the list of Node.js's documentation of `message.headers`. */
const SINGLE = new Set([
  "age", "authorization", "content-length", "content-type", "etag", "expires", "from", "host", "if-modified-since",
  "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization", "referer", "retry-after", "server",
  "user-agent",
]);

export class IncomingMessage extends Readable {
  #body = null;
  #reader;
  #reading = false;
  #socket;
  #headers;
  #distinct;

  constructor() {
    super({});
    Object.assign(this, {
      aborted: false, url: "", method: null, statusCode: null, statusMessage: null, httpVersion: "1.1", httpVersionMajor: 1,
      httpVersionMinor: 1, complete: false, rawHeaders: [], joinDuplicateHeaders: false,
      cloudflare: { cf: undefined, env: undefined, ctx: undefined },
    });
  }

  /** Gives a message its fields (names and values by turns), its body (a ReadableStream or null) and its socket. */
  static fill(message, rawHeaders, body, socket) {
    message.rawHeaders = rawHeaders;
    message.#body = body;
    message.#socket = socket;
  }

  _read() {
    if (this.#body === null) {
      this.complete = true;
      this.push(null);
    } else if (!this.#reading) {
      this.#pump();
    }
  }

  async #pump() {
    this.#reading = true;
    try {
      this.#reader ??= this.#body.getReader();
      while (!this.destroyed) {
        const { done, value } = await this.#reader.read();
        if (done) {
          this.complete = true;
          this.push(null);
          break;
        }
        if (!this.push(value)) break;
      }
    } catch (error) {
      this.destroy(error);
    } finally {
      this.#reading = false;
    }
  }

  _destroy(error, done) {
    if (!this.readableEnded || !this.complete) {
      this.aborted = true;
      this.emit("aborted");
      this.#reader?.cancel(error).catch(() => {});
    }
    // An error that nobody listens for is no reason to end the program.
    queueMicrotask(() => done(this.listenerCount("error") === 0 ? null : error));
  }

  get headers() {
    if (this.#headers === undefined) {
      this.#headers = {};
      this.#each((name, value) => addField(this.#headers, name, value, this.joinDuplicateHeaders));
    }
    return this.#headers;
  }
  set headers(value) {
    this.#headers = value;
  }

  get headersDistinct() {
    if (this.#distinct === undefined) {
      this.#distinct = {};
      this.#each((name, value) => (this.#distinct[name] ??= []).push(value));
    }
    return this.#distinct;
  }
  set headersDistinct(value) {
    this.#distinct = value;
  }

  #each(add) {
    for (let at = 0; at + 1 < this.rawHeaders.length; at += 2) add(this.rawHeaders[at].toLowerCase(), this.rawHeaders[at + 1]);
  }

  get trailers() {
    return {};
  }
  set trailers(_) {
    // There are none.
  }
  get trailersDistinct() {
    return {};
  }
  set trailersDistinct(_) {
    // There are none.
  }

  get socket() {
    return this.#socket;
  }
  set socket(value) {
    this.#socket = value;
  }
  get connection() {
    return this.#socket;
  }
  set connection(value) {
    this.#socket = value;
  }

  setTimeout(_, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }

  /** Reads the rest and throws it away. */
  _dump() {
    this.removeAllListeners("data");
    this.resume();
  }
}

/** Gives a message its parts. */
export const fillMessage = IncomingMessage.fill;
delete IncomingMessage.fill;

function addField(headers, name, value, joins) {
  if (name === "set-cookie") (headers[name] ??= []).push(value);
  else if (headers[name] === undefined) headers[name] = value;
  else if (name === "cookie") headers[name] += `; ${value}`;
  else if (joins || !SINGLE.has(name)) headers[name] += `, ${value}`;
}

/**
 * What stands for a server's connection: an emitter with the client's address, as the platform tells it.
 *
 * Fidelity: workerd's `src/node/internal/internal_http_incoming.ts`.
 */
export function socketOf(message, headers, localPort) {
  const address = headers.get("cf-connecting-ip") ?? "127.0.0.1";
  const remotePort = 0x8000 + Math.trunc(Math.random() * 0x8000);
  const alive = (value) => ({ get: () => (message.destroyed ? undefined : value), configurable: true });
  const fixed = (value) => ({ value, configurable: true });
  return Object.defineProperties(new EventEmitter(), {
    encrypted: fixed(headers.get("x-forwarded-proto") === "https"),
    readable: { get: () => message.readable, configurable: true },
    remoteAddress: alive(address),
    remoteFamily: alive(isIPv4(address) ? "IPv4" : "IPv6"),
    remotePort: alive(remotePort),
    localAddress: fixed(headers.get("host") ?? "127.0.0.1"),
    localPort: fixed(localPort),
    destroy: fixed((error) => message.destroy(error)),
  });
}
