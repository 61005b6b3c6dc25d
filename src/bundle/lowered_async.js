// What lowered async functions call, where no bundler brings its own: one export for each of oxc's helpers.
// A step waits by `then`, which `node:async_hooks` replaces by one that keeps its values.

/** What a generator hands out to wait for, instead of giving it to its consumer. */
class Awaited {
  constructor(value, isDelegate) {
    this.value = value;
    /** Whether the awaited thing is a result of another generator, which is handed on when it is not the last. */
    this.isDelegate = isDelegate;
  }
}

export function asyncToGenerator(body) {
  return function () {
    const generator = body.apply(this, arguments);
    return new Promise((resolve, reject) => {
      const step = (method, given) => {
        let result;
        try {
          result = generator[method](given);
        } catch (error) {
          return reject(error);
        }
        if (result.done) resolve(result.value);
        else Promise.resolve(result.value).then(next, fail);
      };
      const next = (value) => step("next", value);
      const fail = (error) => step("throw", error);
      step("next", undefined);
    });
  };
}

export const awaitAsyncGenerator = (value) => new Awaited(value, false);

const asyncGeneratorPrototype = Object.getPrototypeOf(async function* () {}).prototype;

export function wrapAsyncGenerator(body) {
  return function () {
    const generator = body.apply(this, arguments);
    const requests = [];
    const settle = (settled) => {
      settled(requests.shift());
      if (requests.length > 0) resume(requests[0].method, requests[0].given);
    };
    const fail = (error) => settle(({ reject }) => reject(error));
    const resume = (method, given) => {
      let result;
      try {
        result = generator[method](given);
      } catch (error) {
        return fail(error);
      }
      const { value } = result;
      const isAwaited = value instanceof Awaited;
      const awaited = (arrived) => {
        if (!isAwaited) return settle(({ resolve }) => resolve({ value: arrived, done: result.done }));
        // `return` stays one while the generator delegates.
        const again = method === "return" && value.isDelegate ? "return" : "next";
        if (!value.isDelegate || arrived.done) return resume(again, arrived);
        try {
          const handedOn = generator[again](arrived).value;
          settle(({ resolve }) => resolve({ value: handedOn, done: false }));
        } catch (error) {
          fail(error);
        }
      };
      Promise.resolve(isAwaited ? value.value : value).then(awaited, (error) => resume("throw", error));
    };
    const ask = (method, given) =>
      new Promise((resolve, reject) => {
        requests.push({ method, given, resolve, reject });
        if (requests.length === 1) resume(method, given);
      });
    return Object.create(asyncGeneratorPrototype, {
      next: { value: (given) => ask("next", given) },
      throw: { value: (error) => ask("throw", error) },
      return: { value: (value) => ask("return", value) },
    });
  };
}

export function asyncGeneratorDelegate(inner) {
  // Each request of the outer generator is asked of the inner one first, and handed on when its answer came back.
  let isAnswer = false;
  const ask = (method) => (given) => {
    if (isAnswer) {
      isAnswer = false;
      if (method === "throw") throw given;
      return given;
    }
    isAnswer = true;
    return { done: false, value: new Awaited(new Promise((resolve) => resolve(inner[method](given))), true) };
  };
  const outer = { next: ask("next"), [Symbol.iterator]: () => outer };
  if (typeof inner.throw === "function") outer.throw = ask("throw");
  if (typeof inner.return === "function") outer.return = ask("return");
  return outer;
}

export function asyncIterator(iterable) {
  const method = iterable[Symbol.asyncIterator];
  if (method != null) return method.call(iterable);
  const iterator = iterable[Symbol.iterator]();
  const settled = ({ done, value }) => Promise.resolve(value).then((value) => ({ done, value }));
  const ask = (method) => (given) => {
    try {
      return settled(iterator[method](given));
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const outer = { next: ask("next") };
  if (typeof iterator.return === "function") outer.return = ask("return");
  if (typeof iterator.throw === "function") outer.throw = ask("throw");
  return outer;
}

export function usingCtx() {
  const none = {};
  const resources = [];
  const use = (isAsync) => (value) => {
    if (value == null) {
      // Nothing to dispose of, but `await using` waits all the same.
      if (isAsync) resources.push({ isAsync });
      return value;
    }
    let dispose = isAsync ? value[Symbol.asyncDispose] : undefined;
    dispose ??= value[Symbol.dispose];
    if (typeof dispose !== "function") throw new TypeError("Object is not disposable.");
    resources.push({ isAsync, dispose: () => dispose.call(value) });
    return value;
  };
  return {
    e: none,
    u: use(false),
    a: use(true),
    d() {
      let error = this.e;
      const fail = (later) => {
        error = error === none ? later : new SuppressedError(later, error);
      };
      const next = () => {
        while (resources.length > 0) {
          const { isAsync, dispose } = resources.pop();
          try {
            const result = dispose?.();
            if (isAsync) return Promise.resolve(result).then(next, failAndGoOn);
          } catch (later) {
            fail(later);
          }
        }
        if (error !== none) throw error;
      };
      const failAndGoOn = (later) => {
        fail(later);
        return next();
      };
      return next();
    },
  };
}
