//! `dodev state sql`: one text of SQL, or a prompt.

use std::io::{IsTerminal, Read};

use serde_json::{Value as Json, json};

use super::args::SqlArgs;
use super::prompt;
use super::shown::{sql_csv, sql_json, sql_text};
use crate::cli::hand::Hand;
use crate::cli::output::answer;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{Table, count};
use crate::inspect::{Asked, Book, InspectError, ObjectRef, Rows};
use crate::storage::SqlValue;

/// Runs the command.
pub fn run(args: &SqlArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let object = book.object(&args.address)?;
    let text = match &args.query {
        Some(query) => query.clone(),
        None if std::io::stdin().is_terminal() && !place.json && !args.csv => {
            return prompt::run(&book, &object, place);
        }
        None => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(InspectError::io("read", "standard input".as_ref()))?;
            text
        }
    };
    let rows = execute(place, &book, &object, &text)?;
    if args.csv {
        answer(&String::from_utf8_lossy(&csv(&rows)));
    } else {
        place.answer("state sql", || rows_json(&object, &rows), || rows_text(&rows, place));
    }
    Ok(Said::Done)
}

/// Runs `sql`: what only reads without the lock, anything else under it.
pub fn execute(place: &Place, book: &Book, object: &ObjectRef, sql: &str) -> Result<Rows, InspectError> {
    if sql.trim().is_empty() {
        return Err(InspectError::Invalid("SQL is missing".to_owned()));
    }
    match book.query(object, sql)? {
        Asked::Rows(rows) => Ok(rows),
        Asked::WouldChange => {
            place.finish_migration(book)?;
            let hand = Hand::of(place, book)?;
            let rows = hand.sql(object, sql)?;
            hand.warn(place);
            Ok(rows)
        }
    }
}

fn rows_json(object: &ObjectRef, rows: &Rows) -> Json {
    json!({
        "object": object.label(), "columns": rows.columns, "rows_written": rows.changed,
        "rows": rows.rows.iter().map(|row| row.iter().map(sql_json).collect::<Vec<_>>()).collect::<Vec<_>>(),
    })
}

/// Rows for people.
pub fn rows_text(rows: &Rows, place: &Place) -> String {
    let changed =
        rows.changed.map(|rows| format!("{} written\n", count(usize::try_from(rows).unwrap_or(0), "row")));
    if rows.columns.is_empty() {
        return changed.unwrap_or_default();
    }
    // Numbers stand right, as far as a column has nothing else.
    let is_number =
        |value: &SqlValue| matches!(value, SqlValue::Integer(_) | SqlValue::Real(_) | SqlValue::Null);
    let right = (0..rows.columns.len()).map(|index| {
        !rows.rows.is_empty() && rows.rows.iter().all(|row| row.get(index).is_some_and(is_number))
    });
    let mut table = Table::with_heads(rows.columns.clone(), right.collect());
    for row in &rows.rows {
        table.row(row.iter().map(sql_text).collect());
    }
    let mut out = table.draw(place.width, place.style.colour);
    let total = format!("({})", count(rows.rows.len(), "row"));
    out.push_str(&place.style.dimmed(&total));
    out.push('\n');
    out.push_str(&changed.unwrap_or_default());
    out
}

fn csv(rows: &Rows) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut out);
    // Writing to memory does not fail.
    if !rows.columns.is_empty() {
        drop(writer.write_record(&rows.columns));
    }
    for row in &rows.rows {
        drop(writer.write_record(row.iter().map(sql_csv)));
    }
    drop(writer.flush());
    drop(writer);
    out
}
