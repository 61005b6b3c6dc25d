//! `dodev time`: shows and moves the time of a running server.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, Named};
use super::output;
use super::place::JSON_VERSION;
use super::time_args::{TimeAction, TimeArgs};
use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::base::time_text::{show_duration, show_time};

/// What the answer may take longer than the server's own limit.
const SLACK: Duration = Duration::from_secs(10);
/// Things that fired that are shown in text.
const SHOWN: usize = 100;

/// Runs the command.
pub fn run(args: &TimeArgs) -> ExitCode {
    match answer(args) {
        Ok(report) if args.json => output::result(&format!("{}\n", versioned(report))),
        Ok(report) => output::result(&show(&report)),
        Err(error) => output::refusal(&format!("{error:#}"), args.json),
    }
}

/// The server's answer as the command's own, in the form that `docs/state.md` describes.
fn versioned(mut report: Value) -> Value {
    if let Some(members) = report.as_object_mut() {
        members.shift_insert(0, "version".to_owned(), JSON_VERSION.into());
        members.shift_insert(1, "command".to_owned(), "time".into());
    }
    report
}

fn answer(args: &TimeArgs) -> anyhow::Result<Value> {
    let cwd = std::env::current_dir()?;
    let named = Named { url: args.url.as_deref(), port: args.port, persist: args.persist_to.as_deref() };
    let server = Client::find(&named, &cwd)?;
    request(&server, args.action.as_ref().unwrap_or(&TimeAction::Show))
}

fn request(server: &Client, action: &TimeAction) -> anyhow::Result<Value> {
    let (verb, body) = match action {
        TimeAction::Show => (None, None),
        TimeAction::Freeze => (Some("freeze"), Some(json!({}))),
        TimeAction::Advance { by } => (Some("advance"), Some(json!({ "by_ms": by }))),
        TimeAction::Jump { to } => (Some("jump"), Some(json!({ "to_ms": to.0 }))),
        TimeAction::Next => (Some("next"), Some(json!({}))),
        TimeAction::Resume => (Some("resume"), Some(json!({}))),
    };
    let segments: Vec<_> = ["time"].into_iter().chain(verb).collect();
    server.ask(&segments, body, limits::TIME_MOVE + SLACK)
}

/// The server's answer in words.
fn show(report: &Value) -> String {
    let mut text = String::new();
    let now = report["now_ms"].as_i64().unwrap_or_default();
    let ahead = match report["ahead_ms"].as_i64().unwrap_or_default() {
        // Reading two clocks takes a moment.
        -999..=999 => "the machine's time".to_owned(),
        ahead @ 1_000.. => format!("{} ahead of the machine's time", show_duration(ahead)),
        behind => format!("{} behind the machine's time", show_duration(-behind)),
    };
    let _ =
        writeln!(text, "{}  {}, {ahead}", show_time(Timestamp(now)), report["state"].as_str().unwrap_or("?"));
    if let Some(fired) = report["fired"].as_array() {
        let count = fired.len() + usize::try_from(report["more"].as_u64().unwrap_or_default()).unwrap_or(0);
        let moved = show_duration(report["moved_ms"].as_i64().unwrap_or_default());
        let what = match count {
            0 => "nothing fired".to_owned(),
            1 => "1 thing fired".to_owned(),
            count => format!("{count} things fired"),
        };
        let _ = writeln!(text, "moved by {moved}; {what}");
        for entry in fired.iter().take(SHOWN) {
            let outcome = entry["outcome"].as_str().unwrap_or_default();
            let _ = writeln!(text, "  {}  {outcome}", show_entry(entry));
            if let Some(error) = entry["error"].as_str() {
                let _ = writeln!(text, "    {error}");
            }
        }
        if count > SHOWN {
            let _ = writeln!(text, "  … and {} more; `--json` lists them", count - SHOWN);
        }
    }
    if let Some(note) = report["note"].as_str() {
        let _ = writeln!(text, "{note}");
    }
    match &report["next"] {
        Value::Object(_) => {
            let due = report["next"]["due_ms"].as_i64().unwrap_or(now);
            let _ = writeln!(
                text,
                "next: {}  in {}",
                show_entry(&report["next"]),
                show_duration((due - now).max(0))
            );
        }
        _ => text.push_str("nothing is due\n"),
    }
    text
}

fn show_entry(entry: &Value) -> String {
    let mut text =
        format!("{}  {}", entry["due"].as_str().unwrap_or("?"), entry["kind"].as_str().unwrap_or("?"));
    match (entry["object"]["class"].as_str(), entry["object"]["name"].as_str()) {
        (Some(class), Some(name)) => {
            let _ = write!(text, " of {class}({name})");
        }
        _ => match entry["worker"].as_str() {
            Some(worker) => {
                let _ = write!(text, " of the Worker {worker}");
            }
            None => text.push_str(" of the Worker"),
        },
    }
    if let Some(detail) = entry["detail"].as_str() {
        let _ = write!(text, ", `{detail}`");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_told_in_lines() {
        assert_eq!(
            versioned(json!({ "now_ms": 1 })).to_string(),
            r#"{"version":1,"command":"time","now_ms":1}"#
        );
        let report = json!({
            "now": "", "now_ms": 86_400_000, "state": "frozen", "ahead_ms": 86_400_000, "from": "",
            "moved_ms": 3_600_000, "settled": true, "note": null, "more": 0,
            "fired": [{
                "kind": "alarm", "object": { "class": "C", "name": "a" }, "due": "1970-01-01T23:30:00.000Z",
                "due_ms": 84_600_000, "outcome": "failed; retry 1 of 6 in 2.0 s", "error": "Error: no",
            }],
            "next": { "kind": "cron", "object": null, "due": "1970-01-02T00:01:00.000Z", "due_ms": 86_460_000, "detail": "* * * * *" },
        });
        let expected = "\
1970-01-02T00:00:00.000Z  frozen, 1d ahead of the machine's time
moved by 1h; 1 thing fired
  1970-01-01T23:30:00.000Z  alarm of C(a)  failed; retry 1 of 6 in 2.0 s
    Error: no
next: 1970-01-02T00:01:00.000Z  cron of the Worker, `* * * * *`  in 1m
";
        assert_eq!(show(&report), expected);
        let shown = show(&json!({ "now_ms": 0, "state": "running", "ahead_ms": 3, "next": null }));
        assert_eq!(shown, "1970-01-01T00:00:00.000Z  running, the machine's time\nnothing is due\n");
    }
}
