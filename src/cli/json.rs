//! The same reports as newline-delimited JSON, for programs (`--json`).
//!
//! Every object has `event` and `schema`; durations are in milliseconds. All events are emitted, whatever the level.
//! `docs/json.md` lists them.

use std::time::Duration;

use serde_json::{Value, json};

use super::migrate_show;
use super::output::{Item, Line, Stream};
use super::place::JSON_VERSION;
use super::show::{bindings, not_emulated, show_origin, show_url};
use crate::base::diag::{Diagnostic, Severity};
use crate::dev::{Migrated, Ready, Report};
use crate::engine::LogLevel;
use crate::project::{ClassStorage, Project};

/// The line for `item`.
pub fn lines(item: &Item) -> Vec<Line> {
    let mut value = match item {
        Item::Report(report) => report_value(report),
        Item::Failure(message, help) => json!({ "event": "failed", "message": message, "help": help }),
        Item::Diagnostics(list) => json!({ "event": "failed", "diagnostics": diagnostics(list) }),
        Item::Note(text) => json!({ "event": "note", "text": text }),
        // There are no keys when programs read.
        Item::Clear => return Vec::new(),
        Item::Text(_, object, _) => Value::clone(object),
        Item::Dropped(count) => json!({ "event": "dropped", "count": count }),
    };
    // Commands that answer with one object have a version in it.
    if let Some(event) = value.as_object_mut().filter(|object| object.contains_key("event")) {
        event.insert("schema".to_owned(), JSON_VERSION.into());
    }
    vec![Line { stream: Stream::Out, text: on_one_line(value.to_string()) }]
}

/// `text` without what some readers take for the end of a line, though JSON allows it.
fn on_one_line(text: String) -> String {
    let ends = [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    let replaced = |text: String, (end, escape): (char, &str)| match text.contains(end) {
        true => text.replace(end, escape),
        false => text,
    };
    ends.into_iter().fold(text, replaced)
}

fn report_value(report: &Report) -> Value {
    match report {
        Report::PortMoved { wanted, holder, taken } => json!({
            "event": "port-moved", "wanted": wanted, "taken": taken,
            "holder": holder.as_ref().map(|holder| json!({ "pid": holder.pid, "name": holder.name })),
        }),
        Report::Warnings(list) => json!({ "event": "warnings", "diagnostics": diagnostics(list) }),
        Report::Ready(ready) => json!({
            "event": "ready", "url": show_url(ready.address, ready.secure), "port": ready.address.port(),
            "worker": ready.projects[0].name,
            "workers": ready.projects.iter().map(|project| &project.name).collect::<Vec<_>>(), "state": ready.persist, "duration": ready.duration.map(ms),
            "version": env!("CARGO_PKG_VERSION"),
            "projects": ready.projects.iter().map(|project| project_value(project, ready)).collect::<Vec<_>>(),
        }),
        Report::Reloaded { generation, duration } => {
            json!({ "event": "reloaded", "generation": generation.0, "duration": ms(*duration) })
        }
        Report::Unchanged => json!({ "event": "unchanged" }),
        Report::Broken(broken) => json!({
            "event": "broken", "url": show_url(broken.address, broken.secure), "older_code_serves": broken.older_code_serves,
            "diagnostics": diagnostics(&broken.diagnostics),
        }),
        Report::RestartNeeded { key } => json!({ "event": "restart-needed", "key": key }),
        Report::CommandStarted { command } => json!({ "event": "command-started", "command": command }),
        Report::CommandOutput { text, error } => {
            json!({ "event": "command-output", "text": text, "stream": if *error { "stderr" } else { "stdout" } })
        }
        Report::WatchFailed(reason) => json!({ "event": "watch-failed", "reason": reason }),
        Report::Request(record) => json!({
            "event": "request", "method": record.method.as_str(), "path": record.target.as_str(), "status": record.status,
            "duration": ms(record.duration), "asset": record.is_asset,
        }),
        Report::Log(record) => json!({
            "event": "log", "level": level(record.level), "origin": show_origin(&record.origin),
            "text": record.text,
        }),
        Report::Migrated { worker, migrated } => migrated_value(worker, migrated),
        Report::Stopping => json!({ "event": "stopping" }),
    }
}

/// What the start block says of `project`.
fn project_value(project: &Project, ready: &Ready) -> Value {
    let storage = |storage: &ClassStorage| match storage {
        ClassStorage::Sqlite => "sqlite",
        ClassStorage::Kv => "key-value",
    };
    let classes = project.classes.iter();
    let bindings = bindings(project, &ready.projects).into_iter();
    json!({
        "name": project.name, "environment": project.environment, "config": project.source.path,
        "classes": classes.map(|(class, kind)| json!({ "name": class, "storage": storage(kind) })).collect::<Vec<_>>(),
        "assets": project.assets.as_ref().map(|assets| &assets.shown),
        "bindings": bindings.map(|(name, target)| json!({ "name": name, "target": target })).collect::<Vec<_>>(),
        "not_emulated": not_emulated(project),
    })
}

fn migrated_value(worker: &str, migrated: &Migrated) -> Value {
    match migrated {
        Migrated::Applied(entry) => json!({
            "event": "migrated", "worker": worker, "tag": entry.tag, "steps": entry.steps,
        }),
        Migrated::Adopted { tag } => json!({ "event": "state-adopted", "worker": worker, "tag": tag }),
        Migrated::Waiting(pending) => json!({
            "event": "migrations-wait", "worker": worker,
            "pending": pending.iter().map(migrate_show::planned).collect::<Vec<_>>(),
        }),
        Migrated::Impossible(list) => json!({
            "event": "migrations-impossible", "worker": worker, "diagnostics": diagnostics(list),
        }),
        Migrated::CarryOverOffered { from } => json!({
            "event": "carry-over-offered", "worker": worker, "from": from,
        }),
    }
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Log => "log",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Uncaught => "uncaught",
    }
}

