// The methods of Readable that work like those of iterators: map, filter and their kin.
//
// Deviation: `concurrency` is taken and not used: chunks are worked on one after the other.
import { needFunction, outOfRange } from "dodev:node/errors";
import { Readable } from "dodev:node/stream/readable";
import { abortError } from "dodev:node/stream/state";

function checked(options) {
  if (options?.signal?.aborted) throw abortError(options.signal);
  return options;
}

function makes(name, run) {
  Readable.prototype[name] = function (argument, options) {
    if (typeof argument === "function") checked(options);
    return Readable.from(run(this, argument, options));
  };
}

function checkCount(count) {
  const number = Number(count);
  if (!(number >= 0)) throw outOfRange("number", ">= 0", number);
  return number;
}

makes("map", (stream, run, options) => {
  needFunction(run, "fn");
  return (async function* () {
    for await (const chunk of stream) yield await run(chunk, options ?? {});
  })();
});
makes("filter", (stream, run, options) => {
  needFunction(run, "fn");
  return (async function* () {
    for await (const chunk of stream) if (await run(chunk, options ?? {})) yield chunk;
  })();
});
makes("flatMap", (stream, run, options) => {
  needFunction(run, "fn");
  return (async function* () {
    for await (const chunk of stream) yield* await run(chunk, options ?? {});
  })();
});
makes("drop", (stream, count) => {
  let left = checkCount(count);
  return (async function* () {
    for await (const chunk of stream) if (left-- <= 0) yield chunk;
  })();
});
makes("take", (stream, count) => {
  let left = checkCount(count);
  return (async function* () {
    if (left === 0) return;
    for await (const chunk of stream) {
      yield chunk;
      if (--left <= 0) return;
    }
  })();
});

const methods = {
  async forEach(run, options) {
    needFunction(run, "fn");
    for await (const chunk of this) await run(chunk, options ?? {});
  },
  async toArray() {
    const all = [];
    for await (const chunk of this) all.push(chunk);
    return all;
  },
  async some(run, options) {
    needFunction(run, "fn");
    for await (const chunk of this) if (await run(chunk, options ?? {})) return true;
    return false;
  },
  async every(run, options) {
    needFunction(run, "fn");
    for await (const chunk of this) if (!(await run(chunk, options ?? {}))) return false;
    return true;
  },
  async find(run, options) {
    needFunction(run, "fn");
    for await (const chunk of this) if (await run(chunk, options ?? {})) return chunk;
    return undefined;
  },
  async reduce(run, ...initial) {
    needFunction(run, "reducer");
    let [sum] = initial;
    let has = initial.length > 0;
    for await (const chunk of this) {
      sum = has ? await run(sum, chunk, {}) : chunk;
      has = true;
    }
    if (!has) throw new TypeError("Reduce of an empty stream requires an initial value");
    return sum;
  },
};
for (const name in methods) {
  Object.defineProperty(Readable.prototype, name, { value: methods[name], writable: true, configurable: true });
}
