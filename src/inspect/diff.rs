//! What differs between two states: objects, alarms, keys and rows.
//!
//! Objects are compared one by one and only where their files differ. Keys are compared by their bytes, rows by
//! the primary key of their table, or by the hidden row number where it has none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rusqlite::Connection;

use super::book::{Book, ObjectRef};
use super::failure::{InspectError, Result};
use super::object::{KeyFilter, KvEntry, Table, alarm, keys, owned, quote, tables};
use super::reader;
use crate::base::clock::Timestamp;
use crate::storage::SqlValue;

/// How something differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// Only the second state has it.
    Added(T),
    /// Only the first state has it.
    Removed(T),
    /// Both have it, not the same.
    Changed(T, T),
}

/// What differs in one object.
#[derive(Debug, Clone)]
pub struct ObjectDiff {
    /// Which object.
    pub object: ObjectRef,
    /// Whether the object itself came or went.
    pub existence: Option<Change<()>>,
    /// Its alarm.
    pub alarm: Option<Change<Timestamp>>,
    /// Its keys.
    pub keys: Vec<Change<KvEntry>>,
    /// Its tables.
    pub tables: Vec<TableDiff>,
    /// Why it could not be compared.
    pub failure: Option<String>,
}

/// What differs in one table.
#[derive(Debug, Clone)]
pub struct TableDiff {
    /// Its name.
    pub name: String,
    /// The statement that made it, if that differs.
    pub schema: Option<Change<String>>,
    /// Columns of the rows.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Change<Vec<SqlValue>>>,
}

/// Everything of one object that is compared.
#[derive(Debug, Default)]
struct Contents {
    alarm: Option<Timestamp>,
    keys: Vec<KvEntry>,
    tables: BTreeMap<String, TableContents>,
}

#[derive(Debug, Default)]
struct TableContents {
    sql: String,
    columns: Vec<String>,
    rows: BTreeMap<String, Vec<SqlValue>>,
}

/// What differs from `from` to `to` in what `only` addresses.
pub fn diff(
    from: &Book,
    to: &Book,
    only: Option<&str>,
    progress: &dyn Fn(u64, u64),
) -> Result<Vec<ObjectDiff>> {
    // An address may be known to one of the two only.
    let scoped = |book: &Book| match book.scope(only) {
        Ok(scope) => book.objects_of(&scope).map(Some),
        Err(InspectError::NotFound { .. }) if only.is_some() => Ok(None),
        Err(error) => Err(error),
    };
    let (before, after) = (scoped(from)?, scoped(to)?);
    if before.is_none() && after.is_none() {
        return to.scope(only).map(|_| Vec::new());
    }
    let index = |objects: Option<Vec<ObjectRef>>| -> BTreeMap<_, _> {
        let key = |object: &ObjectRef| (object.namespace.class.clone(), object.namespace.key(), object.id);
        objects.unwrap_or_default().into_iter().map(|object| (key(&object), object)).collect()
    };
    let (before, after) = (index(before), index(after));
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for (done, key) in all.iter().enumerate() {
        progress(done as u64, all.len() as u64);
        found.extend(object(before.get(*key), after.get(*key)));
    }
    progress(all.len() as u64, all.len() as u64);
    Ok(found)
}

fn object(before: Option<&ObjectRef>, after: Option<&ObjectRef>) -> Option<ObjectDiff> {
    let object = after.or(before)?.clone();
    if let (Some(before), Some(after)) = (before, after)
        && same_files(before, after)
    {
        return None;
    }
    let read = |object: Option<&ObjectRef>| match object {
        None => Ok(Contents::default()),
        Some(object) => {
            reader::read(&object.path(), &object.label(), contents).map(Option::unwrap_or_default)
        }
    };
    let existence = match (before, after) {
        (None, Some(_)) => Some(Change::Added(())),
        (Some(_), None) => Some(Change::Removed(())),
        _ => None,
    };
    let mut found =
        ObjectDiff { object, existence, alarm: None, keys: Vec::new(), tables: Vec::new(), failure: None };
    let (old, new) = match (read(before), read(after)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(error), _) | (_, Err(error)) => {
            found.failure = Some(error.to_string());
            return Some(found);
        }
    };
    found.alarm = change(old.alarm, new.alarm);
    let by_key = |keys: Vec<KvEntry>| keys.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
    found.keys = changes(by_key(old.keys), by_key(new.keys));
    let mut old_tables = old.tables;
    for (name, new) in new.tables {
        let old = old_tables.remove(&name);
        found.tables.extend(table(name, old, Some(new)));
    }
    for (name, old) in old_tables {
        found.tables.extend(table(name, Some(old), None));
    }
    let is_same = found.existence.is_none()
        && found.alarm.is_none()
        && found.keys.is_empty()
        && found.tables.is_empty();
    (!is_same).then_some(found)
}

