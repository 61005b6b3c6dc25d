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

  static #check(sql) {
    if (typeof sql !== "object" || sql === null || !(#slot in sql)) throw illegalInvocation();
  }

  static #use(sql) {
    SqlStorage.#check(sql);
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
    SqlStorage.#check(this);
    if (arguments.length === 0) {
      throw new TypeError("Failed to execute 'exec' on 'SqlStorage': parameter 1 is not of type 'String'.");
    }
    const slot = SqlStorage.#use(this);
    return new Cursor(INTERNAL, slot, host.sqlExec(slot, `${query}`, bindings));
  }

  get databaseSize() {
    return host.sqlDatabaseSize(SqlStorage.#use(this));
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

  static #of(cursor) {
    if (typeof cursor !== "object" || cursor === null || !(#cursor in cursor)) throw illegalInvocation();
    return cursor.#cursor;
  }

  get columnNames() {
    const cursor = Cursor.#of(this);
    return (this.#names ??= host.sqlColumnNames(cursor));
  }

  get rowsRead() {
    return host.sqlRowsRead(Cursor.#of(this));
  }

  get rowsWritten() {
    return host.sqlRowsWritten(Cursor.#of(this));
  }

  next() {
    const cursor = Cursor.#of(this);
    const row = host.sqlNext(this.#slot, cursor);
    return { done: row === undefined, value: row };
  }

  toArray() {
    const cursor = Cursor.#of(this);
    return host.sqlAll(this.#slot, cursor);
  }

  one() {
    const cursor = Cursor.#of(this);
    return host.sqlOne(this.#slot, cursor);
  }

  raw() {
    const cursor = Cursor.#of(this);
    return iterate(RawIterator, this.#slot, cursor);
  }

  [Symbol.iterator]() {
    const cursor = Cursor.#of(this);
    return iterate(RowIterator, this.#slot, cursor);
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
for (const type of [Cursor, Statement]) {
  Object.defineProperty(SqlStorage.prototype, type.name, { value: type, enumerable: true, writable: true, configurable: true });
}

/** Assigning to the getters `names` of `type` says that they are read-only. */
function readOnly(type, ...names) {
  for (const name of names) {
    const set = () => {
      throw new TypeError(`Cannot assign to read only property '${name}' of object '#<${type.name}>'`);
    };
    Object.defineProperty(type.prototype, name, { set });
  }
}

readOnly(SqlStorage, "databaseSize");
readOnly(Cursor, "columnNames", "rowsRead", "rowsWritten");
for (const type of [RowIterator, RawIterator]) {
  notePlatformClass(type);
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name, configurable: true });
}

/** `storage.sql` of the object in `slot`; `sqlite` says whether its class has SQL. */
export function makeSql(slot, sqlite) {
  return new SqlStorage(INTERNAL, slot, sqlite);
}
