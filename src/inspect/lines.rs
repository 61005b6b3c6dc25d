//! Objects as JSON lines: readable, and exact to the byte.
//!
//! A file holds objects one after the other. Each begins with a line that names it, then come its alarm, its keys,
//! the statements of its tables in the order in which they must run, and rows. A key has its value twice: readable
//! (`value`) and as the stored bytes (`v8`). Hidden row numbers are written where nothing else keeps them.

use std::io::{BufRead, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value as Json, json};

use super::book::{Book, ObjectRef};
use super::failure::{InspectError, Result};
use super::json_value::from_json;
use super::moment::{iso, parse_date};
use super::object::{KeyFilter, Table, alarm, keys, quote, tables};
use super::reader;
use super::write::Writer;
use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;
use crate::base::jurisdiction::Jurisdiction;
use crate::codec;
use crate::storage::SqlValue;

/// Version of the lines.
pub const VERSION: u64 = 1;

/// An object that a file of lines holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// The Worker, the class, the id and the name as they stand there.
    pub script: String,
    pub class: String,
    pub id: Option<ObjectId>,
    pub name: Option<String>,
    /// Its alarm.
    pub alarm: Option<Timestamp>,
    /// Keys with serialized values.
    pub keys: Vec<(String, Vec<u8>)>,
    /// Statements, and rows for a table's columns.
    pub steps: Vec<Step>,
}

/// What makes the tables of an imported object.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A statement.
    Sql(String),
    /// The table and columns of the rows that follow.
    Rows { table: String, columns: Vec<String> },
    /// A row.
    Row(Vec<SqlValue>),
}

/// Writes `object` to `out`.
pub fn write(object: &ObjectRef, out: &mut impl Write) -> Result<()> {
    let mut lines = vec![json!({
        "object": object.label(), "version": VERSION, "worker": object.namespace.script,
        "class": object.namespace.class, "id": object.id.to_string(), "name": object.name,
    })];
    let found = reader::read(&object.path(), &object.label(), |connection| {
        let mut lines = Vec::new();
        if let Some(time) = alarm(connection)? {
            lines.push(json!({ "alarm": iso(time) }));
        }
        for entry in keys(connection, &KeyFilter::default())?.entries {
            let value = entry.value().ok().map(|value| codec::to_json(&value));
            lines.push(json!({ "key": entry.key, "value": value, "v8": STANDARD.encode(&entry.bytes) }));
        }
        write_tables(connection, &mut lines)?;
        Ok(lines)
    })?;
    lines.extend(found.unwrap_or_default());
    for line in lines {
        writeln!(out, "{line}").map_err(InspectError::io("write", Path::new("the export")))?;
    }
    Ok(())
}

fn write_tables(connection: &Connection, lines: &mut Vec<Json>) -> rusqlite::Result<()> {
    let all = tables(connection)?;
    for table in all.iter().filter(|table| table.kind != "view") {
        lines.push(json!({ "sql": table.sql }));
        write_rows(connection, table, lines)?;
    }
    let sequence = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if connection.query_row(sequence, [], |_| Ok(())).optional()?.is_some() {
        let columns = vec!["name".to_owned(), "seq".to_owned()];
        write_select(connection, "sqlite_sequence", &columns, lines)?;
    }
    // Indexes, triggers and views last: they need the tables, and triggers must not fire for the rows.
    for sql in later_statements(connection)? {
        lines.push(json!({ "sql": sql }));
    }
    Ok(())
}

