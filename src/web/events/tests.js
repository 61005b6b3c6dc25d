// Events, their targets and listeners.
const ILLEGAL =
  "Illegal invocation: function called with incorrect `this` reference. " +
  "See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.";

test("once, order and duplicates", () => {
  const target = new EventTarget();
  const seen = [];
  const both = () => seen.push("both");
  target.addEventListener("a", (e) => seen.push(e.type, e.target === target, e.eventPhase), { once: true });
  target.addEventListener("a", both);
  target.addEventListener("a", both);
  target.dispatchEvent(new Event("a"));
  target.dispatchEvent(new Event("a"));
  target.removeEventListener("a", both);
  target.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, ["a", true, 2, "both", "both"]);
});

test("the receiver of a listener", () => {
  const target = new EventTarget();
  const seen = [];
  const handler = {
    handleEvent() {
      seen.push(this === handler);
    },
  };
  target.addEventListener("a", handler);
  target.addEventListener("a", function () {
    seen.push(this === target);
  });
  target.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, [true, true]);
});

test("preventing the default", () => {
  const target = new EventTarget();
  target.addEventListener("a", (e) => e.preventDefault());
  assert.equal(target.dispatchEvent(new Event("a", { cancelable: true })), false);
  // Under workerd, what cannot be cancelled can still be prevented.
  const plain = new Event("a");
  assert.equal(target.dispatchEvent(plain), false);
  assert.equal(plain.defaultPrevented, false);
  target.addEventListener("p", (e) => e.preventDefault(), { passive: true });
  assert.equal(target.dispatchEvent(new Event("p", { cancelable: true })), true);
  target.addEventListener("b", () => true);
  assert.equal(target.dispatchEvent(new Event("b", { cancelable: true })), false);
});

test("stopping, and removing while delivering", () => {
  const target = new EventTarget();
  const seen = [];
  const late = () => seen.push("late");
  target.addEventListener("a", () => {
    seen.push("first");
    target.removeEventListener("a", late);
    target.addEventListener("a", () => seen.push("added"));
  });
  target.addEventListener("a", late);
  target.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, ["first"]);
  const other = new EventTarget();
  other.addEventListener("a", (e) => e.stopImmediatePropagation());
  other.addEventListener("a", late);
  other.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, ["first"]);
});

test("an event is delivered once at a time", () => {
  const target = new EventTarget();
  const event = new Event("a");
  let error;
  target.addEventListener("a", () => {
    try {
      target.dispatchEvent(event);
    } catch (e) {
      error = e;
    }
  });
  target.dispatchEvent(event);
  assert.equal(error.name, "InvalidStateError");
  assert.equal(error.message, "The event is already being dispatched.");
});

test("an on… property is a handler too", () => {
  const target = new EventTarget();
  const seen = [];
  target.addEventListener("a", () => seen.push("listener"));
  target.ona = () => seen.push("property");
  target.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, ["property", "listener"]);
});

test("signals end listening", () => {
  const target = new EventTarget();
  const seen = [];
  const controller = new AbortController();
  target.addEventListener("a", () => seen.push(1), { signal: controller.signal });
  target.dispatchEvent(new Event("a"));
  controller.abort();
  target.dispatchEvent(new Event("a"));
  target.addEventListener("a", () => seen.push(2), { signal: controller.signal });
  target.dispatchEvent(new Event("a"));
  assert.deepEqual(seen, [1]);
});

