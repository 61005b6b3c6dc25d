// EventSource: server-sent events from an address, or from a stream. Loaded when first used.
//
// Fidelity: https://html.spec.whatwg.org/multipage/server-sent-events.html, with workerd's words and times.
import { AbortController } from "dodev:web/abort";
import { DOMException } from "dodev:web/dom_exception";
import { TextDecoder } from "dodev:web/encoding";
import { ErrorEvent, Event, EventTarget, MessageEvent } from "dodev:web/events";
import { fetch } from "dodev:web/fetch";
import { constants, shape, wrongArgument, wrongConstruction } from "dodev:web/interface";
import { ownerOfNew } from "dodev:web/owner";
import { ReadableStream, isDisturbed } from "dodev:web/streams";
import { setTimeout } from "dodev:web/timers";
import { URL } from "dodev:web/url";

const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];
const FROM = Symbol("from");
const RETRY_MS = 2_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 10_000;
const TYPE = /^text\/event-stream\s*(;|$)/i;

function checkScope() {
  try {
    ownerOfNew();
  } catch {
    throw new DOMException(
      "An EventSource can only be created within the context of a worker request.",
      "NotSupportedError",
    );
  }
}

export class EventSource extends EventTarget {
  #url;
  #fetcher;
  #state = CONNECTING;
  #lastId = "";
  #retry = RETRY_MS;
  #aborter = new AbortController();
  #handlers = { open: null, message: null, error: null };
  #hadNoBody = false;

  constructor(url, init) {
    super();
    if (url === FROM) return;
    if (arguments.length === 0) throw wrongConstruction("EventSource", 1, "string");
    checkScope();
    if (init?.withCredentials) {
      throw new DOMException(
        "The init.withCredentials option is not supported. It must be false or undefined.",
        "NotSupportedError",
      );
    }
    if (!URL.canParse(`${url}`)) {
      throw new DOMException(`Cannot open an EventSource to '${url}'. The URL is invalid.`, "SyntaxError");
    }
    this.#url = new URL(`${url}`).href;
    this.#fetcher = init?.fetcher;
    this.#connect();
  }

  static from(stream) {
    if (!(stream instanceof ReadableStream)) throw wrongArgument("EventSource", "from", 1, "JsReadableStream");
    checkScope();
    if (stream.locked) throw new TypeError("This ReadableStream is locked.");
    if (isDisturbed(stream)) throw new TypeError("This ReadableStream has already been read from.");
    const source = new EventSource(FROM);
    source.#run(stream, false);
    return source;
  }

  close() {
    this.#state = CLOSED;
    this.#aborter.abort();
  }
  get url() {
    return this.#url ?? "";
  }
  get withCredentials() {
    return false;
  }
  get readyState() {
    return this.#state;
  }
  get onopen() {
    return this.#handlers.open;
  }
  set onopen(handler) {
    this.#handle("open", handler);
  }
  get onmessage() {
    return this.#handlers.message;
  }
  set onmessage(handler) {
    this.#handle("message", handler);
  }
  get onerror() {
    return this.#handlers.error;
  }
  set onerror(handler) {
    this.#handle("error", handler);
  }
  [Symbol.dispose]() {
    this.close();
  }

  // EventTarget calls what the properties hold.
  #handle(type, handler) {
    const usable = typeof handler === "function" || (typeof handler === "object" && handler !== null);
    this.#handlers[type] = usable ? handler : null;
  }

  async #connect() {
    if (this.#state === CLOSED) return;
    const headers = { accept: "text/event-stream", "cache-control": "no-cache" };
    if (this.#lastId !== "") headers["last-event-id"] = this.#lastId;
    try {
      const init = { headers, signal: this.#aborter.signal };
      const response = await (this.#fetcher === undefined ? fetch(this.#url, init) : this.#fetcher.fetch(this.#url, init));
      if (this.#state !== CLOSED) this.#take(response);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(response) {
    const refuse = (message) => this.#fail(new DOMException(message, "AbortError"));
    if (!response.ok) return refuse(`The response status code was ${response.status}.`);
    const type = response.headers.get("content-type");
    if (type === null) return refuse("No content type header was present in the response.");
    if (!TYPE.test(type)) return refuse(`The content type '${type}' is invalid.`);
    if (response.redirected && URL.canParse(response.url)) this.#url = response.url;
    if (response.body !== null) {
      this.#run(response.body, true);
      return undefined;
    }
    if (this.#hadNoBody) return this.#fail(new Error("The server provided no content."));
    this.#hadNoBody = true;
    this.#fail(new Error("The server provided no content. Will try reconnecting."), true);
    return this.#reconnect();
  }

  #reconnect() {
    if (this.#state === CLOSED) return;
    this.#state = CONNECTING;
    this.#aborter = new AbortController();
    setTimeout(() => this.#connect(), this.#retry);
  }

  #fail(error, again = false) {
    if (this.#state === CLOSED) return;
    this.#state = again ? CONNECTING : CLOSED;
    this.dispatchEvent(new ErrorEvent("error", { error, message: `${error?.message ?? ""}` }));
  }

  // Reads the stream to its end; an address is then asked again.
  async #run(stream, again) {
    this.#state = OPEN;
    this.dispatchEvent(new Event("open"));
    const reader = stream.getReader();
    const lines = new Lines();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#state === CLOSED) return void reader.cancel();
        if (done) break;
        for (const message of lines.read(value)) this.#deliver(message);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (again) this.#reconnect();
    else this.#fail(new DOMException("The stream has ended.", "AbortError"));
  }

  #deliver({ id, retry, type, data }) {
    if (id !== undefined) this.#lastId = id;
    if (retry !== undefined) this.#retry = Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, retry));
    if (this.#state === CLOSED || data === undefined || data === "") return;
    const origin = this.#url === undefined ? "" : new URL(this.#url).origin;
    this.dispatchEvent(new MessageEvent(type || "message", { data, lastEventId: this.#lastId, origin }));
  }
}
shape(EventSource);
Object.defineProperty(EventSource.prototype, Symbol.dispose, { enumerable: false });
constants(EventSource, { CONNECTING, OPEN, CLOSED });

/** Splits bytes into lines and lines into messages. */
class Lines {
  #decoder = new TextDecoder();
  #rest = "";
  #message = {};

  /** The messages that `bytes` completes. */
  read(bytes) {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    // A carriage return at the end may be half of a line break.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const messages = [];
    for (const line of lines) {
      if (line === "") {
        messages.push(this.#message);
        this.#message = {};
      } else this.#feed(line);
    }
    return messages;
  }

  #feed(line) {
    const [, field, value = ""] = /^([^:]*)(?::\x20?(.*))?$/s.exec(line);
    const message = this.#message;
    if (field === "data") message.data = message.data === undefined ? value : `${message.data}\n${value}`;
    else if (field === "event") message.type = value;
    else if (field === "id") message.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) message.retry = Number(value);
  }
}
