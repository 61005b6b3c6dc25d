// WebSocket ends as objects: each is a number in the host's table, which knows its state. What arrives at
// an end with listeners enters by the entry `socketEvent`; the host says when an end may be forgotten.
import host from "dodev:host";
import { Blob } from "dodev:web/blob";
import { Cloudflare } from "dodev:web/cloudflare";
import { DOMException } from "dodev:web/dom_exception";
import { CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent, dispatchCatching, trust } from "dodev:web/events";
import { constants } from "dodev:web/interface";
import { SOCKET, owner, ownerOfNew, requireOwn } from "dodev:web/owner";
import { badArgument, badConstruction, illegal, LOST, nativeText, publish, retryable, toInt, usv } from "dodev:web/webidl";

const MAKE = Symbol("make");
const REASON_BYTES_MAX = 123;
const URL_ERROR = "WebSocket Constructor: ";

/** Accepted ends by number: events find their object here. */
const accepted = new Map();

/** Whether `value` is an end of a WebSocket. */
export let isWebSocket;
/** The number of an end. */
export let socketId;
/** The number of an end that is returned in a response; nobody can use the object afterwards. */
export let returnSocket;
/** Remembers an end whose events an object's handlers get. */
export let keepSocket;
/** Notes what is left of an end that the host has forgotten. */
let leaveSocket;

let binaryTypeOf;
// Loaded with the first connection.
let outbound;

function flag(name) {
  return Cloudflare.compatibilityFlags[name] === true;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z"]+$/;

/** The value of the header for what the constructor is given as protocols. */
function protocolsOf(given) {
  const refuse = (why) => {
    throw new DOMException(`${URL_ERROR}${why}`, "SyntaxError");
  };
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) {
    const one = `${given}`;
    if (!TOKEN.test(one)) refuse("The protocol header token is invalid.");
    return one;
  }
  const all = given.map((protocol) => `${protocol}`);
  all.forEach((protocol, index) => {
    if (!TOKEN.test(protocol)) refuse("One of the protocol header tokens is invalid.");
    if (all.indexOf(protocol) !== index) refuse("The protocols header cannot have repeating values.");
  });
  return all.length === 0 ? undefined : all.join(", ");
}

/** The address to ask for the URL that the constructor is given. */
function addressOf(input) {
  let url;
  try {
    url = new URL(input);
  } catch {
    throw new DOMException(`${URL_ERROR}The url is invalid.`, "SyntaxError");
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new DOMException(`${URL_ERROR}The url scheme must be ws or wss.`, "SyntaxError");
  }
  if (url.hash !== "" || `${input}`.includes("#")) {
    throw new DOMException(`${URL_ERROR}The url fragment must be empty.`, "SyntaxError");
  }
  url.protocol = url.protocol === "ws:" ? "http:" : "https:";
  url.username = url.password = "";
  return url.href;
}

/** Throws unless an end may send a close message of `code` and `reason`. */
function checkClose(code, reason) {
  if (code !== undefined) {
    const forbidden = code === 1004 || code === 1005 || code === 1006 || code === 1015;
    if (code < 1000 || code >= 5000 || forbidden) {
      throw new DOMException(`Invalid WebSocket close code: ${code}.`, "InvalidAccessError");
    }
  }
  if (reason === undefined) return;
  if (flag("websocket_close_reason_byte_limit") && host.utf8Length(reason) > REASON_BYTES_MAX) {
    throw new DOMException(
      `WebSocket close reason must not be longer than ${REASON_BYTES_MAX} bytes when UTF-8 encoded.`,
      "SyntaxError",
    );
  }
  if (code === undefined) {
    throw new DOMException(
      "If you specify a WebSocket close reason, you must also specify a code.",
      "InvalidAccessError",
    );
  }
}

export class WebSocket extends EventTarget {
  #id;
  /** Who made it, or was handed it by the host. */
  #maker = owner();
  #returned = false;
  #closed = false;
  /** Whether an object's handlers get its events. */
  #handled = false;
  /** The value of `readyState` that stays, once the host has forgotten the end. */
  #last;
  #binaryType = flag("websocket_standard_binary_type") ? "blob" : "arraybuffer";

  // Of one that was made with `new WebSocket()`; `undefined` of others.
  #url;
  #protocol = "";
  #extensions = "";
  // What breaks the attempt to connect off, while it lasts.
  #breakOff;
  #failed = false;

  constructor(input, id) {
    if (input === MAKE) {
      super();
      this.#id = id;
      return;
    }
    if (arguments.length === 0) badConstruction("WebSocket", 1, "string");
    ownerOfNew();
    const address = addressOf(input);
    const protocols = protocolsOf(id);
    super();
    if (host.fetchOutside === undefined) throw new Error("dodev does not emulate new WebSocket() here");
    this.#url = usv(input);
    this.#breakOff = () => {};
    this.#connect(address, protocols);
  }

