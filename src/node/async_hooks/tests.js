// node:async_hooks where the bundler has not lowered anything: callbacks keep their values, and so do
// promises' reactions. `await` is the bundler's part: see its own tests.
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

test("run, exit, getStore", () => {
  const storage = new AsyncLocalStorage();
  assert.equal(storage.getStore(), undefined);
  const seen = storage.run({ a: 1 }, (x) => [x, storage.getStore(), storage.exit(() => storage.getStore())], 5);
  assert.deepEqual(seen, [5, { a: 1 }, undefined]);
  assert.equal(storage.getStore(), undefined);
  const other = new AsyncLocalStorage();
  storage.run(1, () => other.run(2, () => assert.deepEqual([storage.getStore(), other.getStore()], [1, 2])));
  assert.throws(() => storage.run(1, () => { throw new RangeError("x"); }), "RangeError", "x");
  assert.equal(storage.getStore(), undefined);
  assert.throws(() => storage.enterWith(1), "Error", "asyncLocalStorage.enterWith() is not implemented");
  assert.throws(() => storage.disable(), "Error", "asyncLocalStorage.disable() is not implemented");
});

test("promises, timers and microtasks keep it", async () => {
  const storage = new AsyncLocalStorage();
  const get = () => storage.getStore();
  const results = storage.run("kept", () => [
    Promise.resolve().then(get),
    Promise.reject(new Error("x")).catch(get),
    Promise.resolve().then(() => Promise.resolve()).then(get),
    new Promise((resolve) => setTimeout(() => resolve(get()), 1)),
    new Promise((resolve) => setImmediate(() => resolve(get()))),
    new Promise((resolve) => queueMicrotask(() => resolve(get()))),
    new Promise((resolve) => Promise.resolve().finally(() => resolve(get()))),
  ]);
  assert.equal(get(), undefined);
  assert.deepEqual(await Promise.all(results), results.map(() => "kept"));
  assert.equal(await Promise.resolve().then(get), undefined);
});

test("bind and snapshot", () => {
  const storage = new AsyncLocalStorage();
  const get = () => storage.getStore();
  const [bound, enter, resource] = storage.run(7, () => [AsyncLocalStorage.bind(get), AsyncLocalStorage.snapshot(), new AsyncResource("x")]);
  assert.equal(bound(), 7);
  assert.equal(enter(get), 7);
  assert.equal(enter((a, b) => a + b, 1, 2), 3);
  assert.equal(resource.runInAsyncScope(get), 7);
  assert.equal(resource.runInAsyncScope(function (x) { return [this.me, x, get()]; }, { me: 1 }, 2).join(), "1,2,7");
  assert.equal(resource.bind(get)(), 7);
  assert.equal(storage.run(8, () => AsyncResource.bind(get))(), 8);
});
