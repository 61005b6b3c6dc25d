// node:diagnostics_channel: named channels between parts of a program.
//
// Fidelity: Node.js's documentation of `diagnostics_channel`. Errors of subscribers are reported, not thrown.
import { needFunction, wrongType } from "dodev:node/errors";

const channels = new Map();

export class Channel {
  #subscribers = [];
  #stores = new Map();

  constructor(name) {
    this.name = name;
  }
  get hasSubscribers() {
    return this.#subscribers.length > 0 || this.#stores.size > 0;
  }
  subscribe(subscriber) {
    needFunction(subscriber, "subscription");
    this.#subscribers = [...this.#subscribers, subscriber];
  }
  unsubscribe(subscriber) {
    const at = this.#subscribers.indexOf(subscriber);
    if (at < 0) return false;
    this.#subscribers = this.#subscribers.toSpliced(at, 1);
    return true;
  }
  publish(message) {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(message, this.name);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
  bindStore(store, transform) {
    this.#stores.set(store, transform);
  }
  unbindStore(store) {
    return this.#stores.delete(store);
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

export function channel(name) {
  if (typeof name !== "string" && typeof name !== "symbol") {
    throw wrongType("channel", "of type string or symbol", name);
  }
  let found = channels.get(name);
  if (found === undefined) channels.set(name, (found = new Channel(name)));
  return found;
}

export const hasSubscribers = (name) => channels.get(name)?.hasSubscribers ?? false;
export const subscribe = (name, subscriber) => channel(name).subscribe(subscriber);
export const unsubscribe = (name, subscriber) => channel(name).unsubscribe(subscriber);

const EVENTS = ["start", "end", "asyncStart", "asyncEnd", "error"];

/** The five channels that follow one operation from its start to its end. */
export class TracingChannel {
  constructor(nameOrChannels) {
    for (const event of EVENTS) {
      this[event] = typeof nameOrChannels === "string" ? channel(`tracing:${nameOrChannels}:${event}`) : nameOrChannels[event];
    }
  }
  get hasSubscribers() {
    return EVENTS.some((event) => this[event]?.hasSubscribers);
  }
  subscribe(handlers) {
    for (const event of EVENTS) if (handlers[event]) this[event].subscribe(handlers[event]);
  }
  unsubscribe(handlers) {
    return EVENTS.map((event) => !handlers[event] || this[event].unsubscribe(handlers[event])).every(Boolean);
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

export const tracingChannel = (nameOrChannels) => new TracingChannel(nameOrChannels);

export default { Channel, channel, hasSubscribers, subscribe, tracingChannel, unsubscribe };
