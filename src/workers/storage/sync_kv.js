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

let check;
let slotOf;

/** What the methods say where the class has no SQLite. */
const WITHOUT_SQLITE =
  "The storage.kv (synchronous KV) API is only available for SQLite-backed Durable Objects, but this " +
  "object's namespace is not declared to use SQLite. You can use the older, asyncronous interface via " +
  "methods of `storage` itself (e.g. `storage.get()`). Alternatively, to enable SQLite, change " +
  "`new_classes` to `new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or " +
  "wrangler.toml file. If using workerd directly, set `enableSql = true` in your workerd config for the " +
  "class. Note that this change cannot be made after the class is already deployed to production.";

class SyncKvStorage {
  #slot;
  #sqlite;

  constructor(caller, slot, sqlite) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    this.#sqlite = sqlite;
  }

  get(key) {
    check(this);
    needArguments(arguments.length, "get", ["string"]);
    const text = `${key}`;
    return host.kvGet(slotOf(this), text);
  }

  put(key, value) {
    check(this);
    needArguments(arguments.length, "put", ["string", "Value"]);
    const text = `${key}`;
    host.kvPut(slotOf(this), text, value);
  }

  delete(key) {
    check(this);
    needArguments(arguments.length, "delete", ["string"]);
    const text = `${key}`;
    return host.kvDelete(slotOf(this), text);
  }

  list(options) {
    check(this);
    const checked = listOptions(options, WHERE);
    const slot = slotOf(this);
    return new ListIterator(slot, host.kvIterate(slot, ...checked));
  }

  static {
    check = (kv) => {
      if (typeof kv !== "object" || kv === null || !(#slot in kv)) throw illegalInvocation();
    };
    slotOf = (kv) => {
      if (!kv.#sqlite) throw new Error(WITHOUT_SQLITE);
      return kv.#slot;
    };
  }
}

class ListIterator extends Iterator {
  #slot;
  #iteration;

  constructor(slot, iteration) {
    super();
    this.#slot = slot;
    this.#iteration = iteration;
  }

  next() {
    if (typeof this !== "object" || this === null || !(#iteration in this)) throw illegalInvocation();
    const value = host.kvNext(this.#slot, this.#iteration);
    return { done: value === undefined, value };
  }
}

shape(SyncKvStorage);
notePlatformClass(ListIterator);
Object.defineProperty(ListIterator.prototype, Symbol.toStringTag, { value: ListIterator.name, configurable: true });

/** `storage.kv` of the object in `slot`; `sqlite` says whether its class has it. */
export function makeKv(slot, sqlite) {
  return new SyncKvStorage(INTERNAL, slot, sqlite);
}
