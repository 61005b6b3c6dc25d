//! `dodev state tail`: what happens in the running server, line by line.

use serde_json::Value as Json;

use super::args::TailArgs;
use crate::base::clock::Timestamp;
use crate::cli::live::Live;
use crate::cli::output::answer;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{cut, visible};
use crate::inspect::{InspectError, iso};

/// Runs the command.
pub fn run(args: &TailArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    // A class need not be stored yet to be watched.
    let Some(live) = Live::of(&book)? else {
        return Err(InspectError::NotFound {
            what: "no server runs on this state".to_owned(),
            nearest: Vec::new(),
            help: Some("start `dodev dev` first".to_owned()),
        });
    };
    live.events(|line| {
        let event: Json = serde_json::from_str(line).unwrap_or_default();
        if args.only.as_deref().is_none_or(|only| is_about(&event, only)) {
            answer(&if place.json { format!("{line}\n") } else { format!("{}\n", text(&event, place)) });
        }
        true
    })?;
    Ok(Said::Done)
}

/// Whether the event is about the class or the object that `only` names.
fn is_about(event: &Json, only: &str) -> bool {
    let field = |name: &str| event[name].as_str().unwrap_or_default();
    let (class, name) = only.split_once(':').unwrap_or((only, ""));
    field("class") == class && (name.is_empty() || field("name") == name || field("id").starts_with(name))
}

/// The time, what happened, to whom, and the rest as it came.
fn text(event: &Json, place: &Place) -> String {
    let at = event["at"].as_i64().map(|ms| iso(Timestamp(ms))).unwrap_or_default();
    let time = at.get(11..23).unwrap_or_default();
    let field = |name: &str| event[name].as_str();
    let whom = match (field("class"), field("name").or(field("id"))) {
        (Some(class), Some(name)) => format!(" {class}:{name}"),
        _ => String::new(),
    };
    let known = ["event", "at", "class", "name", "id"];
    let rest = event.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    let rest = rest.map(|(name, value)| match value {
        Json::String(text) => format!(" {name}={}", visible(text)),
        value => format!(" {name}={value}"),
    });
    let line = format!("{time} {}{whom}{}", field("event").unwrap_or("event"), rest.collect::<String>());
    place.width.map_or_else(|| line.clone(), |width| cut(&line, width))
}
