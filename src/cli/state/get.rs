//! `dodev state get`: values of keys.

use serde_json::json;

use super::args::GetArgs;
use super::shown::{entry_json, entry_text, key_text, pretty};
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::Table;
use crate::inspect::{Book, InspectError, KeyFilter, ObjectRef, several_nearest};

/// Columns of a value that is not shown on a terminal.
const WIDTH: usize = 100;

/// Runs the command.
pub fn run(args: &GetArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let object = book.object(&args.address)?;
    match &args.key {
        Some(key) => one(&book, &object, key, place),
        None => all(&book, &object, args, place),
    }
}

fn one(book: &Book, object: &ObjectRef, key: &str, place: &Place) -> Outcome {
    let Some(entry) = book.get(object, key)? else { return Err(no_key(book, object, key)) };
    place.answer(
        "state get",
        || {
            let mut all = json!({ "object": object.label() });
            if let (Some(all), Some(entry)) = (all.as_object_mut(), entry_json(&entry).as_object()) {
                all.extend(entry.clone());
            }
            all
        },
        || match entry.value() {
            Ok(value) => format!("{}\n", pretty(&value, place.width.unwrap_or(WIDTH))),
            Err(_) => format!("{}\n", entry_text(&entry)),
        },
    );
    Ok(Said::Done)
}

fn all(book: &Book, object: &ObjectRef, args: &GetArgs, place: &Place) -> Outcome {
    let filter = KeyFilter { prefix: args.prefix.clone().unwrap_or_default(), limit: args.limit };
    let keys = book.keys(object, &filter)?;
    if keys.total == 0 && !place.json {
        let what = match &args.prefix {
            Some(prefix) => format!("no key of {} begins with `{prefix}`", object.label()),
            None => format!("{} has no keys", object.label()),
        };
        let help = format!("`dodev state inspect {}` shows what it has", object.label());
        return Err(InspectError::NotFound { what, nearest: Vec::new(), help: Some(help) });
    }
    place.answer(
        "state get",
        || {
            json!({
                "object": object.label(), "keys_total": keys.total,
                "keys": keys.entries.iter().map(entry_json).collect::<Vec<_>>(),
            })
        },
        || {
            let mut table = Table::with_heads(vec![String::new(); 2], vec![false; 2]);
            for entry in &keys.entries {
                table.row(vec![key_text(&entry.key), entry_text(entry)]);
            }
            table.draw(place.width, place.style.colour)
        },
    );
    Ok(if keys.total == 0 { Said::No } else { Said::Done })
}

/// The failure for a `key` that is not stored.
pub fn no_key(book: &Book, object: &ObjectRef, key: &str) -> InspectError {
    let keys = book.keys(object, &KeyFilter::default()).unwrap_or_default();
    let near = several_nearest(key, keys.entries.iter().map(|entry| entry.key.as_str()));
    InspectError::NotFound {
        what: format!("{} has no key `{key}`", object.label()),
        nearest: near.into_iter().map(str::to_owned).collect(),
        help: Some(match keys.total {
            0 => "it has no keys at all".to_owned(),
            _ => format!("`dodev state get {}` lists its keys", object.label()),
        }),
    }
}
