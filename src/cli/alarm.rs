//! `dodev alarm`: what is due when, over all objects.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use serde_json::json;

use super::complete::addresses;
use super::live::Live;
use super::place::{Outcome, Place, PlaceArgs, Said};
use super::state::shown::{alarm_json, alarm_text};
use super::table::{Table, visible};
use crate::base::clock::Clock;
use crate::inspect::{Alarm, Book, InspectError, ObjectRef, Scope, iso};

const EXAMPLES: &str = "\
Examples:
  dodev alarm list                    all alarms, the next one first
  dodev alarm list Room               those of a class
  dodev alarm run Room:lobby          do not wait for it
  dodev alarm cancel Room:lobby       it will not run";

/// Arguments of `dodev alarm`.
#[derive(Debug, Args)]
#[command(about = "List and cancel the alarms of objects", after_help = EXAMPLES)]
pub struct AlarmArgs {
    /// Which state, and how to answer.
    #[command(flatten)]
    pub place: PlaceArgs,

    /// What to do.
    #[command(subcommand)]
    pub command: AlarmCommand,
}

/// What to do with alarms.
#[derive(Debug, Subcommand)]
pub enum AlarmCommand {
    /// List alarms, the next one first
    #[command(visible_alias = "ls")]
    List {
        /// An object or a class; all if absent
        #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
        address: Option<String>,
    },
    /// Remove the alarm of an object; it will not run
    Cancel {
        /// `Class:name` or `Class:id`
        #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
        address: String,
    },
    /// Make the alarm of an object due at once
    Run {
        /// `Class:name` or `Class:id`
        #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
        address: String,
    },
}

/// Runs the command.
pub fn run(args: &AlarmArgs, clock: Clock) -> ExitCode {
    let place = Place::new(&args.place, clock);
    let (name, outcome) = match &args.command {
        AlarmCommand::List { address } => ("list", list(address.as_deref(), &place)),
        AlarmCommand::Cancel { address } => ("cancel", cancel(address, &place)),
        AlarmCommand::Run { address } => ("run", make_due(address, &place)),
    };
    place.finish(&format!("alarm {name}"), outcome)
}

fn list(address: Option<&str>, place: &Place) -> Outcome {
    let book = place.book()?;
    let listed = match book.scope(address)? {
        Scope::Object(object) => vec![book.list_object(&object)?],
        Scope::Namespace(namespace) => book.list(&namespace)?,
        Scope::All => {
            let lists: Result<Vec<_>, _> = book.namespaces()?.iter().map(|one| book.list(one)).collect();
            lists?.into_iter().flatten().collect()
        }
    };
    let mut alarms: Vec<(ObjectRef, Alarm)> =
        listed.into_iter().filter_map(|listed| listed.alarm.map(|alarm| (listed.object, alarm))).collect();
    alarms.sort_by_key(|(_, alarm)| alarm.retry.map_or(alarm.scheduled, |retry| retry.due));
    if alarms.is_empty() && !place.json {
        let of = address.map(|address| format!(" for `{address}`")).unwrap_or_default();
        return Err(InspectError::NotFound {
            what: format!("no alarm is set{of}"),
            nearest: Vec::new(),
            help: Some("objects set theirs with `ctx.storage.setAlarm()`".to_owned()),
        });
    }
    let now = place.now(&book);
    place.answer(
        "alarm list",
        || {
            let alarms = alarms.iter().map(|(object, alarm)| {
                let mut all = json!({
                    "worker": object.namespace.script, "class": object.namespace.class,
                    "id": object.id.to_string(), "name": object.name,
                });
                if let (Some(all), Some(alarm)) = (all.as_object_mut(), alarm_json(alarm).as_object()) {
                    all.extend(alarm.clone());
                }
                all
            });
            json!({ "alarms": alarms.collect::<Vec<_>>() })
        },
        || {
            let mut table = Table::new(&["object", "due", "at!"]);
            for (object, alarm) in &alarms {
                let at = alarm.retry.map_or(alarm.scheduled, |retry| retry.due);
                table.row(vec![object.label(), alarm_text(alarm, now), iso(at)]);
            }
            table.draw(place.width, place.style.colour)
        },
    );
    Ok(if alarms.is_empty() { Said::No } else { Said::Done })
}

/// The object with its alarm.
fn with_alarm(book: &Book, address: &str) -> Result<(ObjectRef, Alarm), InspectError> {
    let object = book.object(address)?;
    let view = book.view(&object, &crate::inspect::KeyFilter { limit: Some(0), ..Default::default() })?;
    let slot = view.alarm.map(|scheduled| Alarm { scheduled, retry: None });
    match view.listed.alarm.or(slot) {
        Some(alarm) => Ok((object, alarm)),
        None => Err(InspectError::NotFound {
            what: format!("{} has no alarm", object.label()),
            nearest: Vec::new(),
            help: Some("`dodev alarm list` shows those that have one".to_owned()),
        }),
    }
}

fn cancel(address: &str, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let (object, alarm) = with_alarm(&book, address)?;
    match Live::of(&book)? {
        Some(live) => live.cancel_alarm(&object)?,
        None => {
            let writer = place.writer(&book)?;
            writer.set_alarm(&object, None)?;
            place.warn_of(&writer);
        }
    }
    place.answer(
        "alarm cancel",
        || json!({ "object": object.label(), "cancelled": alarm_json(&alarm) }),
        || format!("Cancelled the alarm of {} ({})\n", visible(&object.label()), iso(alarm.scheduled)),
    );
    Ok(Said::Done)
}

fn make_due(address: &str, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let (object, _) = with_alarm(&book, address)?;
    if let Some(live) = Live::of(&book)? {
        let ran = live.run_alarm(&object)?;
        place.answer(
            "alarm run",
            || json!({ "object": object.label(), "ran": true, "outcome": ran["outcome"] }),
            || {
                format!(
                    "Ran the alarm of {}: {}\n",
                    object.label(),
                    ran["outcome"].as_str().unwrap_or("done")
                )
            },
        );
        return Ok(Said::Done);
    }
    let now = place.clock.now();
    let writer = place.writer(&book)?;
    writer.set_alarm(&object, Some(now))?;
    place.warn_of(&writer);
    place.answer(
        "alarm run",
        || json!({ "object": object.label(), "scheduled": iso(now), "ran": false }),
        || {
            format!(
                "The alarm of {} is due now: it runs as soon as `dodev dev` starts\n",
                visible(&object.label())
            )
        },
    );
    Ok(Said::Done)
}
