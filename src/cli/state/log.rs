//! `dodev state log`: the points of an object's history.

use serde_json::{Value as Json, json};

use super::args::LogArgs;
use super::shown::time_json;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{Table, size, visible};
use crate::inspect::{distance, iso, short};
use crate::storage::history::{Cause, Point};

/// Runs the command.
pub fn run(args: &LogArgs, place: &Place) -> Outcome {
    let book = place.book()?;
    place.save_history(&book);
    let (object, history) = book.remembered(&args.address)?;
    let mut points = history.points().map_err(crate::storage::StorageError::from)?;
    let total = points.len();
    points.reverse();
    points.truncate(usize::try_from(args.limit).unwrap_or(usize::MAX));
    place.answer(
        "state log",
        || {
            json!({
                "object": object.label(), "id": object.id.to_string(), "points_total": total,
                "points": points.iter().map(point_json).collect::<Vec<_>>(),
            })
        },
        || {
            let now = place.now(&book);
            let mut table = Table::new(&["time!", "", "point!", "cause", "size>"]);
            for point in &points {
                table.row(vec![
                    iso(point.time),
                    distance(point.time, now),
                    short(point.bookmark),
                    visible(&cause_text(point)),
                    if point.size_bytes == 0 { "empty".to_owned() } else { size(point.size_bytes) },
                ]);
            }
            let mut out = table.draw(place.width, place.style.colour);
            if points.len() < total {
                let more = format!("{} of {total} points; `--limit {total}` shows all", points.len());
                out.push_str(&format!("{}\n", place.style.dimmed(&more)));
            }
            out
        },
    );
    Ok(Said::Done)
}

/// What made the point, for people.
pub fn cause_text(point: &Point) -> String {
    // A table has no room for whole bookmarks, and an object's own need none.
    match point.cause.detail.parse().map(short) {
        Ok(detail) => Cause { detail, ..point.cause.clone() }.to_string(),
        Err(_) => point.cause.to_string(),
    }
}

/// A point for programs.
pub fn point_json(point: &Point) -> Json {
    json!({
        "time": time_json(point.time), "bookmark": point.bookmark.to_string(), "size_bytes": point.size_bytes,
        "cause": { "kind": point.cause.kind.name(), "detail": point.cause.detail, "events": point.cause.events },
    })
}
