// node:diagnostics_channel: named channels between parts of a program.
//
// Fidelity: workerd's `src/workerd/api/node/diagnostics-channel.c++` and `src/node/diagnostics_channel.ts`: a subscriber is
// there once however often it subscribes, what it throws reaches who publishes, and unsubscribing answers nothing.
import { needFunction, needObject, wrongType } from "dodev:node/errors";
import { Cloudflare } from "dodev:web/cloudflare";
import { ownerOfNew } from "dodev:web/owner";

const channels = new Map();

export class Channel {
  #name;
  #subscribers = new Set();
  #stores = new Map();

  constructor(name) {
    this.#name = name;
  }
  subscribe(subscriber) {
    if (typeof subscriber !== "function") {
      throw new TypeError("Failed to execute 'subscribe' on 'Channel': parameter 1 is not of type 'function'.");
    }
    this.#subscribers.add(subscriber);
  }
  unsubscribe(subscriber) {
    this.#subscribers.delete(subscriber);
  }
  publish(message) {
    for (const subscriber of [...this.#subscribers]) subscriber(message, this.#name);
    // Fidelity: whom it traces is asked of the running request, also where nobody listens.
    ownerOfNew();
  }
  static hasSubscribers(channel) {
    return channel.#subscribers.size > 0;
  }
  bindStore(store, transform) {
    this.#stores.set(store, transform);
  }
  unbindStore(store) {
    this.#stores.delete(store);
  }
  runStores(message, callback, receiver, ...args) {
    let run = () => {
      this.publish(message);
      return Reflect.apply(callback, receiver, args);
    };
    for (const [store, transform] of this.#stores) {
      const inner = run;
      run = () => store.run(transform ? transform(message) : message, inner);
    }
    return run();
  }
}

const { hasSubscribers: isHeard } = Channel;
delete Channel.hasSubscribers;

// Fidelity: before 2026-05-19 `hasSubscribers` was a method.
function defineHasSubscribers(Class, ask) {
  const asGetter = Cloudflare.compatibilityFlags.diagnostics_channel_has_subscribers_getter !== false;
  const descriptor = asGetter
    ? { get() { return ask(this); } }
    : { value: { hasSubscribers() { return ask(this); } }.hasSubscribers, writable: true };
  Object.defineProperty(Class.prototype, "hasSubscribers", { ...descriptor, configurable: true, enumerable: false });
}
defineHasSubscribers(Channel, isHeard);

export function channel(name) {
  // Fidelity: symbols are told apart by their text.
  const key = String(name);
  let found = channels.get(key);
  if (found === undefined) channels.set(key, (found = new Channel(typeof name === "symbol" ? name : key)));
  return found;
}

export const hasSubscribers = (name) => {
  const found = channels.get(String(name));
  return found !== undefined && isHeard(found);
};
export const subscribe = (name, subscriber) => channel(name).subscribe(subscriber);
export const unsubscribe = (name, subscriber) => channels.get(String(name))?.unsubscribe(subscriber);

const EVENTS = ["start", "end", "asyncStart", "asyncEnd", "error"];
let making = false;

/** The five channels that follow one operation from its start to its end. */
export class TracingChannel {
  constructor() {
    if (!making) throw new Error("Use diagnostic_channel.tracingChannels() to create TracingChannel");
  }
  subscribe(handlers) {
    for (const event of EVENTS) if (handlers[event] !== undefined) this[event].subscribe(handlers[event]);
  }
  unsubscribe(handlers) {
    for (const event of EVENTS) if (handlers[event] !== undefined) this[event].unsubscribe(handlers[event]);
  }
  traceSync(callback, context = {}, receiver = undefined, ...args) {
    return this.start.runStores(context, () => {
      try {
        context.result = Reflect.apply(callback, receiver, args);
        return context.result;
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }
  tracePromise(callback, context = {}, receiver = undefined, ...args) {
    const settle = (key, value) => {
      context[key] = value;
      if (key === "error") this.error.publish(context);
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
    };
    return this.start.runStores(context, () => {
      try {
        return Promise.resolve(Reflect.apply(callback, receiver, args)).then(
          (result) => {
            settle("result", result);
            return result;
          },
          (error) => {
            settle("error", error);
            throw error;
          },
        );
      } catch (error) {
        context.error = error;
        this.error.publish(context);
        throw error;
      } finally {
        this.end.publish(context);
      }
    });
  }
  traceCallback(callback, position = -1, context = {}, receiver = undefined, ...args) {
    const at = position < 0 ? args.length + position : position;
    const given = args[at];
    needFunction(given, "callback");
    const { asyncStart, asyncEnd, error: failed } = this;
    args[at] = function (error, result) {
      if (error) {
        context.error = error;
        failed.publish(context);
      } else {
        context.result = result;
      }
      asyncStart.runStores(context, () => {
        try {
          return Reflect.apply(given, this, arguments);
        } finally {
          asyncEnd.publish(context);
        }
      });
    };
    return this.traceSync(callback, context, receiver, ...args);
  }
}

defineHasSubscribers(TracingChannel, (tracing) => EVENTS.some((event) => isHeard(tracing[event])));

export function tracingChannel(nameOrChannels) {
  const named = typeof nameOrChannels === "string";
  if (!named) needObject(nameOrChannels, "channels");
  making = true;
  const tracing = new TracingChannel();
  making = false;
  for (const event of EVENTS) {
    const value = named ? channel(`tracing:${nameOrChannels}:${event}`) : nameOrChannels[event];
    if (!(value instanceof Channel)) throw wrongType(`channels.${event}`, "an instance of Channel", value);
    Object.defineProperty(tracing, event, { value });
  }
  return tracing;
}

export default { hasSubscribers, channel, subscribe, unsubscribe, tracingChannel, Channel };
