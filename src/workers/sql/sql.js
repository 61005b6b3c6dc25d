// `ctx.storage.sql`: SQL on the object's own database.
import host from "dodev:host";
import { illegalInvocation, notePlatformClass, shape } from "dodev:web/interface";

/** What only this file can give to a constructor. */
const INTERNAL = Symbol("internal");

class SqlStorage {
  #slot;
  #sqlite;

  constructor(caller, slot, sqlite) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    this.#sqlite = sqlite;
  }

  static #use(sql) {
    if (typeof sql !== "object" || sql === null || !(#slot in sql)) throw illegalInvocation();
    if (!sql.#sqlite) {
      throw new Error(
        "SQL is not enabled for this Durable Object class. To enable it, change `new_classes` to " +
          "`new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or wrangler.toml file. If " +
          "using workerd directly,set `enableSql = true` in your workerd config for the class. Note that this " +
          "change cannot be made after the class is already deployed to production.",
      );
    }
    return sql.#slot;
  }

  exec(query, ...bindings) {
    if (arguments.length === 0) {
      throw new TypeError("Failed to execute 'exec' on 'SqlStorage': parameter 1 is not of type 'string'.");
    }
    const slot = SqlStorage.#use(this);
    return new Cursor(INTERNAL, slot, host.sqlExec(slot, `${query}`, bindings));
  }

  get databaseSize() {
    return host.sqlDatabaseSize(SqlStorage.#use(this));
  }

  set databaseSize(_) {
    throw new TypeError("Cannot assign to read only property 'databaseSize' of object '#<SqlStorage>'");
  }

  get Cursor() {
    return Cursor;
  }

  get Statement() {
    return Statement;
  }
}

export class Statement {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}

/** The rows of a statement, read as they are asked for. */
export class Cursor {
  #slot;
  #cursor;
  #names;

  constructor(caller, slot, cursor) {
    if (caller !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#slot = slot;
    this.#cursor = cursor;
  }

  get columnNames() {
    return (this.#names ??= host.sqlColumnNames(this.#cursor));
  }

  get rowsRead() {
    return host.sqlRowsRead(this.#cursor);
  }

  get rowsWritten() {
    return host.sqlRowsWritten(this.#cursor);
  }

  next() {
    const row = host.sqlNext(this.#slot, this.#cursor);
    return row === undefined ? { done: true, value: undefined } : { done: false, value: row };
  }

  toArray() {
    return host.sqlAll(this.#slot, this.#cursor);
  }

  one() {
    return host.sqlOne(this.#slot, this.#cursor);
  }

  raw() {
    return iterate(RawIterator, this.#slot, this.#cursor);
  }

  [Symbol.iterator]() {
    return iterate(RowIterator, this.#slot, this.#cursor);
  }
}

// The host makes the iterators; these are for their prototypes, which get `next` when it is needed first.
class RowIterator extends Iterator {}
class RawIterator extends Iterator {}

function iterate(type, slot, cursor) {
  const { prototype } = type;
  if (!Object.hasOwn(prototype, "next")) {
    Object.defineProperty(prototype, "next", { value: host.sqlIteratorNext, writable: true, configurable: true });
  }
  return host.sqlIterate(slot, cursor, prototype, type === RawIterator);
}

for (const type of [SqlStorage, Cursor, Statement]) shape(type);
for (const type of [RowIterator, RawIterator]) {
  notePlatformClass(type);
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
}

/** `storage.sql` of the object in `slot`; `sqlite` says whether its class has SQL. */
export function makeSql(slot, sqlite) {
  return new SqlStorage(INTERNAL, slot, sqlite);
}
