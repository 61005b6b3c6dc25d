// Timers.
test("order of microtasks and timers", async () => {
  const log = [];
  setTimeout(() => log.push("t0"), 0);
  queueMicrotask(() => log.push("micro"));
  Promise.resolve().then(() => log.push("promise"));
  log.push("sync");
  await scheduler.wait(20);
  assert.deepEqual(log, ["sync", "micro", "promise", "t0"]);
});

test("arguments, receiver and clearing", async () => {
  const got = [];
  setTimeout((a, b) => got.push(a, b), 5, "x", 2);
  clearTimeout(setTimeout(() => got.push("never"), 5));
  setTimeout(function () {
    got.push(this === globalThis);
  }, -5);
  await scheduler.wait(30);
  assert.deepEqual(got, [true, "x", 2]);
});

test("intervals run until they are cleared", async () => {
  let count = 0;
  const timer = setInterval(() => {
    if (++count === 3) clearInterval(timer);
  }, 2);
  await scheduler.wait(60);
  assert.equal(count, 3);
});

test("timers are objects", async () => {
  const timer = setTimeout(() => {}, 1_000);
  assert.equal(typeof timer, "object");
  assert.equal(typeof +timer, "number");
  assert.equal(timer.hasRef(), true);
  assert.equal(timer.unref(), timer);
  assert.equal(timer.hasRef(), false);
  assert.equal(timer.ref().refresh(), timer);
  timer.close();
  let ran = false;
  const other = setTimeout(() => (ran = true), 2);
  clearTimeout(+other);
  await scheduler.wait(20);
  assert.equal(ran, false);
});

test("immediates", async () => {
  const got = [];
  setImmediate((a) => got.push(a), 1);
  const immediate = setImmediate(() => got.push("never"));
  clearImmediate(immediate);
  await scheduler.wait(5);
  assert.deepEqual(got, [1]);
  assert.equal(Object.prototype.toString.call(immediate), "[object Immediate]");
});

test("wrong callbacks", () => {
  const starts = 'The "callback" argument must be of type function. Received ';
  for (const [value, shown] of [
    [undefined, "undefined"],
    [null, "null"],
    ["1", "type string ('1')"],
    [1, "type number (1)"],
    [{}, "an instance of Object"],
  ]) {
    assert.throws(() => setTimeout(value, 0), "TypeError", starts + shown);
    assert.throws(() => setInterval(value, 0), "TypeError", starts + shown);
  }
  const owner = "on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.";
  assert.throws(() => setImmediate("x"), "TypeError", `Failed to execute 'setImmediate' ${owner}`);
  assert.throws(() => queueMicrotask(1), "TypeError", `Failed to execute 'queueMicrotask' ${owner}`);
});

test("clearing what is no timer has no effect", () => {
  for (const value of [undefined, null, "abc", {}, 12_345]) assert.equal(clearTimeout(value), undefined);
});

test("scheduler.wait", async () => {
  assert.equal(await scheduler.wait(-1), undefined);
  await assert.rejects(() => scheduler.wait(), "TypeError", "Failed to execute 'wait' on 'Scheduler': parameter 1 is not of type 'number'.");
  await assert.rejects(() => scheduler.wait(1, { signal: 3 }), "TypeError", "Incorrect type for the 'signal' field on 'WaitOptions': the provided value is not of type 'AbortSignal'.");
  await assert.rejects(() => scheduler.wait(1, { signal: AbortSignal.abort(new Error("gone")) }), "Error", "gone");
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("stop")), 3);
  await assert.rejects(() => scheduler.wait(100_000, { signal: controller.signal }), "Error", "stop");
});