/// Mistakes as JSON.
pub fn diagnostics(list: &[Diagnostic]) -> Vec<Value> {
    let value = |diagnostic: &Diagnostic| {
        let labels: Vec<_> = diagnostic
            .labels
            .iter()
            .map(|label| {
                let (line, column) = label.source.position(label.span.start);
                let (end_line, end_column) = label.source.position(label.span.end);
                json!({
                    "file": label.source.path, "line": line, "column": column,
                    "end_line": end_line, "end_column": end_column, "text": label.text,
                })
            })
            .collect();
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        json!({
            "code": diagnostic.code, "severity": severity, "message": diagnostic.message,
            "help": diagnostic.help, "labels": labels,
        })
    };
    list.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::SourceFile;
    use crate::dev::Broken;
    use http::Method;
    use http::uri::PathAndQuery;

    use crate::server::RequestRecord;

    #[test]
    fn every_event_is_one_line_of_json() {
        let request = RequestRecord {
            method: Method::GET,
            target: PathAndQuery::from_static("/?a"),
            status: 200,
            is_asset: false,
            duration: Duration::from_micros(1_234),
        };
        let source = SourceFile::new("a.ts", "ab\ncd");
        let broken = Broken {
            diagnostics: vec![Diagnostic::error("a/b", "bad").at(&source, 3..5, "here")],
            address: ([127, 0, 0, 1], 1).into(),
            secure: false,
            older_code_serves: false,
        };
        for (item, mut expected) in [
            (
                Item::Report(Report::Request(request)),
                json!({ "event": "request", "method": "GET", "path": "/?a", "status": 200, "duration": 1.234, "asset": false }),
            ),
            (
                Item::Report(Report::Broken(broken)),
                json!({
                    "event": "broken", "url": "http://127.0.0.1:1", "older_code_serves": false,
                    "diagnostics": [{
                        "code": "a/b", "severity": "error", "message": "bad", "help": null,
                        "labels": [{ "file": "a.ts", "line": 2, "column": 1, "end_line": 2, "end_column": 3, "text": "here" }],
                    }],
                }),
            ),
            (
                Item::Failure("no\u{85}\u{2028}\u{2029}\r\u{b}\u{c}".to_owned(), None),
                json!({ "event": "failed", "message": "no\u{85}\u{2028}\u{2029}\r\u{b}\u{c}", "help": null }),
            ),
        ] {
            expected["schema"] = 1.into();
            let lines = lines(&item);
            assert_eq!(lines.len(), 1);
            // Of all that Unicode, and so `splitlines` of Python, ends lines with.
            assert!(!lines[0].text.contains(|c: char| c.is_control() || "\u{2028}\u{2029}".contains(c)));
            assert_eq!(serde_json::from_str::<Value>(&lines[0].text).unwrap(), expected);
        }
    }
}