/// The statements for everything but tables, in the order in which they were made.
pub fn later_statements(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL \
         AND tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow') \
         ORDER BY type = 'trigger', rowid",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The columns of a table that can be written, with the hidden row number where nothing else keeps it.
pub fn stored_columns(table: &Table) -> Vec<String> {
    let named = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let mut keys = table.columns.iter().filter(|column| column.key > 0);
    let aliased = matches!((keys.next(), keys.next()), (Some(key), None) if key.declared.eq_ignore_ascii_case("integer"));
    let hidden = table.kind == "table" && !table.without_rowid && !aliased && !named("rowid");
    let stored = table.columns.iter().filter(|column| !column.generated).map(|column| column.name.clone());
    hidden.then(|| "rowid".to_owned()).into_iter().chain(stored).collect()
}

fn write_rows(connection: &Connection, table: &Table, lines: &mut Vec<Json>) -> rusqlite::Result<()> {
    let mut columns = stored_columns(table);
    if table.kind == "virtual" {
        columns.insert(0, "rowid".to_owned());
    }
    write_select(connection, &table.name, &columns, lines)
}

fn write_select(
    connection: &Connection,
    table: &str,
    columns: &[String],
    lines: &mut Vec<Json>,
) -> rusqlite::Result<()> {
    let list: Vec<_> = columns.iter().map(|column| quote(column)).collect();
    let mut statement = connection.prepare(&format!("SELECT {} FROM {}", list.join(", "), quote(table)))?;
    let mut rows = statement.query([])?;
    let mut first = true;
    while let Some(row) = rows.next()? {
        if std::mem::take(&mut first) {
            lines.push(json!({ "table": table, "columns": columns }));
        }
        let values: rusqlite::Result<Vec<_>> =
            (0..columns.len()).map(|index| row.get_ref(index).map(cell)).collect();
        lines.push(json!({ "row": values? }));
    }
    Ok(())
}

/// A value so that it can be read back exactly: integers have no point, other numbers have one.
fn cell(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) if number.is_finite() => json!(number),
        ValueRef::Real(number) => {
            json!({ "$": "number", "v": if number > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => json!(text),
            Err(_) => json!({ "$": "text", "base64": STANDARD.encode(text) }),
        },
        ValueRef::Blob(bytes) => json!({ "$": "blob", "base64": STANDARD.encode(bytes) }),
    }
}

fn from_cell(json: &Json) -> Option<SqlValue> {
    let bytes = |json: &Json| STANDARD.decode(json.get("base64")?.as_str()?).ok();
    Some(match json {
        Json::Null => SqlValue::Null,
        Json::String(text) => SqlValue::Text(text.clone().into_bytes()),
        Json::Number(number) => match number.as_i64() {
            Some(number) => SqlValue::Integer(number),
            None => SqlValue::Real(number.as_f64()?),
        },
        Json::Object(tagged) => match tagged.get("$")?.as_str()? {
            "blob" => SqlValue::Blob(bytes(json)?),
            "text" => SqlValue::Text(bytes(json)?),
            "number" => SqlValue::Real(match tagged.get("v")?.as_str()? {
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => return None,
            }),
            _ => return None,
        },
        Json::Bool(_) | Json::Array(_) => return None,
    })
}

/// The objects that `input` holds.
///
/// # Errors
/// The first line that is wrong, with its number.
pub fn read(input: impl BufRead) -> Result<Vec<Imported>> {
    let mut objects: Vec<Imported> = Vec::new();
    for (at, line) in input.lines().enumerate() {
        let wrong = |what: &str| InspectError::Invalid(format!("line {}: {what}", at + 1));
        let line = line.map_err(InspectError::io("read", Path::new("the import")))?;
        if line.trim().is_empty() {
            continue;
        }
        let json: Json = serde_json::from_str(&line).map_err(|error| wrong(&error.to_string()))?;
        if json.get("object").is_some() {
            objects.push(header(&json).map_err(|what| wrong(&what))?);
            continue;
        }
        if let Some(message) = json.get("error").and_then(|error| error.get("message")).and_then(Json::as_str)
        {
            return Err(wrong(&format!("the export that made this failed: {message}")));
        }
        let object = objects.last_mut().ok_or_else(|| wrong("no line names an object before this one"))?;
        add(object, &json).map_err(|what| wrong(&what))?;
    }
    Ok(objects)
}

/// The lines of each object in `text`, which [`read`] has understood.
pub fn split(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_header = || serde_json::from_str::<Json>(line).is_ok_and(|json| json.get("object").is_some());
        if line.contains("\"object\"") && is_header() {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

/// Whether a directory can be called so.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.')
}

fn header(json: &Json) -> std::result::Result<Imported, String> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    if json.get("version").and_then(Json::as_u64).is_none_or(|version| version > VERSION) {
        return Err(format!("only version {VERSION} of these lines can be read"));
    }
    let id = match text("id") {
        Some(id) => Some(id.parse().map_err(|_| format!("`{id}` is no id"))?),
        None => None,
    };
    let (script, class) =
        (text("worker").ok_or("`worker` is missing")?, text("class").ok_or("`class` is missing")?);
    if !is_name(&script) || !is_name(&class) {
        return Err("`worker` and `class` must be names".to_owned());
    }
    Ok(Imported { script, class, id, name: text("name"), ..Imported::default() })
}

fn add(object: &mut Imported, json: &Json) -> std::result::Result<(), String> {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    if let Some(time) = json.get("alarm") {
        let ms = time.as_str().and_then(parse_date).ok_or("`alarm` is no date with a time zone")?;
        object.alarm = Some(Timestamp(ms));
    } else if let Some(key) = text("key") {
        let bytes = match text("v8") {
            Some(exact) => STANDARD.decode(exact).map_err(|error| format!("`v8` is no base64: {error}"))?,
            None => {
                let value = from_json(json.get("value").ok_or("`value` is missing")?)?;
                codec::write(&value).map_err(|error| error.to_string())?
            }
        };
        object.keys.push((key.to_owned(), bytes));
    } else if let Some(sql) = text("sql") {
        object.steps.push(Step::Sql(sql.to_owned()));
    } else if let Some(table) = text("table") {
        let columns = json.get("columns").and_then(Json::as_array).ok_or("`columns` is missing")?;
        let columns: Option<Vec<_>> =
            columns.iter().map(|column| column.as_str().map(str::to_owned)).collect();
        let columns = columns.ok_or("`columns` are texts")?;
        object.steps.push(Step::Rows { table: table.to_owned(), columns });
    } else if let Some(row) = json.get("row").and_then(Json::as_array) {
        let row: Option<Vec<_>> = row.iter().map(from_cell).collect();
        object.steps.push(Step::Row(row.ok_or("a value of the row cannot be read")?));
    } else {
        return Err("this says nothing: give `object`, `alarm`, `key`, `sql`, `table` or `row`".to_owned());
    }
    Ok(())
}

/// Refuses to replace what is stored, unless `replace`.
///
/// # Errors
/// Which of `targets` is.
pub fn check_free(targets: &[ObjectRef], replace: bool) -> Result<()> {
    match targets.iter().find(|target| !replace && target.exists()) {
        None => Ok(()),
        Some(target) => Err(InspectError::Exists {
            what: format!("{} is stored already; nothing was imported", target.label()),
            help: "replace it with `--replace`",
        }),
    }
}

impl Imported {
    /// Where it goes: its own class, or the class of this name of the Worker `script`.
    ///
    /// The same id if the namespace is the same; else the id that its name has there, or one from the same random bytes.
    pub fn target(&self, book: &Book, script: Option<&str>) -> Result<ObjectRef> {
        let worker = script.unwrap_or(&self.script);
        if !is_name(worker) {
            return Err(InspectError::Invalid(format!("`{worker}` is no Worker's name")));
        }
        let namespace = book.namespace(worker, &self.class);
        let keys = namespace.ids();
        let same = script.is_none_or(|script| script == self.script);
        let id = match (self.id, &self.name) {
            (Some(id), _) if same => id,
            (id, Some(name)) => keys.named(id.as_ref().and_then(Jurisdiction::of), name),
            (Some(id), None) => {
                let mut random = [0; 16];
                random.copy_from_slice(&id.0[..16]);
                keys.unique_id(random)
            }
            (None, None) => {
                return Err(InspectError::Invalid("an object has neither `id` nor `name`".to_owned()));
            }
        };
        Ok(ObjectRef { namespace, id, name: self.name.clone() })
    }

    /// Stores it as `object`, in place of what is stored there.
    pub fn store(&self, writer: &Writer, object: &ObjectRef) -> Result<()> {
        // Not named after the id first: what is stored under it is removed meanwhile.
        let built = object.namespace.dir.join(format!("importing-{}.sqlite", object.id));
        self.build(writer, object, &built)?;
        // What is stored is one file then, which a rename replaces wholly or not at all.
        let before = writer.settle(object)?;
        writer.before_replaced(object)?;
        if let Some(time) = self.alarm {
            // A listed alarm may be too early, never too late.
            writer.list_alarm(object, before.map_or(time, |before| before.min(time)))?;
        }
        std::fs::rename(&built, object.file()).map_err(InspectError::io("rename", &built))?;
        writer.settle_alarm(object, self.alarm)?;
        writer.remove_beside(object)?;
        writer.replaced(object, "import");
        Ok(())
    }

    /// Makes the whole database aside, so that a mistake in the lines changes nothing.
    fn build(&self, writer: &Writer, object: &ObjectRef, path: &Path) -> Result<()> {
        writer.build(object, path, &self.keys, self.alarm)?;
        let failed = |error| reader::failed(path, &object.label(), error);
        let fill = || -> rusqlite::Result<()> {
            let mut connection = Connection::open(path)?;
            connection.pragma_update(None, "foreign_keys", false)?;
            let transaction = connection.transaction()?;
            let mut insert = None;
            for step in &self.steps {
                match step {
                    Step::Sql(sql) => {
                        insert = None;
                        transaction.execute_batch(sql)?;
                    }
                    Step::Rows { table, columns } => {
                        if table == "sqlite_sequence" {
                            transaction.execute("DELETE FROM sqlite_sequence", [])?;
                        }
                        let names: Vec<_> = columns.iter().map(|column| quote(column)).collect();
                        let places = vec!["?"; columns.len()].join(", ");
                        let sql =
                            format!("INSERT INTO {} ({}) VALUES ({places})", quote(table), names.join(", "));
                        insert = Some(transaction.prepare(&sql)?);
                    }
                    Step::Row(row) => {
                        let statement = insert.as_mut().ok_or(rusqlite::Error::InvalidQuery)?;
                        statement.execute(rusqlite::params_from_iter(row.iter().map(Bound)))?;
                    }
                }
            }
            drop(insert);
            transaction.commit()?;
            // Closing moves the log into the file: what is renamed is one file.
            connection.close().map_err(|(_, error)| error)
        };
        fill().map_err(failed)
    }
}

/// A value to be bound, as text even where it is not well-formed.
struct Bound<'a>(&'a SqlValue);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self.0 {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Integer(value) => ValueRef::Integer(*value),
            SqlValue::Real(value) => ValueRef::Real(*value),
            SqlValue::Text(text) => ValueRef::Text(text),
            SqlValue::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
