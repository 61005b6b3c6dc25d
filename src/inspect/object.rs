//! One object's contents: keys with decoded values, tables with schema and row counts, the alarm slot.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::book::{Book, Listed, ObjectRef, has_table};
use super::failure::Result;
use super::reader;
use crate::base::clock::Timestamp;
use crate::codec::{self, Value};
use crate::storage::SqlValue;

const NANOS_PER_MS: i64 = 1_000_000;

/// A key with its stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The key.
    pub key: String,
    /// The value, serialized.
    pub bytes: Vec<u8>,
}

/// Which keys to read.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// What they begin with.
    pub prefix: String,
    /// How many at most.
    pub limit: Option<u64>,
}

/// Keys in the order of their bytes.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// As many as asked for.
    pub entries: Vec<KvEntry>,
    /// How many there are.
    pub total: u64,
}

/// A table, view or virtual table of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// `table`, `view` or `virtual`.
    pub kind: String,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// How many rows it has; `None` where they cannot be counted.
    pub rows: Option<u64>,
    /// The statement that made it.
    pub sql: String,
    /// Whether its rows have no hidden number.
    pub without_rowid: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as declared; may be empty.
    pub declared: String,
    /// Its place in the primary key from 1, or 0.
    pub key: u32,
    /// Whether it is computed.
    pub generated: bool,
}

/// Everything about one object.
#[derive(Debug, Clone)]
pub struct ObjectView {
    /// Its line in the list.
    pub listed: Listed,
    /// Its keys.
    pub keys: Keys,
    /// Its tables.
    pub tables: Vec<Table>,
    /// The time in its alarm slot.
    pub alarm: Option<Timestamp>,
}

impl KvEntry {
    /// The value.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn value(&self) -> std::result::Result<Value, String> {
        match codec::read(&self.bytes) {
            Ok((value, consumed)) if consumed == self.bytes.len() => Ok(value),
            Ok((_, consumed)) => Err(format!("{} bytes too many at its end", self.bytes.len() - consumed)),
            Err(corrupt) => Err(corrupt.to_string()),
        }
    }
}

impl Book {
    /// Everything about `object`, with the keys that `filter` lets through.
    pub fn view(&self, object: &ObjectRef, filter: &KeyFilter) -> Result<ObjectView> {
        let listed = self.list_object(object)?;
        let found = reader::read(&object.path(), &object.label(), |connection| {
            Ok((keys(connection, filter)?, tables(connection)?, alarm(connection)?))
        })?;
        let (keys, tables, alarm) = found.unwrap_or_default();
        Ok(ObjectView { listed, keys, tables, alarm })
    }

    /// The keys of `object` that `filter` lets through.
    pub fn keys(&self, object: &ObjectRef, filter: &KeyFilter) -> Result<Keys> {
        let found = reader::read(&object.path(), &object.label(), |connection| keys(connection, filter))?;
        Ok(found.unwrap_or_default())
    }

    /// What is stored under `key`.
    pub fn get(&self, object: &ObjectRef, key: &str) -> Result<Option<KvEntry>> {
        let found = reader::read(&object.path(), &object.label(), |connection| {
            if !has_table(connection, "_cf_KV")? {
                return Ok(None);
            }
            let sql = "SELECT value FROM _cf_KV WHERE key = ?";
            connection.query_row(sql, [key], |row| Ok(blob(row.get_ref(0)?))).optional()
        })?;
        Ok(found.flatten().map(|bytes| KvEntry { key: key.to_owned(), bytes }))
    }
}

/// The keys that `filter` lets through.
pub fn keys(connection: &Connection, filter: &KeyFilter) -> rusqlite::Result<Keys> {
    if !has_table(connection, "_cf_KV")? {
        return Ok(Keys::default());
    }
    // substr() compares what LIKE would take as a pattern, and letters of both cases.
    let found = "FROM _cf_KV WHERE substr(key, 1, length(?1)) = ?1";
    let total: i64 =
        connection.query_row(&format!("SELECT count(*) {found}"), [&filter.prefix], |row| row.get(0))?;
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut statement = connection.prepare(&format!("SELECT key, value {found} ORDER BY key LIMIT ?2"))?;
    let entries = statement
        .query_map(rusqlite::params![filter.prefix, limit], |row| {
            let key = String::from_utf8_lossy(&blob(row.get_ref(0)?)).into_owned();
            Ok(KvEntry { key, bytes: blob(row.get_ref(1)?) })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Keys { entries, total: total.unsigned_abs() })
}

/// The user's tables, views and virtual tables, by name.
pub fn tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut statement = connection.prepare(
        "SELECT l.name, l.type, l.wr, s.sql FROM pragma_table_list AS l \
         JOIN sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view') \
         WHERE l.schema = 'main' AND l.type <> 'shadow' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND lower(l.name) NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND l.name <> '__miniflare_do_name' ORDER BY l.name",
    )?;
    let mut tables: Vec<Table> = statement
        .query_map([], |row| {
            Ok(Table {
                name: row.get(0)?,
                kind: row.get(1)?,
                columns: Vec::new(),
                rows: None,
                without_rowid: row.get(2)?,
                sql: row.get(3)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut columns = connection
        .prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid")?;
    for table in &mut tables {
        let read = columns.query_map([&table.name], |row| {
            Ok(Column {
                name: row.get(0)?,
                declared: row.get(1)?,
                key: row.get(2)?,
                generated: row.get::<_, i64>(3)? != 0,
            })
        });
        // A view of a table that is gone has no columns and no rows.
        table.columns = read.and_then(Iterator::collect).unwrap_or_default();
        let count = format!("SELECT count(*) FROM {}", quote(&table.name));
        let rows: rusqlite::Result<i64> = connection.query_row(&count, [], |row| row.get(0));
        table.rows = rows.ok().map(i64::unsigned_abs);
    }
    Ok(tables)
}

/// The time in the alarm slot.
pub fn alarm(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    if !has_table(connection, "_cf_METADATA")? {
        return Ok(None);
    }
    let sql = "SELECT value FROM _cf_METADATA WHERE key = 1";
    let nanos: Option<Option<i64>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(nanos.flatten().map(|nanos| Timestamp(nanos.div_euclid(NANOS_PER_MS))))
}

/// `name` as an SQL identifier.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value of a row, owned.
pub fn owned(value: ValueRef<'_>) -> SqlValue {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(value) => SqlValue::Integer(value),
        ValueRef::Real(value) => SqlValue::Real(value),
        ValueRef::Text(text) => SqlValue::Text(text.to_vec()),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
    }
}

fn blob(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Vec::new(),
    }
}
