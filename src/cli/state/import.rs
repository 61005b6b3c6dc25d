//! `dodev state import`: stores objects from JSON lines.

use std::fs;
use std::io::Read;

use serde_json::json;

use super::args::ImportArgs;
use crate::cli::hand::Hand;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::progress::Progress;
use crate::cli::table::count;
use crate::inspect::{Book, InspectError, lines};

/// Runs the command.
pub fn run(args: &ImportArgs, place: &Place) -> Outcome {
    let text = read(args, place)?;
    let objects = lines::read(text.as_bytes())?;
    if objects.is_empty() {
        return Err(InspectError::not_found("there is no object in it"));
    }
    let book = Book::at(&place.persist);
    place.finish_migration(&book)?;
    let targets: Result<Vec<_>, _> =
        objects.iter().map(|object| object.target(&book, args.worker.as_deref())).collect();
    let targets = targets?;
    lines::check_free(&targets, args.replace)?;
    let hand = Hand::of(place, &book)?;
    let progress = Progress::new(place, "Importing");
    let total = objects.len() as u64;
    match &hand {
        Hand::Files(writer) => {
            for (done, (object, target)) in objects.iter().zip(&targets).enumerate() {
                progress.set(done as u64, total);
                object.store(writer, target)?;
            }
        }
        Hand::Live(live) => {
            let parts = lines::split(&text);
            let progress = |done| progress.set(done, total);
            let warnings = live.import(&parts, args.worker.as_deref(), args.replace, &progress)?;
            place.warn_of_all(&warnings);
        }
    }
    drop(progress);
    hand.warn(place);
    let labels: Vec<_> = targets.iter().map(|target| target.label()).collect();
    place.answer(
        "state import",
        || json!({ "objects": labels }),
        || match labels.as_slice() {
            [label] => format!("Imported {label}\n"),
            labels => format!("Imported {}\n", count(labels.len(), "object")),
        },
    );
    Ok(Said::Done)
}

/// The lines: of the file, or of standard input.
fn read(args: &ImportArgs, place: &Place) -> Result<String, InspectError> {
    let bytes = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(InspectError::io("read", "standard input".as_ref()))?
    } else {
        let path = place.style.cwd.join(&args.file);
        fs::read(&path).map_err(InspectError::io("open", &path))?
    };
    String::from_utf8(bytes).map_err(|error| {
        let at = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n');
        InspectError::Invalid(format!("line {}: it is not UTF-8 text", at.count() + 1))
    })
}
