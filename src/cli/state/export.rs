//! `dodev state export`: objects as JSON lines, or their tables as SQL.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::json;

use super::args::ExportArgs;
use crate::cli::output::answer;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::progress::Progress;
use crate::cli::table::{count, size};
use crate::inspect::{InspectError, ObjectRef, lines, write_sql};

/// Runs the command.
pub fn run(args: &ExportArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    let objects = book.objects_of(&book.scope(args.address.as_deref())?)?;
    if objects.is_empty() {
        return Err(InspectError::not_found("no object is stored, so there is nothing to export"));
    }
    let Some(path) = &args.out else {
        // Standard output is the export itself: a failure is told on standard error.
        let failures = write_all(&objects, args.sql, place, |bytes| answer(&String::from_utf8_lossy(bytes)))?;
        return told(failures, place);
    };
    let path = place.style.cwd.join(path);
    let mut making = path.clone().into_os_string();
    making.push(".part");
    let making = PathBuf::from(making);
    let file = File::create(&making).map_err(InspectError::io("create", &making))?;
    let mut file = BufWriter::new(file);
    let mut written = Ok(());
    let mut bytes_written = 0;
    let failures = write_all(&objects, args.sql, place, |bytes| {
        if written.is_ok() {
            bytes_written += bytes.len() as u64;
            written = file.write_all(bytes);
        }
    })?;
    written.and_then(|()| file.flush()).map_err(InspectError::io("write", &making))?;
    fs::rename(&making, &path).map_err(InspectError::io("rename", &making))?;
    let exported = objects.len() - failures.len();
    place.answer(
        "state export",
        || json!({ "objects": exported, "file": path, "size_bytes": bytes_written, "failed": failures.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        || format!("Exported {} to {} ({})\n", count(exported, "object"), place.shown(&path), size(bytes_written)),
    );
    told(failures, place)
}

/// Writes every object that can be read; the failures of the others.
fn write_all(
    objects: &[ObjectRef],
    sql: bool,
    place: &Place,
    mut out: impl FnMut(&[u8]),
) -> Result<Vec<InspectError>, InspectError> {
    let progress = Progress::new(place, "Exporting");
    let mut failures = Vec::new();
    for (done, object) in objects.iter().enumerate() {
        progress.set(done as u64, objects.len() as u64);
        let mut bytes = Vec::new();
        let written = match sql {
            true => write_sql(object, &mut bytes),
            false => lines::write(object, &mut bytes),
        };
        match written {
            Ok(()) => out(&bytes),
            Err(error @ InspectError::Damaged { .. }) => failures.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok(failures)
}

/// Tells of objects that could not be read; the first one is the command's failure.
fn told(failures: Vec<InspectError>, place: &Place) -> Outcome {
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Ok(Said::Done) };
    failures.for_each(|failure| place.remark(&format!("{}: {failure}", place.style.error_word("error"))));
    Err(first)
}
