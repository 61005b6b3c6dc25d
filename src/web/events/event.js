// Event and its subclasses. What only the dispatcher and the host may do leaves this module as functions,
// not as members that user code could reach.
import { constants, illegalInvocation, shape, wrongConstruction } from "dodev:web/interface";

const NONE = 0;
const AT_TARGET = 2;

/** Marks `event` as being delivered to `target`; false if it is being delivered already. */
export let beginDispatch;
/** Ends the delivery of `event`; it keeps its target. */
export let endDispatch;
/** Whether `event` asked that no further listener hears it. */
export let isStopped;
/** Whether a listener prevented the default of `event`, which need not be cancelable for that. */
export let isPrevented;
/** Marks `event` as made by the platform, and returns it. */
export let trust;
/** Remembers that the listener now running may not prevent the default. */
export let setPassive;

export class Event {
  #type;
  #bubbles = false;
  #cancelable = false;
  #composed = false;
  #trusted = false;
  #dispatching = false;
  #passive = false;
  #prevented = false;
  #stopped = false;
  #stoppedNow = false;
  #target;

  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction(new.target.name || "Event", 1, "string");
    this.#type = `${type}`;
    if (init !== undefined && init !== null) {
      checkInit(new.target, init);
      this.#bubbles = !!init.bubbles;
      this.#cancelable = !!init.cancelable;
      this.#composed = !!init.composed;
    }
  }

  get type() {
    return check(this).#type;
  }
  get eventPhase() {
    return check(this).#dispatching ? AT_TARGET : NONE;
  }
  get composed() {
    return check(this).#composed;
  }
  get bubbles() {
    return check(this).#bubbles;
  }
  get cancelable() {
    return check(this).#cancelable;
  }
  get defaultPrevented() {
    return check(this).#cancelable && this.#prevented;
  }
  get returnValue() {
    return !this.defaultPrevented;
  }
  get currentTarget() {
    return check(this).#target;
  }
  get target() {
    return check(this).#target;
  }
  get srcElement() {
    return check(this).#target;
  }
  get timeStamp() {
    check(this);
    return 0;
  }
  get isTrusted() {
    return check(this).#trusted;
  }
  get cancelBubble() {
    return check(this).#stopped;
  }
  set cancelBubble(stop) {
    if (stop) check(this).#stopped = true;
  }
  stopImmediatePropagation() {
    check(this).#stoppedNow = true;
  }
  preventDefault() {
    if (!check(this).#passive) this.#prevented = true;
  }
  stopPropagation() {
    check(this).#stopped = true;
  }
  composedPath() {
    return check(this).#dispatching ? [this.#target] : [];
  }

  static {
    beginDispatch = (event, target) => {
      if (event.#dispatching) return false;
      event.#dispatching = true;
      event.#prevented = false;
      event.#target = target;
      return true;
    };
    endDispatch = (event) => {
      event.#dispatching = false;
      event.#passive = false;
    };
    isPrevented = (event) => event.#prevented;
    isStopped = (event) => event.#stoppedNow;
    setPassive = (event, passive) => {
      event.#passive = passive;
    };
    trust = (event) => {
      event.#trusted = true;
      return event;
    };
    Event.isEvent = (value) => typeof value === "object" && value !== null && #type in value;
  }
}

const { isEvent } = Event;
delete Event.isEvent;
export { isEvent };

function check(event) {
  if (!isEvent(event)) throw illegalInvocation();
  return event;
}

function checkInit(Class, init) {
  if (typeof init === "object" || typeof init === "function") return;
  const { name } = Class;
  throw wrongConstruction(name, 2, INIT_TYPES[name] ?? "Init");
}

const INIT_TYPES = {
  CloseEvent: "Initializer",
  CustomEvent: "CustomEventInit",
  ErrorEvent: "ErrorEventInit",
  MessageEvent: "Initializer",
};

shape(Event);
constants(Event, { NONE, CAPTURING_PHASE: 1, AT_TARGET, BUBBLING_PHASE: 3 });

export class CustomEvent extends Event {
  #detail;
  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction("CustomEvent", 1, "string");
    super(type, init);
    this.#detail = init?.detail;
  }
  get detail() {
    return this.#detail;
  }
}
shape(CustomEvent);

// Fidelity: under workerd these three carry what they know as own properties of the instance.
function own(event, properties) {
  for (const name in properties) {
    Object.defineProperty(event, name, { value: properties[name], enumerable: true, configurable: true });
  }
}

export class MessageEvent extends Event {
  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction("MessageEvent", 1, "string");
    super(type, init);
    const { data = null, origin = "", lastEventId = "", source = null, ports = [] } = init ?? {};
    own(this, { data, origin, lastEventId, source, ports });
  }
}
shape(MessageEvent);

export class CloseEvent extends Event {
  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction("CloseEvent", 1, "string");
    super(type, init);
    const { code = 0, reason = "", wasClean = false } = init ?? {};
    own(this, { code, reason, wasClean });
  }
}
shape(CloseEvent);

export class PromiseRejectionEvent extends Event {
  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction("PromiseRejectionEvent", 1, "string");
    super(type, init);
    const { promise, reason } = init ?? {};
    own(this, { promise, reason });
  }
}
shape(PromiseRejectionEvent);

export class ErrorEvent extends Event {
  #init;
  constructor(type, init) {
    if (arguments.length === 0) throw wrongConstruction("ErrorEvent", 1, "string");
    super(type, init);
    const { message = "", filename = "", lineno = 0, colno = 0, error } = init ?? {};
    this.#init = { message: `${message}`, filename: `${filename}`, lineno, colno, error };
  }
  get filename() {
    return this.#init.filename;
  }
  get message() {
    return this.#init.message;
  }
  get lineno() {
    return this.#init.lineno;
  }
  get colno() {
    return this.#init.colno;
  }
  get error() {
    return this.#init.error;
  }
}
shape(ErrorEvent);
