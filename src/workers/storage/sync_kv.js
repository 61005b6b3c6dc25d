// `ctx.storage.kv`: keys and values without promises.
import host from "dodev:host";
import { listOptions } from "dodev:workers/storage/list_options";

const WHERE = "SyncKvStorage";

function needArguments(given, method, types) {
  if (given < types.length) {
    throw new TypeError(
      `Failed to execute '${method}' on '${WHERE}': parameter ${given + 1} is not of type '${types[given]}'.`,
    );
  }
}

export class SyncKvStorage {
  #slot;
  #iterator;

  constructor(slot) {
    this.#slot = slot;
  }

  get(key) {
    needArguments(arguments.length, "get", ["string"]);
    return host.kvGet(this.#slot, `${key}`);
  }

  put(key, value) {
    needArguments(arguments.length, "put", ["string", "Value"]);
    if (value === undefined) {
      host.kvDelete(this.#slot, `${key}`);
      return;
    }
    host.kvPut(this.#slot, `${key}`, value);
  }

  delete(key) {
    needArguments(arguments.length, "delete", ["string"]);
    return host.kvDelete(this.#slot, `${key}`);
  }

  list(options) {
    const iteration = host.kvIterate(this.#slot, ...listOptions(options, WHERE));
    if (this.#iterator) invalidate(this.#iterator);
    return (this.#iterator = new ListIterator(this.#slot, iteration));
  }
}

let invalidate;

class ListIterator extends Iterator {
  #slot;
  #iteration;
  #isInvalid = false;
  #isDone = false;

  constructor(slot, iteration) {
    super();
    this.#slot = slot;
    this.#iteration = iteration;
  }

  next() {
    if (this.#isInvalid) {
      throw new Error(
        "kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() " +
          "iterator can exist at a time.",
      );
    }
    const entry = this.#isDone ? undefined : host.kvNext(this.#slot, this.#iteration);
    this.#isDone = entry === undefined;
    return this.#isDone ? { done: true, value: undefined } : { done: false, value: entry };
  }

  static {
    invalidate = (iterator) => {
      iterator.#isInvalid = !iterator.#isDone;
    };
  }
}

for (const type of [SyncKvStorage, ListIterator]) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
}
