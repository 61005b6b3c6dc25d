//! `dodev state inspect`: everything about one object, or a summary of a class.

use serde_json::{Value as Json, json};

use super::args::InspectArgs;
use super::list::listed_json;
use super::shown::{alarm_json, entry_json, entry_text, key_text, time_json};
use crate::base::clock::Timestamp;
use crate::base::limits::ALARM_RETRIES;
use crate::cli::live::Live;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{Table, count, cut, size, visible};
use crate::inspect::{
    Book, Column, InspectError, KeyFilter, Namespace, ObjectRef, ObjectView, Scope, Table as SqlTable,
    distance, iso,
};

/// Runs the command.
pub fn run(args: &InspectArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let scope = match (book.scope(Some(&args.address)), args.address.split_once(':')) {
        // An object that has stored nothing yet may be awake all the same.
        (Err(error @ InspectError::NotFound { .. }), Some((class, name))) => {
            let live = Live::of(&book).ok().flatten();
            let found = live.and_then(|live| live.find(&book, class, name, false));
            Scope::Object(found.ok_or(error)?)
        }
        (scope, _) => scope?,
    };
    match scope {
        Scope::Object(object) => one(&book, &object, args.limit, place),
        Scope::Namespace(namespace) => class(&book, &namespace, place),
        Scope::All => Err(InspectError::Invalid("give an object or a class".to_owned())),
    }
}

fn one(book: &Book, object: &ObjectRef, limit: u64, place: &Place) -> Outcome {
    let view = book.view(object, &KeyFilter { limit: Some(limit), ..KeyFilter::default() })?;
    // A server that does not tell hides nothing of what is stored.
    let live = Live::of(book).ok().flatten().and_then(|live| live.facts(object).ok());
    let json = || {
        let mut all = view_json(&view);
        all["live"] = json!(live);
        all
    };
    place.answer("state inspect", json, || view_text(book, &view, live.as_ref(), place));
    Ok(Said::Done)
}

fn view_json(view: &ObjectView) -> Json {
    let object = &view.listed.object;
    let mut all = json!({
        "worker": object.namespace.script, "class": object.namespace.class, "file": object.path(),
    });
    if let (Json::Object(all), Json::Object(listed)) = (&mut all, listed_json(&view.listed)) {
        all.extend(listed);
        all.insert("alarm".to_owned(), view_alarm(view));
        all.insert("keys_total".to_owned(), json!(view.keys.total));
        all.insert("keys".to_owned(), view.keys.entries.iter().map(entry_json).collect());
        all.insert("tables".to_owned(), view.tables.iter().map(table_json).collect());
    }
    all
}

/// The list knows of the retry, the object's own slot is what counts.
fn view_alarm(view: &ObjectView) -> Json {
    match (&view.listed.alarm, view.alarm) {
        (Some(listed), _) => alarm_json(listed),
        (None, Some(time)) => json!({ "scheduled": time_json(time), "retry": null }),
        (None, None) => Json::Null,
    }
}

fn table_json(table: &SqlTable) -> Json {
    json!({
        "name": table.name, "kind": table.kind, "rows": table.rows, "sql": table.sql,
        "columns": table.columns.iter().map(|column| json!({
            "name": column.name, "type": column.declared, "key": column.key, "generated": column.generated,
        })).collect::<Vec<_>>(),
    })
}

fn view_text(book: &Book, view: &ObjectView, live: Option<&Json>, place: &Place) -> String {
    let listed = &view.listed;
    let object = &listed.object;
    let now = place.clock.now();
    let mut out = format!("{}\n", place.style.bold(&visible(&object.label())));
    let mut fact = |name: &str, value: String| {
        out.push_str(&format!("  {} {value}\n", place.style.dimmed(&format!("{name:<11}"))));
    };
    fact("id", object.id.to_string());
    fact("worker", object.namespace.script.clone());
    fact("size", size(listed.size_bytes));
    if listed.size_bytes > 0 {
        fact("last write", format!("{} ({})", distance(listed.last_write, now), iso(listed.last_write)));
    }
    let scheduled = view.alarm.or(listed.alarm.map(|alarm| alarm.scheduled));
    if let Some(time) = scheduled {
        fact("alarm", format!("{} ({})", distance(time, place.now(book)), iso(time)));
    }
    if let Some(retry) = listed.alarm.and_then(|alarm| alarm.retry) {
        fact(
            "retry",
            format!(
                "{} of {ALARM_RETRIES}, {} ({})",
                retry.counted,
                distance(retry.due, now),
                iso(retry.due)
            ),
        );
    }
    if let Some(holder) = book.holder() {
        let pid = holder.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        fact("server", format!("runs{pid}"));
    }
    for (name, value) in live.into_iter().flat_map(|live| live_facts(live, now)) {
        fact(name, visible(&value));
    }
    if object.exists() {
        fact("file", place.shown(&object.path()));
    }
    out.push_str(&keys_text(view, place));
    for table in &view.tables {
        out.push_str(&table_text(table, place));
    }
    if view.tables.is_empty() && view.keys.total == 0 {
        out.push_str("\nNothing is stored in it.\n");
    }
    out
}