/// Whether both are the same bytes without a log, so that nothing needs to be compared.
fn same_files(before: &ObjectRef, after: &ObjectRef) -> bool {
    let (a, b) = (before.path(), after.path());
    let length = |path: &std::path::Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    length(&reader::log_of(&a)) == 0
        && length(&reader::log_of(&b)) == 0
        && length(&a) == length(&b)
        && matches!((fs::read(&a), fs::read(&b)), (Ok(a), Ok(b)) if a == b)
}

fn contents(connection: &Connection) -> rusqlite::Result<Contents> {
    let mut found = Contents {
        alarm: alarm(connection)?,
        keys: keys(connection, &KeyFilter::default())?.entries,
        tables: BTreeMap::new(),
    };
    for table in tables(connection)? {
        found.tables.insert(table.name.clone(), table_contents(connection, &table)?);
    }
    Ok(found)
}

fn table_contents(connection: &Connection, table: &Table) -> rusqlite::Result<TableContents> {
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut found = TableContents { sql: table.sql.clone(), columns, rows: BTreeMap::new() };
    // The rows of a view are those of its tables.
    if table.kind == "view" {
        return Ok(found);
    }
    let mut key: Vec<_> = table.columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    let key: Vec<String> = match key.as_slice() {
        [] => vec!["rowid".to_owned()],
        key => key.iter().map(|column| quote(&column.name)).collect(),
    };
    let all: Vec<String> = found.columns.iter().map(|column| quote(column)).collect();
    let list = [key.clone(), all].concat().join(", ");
    let mut statement = connection.prepare(&format!("SELECT {list} FROM {}", quote(&table.name)))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<SqlValue>> =
            (0..key.len() + found.columns.len()).map(|index| row.get_ref(index).map(owned)).collect();
        let mut values = values?;
        let rest = values.split_off(key.len());
        found.rows.insert(values.iter().map(sortable).collect(), rest);
    }
    Ok(found)
}

/// Text that differs for different values, and sorts small positive numbers by their size.
fn sortable(value: &SqlValue) -> String {
    match value {
        SqlValue::Integer(number) => format!("1{:020};", i128::from(*number) - i128::from(i64::MIN)),
        other => format!("2{other:?};"),
    }
}

fn table(name: String, old: Option<TableContents>, new: Option<TableContents>) -> Option<TableDiff> {
    let sql = |table: &Option<TableContents>| table.as_ref().map(|table| table.sql.clone());
    let schema = change(sql(&old), sql(&new));
    let columns = new.as_ref().or(old.as_ref()).map(|table| table.columns.clone()).unwrap_or_default();
    let rows = |table: Option<TableContents>| table.map(|table| table.rows).unwrap_or_default();
    let rows = changes(rows(old), rows(new));
    (schema.is_some() || !rows.is_empty()).then_some(TableDiff { name, schema, columns, rows })
}

fn change<T: PartialEq>(old: Option<T>, new: Option<T>) -> Option<Change<T>> {
    match (old, new) {
        (Some(old), Some(new)) if old != new => Some(Change::Changed(old, new)),
        (Some(old), None) => Some(Change::Removed(old)),
        (None, Some(new)) => Some(Change::Added(new)),
        _ => None,
    }
}

/// The changes between two maps, in the order of their keys.
fn changes<T: PartialEq>(mut old: BTreeMap<String, T>, new: BTreeMap<String, T>) -> Vec<Change<T>> {
    let mut found: Vec<(String, Change<T>)> = Vec::new();
    for (key, new) in new {
        let change = change(old.remove(&key), Some(new));
        found.extend(change.map(|change| (key, change)));
    }
    found.extend(old.into_iter().map(|(key, old)| (key, Change::Removed(old))));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(_, change)| change).collect()
}
