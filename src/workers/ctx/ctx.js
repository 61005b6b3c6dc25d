// The context that handlers and objects are given: `ctx`.
import host from "dodev:host";
import { expose, illegalInvocation, keepShapes, notePlatformClass, wrongArgument } from "dodev:web/interface";
import { tracing } from "dodev:workers/ctx/tracing";
import { contextExports } from "dodev:workers/exports";
import { DurableObjectFacets } from "dodev:workers/facets";
import { settled } from "dodev:workers/rpc/receive";
import { ObjectSockets } from "dodev:workers/sockets";
import { makeStorage } from "dodev:workers/storage";

/** A class's name in `Object.prototype.toString()`. */
function tagged(type, name) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

export class ExecutionContext {
  constructor(props) {
    // Fidelity: own properties in this order, also where there is nothing behind them.
    this.tracing = tracing;
    this.access = undefined;
    this.cache = undefined;
    this.props = props ?? {};
    this.exports = contextExports();
  }

  /** Ends this context: who waits for it gets `reason`. Nothing catches it. */
  abort(reason) {
    if (!(reason instanceof Error)) {
      reason = new Error(reason === undefined ? "Worker execution was aborted due to call to ctx.abort()." : `${reason}`);
    }
    host.abortContext(reason);
  }

  waitUntil(promise) {
    if (!(this instanceof ExecutionContext)) throw illegalInvocation();
    if (arguments.length === 0) throw wrongArgument("ExecutionContext", "waitUntil", 1, "Promise");
    host.waitUntil(Promise.resolve(promise));
  }

  passThroughOnException() {
    // Without an origin behind the Worker there is nothing to pass a request to: the error is shown.
  }

  mapVirtualHost() {
    if (arguments.length === 0) throw wrongArgument("ExecutionContext", "mapVirtualHost", 1, "Fetcher");
    throw new Error("dodev does not emulate ctx.mapVirtualHost() yet");
  }
}
tagged(ExecutionContext, "ExecutionContext");
keepShapes(ExecutionContext, ["tracing", "access", "cache", "props", "exports"]);

let slotOf;
let socketsOf;

export class DurableObjectState {
  #slot;
  #sockets;

  constructor(slot, id, sqlite, props) {
    this.#slot = slot;
    this.#sockets = new ObjectSockets(slot);
    this.facets = new DurableObjectFacets(slot, id);
    this.container = undefined;
    this.storage = makeStorage(slot, sqlite);
    this.id = id;
    this.props = props ?? {};
    this.exports = contextExports();
  }

  waitUntil(promise) {
    slotOf(this);
    if (arguments.length === 0) {
      throw new TypeError("Failed to execute 'waitUntil' on 'DurableObjectState': parameter 1 is not of type 'Promise'.");
    }
    host.waitUntil(Promise.resolve(promise));
  }

  blockConcurrencyWhile(callback) {
    const slot = slotOf(this);
    if (typeof callback !== "function") {
      throw new TypeError(
        "Failed to execute 'blockConcurrencyWhile' on 'DurableObjectState': parameter 1 is not of type 'function'.",
      );
    }
    // What a call of another object promises is no promise of the engine's.
    return host.blockConcurrencyWhile(slot, () => settled(callback.call(this)));
  }

  abort(reason, options) {
    host.abort(slotOf(this), reason === undefined ? undefined : `${reason}`, options?.retryAlarm !== false);
  }

  acceptWebSocket(socket, tags) {
    socketsOf(this).accept(socket, tags);
  }

  getWebSockets(tag) {
    return socketsOf(this).list(tag);
  }

  getTags(socket) {
    return socketsOf(this).tags(socket);
  }

  setWebSocketAutoResponse(pair) {
    socketsOf(this).setAutoResponse(pair);
  }

  getWebSocketAutoResponse() {
    return socketsOf(this).autoResponse();
  }

  getWebSocketAutoResponseTimestamp(socket) {
    return socketsOf(this).autoResponseTimestamp(socket);
  }

  setHibernatableWebSocketEventTimeout(timeout) {
    socketsOf(this).setEventTimeout(timeout);
  }

  getHibernatableWebSocketEventTimeout() {
    return socketsOf(this).eventTimeout();
  }

  static {
    const check = (state) => {
      if (typeof state !== "object" || state === null || !(#slot in state)) throw illegalInvocation();
    };
    slotOf = (state) => {
      check(state);
      return state.#slot;
    };
    socketsOf = (state) => {
      check(state);
      return state.#sockets;
    };
  }
}

for (const type of [ExecutionContext, DurableObjectState]) {
  notePlatformClass(type);
  expose(type.prototype);
}
tagged(DurableObjectState, "DurableObjectState");
