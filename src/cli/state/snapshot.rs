//! `dodev state snapshot`: copies of all state.

use serde_json::{Value as Json, json};

use super::remove::confirm;
use super::shown::time_json;
use crate::base::clock::Timestamp;
use crate::cli::hand::Hand;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::progress::{Progress, waiting};
use crate::cli::table::{Table, count, size};
use crate::inspect::snapshot::{self, Saving, Snapshot};
use crate::inspect::{InspectError, distance};

/// Runs `save`.
pub fn save(name: &str, replace: bool, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    snapshot::check_free(&book, name, replace)?;
    let made = match Hand::of(place, &book)? {
        Hand::Live(live) => waiting(place, "Copying", || live.save_snapshot(name, replace))?,
        // The lock keeps a server from starting meanwhile.
        Hand::Files(_writer) => {
            let progress = Progress::new(place, "Copying");
            let saving = Saving { name, replace, now: place.clock.now(), open: &[] };
            snapshot::save(&book, &saving, &|done, total| progress.set(done, total))?
        }
    };
    place.answer(
        "state snapshot save",
        || json!({ "snapshot": snapshot_json(&made) }),
        || format!("Saved {} as `{name}` ({})\n", objects(&made), size(made.size_bytes)),
    );
    Ok(Said::Done)
}

/// Runs `load`.
pub fn load(name: &str, yes: bool, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    // Misspelt names are told before anything is asked.
    snapshot::open(&book, name)?;
    let hand = Hand::of(place, &book)?;
    confirm(&format!("Replace all objects by those of the snapshot `{name}`?"), yes)?;
    let loaded = match &hand {
        Hand::Live(live) => {
            let (loaded, warnings) = waiting(place, "Copying", || live.load_snapshot(name))?;
            place.warn_of_all(&warnings);
            loaded
        }
        Hand::Files(writer) => {
            let progress = Progress::new(place, "Copying");
            snapshot::load(&book, writer, name, &|done, total| progress.set(done, total))?
        }
    };
    hand.warn(place);
    place.answer(
        "state snapshot load",
        || json!({ "snapshot": snapshot_json(&loaded) }),
        || format!("Went back to `{name}`: {}\n", objects(&loaded)),
    );
    Ok(Said::Done)
}

/// Runs `list`.
pub fn list(place: &Place) -> Outcome {
    let book = place.book()?;
    let all = snapshot::list(&book)?;
    if all.is_empty() && !place.json {
        return Err(InspectError::NotFound {
            what: "there are no snapshots".to_owned(),
            nearest: Vec::new(),
            help: Some("`dodev state snapshot save NAME` makes one".to_owned()),
        });
    }
    let now = place.clock.now();
    place.answer(
        "state snapshot list",
        || json!({ "snapshots": all.iter().map(snapshot_json).collect::<Vec<_>>() }),
        || {
            let mut table = Table::new(&["name", "made", "objects>", "size>"]);
            for one in &all {
                let made = distance(Timestamp(one.made_ms), now);
                table.row(vec![one.name.clone(), made, one.objects.to_string(), size(one.size_bytes)]);
            }
            table.draw(place.width, place.style.colour)
        },
    );
    Ok(if all.is_empty() { Said::No } else { Said::Done })
}

/// Runs `rm`.
pub fn remove(names: &[String], place: &Place) -> Outcome {
    let book = place.book()?;
    for name in names {
        snapshot::open(&book, name)?;
    }
    for name in names {
        snapshot::remove(&book, name)?;
    }
    place.answer(
        "state snapshot rm",
        || json!({ "removed": names }),
        || format!("Removed {}\n", count(names.len(), "snapshot")),
    );
    Ok(Said::Done)
}

fn objects(snapshot: &Snapshot) -> String {
    count(usize::try_from(snapshot.objects).unwrap_or(usize::MAX), "object")
}

fn snapshot_json(snapshot: &Snapshot) -> Json {
    json!({
        "name": snapshot.name, "made": time_json(Timestamp(snapshot.made_ms)), "objects": snapshot.objects,
        "size_bytes": snapshot.size_bytes,
    })
}
