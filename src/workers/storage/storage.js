// `ctx.storage`: the asynchronous key-value API, transactions, and the way to the synchronous ones.
//
// The database answers at once, so no operation here lets other events in: promises are resolved when
// they are handed out, as with the platform's SQLite storage.
import host from "dodev:host";
import { deleteAlarm, getAlarm, setAlarm } from "dodev:workers/alarm";
import { makeSql } from "dodev:workers/sql";
import { makeKv } from "dodev:workers/storage/sync_kv";
import { checkOptions, listOptions } from "dodev:workers/storage/list_options";
import { illegalInvocation, shape } from "dodev:web/interface";

const BATCH_KEYS_MAX = 128;
const STORAGE = "DurableObjectStorage";
const TRANSACTION = "DurableObjectTransaction";

// The program may replace what the globals hold.
const { apply } = Reflect;
const resolved = Promise.resolve.bind(Promise);
const rejected = Promise.reject.bind(Promise);

// Fidelity: how many steps of the queue of microtasks it takes until who waits goes on decides what a program does first when it
// left an operation without waiting. Recorded in `fixtures/storage-ticks`; mistakes reject at once.

/** A promise of `value`, settled as late as that of the alarm's time. */
async function answered(value) {
  await undefined;
  return value;
}

/** A promise of `value`, settled as late as that of every other operation. */
async function settled(value) {
  await undefined;
  await undefined;
  return value;
}

/** What `work` gives, as a promise made by `as`; what it throws rejects. */
function promised(work, as = settled) {
  try {
    return as(work());
  } catch (error) {
    return rejected(error);
  }
}

function wrongType(method, parameter, types, where = STORAGE) {
  return new TypeError(
    `Failed to execute '${method}' on '${where}': parameter ${parameter} is not of type '${types}'.`,
  );
}

function checkBatch(count, what, provided) {
  if (count > BATCH_KEYS_MAX) {
    throw new RangeError(`Maximum number of ${what} is ${BATCH_KEYS_MAX}. ${count} ${provided} were provided.`);
  }
}

