//! `dodev state list`: classes and their objects.

use serde_json::json;

use super::args::ListArgs;
use super::shown::{alarm_json, alarm_text, time_json};
use crate::base::clock::Timestamp;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{Table, count, size};
use crate::inspect::{InspectError, Listed, Namespace, Scope, distance};

/// Runs the command.
pub fn run(args: &ListArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let namespaces = match book.scope(args.address.as_deref())? {
        Scope::All => book.namespaces()?,
        Scope::Namespace(namespace) => vec![namespace],
        Scope::Object(object) => {
            let listed = book.list_object(&object)?;
            print(place, &[(object.namespace, vec![listed])]);
            return Ok(Said::Done);
        }
    };
    let mut lists = Vec::new();
    for namespace in namespaces {
        let listed = book.list(&namespace)?;
        if !listed.is_empty() {
            lists.push((namespace, listed));
        }
    }
    if lists.is_empty() && !place.json {
        return Err(InspectError::NotFound {
            what: format!("no object is stored in `{}`", place.shown(&place.persist)),
            nearest: Vec::new(),
            help: Some("objects are stored with their first write; run `dodev dev` and use one".to_owned()),
        });
    }
    print(place, &lists);
    Ok(if lists.is_empty() { Said::No } else { Said::Done })
}

fn print(place: &Place, lists: &[(Namespace, Vec<Listed>)]) {
    let holder = crate::inspect::Book::at(&place.persist).holder();
    place.answer(
        "state list",
        || {
            json!({
                "state": place.persist,
                "held_by": holder.as_ref().map(|holder| json!({ "pid": holder.pid, "url": holder.server.as_ref().map(|server| &server.url) })),
                "namespaces": lists.iter().map(|(namespace, listed)| json!({
                    "worker": namespace.script, "class": namespace.class,
                    "objects": listed.iter().map(listed_json).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            })
        },
        || {
            let parts: Vec<_> =
                lists.iter().map(|(namespace, listed)| section(place, namespace, listed)).collect();
            parts.join("\n")
        },
    );
}

/// The members of one object's line.
pub fn listed_json(listed: &Listed) -> serde_json::Value {
    json!({
        "id": listed.object.id.to_string(), "name": listed.object.name, "size_bytes": listed.size_bytes,
        "last_write": time_json(listed.last_write), "alarm": listed.alarm.as_ref().map(alarm_json),
        "error": listed.damage,
    })
}

fn section(place: &Place, namespace: &Namespace, listed: &[Listed]) -> String {
    let bytes = listed.iter().map(|listed| listed.size_bytes).sum();
    let facts = format!("{} of {}, {}", count(listed.len(), "object"), namespace.script, size(bytes));
    let mut out = format!("{}  {}\n", place.style.bold(&namespace.class), place.style.dimmed(&facts));
    let now = place.clock.now();
    let has_alarms = listed.iter().any(|listed| listed.alarm.is_some());
    let mut table = match has_alarms {
        true => Table::new(&["name", "size>", "last write", "alarm"]),
        false => Table::new(&["name", "size>", "last write"]),
    }
    .indented(2);
    for listed in listed {
        table.row(row(listed, has_alarms, now));
    }
    out.push_str(&table.draw(place.width, place.style.colour));
    for listed in listed.iter() {
        if let Some(damage) = &listed.damage {
            let path = place.shown(&listed.object.path());
            out.push_str(&format!(
                "  {}: {} cannot be read: {damage}\n    {path}\n",
                place.style.error_word("damaged"),
                listed.object.label(),
            ));
        }
    }
    out
}

fn row(listed: &Listed, has_alarms: bool, now: Timestamp) -> Vec<String> {
    // An id stands in brackets: it is not what the object is called.
    let name =
        listed.object.name.clone().unwrap_or_else(|| format!("({})", &listed.object.id.to_string()[..16]));
    let mut cells = vec![name, size(listed.size_bytes), distance(listed.last_write, now)];
    if has_alarms {
        cells.push(listed.alarm.as_ref().map_or_else(String::new, |alarm| alarm_text(alarm, now)));
    }
    cells
}
