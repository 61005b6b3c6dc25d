//! `dodev state diff`: what differs between two states.

use owo_colors::{OwoColorize, Style as Paint};
use serde_json::{Value as Json, json};

use super::args::DiffArgs;
use super::shown::{entry_json, entry_text, key_text, sql_json, sql_text, time_json};
use crate::base::clock::Timestamp;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::progress::Progress;
use crate::cli::table::{cut, visible};
use crate::inspect::diff::{Change, ObjectDiff, TableDiff, diff};
use crate::inspect::{Book, InspectError, ObjectRef, Past, exact, iso, snapshot, split_point};

/// Runs the command.
pub fn run(args: &DiffArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let (from, to) = (side(&book, &args.from, place)?, side(&book, &args.to, place)?);
    let only = match (&from.object, &to.object) {
        (Some(one), Some(other)) if (&one.namespace, one.id) != (&other.namespace, other.id) => {
            let what =
                format!("{} and {} are two objects: compare points of one", one.label(), other.label());
            return Err(InspectError::Invalid(what));
        }
        (Some(_), _) | (_, Some(_)) if args.only.is_some() => {
            return Err(InspectError::Invalid("a point is of one object: leave `--only` out".to_owned()));
        }
        (Some(object), _) | (_, Some(object)) => Some(exact(object)),
        (None, None) => args.only.clone(),
    };
    let progress = Progress::new(place, "Comparing");
    let found = diff(from.book(), to.book(), only.as_deref(), &|done, total| progress.set(done, total))?;
    drop(progress);
    let (a, b) = (&args.from, &args.to);
    place.answer(
        "state diff",
        || json!({ "from": a, "to": b, "objects": found.iter().map(object_json).collect::<Vec<_>>() }),
        || match found.is_empty() {
            true => format!("Nothing differs between `{a}` and `{b}`\n"),
            false => found.iter().map(|object| object_text(object, place)).collect::<Vec<_>>().join("\n"),
        },
    );
    Ok(if found.is_empty() { Said::Done } else { Said::No })
}

/// What is compared: all of a state, or one object as it is or was.
struct Side {
    book: Book,
    object: Option<ObjectRef>,
    past: Option<Past>,
}

impl Side {
    fn book(&self) -> &Book {
        self.past.as_ref().map_or(&self.book, Past::book)
    }
}

fn side(book: &Book, text: &str, place: &Place) -> Result<Side, InspectError> {
    let whole = |book: Book| Side { book, object: None, past: None };
    if text == "live" {
        return Ok(whole(book.clone()));
    }
    if !text.contains(':') {
        return Ok(whole(snapshot::open(book, text)?));
    }
    let Some((address, point)) = split_point(text) else {
        return Ok(Side { object: Some(book.object(text)?), ..whole(book.clone()) });
    };
    place.save_history(book);
    let (object, history) = book.remembered(address)?;
    let point = point.find(&object, &history, place.now(book))?;
    let past = Past::of(&object, &history, point.bookmark)?;
    Ok(Side { object: Some(object), past: Some(past), ..whole(book.clone()) })
}

fn sides<T>(change: &Change<T>) -> (&'static str, Option<&T>, Option<&T>) {
    match change {
        Change::Added(new) => ("added", None, Some(new)),
        Change::Removed(old) => ("removed", Some(old), None),
        Change::Changed(old, new) => ("changed", Some(old), Some(new)),
    }
}

fn change_json<T>(change: &Change<T>, show: impl Fn(&T) -> Json) -> Json {
    let (word, old, new) = sides(change);
    json!({ "change": word, "from": old.map(&show), "to": new.map(&show) })
}

fn object_json(object: &ObjectDiff) -> Json {
    json!({
        "object": object.object.label(), "id": object.object.id.to_string(),
        "change": object.existence.as_ref().map_or("changed", |change| sides(change).0),
        "alarm": object.alarm.as_ref().map(|change| change_json(change, |time: &Timestamp| time_json(*time))),
        "keys": object.keys.iter().map(|change| change_json(change, entry_json)).collect::<Vec<_>>(),
        "tables": object.tables.iter().map(table_json).collect::<Vec<_>>(),
        "error": object.failure,
    })
}

fn table_json(table: &TableDiff) -> Json {
    json!({
        "name": table.name, "columns": table.columns,
        "schema": table.schema.as_ref().map(|change| change_json(change, |sql: &String| json!(sql))),
        "rows": table.rows.iter()
            .map(|change| change_json(change, |row: &Vec<_>| row.iter().map(sql_json).collect()))
            .collect::<Vec<_>>(),
    })
}

fn object_text(object: &ObjectDiff, place: &Place) -> String {
    let word = object.existence.as_ref().map_or("", |change| sides(change).0);
    let mut out = place.style.bold(&visible(&object.object.label()));
    if !word.is_empty() {
        out.push_str(&format!("  {}", place.style.dimmed(word)));
    }
    out.push('\n');
    if let Some(failure) = &object.failure {
        out.push_str(&format!("  {}: {failure}\n", place.style.error_word("error")));
    }
    if let Some(change) = &object.alarm {
        lines(change, |time: &Timestamp| format!("alarm {}", iso(*time)), place, &mut out);
    }
    for change in &object.keys {
        lines(change, |entry| format!("{}: {}", key_text(&entry.key), entry_text(entry)), place, &mut out);
    }
    for table in &object.tables {
        out.push_str(&format!("  {}\n", place.style.dimmed(&format!("table {}", visible(&table.name)))));
        if let Some(change) = &table.schema {
            lines(change, String::clone, place, &mut out);
        }
        for change in &table.rows {
            let row = |row: &Vec<_>| {
                let cells = table.columns.iter().zip(row);
                let cells = cells.map(|(column, value)| format!("{column}={}", sql_text(value)));
                cells.collect::<Vec<_>>().join(" ")
            };
            lines(change, row, place, &mut out);
        }
    }
    out
}

/// A line for what was, one for what is.
fn lines<T>(change: &Change<T>, show: impl Fn(&T) -> String, place: &Place, out: &mut String) {
    let (_, old, new) = sides(change);
    for (sign, paint, value) in [("-", Paint::new().red(), old), ("+", Paint::new().green(), new)] {
        let Some(value) = value else { continue };
        let line = format!("  {sign} {}", visible(&show(value)));
        let line = place.width.map_or_else(|| line.clone(), |width| cut(&line, width));
        out.push_str(&if place.style.colour { line.style(paint).to_string() } else { line });
        out.push('\n');
    }
}
