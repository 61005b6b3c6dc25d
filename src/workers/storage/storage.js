// `ctx.storage`: the asynchronous key-value API, transactions, and the way to the synchronous ones.
//
// The database answers at once, so no operation here lets other events in: promises are resolved when
// they are handed out, as with the platform's SQLite storage.
import host from "dodev:host";
import { deleteAlarm, getAlarm, setAlarm } from "dodev:workers/alarm";
import { SqlStorage } from "dodev:workers/sql";
import { SyncKvStorage } from "dodev:workers/storage/sync_kv";
import { checkOptions, listOptions } from "dodev:workers/storage/list_options";

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
  const list = Array.from(keys, String);
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

export class DurableObjectStorage {
  #slot;
  #sqlite;
  #sql;
  #kv;

  constructor(slot, sqlite) {
    this.#slot = slot;
    this.#sqlite = sqlite;
  }

  get sql() {
    return (this.#sql ??= new SqlStorage(this.#slot, this.#sqlite));
  }

  get kv() {
    if (!this.#sqlite) {
      throw new Error(
        "The storage.kv (synchronous KV) API is only available for SQLite-backed Durable Objects, but this " +
          "object's namespace is not declared to use SQLite. You can use the older, asyncronous interface via " +
          "methods of `storage` itself (e.g. `storage.get()`). Alternatively, to enable SQLite, change " +
          "`new_classes` to `new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or " +
          "wrangler.toml file. If using workerd directly, set `enableSql = true` in your workerd config for the " +
          "class. Note that this change cannot be made after the class is already deployed to production.",
      );
    }
    return (this.#kv ??= new SyncKvStorage(this.#slot));
  }

  async get(key, options) {
    if (arguments.length === 0) throw wrongType("get", 1, "string or Array");
    checkOptions(options, "GetOptions", "get", 2, "DurableObjectStorage");
    return Array.isArray(key) ? getMany(this.#slot, key) : host.kvGet(this.#slot, `${key}`);
  }

  async put(key, value) {
    put(this.#slot, arguments.length, "put", "DurableObjectStorage", key, value);
  }

  async delete(key) {
    if (arguments.length === 0) throw wrongType("delete", 1, "string or Array");
    return remove(this.#slot, key);
  }

  async list(options) {
    return list(this.#slot, options, "DurableObjectStorage");
  }

  async deleteAll(options) {
    checkOptions(options, "PutOptions", "deleteAll", 1, "DurableObjectStorage");
    host.kvDeleteAll(this.#slot);
  }

  async transaction(callback) {
    if (typeof callback !== "function") throw wrongType("transaction", 1, "function");
    host.checkStorage(this.#slot);
    let failed = false;
    let thrown;
    // An error of the callback rolls back and goes to the caller; it does not reset the object, so it
    // must not leave the critical section.
    const result = await host.blockConcurrencyWhile(this.#slot, async () => {
      const savepoint = host.savepoint(this.#slot, true);
      const txn = new DurableObjectTransaction(this.#slot, savepoint);
      try {
        return await callback(txn);
      } catch (error) {
        failed = true;
        thrown = error;
      } finally {
        const open = !isRolledBack(txn);
        end(txn);
        if (open) host.endSavepoint(this.#slot, savepoint, !failed);
      }
    });
    if (failed) throw thrown;
    return result;
  }

  transactionSync(callback) {
    if (typeof callback !== "function") throw wrongType("transactionSync", 1, "function");
    const savepoint = host.savepoint(this.#slot, false);
    let keep = false;
    try {
      const result = callback();
      keep = true;
      return result;
    } finally {
      host.endSavepoint(this.#slot, savepoint, keep);
    }
  }

  async sync() {
    await host.storageSync(this.#slot);
  }

  async getAlarm() {
    return getAlarm(this.#slot);
  }

  async setAlarm(time) {
    setAlarm(this.#slot, time, "DurableObjectStorage");
  }

  async deleteAlarm() {
    deleteAlarm(this.#slot);
  }

  async getCurrentBookmark() {
    return host.currentBookmark(this.#slot);
  }

  async getBookmarkForTime(time) {
    if (arguments.length === 0) throw wrongType("getBookmarkForTime", 1, "number or date");
    const ms = Number(time);
    if (!Number.isFinite(ms)) throw new TypeError("getBookmarkForTime() needs a valid time");
    return host.bookmarkForTime(this.#slot, ms);
  }

  async onNextSessionRestoreBookmark(bookmark) {
    if (arguments.length === 0) throw wrongType("onNextSessionRestoreBookmark", 1, "string");
    return host.restoreNextSession(this.#slot, `${bookmark}`);
  }
}

const OPEN = 0;
const ROLLED_BACK = 1;
const ENDED = 2;
let isRolledBack;
let end;

/** What the callback of `transaction()` gets: the same storage, until the transaction is over. */
export class DurableObjectTransaction {
  #slot;
  #savepoint;
  #state = OPEN;

  constructor(slot, savepoint) {
    this.#slot = slot;
    this.#savepoint = savepoint;
  }

  #use(method) {
    if (this.#state === ENDED) {
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

  async put(key, value) {
    put(this.#use("put"), arguments.length, "put", "DurableObjectTransaction", key, value);
  }

  async delete(key) {
    const slot = this.#use("delete");
    if (arguments.length === 0) throw wrongType("delete", 1, "string or Array", "DurableObjectTransaction");
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

  async getAlarm() {
    return getAlarm(this.#use("getAlarm"));
  }

  async setAlarm(time) {
    setAlarm(this.#use("setAlarm"), time, "DurableObjectTransaction");
  }

  async deleteAlarm() {
    deleteAlarm(this.#use("deleteAlarm"));
  }

  static {
    isRolledBack = (txn) => txn.#state === ROLLED_BACK;
    end = (txn) => {
      txn.#state = ENDED;
    };
  }
}

for (const type of [DurableObjectStorage, DurableObjectTransaction]) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
}
