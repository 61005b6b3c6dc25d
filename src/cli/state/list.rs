//! `dodev state list`: classes and their objects.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::args::ListArgs;
use super::shown::{alarm_json, alarm_text, time_json};
use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;
use crate::cli::live::{Live, object_of};
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{Table, count, size};
use crate::inspect::{Book, InspectError, Listed, Namespace, ObjectRef, Scope, distance};

/// Runs the command.
pub fn run(args: &ListArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let namespaces = match book.scope(args.address.as_deref())? {
        Scope::All => book.namespaces()?,
        Scope::Namespace(namespace) => vec![namespace],
        Scope::Object(object) => {
            let listed = book.list_object(&object)?;
            print(place, &book, &[(object.namespace, vec![listed])], &Awake::of(&book));
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
    let awake = Awake::of(&book);
    if args.address.is_none() {
        awake.add_unstored(&book, &mut lists);
    }
    if lists.is_empty() && !place.json {
        return Err(InspectError::NotFound {
            what: format!("no object is stored in `{}`", place.shown(&place.persist)),
            nearest: Vec::new(),
            help: Some("objects are stored with their first write; run `dodev dev` and use one".to_owned()),
        });
    }
    print(place, &book, &lists, &awake);
    Ok(if lists.is_empty() { Said::No } else { Said::Done })
}

/// What a running server knows of its objects, by namespace and id.
#[derive(Default)]
struct Awake(Option<HashMap<(String, ObjectId), Json>>);

impl Awake {
    /// Asks the server that holds the state of `book`, if one does and answers.
    fn of(book: &Book) -> Self {
        let facts = Live::of(book).ok().flatten().and_then(|live| live.objects().ok());
        let entry = |facts: Json| {
            let object = object_of(book, &facts)?;
            Some(((object.namespace.key(), object.id), facts))
        };
        Self(facts.map(|facts| facts.into_iter().filter_map(entry).collect()))
    }

    fn facts(&self, object: &ObjectRef) -> Option<&Json> {
        self.0.as_ref()?.get(&(object.namespace.key(), object.id))
    }

    /// Adds objects that are awake and have stored nothing yet.
    fn add_unstored(&self, book: &Book, lists: &mut Vec<(Namespace, Vec<Listed>)>) {
        for facts in self.0.iter().flat_map(HashMap::values).filter(|facts| facts["state"] != "asleep") {
            let Some(object) = object_of(book, facts).filter(|object| !object.exists()) else { continue };
            let namespace = object.namespace.clone();
            let listed =
                Listed { object, size_bytes: 0, last_write: Timestamp(0), alarm: None, damage: None };
            match lists.iter_mut().find(|(known, _)| *known == namespace) {
                Some((_, list)) => list.push(listed),
                None => lists.push((namespace, vec![listed])),
            }
        }
    }

    /// `awake`, why it cannot sleep, and how many sockets it has; nothing where no server runs.
    fn text(&self, object: &ObjectRef) -> String {
        let Some(facts) = self.facts(object) else { return "asleep".to_owned() };
        let mut parts = vec![facts["state"].as_str().unwrap_or_default().to_owned()];
        let pins = facts["pins"].as_array().into_iter().flatten();
        let mut kinds: Vec<_> = pins.filter_map(|pin| pin["kind"].as_str()).collect();
        kinds.dedup();
        parts.extend((!kinds.is_empty()).then(|| kinds.join(" ")));
        let sockets = facts["sockets"].as_array().map_or(0, Vec::len);
        parts.extend((sockets > 0).then(|| count(sockets, "socket")));
        parts.join(", ")
    }
}

fn print(place: &Place, book: &Book, lists: &[(Namespace, Vec<Listed>)], awake: &Awake) {
    let holder = crate::inspect::Book::at(&place.persist).holder();
    place.answer(
        "state list",
        || {
            json!({
                "state": place.persist,
                "held_by": holder.as_ref().map(|holder| json!({ "pid": holder.pid, "url": holder.server.as_ref().map(|server| &server.url) })),
                "namespaces": lists.iter().map(|(namespace, listed)| json!({
                    "worker": namespace.script, "class": namespace.class,
                    "objects": listed.iter().map(|listed| {
                        let mut all = listed_json(listed);
                        all["live"] = json!(awake.facts(&listed.object));
                        all
                    }).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            })
        },
        || {
            let now = place.now(book);
            let section =
                |(namespace, listed): &(Namespace, Vec<Listed>)| section(place, now, namespace, listed, awake);
            let parts: Vec<_> = lists.iter().map(section).collect();
            parts.join("\n")
        },
    );
}

/// The members of one object's line.
pub fn listed_json(listed: &Listed) -> Json {
    json!({
        "id": listed.object.id.to_string(), "name": listed.object.name, "size_bytes": listed.size_bytes,
        "last_write": time_json(listed.last_write), "alarm": listed.alarm.as_ref().map(alarm_json),
        "error": listed.damage,
    })
}

fn section(place: &Place, now: Timestamp, namespace: &Namespace, listed: &[Listed], awake: &Awake) -> String {
    let bytes = listed.iter().map(|listed| listed.size_bytes).sum();
    let facts = format!("{} of {}, {}", count(listed.len(), "object"), namespace.script, size(bytes));
    let mut out = format!("{}  {}\n", place.style.bold(&namespace.class), place.style.dimmed(&facts));
    let has_alarms = listed.iter().any(|listed| listed.alarm.is_some());
    let is_live = awake.0.is_some();
    let mut heads = vec!["name", "size>", "last write"];
    heads.extend(has_alarms.then_some("alarm"));
    heads.extend(is_live.then_some("state"));
    let mut table = Table::new(&heads).indented(2);
    for listed in listed {
        let mut cells = row(listed, has_alarms, now, place.clock.now());
        cells.extend(is_live.then(|| awake.text(&listed.object)));
        table.row(cells);
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

/// Alarms are due by the clock of the server (`now`), files were written by the machine's (`written`).
fn row(listed: &Listed, has_alarms: bool, now: Timestamp, written: Timestamp) -> Vec<String> {
    let name = match &listed.object.name {
        // A name too, which must not look like a mistake.
        Some(name) if name.is_empty() => "\"\"".to_owned(),
        Some(name) => name.clone(),
        // An id stands in brackets: it is not what the object is called.
        None => format!("({})", &listed.object.id.to_string()[..16]),
    };
    let last_write =
        if listed.size_bytes > 0 { distance(listed.last_write, written) } else { "never".to_owned() };
    let mut cells = vec![name, size(listed.size_bytes), last_write];
    if has_alarms {
        cells.push(listed.alarm.as_ref().map_or_else(String::new, |alarm| alarm_text(alarm, now)));
    }
    cells
}
