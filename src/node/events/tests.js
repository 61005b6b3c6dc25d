// node:events, as Node.js documents it.
import EventEmitter, { EventEmitter as Named, errorMonitor, getEventListeners, listenerCount, on, once } from "node:events";

test("on, once, off, emit", () => {
  const emitter = new EventEmitter();
  const log = [];
  const a = (...args) => log.push(["a", ...args]);
  assert.equal(emitter.emit("x"), false);
  emitter.on("x", a).once("x", (...args) => log.push(["once", ...args])).prependListener("x", () => log.push(["first"]));
  assert.equal(emitter.emit("x", 1, 2), true);
  emitter.emit("x", 3);
  assert.deepEqual(log, [["first"], ["a", 1, 2], ["once", 1, 2], ["first"], ["a", 3]]);
  emitter.off("x", a);
  assert.equal(emitter.listenerCount("x"), 1);
  assert.deepEqual(emitter.eventNames(), ["x"]);
  emitter.removeAllListeners();
  assert.deepEqual(emitter.eventNames(), []);
  assert.equal(EventEmitter, Named);
  assert.equal(EventEmitter.EventEmitter, Named);
  assert.throws(() => emitter.on("x", 1), { code: "ERR_INVALID_ARG_TYPE", name: "TypeError" },
    'The "listener" argument must be of type function. Received type number (1)');
});

test("errors", () => {
  const emitter = new EventEmitter();
  assert.throws(() => emitter.emit("error", new RangeError("x")), "RangeError", "x");
  assert.throws(() => emitter.emit("error", { a: 1 }), { code: "ERR_UNHANDLED_ERROR" }, "Unhandled error. ({ a: 1 })");
  const seen = [];
  emitter.on(errorMonitor, (error) => seen.push(error));
  assert.throws(() => emitter.emit("error", new Error("m")), "Error", "m");
  emitter.on("error", () => {});
  emitter.emit("error", 2);
  assert.equal(seen.length, 2);
});

test("listeners that change while emitting", () => {
  const emitter = new EventEmitter();
  const log = [];
  emitter.on("x", function first() {
    log.push(1);
    emitter.off("x", second);
    emitter.on("x", () => log.push(3));
  });
  function second() {
    log.push(2);
  }
  emitter.on("x", second);
  emitter.emit("x");
  assert.deepEqual(log, [1, 2]);
});

test("classes of the older kind", () => {
  function Old() {
    EventEmitter.call(this);
  }
  Object.setPrototypeOf(Old.prototype, EventEmitter.prototype);
  const [a, b] = [new Old(), new Old()];
  a.on("x", () => {});
  assert.equal(b.listenerCount("x"), 0);
  class New extends EventEmitter {}
  assert.ok(new New() instanceof EventEmitter);
});

test("newListener and removeListener", () => {
  const emitter = new EventEmitter();
  const log = [];
  emitter.on("newListener", (type, listener) => log.push(["new", type, typeof listener, emitter.listenerCount("x")]));
  emitter.on("removeListener", (type) => log.push(["gone", type]));
  const listener = () => {};
  emitter.once("x", listener);
  emitter.off("x", listener);
  assert.deepEqual(log, [["new", "removeListener", "function", 0], ["new", "x", "function", 0], ["gone", "x"]]);
});

test("promises of events", async () => {
  const emitter = new EventEmitter();
  const next = once(emitter, "x");
  emitter.emit("x", 1, 2);
  assert.deepEqual(await next, [1, 2]);
  const failing = once(emitter, "x");
  emitter.emit("error", new TypeError("t"));
  await assert.rejects(failing, "TypeError", "t");
  assert.equal(listenerCount(emitter, "error"), 0);
  const controller = new AbortController();
  const aborted = once(emitter, "x", { signal: controller.signal });
  controller.abort();
  await assert.rejects(aborted, { name: "AbortError", code: "ABORT_ERR" });
  const target = new EventTarget();
  const event = once(target, "y");
  target.dispatchEvent(new Event("y"));
  assert.equal((await event)[0].type, "y");
});

test("iteration", async () => {
  const emitter = new EventEmitter();
  const iterator = on(emitter, "x");
  emitter.emit("x", 1);
  emitter.emit("x", 2);
  const seen = [];
  for await (const [value] of iterator) {
    seen.push(value);
    if (value === 2) break;
  }
  assert.deepEqual(seen, [1, 2]);
  assert.equal(getEventListeners(emitter, "x").length, 0);
  assert.equal(getEventListeners(emitter, "error").length, 0);
  const failing = on(emitter, "x").next();
  emitter.emit("error", new RangeError("r"));
  await assert.rejects(failing, "RangeError", "r");
});

test("captureRejections", async () => {
  const emitter = new EventEmitter({ captureRejections: true });
  const failed = new Promise((resolve) => emitter.on("error", resolve));
  emitter.on("x", async () => {
    throw new Error("later");
  });
  emitter.emit("x");
  assert.equal((await failed).message, "later");
});
