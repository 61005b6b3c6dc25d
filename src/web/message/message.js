// MessageChannel: two ports, each giving copies of what was posted to the other, in a later turn.
import { Event, EventTarget, MessageEvent, dispatch, trust } from "dodev:web/events";
import { illegalConstructor, illegalInvocation, shape } from "dodev:web/interface";
import { copyOf } from "dodev:web/structured_clone";
import { after } from "dodev:web/timers";

const MAKE = Symbol("make");
// Most messages that wait for a port to be started.
const WAITING_MAX = 10_000;

let entangle;

export class MessagePort extends EventTarget {
  #other;
  #started = false;
  #waiting = [];
  #onmessage = null;

  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
    super();
  }

  postMessage(value, options) {
    if (!(#other in this)) throw illegalInvocation();
    const transfer = Array.isArray(options) ? options : options?.transfer;
    if (transfer !== undefined && transfer.length > 0) throw new Error("Transfer list is not supported");
    const copy = copyOf(value);
    const other = this.#other;
    if (other === undefined) return;
    if (other.#waiting.length >= WAITING_MAX) throw new Error("too many messages wait for this port to be started");
    other.#waiting.push(copy);
    if (other.#started) after(0, () => other.#deliver());
  }
  close() {
    if (!(#other in this)) throw illegalInvocation();
    const other = this.#other;
    if (other === undefined) return;
    this.#other = undefined;
    other.#other = undefined;
    for (const port of [this, other]) after(0, () => dispatch(port, new Event("close")));
  }
  start() {
    if (!(#other in this)) throw illegalInvocation();
    if (this.#started) return;
    this.#started = true;
    for (let i = 0; i < this.#waiting.length; i++) after(0, () => this.#deliver());
  }
  get onmessage() {
    if (!(#other in this)) throw illegalInvocation();
    return this.#onmessage;
  }
  set onmessage(handler) {
    if (!(#other in this)) throw illegalInvocation();
    this.#onmessage = typeof handler === "function" ? handler : null;
    this.start();
  }

  #deliver() {
    if (this.#waiting.length === 0) return;
    const data = this.#waiting.shift();
    dispatch(this, trust(new MessageEvent("message", { data, origin: null, source: this.#other ?? null })));
  }

  static {
    entangle = (a, b) => {
      a.#other = b;
      b.#other = a;
    };
  }
}
shape(MessagePort);

export class MessageChannel {
  constructor() {
    const ports = { port1: new MessagePort(MAKE), port2: new MessagePort(MAKE) };
    entangle(ports.port1, ports.port2);
    for (const name in ports) {
      Object.defineProperty(this, name, { value: ports[name], enumerable: true, configurable: true });
    }
  }
}
shape(MessageChannel);
