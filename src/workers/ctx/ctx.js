// The context that handlers and objects are given: `ctx`.
import host from "dodev:host";
import { notePlatformClass } from "dodev:web/interface";
import { contextExports } from "dodev:workers/exports";
import { DurableObjectFacets } from "dodev:workers/facets";
import { ObjectSockets } from "dodev:workers/sockets";
import { makeStorage } from "dodev:workers/storage";

export class ExecutionContext {
  constructor(props) {
    this.props = props ?? {};
  }

  waitUntil(promise) {
    host.waitUntil(Promise.resolve(promise));
  }

  passThroughOnException() {
    // Without an origin behind the Worker there is nothing to pass a request to: the error is shown.
  }

  get exports() {
    return contextExports();
  }
}

export class DurableObjectState {
  #slot;
  #sockets;
  #facets;

  constructor(slot, id, sqlite, props) {
    this.#slot = slot;
    this.#sockets = new ObjectSockets(slot);
    this.id = id;
    this.storage = makeStorage(slot, sqlite);
    this.props = props ?? {};
  }

  waitUntil(promise) {
    host.waitUntil(Promise.resolve(promise));
  }

  blockConcurrencyWhile(callback) {
    if (typeof callback !== "function") {
      throw new TypeError(
        "Failed to execute 'blockConcurrencyWhile' on 'DurableObjectState': parameter 1 is not of type 'function'.",
      );
    }
    return host.blockConcurrencyWhile(this.#slot, callback);
  }

  abort(reason, options) {
    host.abort(this.#slot, reason === undefined ? undefined : `${reason}`, options?.retryAlarm !== false);
  }

  acceptWebSocket(socket, tags) {
    this.#sockets.accept(socket, tags);
  }

  getWebSockets(tag) {
    return this.#sockets.list(tag);
  }

  getTags(socket) {
    return this.#sockets.tags(socket);
  }

  setWebSocketAutoResponse(pair) {
    this.#sockets.setAutoResponse(pair);
  }

  getWebSocketAutoResponse() {
    return this.#sockets.autoResponse();
  }

  getWebSocketAutoResponseTimestamp(socket) {
    return this.#sockets.autoResponseTimestamp(socket);
  }

  setHibernatableWebSocketEventTimeout(timeout) {
    this.#sockets.setEventTimeout(timeout);
  }

  getHibernatableWebSocketEventTimeout() {
    return this.#sockets.eventTimeout();
  }

  get exports() {
    return contextExports();
  }

  get facets() {
    return (this.#facets ??= new DurableObjectFacets(this.#slot, this.id));
  }

  get container() {
    return undefined;
  }
}

notePlatformClass(ExecutionContext);
notePlatformClass(DurableObjectState);
