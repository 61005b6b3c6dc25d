// Abort controllers and signals.
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test("abort with a reason", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const seen = [];
  assert.deepEqual([signal.aborted, signal.reason, signal.onabort], [false, undefined, null]);
  signal.addEventListener("abort", (e) => seen.push(e.type, e.target === signal, e.isTrusted));
  controller.abort("why");
  controller.abort("again");
  assert.deepEqual(seen, ["abort", true, true]);
  assert.equal(signal.reason, "why");
  let thrown;
  try {
    signal.throwIfAborted();
  } catch (error) {
    thrown = error;
  }
  assert.equal(thrown, "why");
});

test("the default reason", () => {
  for (const { reason } of [AbortSignal.abort(), AbortSignal.abort(undefined)]) {
    assert.equal(reason.name, "AbortError");
    assert.equal(reason.message, "The operation was aborted");
    assert.ok(reason instanceof DOMException);
  }
});

test("timeout", async () => {
  const signal = AbortSignal.timeout(5);
  await wait(30);
  assert.equal(signal.reason.name, "TimeoutError");
  assert.equal(signal.reason.message, "The operation was aborted due to timeout");
  assert.throws(() => AbortSignal.timeout(), "TypeError", "Failed to execute 'timeout' on 'AbortSignal': parameter 1 is not of type 'number'.");
});

test("any marks its signal before anybody hears of it", () => {
  const controller = new AbortController();
  const seen = [];
  const any = AbortSignal.any([new AbortController().signal, controller.signal]);
  any.onabort = () => seen.push("any");
  controller.signal.onabort = () => seen.push("source", any.aborted);
  controller.abort("x");
  assert.deepEqual(seen, ["source", true, "any"]);
  assert.equal(any.reason, "x");
  assert.equal(AbortSignal.any([AbortSignal.abort(1)]).reason, 1);
  assert.equal(AbortSignal.any([]).aborted, false);
});

test("wrong arguments", () => {
  assert.throws(() => new AbortSignal(), "TypeError", "Illegal constructor");
  assert.throws(() => AbortSignal.any(), "TypeError", "Failed to execute 'any' on 'AbortSignal': parameter 1 is not of type 'Array'.");
  assert.throws(() => AbortSignal.any([1]), "TypeError", "Incorrect type for array element 0: the provided value is not of type 'AbortSignal'.");
  const { signal } = new AbortController();
  signal.onabort = 3;
  assert.equal(signal.onabort, null);
});
