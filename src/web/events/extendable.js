// The events that the platform sends to a Worker that listens for them instead of exporting handlers.
//
// Fidelity: workerd's classes, own properties and messages. Deviation: there is no origin behind the Worker that could answer
// an event whose listeners do not.
import { Event, trust } from "dodev:web/events";
import { illegalConstructor, illegalInvocation, shape } from "dodev:web/interface";

/** What only this module may construct with. */
const MAKE = Symbol();

/** The response that an event was given, as a promise; undefined if none was. */
export let responseOf;

function own(event, properties) {
  for (const name in properties) {
    Object.defineProperty(event, name, { value: properties[name], enumerable: true, configurable: true });
  }
}

export class ExtendableEvent extends Event {
  #context;

  constructor(make, type, context) {
    if (make !== MAKE) throw illegalConstructor();
    super(type);
    this.#context = context;
    trust(this);
  }

  waitUntil(promise) {
    if (!(#context in this)) throw illegalInvocation();
    this.#context.waitUntil(promise);
  }
}
shape(ExtendableEvent);

export class FetchEvent extends ExtendableEvent {
  #response;
  #late = false;

  constructor(make, request, context) {
    super(make, "fetch", context);
    own(this, { request, actorState: undefined });
  }

  respondWith(response) {
    if (!(#response in this)) throw illegalInvocation();
    this.preventDefault();
    if (this.#response !== undefined) {
      throw new DOMException(
        "FetchEvent.respondWith() has already been called; it can only be called once.",
        "InvalidStateError",
      );
    }
    if (this.#late) {
      throw new DOMException(
        "Too late to call FetchEvent.respondWith(). It must be called synchronously in the event handler.",
        "InvalidStateError",
      );
    }
    this.#response = Promise.resolve(response);
    this.stopImmediatePropagation();
  }

  passThroughOnException() {
    // Without an origin behind the Worker there is nothing to pass a request to: the error is shown.
  }

  static {
    responseOf = (event) => {
      event.#late = true;
      return event.#response;
    };
  }
}
shape(FetchEvent);

export class ScheduledEvent extends ExtendableEvent {
  #controller;

  constructor(make, controller, context) {
    super(make, "scheduled", context);
    this.#controller = controller;
    own(this, { scheduledTime: controller?.scheduledTime, cron: controller?.cron });
  }

  noRetry() {
    if (!(#controller in this)) throw illegalInvocation();
    this.#controller.noRetry();
  }
}
shape(ScheduledEvent);

/** Fidelity: workerd has the same class under two names. */
export class TailEvent extends ExtendableEvent {
  constructor() {
    throw illegalConstructor();
  }
}
shape(TailEvent);
export { TailEvent as TraceEvent };

/** The event for `request`; what it waits for is the context's. */
export function fetchEvent(request, context) {
  return new FetchEvent(MAKE, request, context);
}

/** The event for a time of the Worker's crons, known to `controller`. */
export function scheduledEvent(controller, context) {
  return new ScheduledEvent(MAKE, controller, context);
}