/// What only the server knows, in lines of a name and a value.
fn live_facts(live: &Json, now: Timestamp) -> Vec<(&'static str, String)> {
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let mut facts = Vec::new();
    let since = live["awakeSince"].as_i64().map(|ms| format!(", since {}", distance(Timestamp(ms), now)));
    facts.push(("state", text(&live["state"]) + &since.unwrap_or_default()));
    if let Some(waiting) = live["pendingEvents"].as_u64().filter(|waiting| *waiting > 0) {
        facts.push(("waiting", count(usize::try_from(waiting).unwrap_or(usize::MAX), "event")));
    }
    if let Some(resets) = live["resets"].as_u64().filter(|resets| *resets > 0) {
        facts.push(("resets", format!("{resets}, the last one: {}", text(&live["lastReset"]))));
    }
    for pin in list(&live["pins"]) {
        let at = pin["at"].as_str().map(|at| format!(" at {at}")).unwrap_or_default();
        facts.push(("kept by", format!("{} {}{at}", text(&pin["kind"]), text(&pin["what"]))));
    }
    for socket in list(&live["sockets"]) {
        let tags: Vec<_> = list(&socket["tags"]).iter().map(text).collect();
        let tags = if tags.is_empty() { String::new() } else { format!(" [{}]", tags.join(", ")) };
        let attached = socket["attachment"]["value"].clone();
        let attached = if attached.is_null() { String::new() } else { format!(" {attached}") };
        facts.push(("socket", format!("{}{tags}{attached}", socket["id"])));
    }
    facts
}

fn keys_text(view: &ObjectView, place: &Place) -> String {
    let keys = &view.keys;
    if keys.total == 0 {
        return String::new();
    }
    let total = usize::try_from(keys.total).unwrap_or(usize::MAX);
    let mut out = format!("\n{}\n", place.style.bold(&count(total, "key")));
    let mut table = Table::with_heads(vec![String::new(); 2], vec![false; 2]).indented(2);
    for entry in &keys.entries {
        table.row(vec![key_text(&entry.key), entry_text(entry)]);
    }
    out.push_str(&table.draw(place.width, place.style.colour));
    if keys.entries.len() < total {
        let more = total - keys.entries.len();
        out.push_str(&format!(
            "  and {more} more: `--limit`, or `dodev state get {}`\n",
            visible(&view.listed.object.label())
        ));
    }
    out
}

fn table_text(table: &SqlTable, place: &Place) -> String {
    let rows = match table.rows {
        Some(rows) => count(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
        None => "rows that cannot be counted".to_owned(),
    };
    let kind = if table.kind == "table" { String::new() } else { format!("{}, ", table.kind) };
    let mut out = format!(
        "\n{}  {}\n",
        place.style.bold(&visible(&table.name)),
        place.style.dimmed(&format!("{kind}{rows}"))
    );
    for column in &table.columns {
        let line = format!("  {}", column_text(column));
        out.push_str(&place.width.map_or_else(|| line.clone(), |width| cut(&line, width)));
        out.push('\n');
    }
    out
}

fn column_text(column: &Column) -> String {
    let mut text = visible(&column.name);
    for (word, stands) in [
        (column.declared.as_str(), !column.declared.is_empty()),
        ("primary key", column.key > 0),
        ("generated", column.generated),
    ] {
        if stands {
            text.push(' ');
            text.push_str(word);
        }
    }
    text
}

fn class(book: &Book, namespace: &Namespace, place: &Place) -> Outcome {
    let listed = book.list(namespace)?;
    let bytes: u64 = listed.iter().map(|listed| listed.size_bytes).sum();
    let named = listed.iter().filter(|listed| listed.object.name.is_some()).count();
    let alarms = listed.iter().filter(|listed| listed.alarm.is_some()).count();
    let damaged = listed.iter().filter(|listed| listed.damage.is_some()).count();
    let newest = listed.iter().map(|listed| listed.last_write).max();
    place.answer(
        "state inspect",
        || {
            json!({
                "worker": namespace.script, "class": namespace.class, "directory": namespace.dir,
                "objects": listed.len(), "named": named, "size_bytes": bytes, "alarms": alarms, "damaged": damaged,
                "last_write": newest.map(time_json),
            })
        },
        || {
            let now = place.clock.now();
            let mut out = format!("{}\n", place.style.bold(&namespace.class));
            for (name, value) in [
                ("worker", namespace.script.clone()),
                ("objects", format!("{}, {named} with a name", listed.len())),
                ("size", size(bytes)),
                ("alarms", alarms.to_string()),
                ("damaged", if damaged > 0 { damaged.to_string() } else { String::new() }),
                ("last write", newest.map(|time| distance(time, now)).unwrap_or_default()),
                ("directory", place.shown(&namespace.dir)),
            ] {
                if !value.is_empty() {
                    out.push_str(&format!("  {} {value}\n", place.style.dimmed(&format!("{name:<11}"))));
                }
            }
            out.push_str(&format!("\nSee its objects with `dodev state list {}`.\n", namespace.class));
            out
        },
    );
    Ok(Said::Done)
}
