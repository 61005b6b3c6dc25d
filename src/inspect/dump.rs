//! The user's tables of an object as SQL statements, for other SQLite tools.
//!
//! Keys, alarm and name are not in it: their tables are the platform's. `lines` has everything.

use std::io::Write;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::book::ObjectRef;
use super::failure::{InspectError, Result};
use super::lines::{later_statements, stored_columns};
use super::object::{quote, tables};
use super::reader;

/// Writes the tables of `object` to `out`.
pub fn write_sql(object: &ObjectRef, out: &mut impl Write) -> Result<()> {
    let text = reader::read(&object.path(), &object.label(), dump)?.unwrap_or_default();
    // A name may hold anything, and must not end the comment.
    let label: String = object.label().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    write!(out, "-- {label} ({})\n{text}", object.id)
        .map_err(InspectError::io("write", Path::new("the export")))
}

fn dump(connection: &Connection) -> rusqlite::Result<String> {
    let mut out = String::from("PRAGMA foreign_keys = OFF;\nBEGIN;\n");
    for table in tables(connection)?.iter().filter(|table| table.kind != "view") {
        out.push_str(&format!("{};\n", table.sql));
        let columns: Vec<_> = stored_columns(table).iter().map(|column| quote(column)).collect();
        let columns = columns.join(", ");
        let name = quote(&table.name);
        let mut statement = connection.prepare(&format!("SELECT {columns} FROM {name}"))?;
        let count = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<_>> =
                (0..count).map(|index| row.get_ref(index).map(literal)).collect();
            out.push_str(&format!("INSERT INTO {name} ({columns}) VALUES ({});\n", values?.join(", ")));
        }
    }
    for sql in later_statements(connection)? {
        out.push_str(&format!("{sql};\n"));
    }
    out.push_str("COMMIT;\n");
    Ok(out)
}

/// `value` as it stands in SQL.
fn literal(value: ValueRef<'_>) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => real_text(number),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) if !text.contains('\0') => format!("'{}'", text.replace('\'', "''")),
            _ => format!("CAST(x'{}' AS TEXT)", hex(text)),
        },
        ValueRef::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

/// A double as SQL reads it back: with a point or an exponent.
pub fn real_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "9e999".to_owned() } else { "-9e999".to_owned() };
    }
    format!("{number:?}")
}
