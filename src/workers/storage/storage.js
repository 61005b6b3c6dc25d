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

function wrongType(method, parameter, types, where = "DurableObjectStorage") {
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
  const list = Array.from(keys, (key) => {
    if (typeof key === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    return `${key}`;
  });
  checkBatch(list.length, "keys", "keys");
  return list;
}

function getMany(slot, keys) {
  const list = keyList(keys);
  const flat = host.kvGetMany(slot, list);
  const found = new Map();
  for (let i = 0; i < flat.length; i += 2) found.set(flat[i], flat[i + 1]);
  return found;
}

function put(slot, given, method, where, key, value) {
  if (given === 0) throw wrongType(method, 1, "string or object", where);
  if (typeof key === "object" && key !== null && !Array.isArray(key)) {
    if (value !== undefined && value !== null && typeof value !== "object" && typeof value !== "function") {
      throw new TypeError(
        `${method}() may only be called with a single key-value pair and optional options as put(key, value, options) ` +
          "or with multiple key-value pairs and optional options as put(entries, options)",
      );
    }
    const entries = Object.entries(key).filter(([, v]) => v !== undefined);
    checkBatch(entries.length, "key value pairs", "pairs");
    host.kvPutMany(slot, entries.map(([k]) => k), entries.map(([, v]) => v));
    return;
  }
  if (value === undefined) throw new TypeError(`${method}() called with undefined value.`);
  host.kvPut(slot, `${key}`, value);
}

function list(slot, options, where) {
  const flat = host.kvList(slot, ...listOptions(options, where));
  const found = new Map();
  for (let i = 0; i < flat.length; i += 2) found.set(flat[i], flat[i + 1]);
  return found;
}

function remove(slot, key) {
  return Array.isArray(key) ? host.kvDeleteMany(slot, keyList(key)) : host.kvDelete(slot, `${key}`);
}

let slotOf;

/** What only this file can give to a constructor. */
const INTERNAL = Symbol("internal");

/** The property `kv` of a class without SQLite. */
const NO_KV = {
  enumerable: true,
  configurable: true,
  get() {
    throw new Error(
      "The storage.kv (synchronous KV) API is only available for SQLite-backed Durable Objects, but this " +
        "object's namespace is not declared to use SQLite. You can use the older, asyncronous interface via " +
        "methods of `storage` itself (e.g. `storage.get()`). Alternatively, to enable SQLite, change " +
        "`new_classes` to `new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or " +
        "wrangler.toml file. If using workerd directly, set `enableSql = true` in your workerd config for the " +
        "class. Note that this change cannot be made after the class is already deployed to production.",
    );
  },
};

/** Fidelity: `kv` and `sql` are properties of the object itself, in this order. */
class DurableObjectStorage {
  #slot;

  constructor(caller, slot, sqlite) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    if (sqlite) this.kv = makeKv(slot);
    else Object.defineProperty(this, "kv", NO_KV);
    this.sql = makeSql(slot, sqlite);
  }

  async get(key, options) {
    if (arguments.length === 0) throw wrongType("get", 1, "string or Array");
    checkOptions(options, "GetOptions", "get", 2, "DurableObjectStorage");
    return Array.isArray(key) ? getMany(slotOf(this), key) : host.kvGet(slotOf(this), `${key}`);
  }

  async put(key, value, options) {
    checkOptions(options, "PutOptions", "put", 3, "DurableObjectStorage");
    put(slotOf(this), arguments.length, "put", "DurableObjectStorage", key, value);
  }

  async delete(key, options) {
    if (arguments.length === 0) throw wrongType("delete", 1, "string or Array");
    checkOptions(options, "PutOptions", "delete", 2, "DurableObjectStorage");
    return remove(slotOf(this), key);
  }

  async list(options) {
    return list(slotOf(this), options, "DurableObjectStorage");
  }

  async deleteAll(options) {
    checkOptions(options, "PutOptions", "deleteAll", 1, "DurableObjectStorage");
    host.kvDeleteAll(slotOf(this));
  }

  async transaction(callback, options) {
    if (typeof callback !== "function") throw wrongType("transaction", 1, "function");
    checkOptions(options, "TransactionOptions", "transaction", 2, "DurableObjectStorage");
    host.checkStorage(slotOf(this));
    let failed = false;
    let thrown;
    // An error of the callback rolls back and goes to the caller; it does not reset the object, so it
    // must not leave the critical section.
    const result = await host.blockConcurrencyWhile(slotOf(this), async () => {
      const savepoint = host.savepoint(slotOf(this), true);
      const txn = new DurableObjectTransaction(INTERNAL, slotOf(this), savepoint);
      try {
        return await callback(txn);
      } catch (error) {
        failed = true;
        thrown = error;
      } finally {
        const open = !isRolledBack(txn);
        if (open) {
          end(txn, !failed);
          host.endSavepoint(slotOf(this), savepoint, !failed);
        }
      }
    });
    if (failed) throw thrown;
    return result;
  }

  transactionSync(callback) {
    if (typeof callback !== "function") throw wrongType("transactionSync", 1, "function");
    const savepoint = host.savepoint(slotOf(this), false);
    let keep = false;
    try {
      const result = callback();
      keep = true;
      return result;
    } finally {
      host.endSavepoint(slotOf(this), savepoint, keep);
    }
  }

  async sync() {
    await host.storageSync(slotOf(this));
  }

  async getAlarm(options) {
    checkOptions(options, "GetAlarmOptions", "getAlarm", 1, "DurableObjectStorage");
    return getAlarm(slotOf(this));
  }

  async setAlarm(time, options) {
    checkOptions(options, "SetAlarmOptions", "setAlarm", 2, "DurableObjectStorage");
    setAlarm(slotOf(this), time, "DurableObjectStorage");
  }

  async deleteAlarm(options) {
    checkOptions(options, "SetAlarmOptions", "deleteAlarm", 1, "DurableObjectStorage");
    deleteAlarm(slotOf(this));
  }

  async getCurrentBookmark() {
    return host.currentBookmark(slotOf(this));
  }

  async getBookmarkForTime(time) {
    if (arguments.length === 0) throw wrongType("getBookmarkForTime", 1, "number or date");
    const ms = typeof time === "number" ? time : time instanceof Date ? time.getTime() : undefined;
    if (ms === undefined) throw wrongType("getBookmarkForTime", 1, "date");
    if (!Number.isFinite(ms)) throw new TypeError("The value cannot be converted because it is not a valid Date.");
    return host.bookmarkForTime(slotOf(this), ms);
  }

  async onNextSessionRestoreBookmark(bookmark) {
    if (arguments.length === 0) throw wrongType("onNextSessionRestoreBookmark", 1, "string");
    return host.restoreNextSession(slotOf(this), `${bookmark}`);
  }

  static {
    slotOf = (storage) => {
      if (typeof storage !== "object" || storage === null || !(#slot in storage)) throw illegalInvocation();
      return storage.#slot;
    };
  }
}

const OPEN = 0;
const ROLLED_BACK = 1;
const COMMITTED = 2;
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

  #use(method) {
    if (this.#state === COMMITTED) {
      throw new Error(
        `Cannot call ${method}() on transaction that has already committed: did you move \`txn\` outside of the closure?`,
      );
    }
    if (this.#state === ROLLED_BACK) throw new Error(`Cannot ${method}() on rolled back transaction`);
    return this.#slot;
  }

  async get(key, options) {
    const slot = this.#use("get");
    if (arguments.length === 0) throw wrongType("get", 1, "string or Array", "DurableObjectTransaction");
    checkOptions(options, "GetOptions", "get", 2, "DurableObjectTransaction");
    return Array.isArray(key) ? getMany(slot, key) : host.kvGet(slot, `${key}`);
  }

  async put(key, value, options) {
    checkOptions(options, "PutOptions", "put", 3, "DurableObjectTransaction");
    put(this.#use("put"), arguments.length, "put", "DurableObjectTransaction", key, value);
  }

  async delete(key, options) {
    const slot = this.#use("delete");
    if (arguments.length === 0) throw wrongType("delete", 1, "string or Array", "DurableObjectTransaction");
    checkOptions(options, "PutOptions", "delete", 2, "DurableObjectTransaction");
    return remove(slot, key);
  }

  async list(options) {
    return list(this.#use("list"), options, "DurableObjectTransaction");
  }

  deleteAll() {
    throw new Error("Cannot call deleteAll() within a transaction");
  }

  rollback() {
    if (this.#state === ROLLED_BACK) return;
    const slot = this.#use("rollback");
    this.#state = ROLLED_BACK;
    host.endSavepoint(slot, this.#savepoint, false);
  }

  async getAlarm(options) {
    checkOptions(options, "GetAlarmOptions", "getAlarm", 1, "DurableObjectTransaction");
    return getAlarm(this.#use("getAlarm"));
  }

  async setAlarm(time, options) {
    checkOptions(options, "SetAlarmOptions", "setAlarm", 2, "DurableObjectTransaction");
    setAlarm(this.#use("setAlarm"), time, "DurableObjectTransaction");
  }

  async deleteAlarm(options) {
    checkOptions(options, "SetAlarmOptions", "deleteAlarm", 1, "DurableObjectTransaction");
    deleteAlarm(this.#use("deleteAlarm"));
  }

  static {
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