test("wrong arguments", () => {
  const target = new EventTarget();
  assert.throws(() => target.addEventListener(), "TypeError", "Failed to execute 'addEventListener' on 'EventTarget': parameter 1 is not of type 'string'.");
  for (const handler of [3, "x"]) {
    assert.throws(() => target.addEventListener("a", handler), "TypeError", "Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function or HandlerObject'.");
  }
  assert.throws(() => target.addEventListener("a", {}), "TypeError", "Incorrect type for the 'handleEvent' field on 'HandlerObject': the provided value is not of type 'function'.");
  assert.equal(target.addEventListener("a", null), undefined);
  assert.equal(target.addEventListener("a", undefined), undefined);
  assert.throws(() => target.addEventListener("a"), "TypeError", "Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function or HandlerObject'.");
  assert.throws(() => target.removeEventListener("a", 3), "TypeError", "Failed to execute 'removeEventListener' on 'EventTarget': parameter 2 is not of type 'Object'.");
  assert.throws(() => new MessageEvent("a", 3), "TypeError", "Failed to construct 'MessageEvent': constructor parameter 2 is not of type 'Initializer'.");
  assert.throws(() => target.addEventListener("a", () => {}, true), "TypeError", "addEventListener(): useCapture must be false.");
  assert.throws(() => target.addEventListener("a", () => {}, { capture: true }), "TypeError", "addEventListener(): options.capture must be false.");
  assert.throws(() => target.dispatchEvent({}), "TypeError", "Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.");
  assert.throws(() => EventTarget.prototype.addEventListener.call({}, "a", () => {}), "TypeError", ILLEGAL);
  assert.throws(() => new Event(), "TypeError", "Failed to construct 'Event': constructor parameter 1 is not of type 'string'.");
  assert.throws(() => Object.getOwnPropertyDescriptor(Event.prototype, "type").get.call({}), "TypeError", ILLEGAL);
});

test("what events know", () => {
  const event = new Event("a", { bubbles: true, composed: true, cancelable: true });
  event.stopPropagation();
  assert.deepEqual([event.bubbles, event.composed, event.cancelable, event.cancelBubble], [true, true, true, true]);
  assert.deepEqual([event.target, event.timeStamp, event.eventPhase, event.isTrusted], [undefined, 0, 0, false]);
  assert.deepEqual(event.composedPath(), []);
  assert.deepEqual(Object.getOwnPropertyNames(event), []);
  assert.equal(new CustomEvent("c", { detail: 1 }).detail, 1);
  const message = new MessageEvent("message", { data: 1 });
  assert.deepEqual([message.data, message.origin, message.lastEventId, message.source], [1, "", "", null]);
  const close = new CloseEvent("close", { code: 1, reason: "r", wasClean: true });
  assert.deepEqual([close.code, close.reason, close.wasClean], [1, "r", true]);
  const error = new ErrorEvent("error", { message: "m", lineno: 2 });
  assert.deepEqual([error.message, error.filename, error.lineno, error.colno, error.error], ["m", "", 2, 0, undefined]);
});

test("shape of the classes", () => {
  assert.equal(Event.length, 0);
  assert.equal(EventTarget.prototype.addEventListener.length, 0);
  assert.ok(Object.getOwnPropertyDescriptor(EventTarget.prototype, "dispatchEvent").enumerable);
  assert.equal(Object.prototype.toString.call(new CustomEvent("a")), "[object CustomEvent]");
  assert.deepEqual([Event.NONE, Event.CAPTURING_PHASE, Event.AT_TARGET, Event.prototype.BUBBLING_PHASE], [0, 1, 2, 3]);
});

test("what a listener throws goes to the global error listeners", () => {
  const seen = [];
  const listener = (e) => {
    e.preventDefault();
    seen.push(e.constructor.name, e.message, e.error.message);
    return true;
  };
  addEventListener("error", listener);
  const target = new EventTarget();
  target.addEventListener("a", () => {
    throw new RangeError("in listener");
  });
  target.addEventListener("a", () => seen.push("second"));
  assert.equal(target.dispatchEvent(new Event("a")), true);
  reportError(new TypeError("reported"));
  removeEventListener("error", listener);
  assert.deepEqual(seen, [
    "ErrorEvent", "Uncaught RangeError: in listener", "in listener", "second",
    "ErrorEvent", "Uncaught TypeError: reported", "reported",
  ]);
});

test("options are read before it is known whether there is a handler", () => {
  let asked = 0;
  addEventListener("x", null, {
    get passive() {
      asked++;
      return false;
    },
  });
  assert.equal(asked, 1);
  assert.throws(() => new EventTarget().addEventListener("x", null, { signal: null }), "TypeError");
  assert.equal(new EventTarget().addEventListener("x", null, true), undefined);
});

test("the classes of a Worker's events cannot be made", () => {
  for (const Class of [ExtendableEvent, FetchEvent, ScheduledEvent, WorkerGlobalScope, ServiceWorkerGlobalScope]) {
    assert.throws(() => new Class("x"), "TypeError", "Illegal constructor");
  }
  assert.ok(FetchEvent.prototype instanceof ExtendableEvent);
  assert.equal(origin, "null");
  assert.equal(typeof InternalError, "undefined");
});
