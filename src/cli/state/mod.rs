//! `dodev state`: stored objects from the command line. One file per command; what they know is in `inspect`.

pub mod args;
mod delete;
mod diff;
mod export;
mod get;
mod import;
mod inspect;
mod list;
mod log;
mod prompt;
mod put;
mod remove;
mod restore;
pub mod shown;
mod snapshot;
mod sql;
mod tail;

use std::process::ExitCode;

use self::args::{SnapshotCommand, StateArgs, StateCommand};
use super::place::{Outcome, Place};
use crate::base::clock::Clock;

/// Runs the command.
pub fn run(args: &StateArgs, clock: Clock) -> ExitCode {
    let place = Place::new(&args.place, clock);
    let (name, outcome) = dispatch(&args.command, &place);
    place.finish(&format!("state {name}"), outcome)
}

fn dispatch(command: &StateCommand, place: &Place) -> (&'static str, Outcome) {
    match command {
        StateCommand::List(args) => ("list", list::run(args, place)),
        StateCommand::Inspect(args) => ("inspect", inspect::run(args, place)),
        StateCommand::Get(args) => ("get", get::run(args, place)),
        StateCommand::Put(args) => ("put", put::run(args, place)),
        StateCommand::Delete(args) => ("delete", delete::run(args, place)),
        StateCommand::Sql(args) => ("sql", sql::run(args, place)),
        StateCommand::Export(args) => ("export", export::run(args, place)),
        StateCommand::Import(args) => ("import", import::run(args, place)),
        StateCommand::Snapshot(args) => match &args.command {
            SnapshotCommand::Save { name, replace } => {
                ("snapshot save", snapshot::save(name, *replace, place))
            }
            SnapshotCommand::Load { name, yes } => ("snapshot load", snapshot::load(name, *yes, place)),
            SnapshotCommand::List => ("snapshot list", snapshot::list(place)),
            SnapshotCommand::Rm { names } => ("snapshot rm", snapshot::remove(names, place)),
        },
        StateCommand::Diff(args) => ("diff", diff::run(args, place)),
        StateCommand::Log(args) => ("log", log::run(args, place)),
        StateCommand::Restore(args) => ("restore", restore::run(args, place)),
        StateCommand::Reset(args) => ("reset", remove::reset(args, place)),
        StateCommand::Tail(args) => ("tail", tail::run(args, place)),
        StateCommand::Rm(args) => ("rm", remove::run(args, place)),
    }
}