  async #connect(address, protocols) {
    outbound ??= host.lazy("dodev:web/fetch/outbound");
    try {
      const opened = await outbound.openSocket(address, protocols, (breakOff) => (this.#breakOff = breakOff));
      // It was closed when the connection was made already.
      if (this.#breakOff === undefined) throw new Error(LOST);
      [this.#id, this.#protocol, this.#extensions] = opened;
    } catch (error) {
      // Fidelity: observed with wrangler 4.164.0: a close before the connection is made is an error like any other.
      const reason = this.#breakOff === undefined ? new Error(LOST) : error;
      this.#breakOff = undefined;
      this.#failed = true;
      dispatchCatching(this, trust(new ErrorEvent("error", { message: `Uncaught ${reason}`, error: reason })));
      const close = { code: 1006, reason: "Failed to establish websocket connection", wasClean: false };
      dispatchCatching(this, trust(new CloseEvent("close", close)));
      return;
    }
    this.#breakOff = undefined;
    host.socketAccept(this.#id, null);
    accepted.set(this.#id, this);
    dispatchCatching(this, trust(new Event("open")));
  }

  static {
    isWebSocket = (value) => typeof value === "object" && value !== null && #id in value;
    socketId = (socket) => socket.#id;
    keepSocket = (socket) => {
      socket.#handled = true;
      socket.#maker = owner();
      accepted.set(socket.#id, socket);
    };
    leaveSocket = (socket, readyState, saidGoodbye) => {
      socket.#last = readyState;
      socket.#closed ||= saidGoodbye;
    };
    binaryTypeOf = (socket) => socket.#binaryType;
    returnSocket = (socket) => {
      if (socket.#url !== undefined && socket.#id === undefined) {
        throw new TypeError("Can't return WebSocket in a Response if it was created with `new WebSocket()`");
      }
      if (socket.#returned) throw new TypeError("Can't return WebSocket that was already used in a response.");
      host.socketReturn(socket.#id);
      socket.#returned = true;
      return socket.#id;
    };
  }

  accept(options) {
    if (!isWebSocket(this)) illegal();
    if (this.#breakOff !== undefined) {
      throw new TypeError("Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    }
    if (this.#id === undefined) throw new TypeError("Can't accept() WebSocket that was already used in a response.");
    if (this.#returned) throw new TypeError("Can't accept() WebSocket that was already used in a response.");
    requireOwn(this.#maker, SOCKET);
    if (this.#last !== undefined) {
      const why = this.#handled ? "after enabling hibernation." : "that was already used in a response.";
      throw new TypeError(`Can't accept() WebSocket ${why}`);
    }
    if (options !== undefined && options !== null && typeof options !== "object" && typeof options !== "function") {
      throw new TypeError("Failed to execute 'accept' on 'WebSocket': parameter 1 is not of type 'AcceptOptions'.");
    }
    const halfOpen = options?.allowHalfOpen;
    host.socketAccept(this.#id, halfOpen === undefined ? null : !!halfOpen);
    accepted.set(this.#id, this);
  }

  send(message) {
    if (!isWebSocket(this)) illegal();
    if (arguments.length === 0) badArgument("send", "WebSocket", 1, "ArrayBuffer or ArrayBufferView or string");
    if (this.#closed) throw new TypeError("Can't call WebSocket send() after close().");
    if (this.#id === undefined) {
      if (this.#breakOff === undefined) return;
      throw new TypeError(
        "You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.",
      );
    }
    requireOwn(this.#maker, SOCKET);
    const bytes = message instanceof ArrayBuffer || ArrayBuffer.isView(message);
    host.socketSend(this.#id, bytes ? message : usv(message));
  }

  close(code, reason) {
    if (!isWebSocket(this)) illegal();
    code = code === undefined ? undefined : toInt(code);
    reason = reason === undefined ? undefined : usv(reason);
    checkClose(code, reason);
    if (this.#id === undefined) {
      const breakOff = this.#breakOff;
      this.#breakOff = undefined;
      breakOff?.();
      return;
    }
    requireOwn(this.#maker, SOCKET);
    host.socketClose(this.#id, code ?? null, reason ?? "");
    this.#closed = true;
  }

  serializeAttachment(value) {
    if (!isWebSocket(this)) illegal();
    if (arguments.length === 0) badArgument("serializeAttachment", "WebSocket", 1, "Value");
    if (this.#id !== undefined) host.socketAttach(this.#id, value);
  }

  deserializeAttachment() {
    if (!isWebSocket(this)) illegal();
    return this.#id === undefined ? null : host.socketAttachment(this.#id);
  }

  get readyState() {
    if (!isWebSocket(this)) illegal();
    if (this.#id === undefined) return this.#failed ? 3 : this.#breakOff === undefined ? 1 : 0;
    requireOwn(this.#maker, SOCKET);
    return this.#last ?? host.socketState(this.#id);
  }

  get bufferedAmount() {
    if (!isWebSocket(this)) illegal();
    return this.#id === undefined ? 0 : host.socketBuffered(this.#id);
  }

  get url() {
    if (!isWebSocket(this)) illegal();
    return this.#url ?? null;
  }

  get protocol() {
    if (!isWebSocket(this)) illegal();
    return this.#protocol;
  }

  get extensions() {
    if (!isWebSocket(this)) illegal();
    return this.#extensions;
  }

  get binaryType() {
    if (!isWebSocket(this)) illegal();
    return this.#binaryType;
  }

  set binaryType(type) {
    if (!isWebSocket(this)) illegal();
    type = `${type}`;
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }
}
publish(WebSocket);
constants(WebSocket, {
  CONNECTING: 0,
  OPEN: 1,
  CLOSING: 2,
  CLOSED: 3,
  READY_STATE_CONNECTING: 0,
  READY_STATE_OPEN: 1,
  READY_STATE_CLOSING: 2,
  READY_STATE_CLOSED: 3,
});

/** The object of the end numbered `id`; made if there is none. */
export function socketOf(id) {
  return accepted.get(id) ?? new WebSocket(MAKE, id);
}

export function WebSocketPair() {
  if (new.target === undefined) {
    throw new TypeError(
      "Failed to construct 'WebSocketPair': Please use the 'new' operator, this object constructor cannot be called as a function.",
    );
  }
  const [a, b] = host.socketPair();
  for (const [name, id] of [["0", a], ["1", b]]) {
    Object.defineProperty(this, name, { value: new WebSocket(MAKE, id), enumerable: true, configurable: true });
  }
}
publish(WebSocketPair);
Object.defineProperty(WebSocketPair.prototype, Symbol.iterator, {
  *value() {
    yield this[0];
    yield this[1];
  },
  writable: true,
  configurable: true,
});

function refuseAssignment(name) {
  throw new TypeError(`Cannot assign to read only property '${name}' of object '#<WebSocketRequestResponsePair>'`);
}

export class WebSocketRequestResponsePair {
  #request;
  #response;

  constructor(request, response) {
    if (arguments.length < 2) badConstruction("WebSocketRequestResponsePair", arguments.length + 1, "string");
    this.#request = nativeText(request);
    this.#response = nativeText(response);
  }

  get request() {
    return this.#request;
  }

  set request(_) {
    refuseAssignment("request");
  }

  get response() {
    return this.#response;
  }

  set response(_) {
    refuseAssignment("response");
  }
}
publish(WebSocketRequestResponsePair);

// The end whose listener threw last, and what; the host tells of it at once.
let lastThrown;

/** The error of a connection that failed. */
function failure(message) {
  return message === LOST ? retryable(message) : new Error(message);
}

function eventOf(socket, kind, data, reason, clean) {
  switch (kind) {
    case "message": {
      const asBlob = data instanceof ArrayBuffer && binaryTypeOf(socket) === "blob";
      return new MessageEvent("message", { data: asBlob ? new Blob([data]) : data });
    }
    case "close":
      return new CloseEvent("close", { code: data, reason, wasClean: clean });
    default: {
      const [of, thrown] = lastThrown ?? [];
      const error = of === socketId(socket) ? thrown : failure(data);
      return new ErrorEvent("error", { message: `Uncaught ${error}`, error });
    }
  }
}

// Gives what a listener threw, as text in an array.
host.entry("socketEvent", (id, kind, data, reason, clean) => {
  const socket = accepted.get(id);
  if (socket === undefined) return undefined;
  const thrown = dispatchCatching(socket, trust(eventOf(socket, kind, data, reason, clean)));
  lastThrown = undefined;
  if (thrown === undefined) return undefined;
  const [error] = thrown;
  const told = error instanceof Error ? error : new Error(`${error}`);
  // Only what is thrown over a message ends the connection.
  if (kind === "message") lastThrown = [id, told];
  return [told.message];
});

// Three numbers for each end: its own, its last `readyState`, and whether it said goodbye.
host.entry("forgetSockets", (ends) => {
  for (let i = 0; i < ends.length; i += 3) {
    const socket = accepted.get(ends[i]);
    if (socket === undefined) continue;
    if (ends[i + 1] !== 0) leaveSocket(socket, ends[i + 1], ends[i + 2] === 1);
    accepted.delete(ends[i]);
  }
});
