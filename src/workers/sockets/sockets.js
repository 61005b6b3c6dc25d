// The sockets of an object: what `ctx` does with them, and how its handlers are called.
import host from "dodev:host";
import { nativeText, refuseBigInt } from "dodev:web/webidl";
import { WebSocketRequestResponsePair, isWebSocket, keepSocket, socketId, socketOf } from "dodev:web/web_socket";
import { settled } from "dodev:workers/rpc/receive";

const AUTO_RESPONSE_BYTES_MAX = 2048;
const HANDLERS = { message: "webSocketMessage", close: "webSocketClose", error: "webSocketError" };

function wrong(method, position, type) {
  return new TypeError(
    `Failed to execute '${method}' on 'DurableObjectState': parameter ${position} is not of type '${type}'.`,
  );
}

function idOf(method, socket) {
  if (!isWebSocket(socket)) throw wrong(method, 1, "WebSocket");
  return socketId(socket);
}

/** The object of a socket whose events handlers get; the same one as long as the instance lives. */
function hibernatable(id) {
  const socket = socketOf(id);
  keepSocket(socket);
  return socket;
}

function checkAutoResponse(what, text) {
  const size = host.utf8Length(text);
  if (size > AUTO_RESPONSE_BYTES_MAX) {
    throw new RangeError(
      `${what} cannot be larger than ${AUTO_RESPONSE_BYTES_MAX} bytes. A ${what.toLowerCase()} of size ${size} was provided.`,
    );
  }
}

/** What `ctx` offers for WebSockets, for the object in `slot`. */
export class ObjectSockets {
  #slot;

  constructor(slot) {
    this.#slot = slot;
  }

  accept(socket, tags) {
    const id = idOf("acceptWebSocket", socket);
    if (tags !== undefined && !Array.isArray(tags)) throw wrong("acceptWebSocket", 2, "Array");
    host.socketHibernate(this.#slot, id, Array.from(tags ?? [], (tag) => nativeText(tag)));
    keepSocket(socket);
  }

  list(tag) {
    const ids = host.objectSockets(this.#slot, tag === undefined ? null : nativeText(tag));
    return ids.map(hibernatable);
  }

  tags(socket) {
    return host.socketTags(idOf("getTags", socket));
  }

  setAutoResponse(pair) {
    if (pair === undefined) {
      host.setAutoResponse(this.#slot, null, null);
      return;
    }
    if (!(pair instanceof WebSocketRequestResponsePair)) {
      throw wrong("setWebSocketAutoResponse", 1, "WebSocketRequestResponsePair");
    }
    const { request, response } = pair;
    checkAutoResponse("Request", request);
    checkAutoResponse("Response", response);
    host.setAutoResponse(this.#slot, request, response);
  }

  autoResponse() {
    const pair = host.autoResponse(this.#slot);
    return pair === null ? null : new WebSocketRequestResponsePair(pair[0], pair[1]);
  }

  autoResponseTimestamp(socket) {
    const time = host.socketAnsweredAt(idOf("getWebSocketAutoResponseTimestamp", socket));
    return time === null ? null : new Date(time);
  }

  setEventTimeout(timeout) {
    refuseBigInt(timeout);
    const number = timeout === undefined ? 0 : Math.trunc(Number(timeout));
    if (!Number.isFinite(number)) {
      throw new TypeError("The value cannot be converted because it is not an integer.");
    }
    if (number < 0) {
      throw new TypeError(
        "The value cannot be converted because it is negative and this API expects a positive number.",
      );
    }
    host.setSocketTimeout(this.#slot, number === 0 ? null : number);
  }

  eventTimeout() {
    return host.socketTimeout(this.#slot);
  }
}

/** Calls the handler of `instance` for what happened to the socket numbered `id`. */
export function callSocketHandler(instance, id, kind, data, reason, clean) {
  const handler = instance[HANDLERS[kind]];
  // Fidelity: an object without the handler ignores the event.
  if (typeof handler !== "function") return undefined;
  const socket = hibernatable(id);
  switch (kind) {
    case "message":
      return settled(handler.call(instance, socket, data));
    case "close":
      return settled(handler.call(instance, socket, data, reason, clean));
    default:
      return settled(handler.call(instance, socket, new Error(data)));
  }
}
