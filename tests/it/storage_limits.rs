//! Production's limits of storage and SQL, through the API that a program uses, with their exact texts.

use std::collections::BTreeMap;

use crate::project::TestProject;

const CONFIG: &str = r#"{
  "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "SQL", "class_name": "Sql" }, { "name": "KV", "class_name": "Kv" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Sql"], "new_classes": ["Kv"] }]
}"#;

/// Each case runs in an object of its own: first what is just allowed, then the first thing that is not.
const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";

const MB2 = 2 * 1024 * 1024;
const many = (n, of) => Array.from({ length: n }, (_, i) => of(i));
const keys = (n) => many(n, (i) => "k" + i);
const pairs = (n) => Object.fromEntries(keys(n).map((k) => [k, 1]));
const bytes = (n) => new Uint8Array(n);
const cases = {
  SQL: {
    "key": ({ st }) => st.put("k".repeat(5000), 1),
    "value": ({ st }) => st.put("k", bytes(MB2)),
    "value-ok": ({ st }) => st.put("k", bytes(MB2 - 100)),
    "value-in-batch": ({ st }) => st.put({ a: 1, b: bytes(MB2) }),
    "value-text": ({ st }) => st.put("k", "x".repeat(MB2)),
    "kv-value": ({ st }) => st.kv.put("k", bytes(MB2)),
    "key-and-value": ({ st }) => st.put("k".repeat(MB2 / 2), bytes(MB2 / 2)),
    "txn-value": ({ st }) => st.transaction((txn) => txn.put("k", bytes(MB2))),
    "put-128": ({ st }) => st.put(pairs(128)),
    "put-129": ({ st }) => st.put(pairs(129)),
    "get-128": async ({ st }) => { await st.get(keys(128)); },
    "get-129": ({ st }) => st.get(keys(129)),
    "delete-128": async ({ st }) => { await st.delete(keys(128)); },
    "delete-129": ({ st }) => st.delete(keys(129)),
    "txn-put-129": ({ st }) => st.transaction((txn) => txn.put(pairs(129))),
    "txn-get-129": ({ st }) => st.transaction((txn) => txn.get(keys(129))),
    "bind-ok": ({ sql }) => sql.exec("SELECT length(?) AS n", bytes(MB2)).one() && undefined,
    "bind-blob": ({ sql }) => sql.exec("SELECT length(?) AS n", bytes(MB2 + 1)),
    "bind-text": ({ sql }) => sql.exec("SELECT length(?) AS n", "x".repeat(MB2 + 1)),
    "bind-text-utf8": ({ sql }) => sql.exec("SELECT length(?) AS n", "ż".repeat(MB2 / 2 + 1)),
    "made-value": ({ sql }) => sql.exec("SELECT zeroblob(2097153)").toArray(),
    "made-text": ({ sql }) => sql.exec("SELECT replace(hex(zeroblob(2000)), '0', ?)", "x".repeat(1000)).toArray(),
    "row": ({ sql }) => { sql.exec("CREATE TABLE t(a, b)"); sql.exec("INSERT INTO t VALUES (?, ?)", bytes(MB2 - 1000), bytes(2000)); },
    "row-update": ({ sql }) => { sql.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES (zeroblob(2000000), 1)"); sql.exec("UPDATE t SET b = ?", bytes(200000)); },
    "columns-100": ({ sql }) => { sql.exec(`CREATE TABLE t(${many(100, (i) => "c" + i)})`); },
    "columns-101": ({ sql }) => sql.exec(`CREATE TABLE t(${many(101, (i) => "c" + i)})`),
    "columns-altered": ({ sql }) => { sql.exec(`CREATE TABLE t(${many(100, (i) => "c" + i)})`); sql.exec("ALTER TABLE t ADD COLUMN more"); },
    "columns-result": ({ sql }) => sql.exec(`SELECT ${many(101, String)}`),
    "columns-insert": ({ sql }) => { sql.exec("CREATE TABLE t(a)"); sql.exec(`INSERT INTO t VALUES (${many(101, String)})`); },
    "columns-index": ({ sql }) => { sql.exec("CREATE TABLE t(a)"); sql.exec(`CREATE INDEX i ON t(${many(101, () => "a")})`); },
    "parameters-100": ({ sql }) => { sql.exec(`SELECT 1 IN (${many(100, () => "?")})`, ...many(100, (i) => i)); },
    "parameters-101": ({ sql }) => sql.exec(`SELECT 1 IN (${many(101, () => "?")})`, ...many(101, (i) => i)),
    "parameter-number": ({ sql }) => sql.exec("SELECT ?101", 1),
    "statement-ok": ({ sql }) => { sql.exec("SELECT 1 --".padEnd(100_000, "x")); },
    "statement": ({ sql }) => sql.exec("SELECT 1 --".padEnd(100_001, "x")),
    "statement-bytes": ({ sql }) => sql.exec("SELECT 1 --".padEnd(60_000, "ż")),
    "statements-together": ({ sql }) => { sql.exec("SELECT 1;".repeat(12_000)); },
    "like-50": ({ sql }) => { sql.exec("SELECT 'a' LIKE ?", "%".repeat(50)).toArray(); },
    "like-51": ({ sql }) => sql.exec("SELECT 'a' LIKE ?", "%".repeat(51)).toArray(),
    "like-bytes": ({ sql }) => sql.exec("SELECT 'a' LIKE ?", "ż".repeat(26)).toArray(),
    "glob-51": ({ sql }) => sql.exec("SELECT 'a' GLOB ?", "*".repeat(51)).toArray(),
    "depth": ({ sql }) => sql.exec("SELECT " + "NOT ".repeat(101) + "1"),
    "compound": ({ sql }) => sql.exec(many(6, () => "SELECT 1").join(" UNION ALL ")),
    "arguments-127": ({ sql }) => { sql.exec(`SELECT max(${many(127, String)})`); },
    "arguments-128": ({ sql }) => sql.exec(`SELECT max(${many(128, String)})`),
    "trigger-depth": ({ sql }) => {
      sql.exec("PRAGMA recursive_triggers = ON; CREATE TABLE t(a); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t VALUES (new.a + 1); END");
      sql.exec("INSERT INTO t VALUES (1)");
    },
    "attached": ({ sql }) => sql.exec("ATTACH ':memory:' AS other"),
  },
  KV: {
    "key-ok": ({ st }) => st.put("k".repeat(2048), 1),
    "key": ({ st }) => st.put("k".repeat(2049), 1),
    "key-bytes": ({ st }) => st.put("ż".repeat(1025), 1),
    "key-get": ({ st }) => st.get("k".repeat(2049)),
    "key-get-many": ({ st }) => st.get(["a", "k".repeat(2049)]),
    "key-delete": ({ st }) => st.delete("k".repeat(2049)),
    "key-delete-many": ({ st }) => st.delete(["a", "k".repeat(2049)]),
    "key-put-many": ({ st }) => st.put({ a: 1, ["k".repeat(2049)]: 1 }),
    "value-ok": ({ st }) => st.put("k", bytes(131072)),
    "value": ({ st }) => st.put("k", bytes(131072 + 100)),
    "value-many": ({ st }) => st.put({ a: 1, b: bytes(131072 + 100) }),
    "txn-value": ({ st }) => st.transaction((txn) => txn.put("k", bytes(131072 + 100))),
    "put-129": ({ st }) => st.put(pairs(129)),
    "get-129": ({ st }) => st.get(keys(129)),
    "delete-129": ({ st }) => st.delete(keys(129)),
  },
};

class Limited extends DurableObject {
  async run(backend, name) {
    const st = this.ctx.storage;
    try {
      const result = await cases[backend][name]({ st, sql: backend === "SQL" ? st.sql : undefined });
      return result === undefined ? "ok" : `gave ${typeof result}`;
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  }
  async left() { return (await this.ctx.storage.list()).size; }
}
export class Sql extends Limited {}
export class Kv extends Limited {}

export default {
  async fetch(request, env) {
    const lines = [];
    for (const backend of ["SQL", "KV"]) {
      for (const name of Object.keys(cases[backend])) {
        const stub = env[backend].getByName(name);
        const answer = await stub.run(backend, name);
        const refused = answer !== "ok" && (await stub.left()) > 0;
        lines.push(`${backend} ${name} = ${answer}${refused ? " BUT SOMETHING WAS WRITTEN" : ""}`);
      }
    }
    return new Response(lines.join("\n"));
  },
};
"#;

/// The cases that do not answer `ok`.
const REFUSED: &str = "
SQL key = RangeError: Keys cannot be larger than 2048 bytes. A key of size 5000 was provided.
SQL value = Error: string or blob too big: SQLITE_TOOBIG
SQL value-in-batch = Error: string or blob too big: SQLITE_TOOBIG
SQL value-text = Error: string or blob too big: SQLITE_TOOBIG
SQL kv-value = Error: string or blob too big: SQLITE_TOOBIG
SQL key-and-value = RangeError: Keys cannot be larger than 2048 bytes. A key of size 1048576 was provided.
SQL txn-value = Error: string or blob too big: SQLITE_TOOBIG
SQL put-129 = RangeError: Maximum number of key value pairs is 128. 129 pairs were provided.
SQL get-129 = RangeError: Maximum number of keys is 128. 129 keys were provided.
SQL delete-129 = RangeError: Maximum number of keys is 128. 129 keys were provided.
SQL txn-put-129 = RangeError: Maximum number of key value pairs is 128. 129 pairs were provided.
SQL txn-get-129 = RangeError: Maximum number of keys is 128. 129 keys were provided.
SQL bind-blob = Error: string or blob too big: SQLITE_TOOBIG
SQL bind-text = Error: string or blob too big: SQLITE_TOOBIG
SQL bind-text-utf8 = Error: string or blob too big: SQLITE_TOOBIG
SQL made-value = Error: string or blob too big: SQLITE_TOOBIG
SQL made-text = Error: string or blob too big: SQLITE_TOOBIG
SQL row = Error: string or blob too big: SQLITE_TOOBIG
SQL row-update = Error: string or blob too big: SQLITE_TOOBIG
SQL columns-101 = Error: too many columns on t: SQLITE_ERROR
SQL columns-altered = Error: too many columns on sqlite_altertab_t: SQLITE_ERROR
SQL columns-result = Error: too many columns in result set: SQLITE_ERROR
SQL columns-insert = Error: table t has 1 columns but 101 values were supplied: SQLITE_ERROR
SQL columns-index = Error: too many columns in index: SQLITE_ERROR
SQL parameters-101 = Error: too many SQL variables at offset 213: SQLITE_ERROR
SQL parameter-number = Error: variable number must be between ?1 and ?100 at offset 7: SQLITE_ERROR
SQL statement = Error: statement too long: SQLITE_TOOBIG
SQL statement-bytes = Error: statement too long: SQLITE_TOOBIG
SQL statements-together = Error: statement too long: SQLITE_TOOBIG
SQL like-51 = Error: LIKE or GLOB pattern too complex: SQLITE_ERROR
SQL like-bytes = Error: LIKE or GLOB pattern too complex: SQLITE_ERROR
SQL glob-51 = Error: LIKE or GLOB pattern too complex: SQLITE_ERROR
SQL depth = Error: Expression tree is too large (maximum depth 100): SQLITE_ERROR
SQL compound = Error: too many terms in compound SELECT: SQLITE_ERROR
SQL arguments-128 = Error: too many arguments on function max at offset 7: SQLITE_ERROR
SQL trigger-depth = Error: triggers nested too deep: SQLITE_ERROR
SQL attached = Error: not authorized: SQLITE_AUTH
KV key = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV key-bytes = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2050 was provided.
KV key-get = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV key-get-many = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV key-delete = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV key-delete-many = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV key-put-many = RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.
KV value = RangeError: Values cannot be larger than 131072 bytes. A value of size 131185 was provided.
KV value-many = RangeError: Values cannot be larger than 131072 bytes. A value of size 131185 was provided.
KV txn-value = RangeError: Values cannot be larger than 131072 bytes. A value of size 131185 was provided.
KV put-129 = RangeError: Maximum number of key value pairs is 128. 129 pairs were provided.
KV get-129 = RangeError: Maximum number of keys is 128. 129 keys were provided.
KV delete-129 = RangeError: Maximum number of keys is 128. 129 keys were provided.
";

#[test]
fn every_limit_of_production_is_enforced_with_its_text() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", WORKER)]);
    let server = project.start();
    let text = server.get("/").text();
    server.stop();
    let expected: BTreeMap<&str, &str> =
        REFUSED.trim().lines().filter_map(|line| line.split_once(" = ")).collect();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for line in text.lines() {
        let (name, answer) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let wanted = expected.get(name).copied();
        seen += usize::from(wanted.is_some());
        if answer != wanted.unwrap_or("ok") {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, expected.len(), "a case is missing:\n{text}");
}
