//! `dodev state import`: stores objects from JSON lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use serde_json::json;

use super::args::ImportArgs;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::progress::Progress;
use crate::cli::table::count;
use crate::inspect::{Book, InspectError, lines};

/// Runs the command.
pub fn run(args: &ImportArgs, place: &Place) -> Outcome {
    let input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let path = place.style.cwd.join(&args.file);
        Box::new(BufReader::new(File::open(&path).map_err(InspectError::io("open", &path))?))
    };
    let objects = lines::read(input)?;
    if objects.is_empty() {
        return Err(InspectError::not_found("there is no object in it"));
    }
    let book = Book::at(&place.persist);
    place.finish_migration(&book)?;
    let mut targets = Vec::new();
    for object in &objects {
        let target = object.target(&book, args.worker.as_deref())?;
        if target.exists() && !args.replace {
            let what = format!("{} is stored already; nothing was imported", target.label());
            return Err(InspectError::Exists { what, help: "replace it with `--replace`" });
        }
        targets.push(target);
    }
    let writer = place.writer(&book)?;
    let progress = Progress::new(place, "Importing");
    for (done, (object, target)) in objects.iter().zip(&targets).enumerate() {
        progress.set(done as u64, objects.len() as u64);
        object.store(&writer, target)?;
    }
    drop(progress);
    place.warn_of(&writer);
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
