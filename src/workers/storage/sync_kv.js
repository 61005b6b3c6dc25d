// `ctx.storage.kv`: keys and values without promises.
import host from "dodev:host";
import { listOptions } from "dodev:workers/storage/list_options";
import { illegalInvocation, notePlatformClass, shape } from "dodev:web/interface";

const WHERE = "SyncKvStorage";

function needArguments(given, method, types) {
  if (given < types.length) {
    throw new TypeError(
      `Failed to execute '${method}' on '${WHERE}': parameter ${given + 1} is not of type '${types[given]}'.`,
    );
  }
}

/** What only this file can give to a constructor. */
const INTERNAL = Symbol("internal");

let slotOf;

class SyncKvStorage {
  #slot;
  #iterator;

  constructor(caller, slot) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
  }

  get(key) {
    needArguments(arguments.length, "get", ["string"]);
    return host.kvGet(slotOf(this), `${key}`);
  }

  put(key, value) {
    needArguments(arguments.length, "put", ["string", "Value"]);
    host.kvPut(slotOf(this), `${key}`, value);
  }

  delete(key) {
    needArguments(arguments.length, "delete", ["string"]);
    return host.kvDelete(slotOf(this), `${key}`);
  }

  list(options) {
    const iteration = host.kvIterate(slotOf(this), ...listOptions(options, WHERE));
    if (this.#iterator) invalidate(this.#iterator);
    return (this.#iterator = new ListIterator(slotOf(this), iteration));
  }

  static {
    slotOf = (kv) => {
      if (typeof kv !== "object" || kv === null || !(#slot in kv)) throw illegalInvocation();
      return kv.#slot;
    };
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

shape(SyncKvStorage);
notePlatformClass(ListIterator);
Object.defineProperty(ListIterator.prototype, Symbol.toStringTag, { value: ListIterator.name, configurable: true });

/** `storage.kv` of the object in `slot`. */
export function makeKv(slot) {
  return new SyncKvStorage(INTERNAL, slot);
}