/** Keys as strings, at most as many as a batch may have. */
function keyList(keys) {
  checkBatch(keys.length, "keys", "keys");
  const list = [];
  for (let i = 0; i < keys.length; i++) {
    if (typeof keys[i] === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    list.push(`${keys[i]}`);
  }
  return list;
}

/** The arguments of `method` as a key or a list of keys; `given` is how many arguments there are. */
function keysOf(method, where, given, key, options, type) {
  if (given === 0) throw wrongType(method, 1, "string or Array", where);
  const keys = Array.isArray(key) ? keyList(key) : `${key}`;
  checkOptions(options, type, method, 2, where);
  return keys;
}

/** A flat list of keys and values as a map. */
function mapOf(flat) {
  const found = new Map();
  for (let i = 0; i < flat.length; i += 2) found.set(flat[i], flat[i + 1]);
  return found;
}

function read(slot, keys) {
  return typeof keys === "string" ? host.kvGet(slot, keys) : mapOf(host.kvGetMany(slot, keys));
}

/** Puts one value, or the fields of an object; `use(owner, "put")` says whether and where. */
function put(owner, use, where, given, key, value, options) {
  if (given === 0) throw wrongType("put", 1, "string or object", where);
  if (typeof key === "function" || (typeof key === "object" && key !== null && !Array.isArray(key))) {
    putMany(owner, use, where, Object.entries(key), value, options);
    return;
  }
  const text = `${key}`;
  checkOptions(options, "PutOptions", "put", 3, where);
  if (value === undefined) throw new TypeError("put() called with undefined value.");
  host.kvPut(use(owner, "put"), text, value);
}

function putMany(owner, use, where, given, options, more) {
  checkOptions(more, "PutOptions", "put", 3, where);
  if (options !== undefined && options !== null && typeof options !== "object" && typeof options !== "function") {
    throw new TypeError(
      "put() may only be called with a single key-value pair and optional options as put(key, value, options) " +
        "or with multiple key-value pairs and optional options as put(entries, options)",
    );
  }
  checkOptions(options, "PutOptions", "put", 2, where);
  const entries = given.filter(([, value]) => value !== undefined);
  checkBatch(entries.length, "key value pairs", "pairs");
  const slot = use(owner, "put");
  host.kvPutMany(slot, entries.map(([key]) => key), entries.map(([, value]) => value));
}

function list(slot, options) {
  return mapOf(host.kvList(slot, ...options));
}

function remove(slot, keys) {
  return typeof keys === "string" ? host.kvDelete(slot, keys) : host.kvDeleteMany(slot, keys);
}

let slotOf;

/** What only this file can give to a constructor. */
const INTERNAL = Symbol("internal");

/**
 * Fidelity: `kv` and `sql` are properties of the object itself, in this order. Wrong receivers throw, and so does all
 * that `delete()` has to say; other mistakes reject, as observed with workerd 1.20261117.1.
 */
class DurableObjectStorage {
  #slot;

  constructor(caller, slot, sqlite) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    this.kv = makeKv(slot, sqlite);
    this.sql = makeSql(slot, sqlite);
  }

  get(key, options) {
    const slot = slotOf(this);
    try {
      // Nearly always it is one key.
      if (typeof key === "string" && options === undefined) return settled(host.kvGet(slot, key));
      return settled(read(slot, keysOf("get", STORAGE, arguments.length, key, options, "GetOptions")));
    } catch (error) {
      return rejected(error);
    }
  }

  put(key, value, options) {
    const slot = slotOf(this);
    try {
      if (typeof key === "string" && value !== undefined && options === undefined) {
        return settled(host.kvPut(slot, key, value));
      }
      return settled(put(this, slotOf, STORAGE, arguments.length, key, value, options));
    } catch (error) {
      return rejected(error);
    }
  }

  delete(key, options) {
    const slot = slotOf(this);
    return settled(remove(slot, keysOf("delete", STORAGE, arguments.length, key, options, "PutOptions")));
  }

  list(options) {
    const slot = slotOf(this);
    return promised(() => list(slot, listOptions(options, STORAGE, "ListOptions")));
  }

  deleteAll(options) {
    const slot = slotOf(this);
    return promised(() => {
      checkOptions(options, "PutOptions", "deleteAll", 1, STORAGE);
      return host.kvDeleteAll(slot);
    });
  }

  transaction(callback, options) {
    return transact(slotOf(this), callback, options);
  }

  transactionSync(callback) {
    const slot = slotOf(this);
    if (typeof callback !== "function") throw wrongType("transactionSync", 1, "function");
    const savepoint = host.savepoint(slot, false);
    let keep = false;
    try {
      const result = apply(callback, globalThis, []);
      keep = true;
      return result;
    } finally {
      host.endSavepoint(slot, savepoint, keep);
    }
  }

  sync() {
    const slot = slotOf(this);
    return promised(() => host.storageSync(slot), resolved);
  }

  getAlarm(options) {
    return readAlarm(this, slotOf, STORAGE, options);
  }

  setAlarm(time, options) {
    return writeAlarm(this, slotOf, STORAGE, time, options);
  }

  deleteAlarm(options) {
    return removeAlarm(this, slotOf, STORAGE, options);
  }

  getCurrentBookmark() {
    const slot = slotOf(this);
    return promised(() => host.currentBookmark(slot), resolved);
  }

  getBookmarkForTime(time) {
    const slot = slotOf(this);
    return promised(() => {
      const ms = typeof time === "number" ? time : time instanceof Date ? time.getTime() : undefined;
      if (ms === undefined) throw wrongType("getBookmarkForTime", 1, "date");
      if (!Number.isFinite(ms)) throw new TypeError("The value cannot be converted because it is not a valid Date.");
      return host.bookmarkForTime(slot, ms);
    });
  }

  onNextSessionRestoreBookmark(bookmark) {
    const slot = slotOf(this);
    return promised(() => {
      if (arguments.length === 0) throw wrongType("onNextSessionRestoreBookmark", 1, "string");
      return host.restoreNextSession(slot, `${bookmark}`);
    });
  }

  static {
    slotOf = (storage) => {
      if (typeof storage !== "object" || storage === null || !(#slot in storage)) throw illegalInvocation();
      return storage.#slot;
    };
  }
}

// The alarm's three methods, of both classes. `use(owner, method)` gives the slot, or says why not.

function readAlarm(owner, use, where, options) {
  check(owner, use);
  return promised(() => {
    checkOptions(options, "GetAlarmOptions", "getAlarm", 1, where);
    return getAlarm(use(owner, "getAlarm"));
  }, answered);
}

function writeAlarm(owner, use, where, time, options) {
  check(owner, use);
  return promised(() => {
    checkOptions(options, "SetAlarmOptions", "setAlarm", 2, where);
    return setAlarm(use(owner, "setAlarm"), time, where);
  });
}

function removeAlarm(owner, use, where, options) {
  check(owner, use);
  return promised(() => {
    checkOptions(options, "SetAlarmOptions", "deleteAlarm", 1, where);
    return deleteAlarm(use(owner, "deleteAlarm"));
  });
}

/** Throws unless `owner` is of the class that `use` is for. */
function check(owner, use) {
  if (use === slotOf) slotOf(owner);
  else checkTransaction(owner);
}

async function transact(slot, callback, options) {
  if (typeof callback !== "function") throw wrongType("transaction", 1, "function");
  checkOptions(options, "TransactionOptions", "transaction", 2, STORAGE);
  host.checkStorage(slot);
  let failed = false;
  let thrown;
  // An error of the callback rolls back and goes to the caller; it does not reset the object, so it
  // must not leave the critical section.
  const result = await host.blockConcurrencyWhile(slot, async () => {
    const savepoint = host.savepoint(slot, true);
    const txn = new DurableObjectTransaction(INTERNAL, slot, savepoint);
    try {
      return await apply(callback, globalThis, [txn]);
    } catch (error) {
      failed = true;
      thrown = error;
    } finally {
      const open = !isRolledBack(txn);
      if (open) {
        end(txn, !failed);
        host.endSavepoint(slot, savepoint, !failed);
      }
    }
  });
  if (failed) throw thrown;
  return result;
}

const OPEN = 0;
const ROLLED_BACK = 1;
const COMMITTED = 2;
let checkTransaction;
let use;
let isRolledBack;
let end;

/** What the callback of `transaction()` gets: the same storage, until the transaction is over. */
class DurableObjectTransaction {
  #slot;
  #savepoint;
  #state = OPEN;

  constructor(caller, slot, savepoint) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    this.#savepoint = savepoint;
  }

  get(key, options) {
    checkTransaction(this);
    return promised(() => {
      const keys = keysOf("get", TRANSACTION, arguments.length, key, options, "GetOptions");
      return read(use(this, "get"), keys);
    });
  }

  put(key, value, options) {
    checkTransaction(this);
    return promised(() => put(this, use, TRANSACTION, arguments.length, key, value, options));
  }

  delete(key, options) {
    checkTransaction(this);
    const keys = keysOf("delete", TRANSACTION, arguments.length, key, options, "PutOptions");
    return settled(remove(use(this, "delete"), keys));
  }

  list(options) {
    checkTransaction(this);
    return promised(() => {
      const checked = listOptions(options, TRANSACTION, "ListOptions");
      return list(use(this, "list"), checked);
    });
  }

  deleteAll() {
    checkTransaction(this);
    throw new Error("Cannot call deleteAll() within a transaction");
  }

  rollback() {
    checkTransaction(this);
    if (this.#state === ROLLED_BACK) return;
    host.endSavepoint(use(this, "rollback"), this.#savepoint, false);
    this.#state = ROLLED_BACK;
  }

  getAlarm(options) {
    return readAlarm(this, use, TRANSACTION, options);
  }

  setAlarm(time, options) {
    return writeAlarm(this, use, TRANSACTION, time, options);
  }

  deleteAlarm(options) {
    return removeAlarm(this, use, TRANSACTION, options);
  }

  static {
    checkTransaction = (txn) => {
      if (typeof txn !== "object" || txn === null || !(#state in txn)) throw illegalInvocation();
    };
    use = (txn, method) => {
      if (txn.#state === COMMITTED) {
        throw new Error(
          `Cannot call ${method}() on transaction that has already committed: did you move \`txn\` outside of the closure?`,
        );
      }
      if (txn.#state === ROLLED_BACK) throw new Error(`Cannot ${method}() on rolled back transaction`);
      return txn.#slot;
    };
    isRolledBack = (txn) => txn.#state === ROLLED_BACK;
    end = (txn, committed) => {
      txn.#state = committed ? COMMITTED : ROLLED_BACK;
    };
  }
}

shape(DurableObjectStorage);
shape(DurableObjectTransaction);

/** The storage of the object in `slot`; `sqlite` says whether its class has SQL. */
export function makeStorage(slot, sqlite) {
  return new DurableObjectStorage(INTERNAL, slot, sqlite);
}
