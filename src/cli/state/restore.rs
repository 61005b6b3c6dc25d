//! `dodev state restore`: brings an earlier state of an object back.

use serde_json::json;

use super::args::RestoreArgs;
use super::log::{cause_text, point_json};
use super::remove::confirm_or;
use crate::cli::hand::Hand;
use crate::cli::place::{Outcome, Place, Said};
use crate::inspect::{InspectError, iso, short, split_point};

const POINTS: &str = "a bookmark, a time such as `2026-11-22T10:00Z`, or a distance such as `-5m`";

/// Runs the command.
pub fn run(args: &RestoreArgs, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let target = &args.target;
    let (address, name) = split_point(target).ok_or_else(|| {
        InspectError::Invalid(format!("`{target}` names no point: say OBJECT@POINT, where POINT is {POINTS}"))
    })?;
    let hand = Hand::of(place, &book)?;
    place.save_history(&book);
    let (object, history) = book.remembered(address)?;
    let point = name.find(&object, &history, place.now(&book))?;
    let label = object.label();
    if !args.yes {
        let question = format!("Put {label} back as it was at {} ({})?", iso(point.time), cause_text(&point));
        confirm_or(&question, "there is no terminal to ask on: say `--yes`")?;
    }
    let undo = hand.restore(place, &object, &history, &point)?;
    hand.warn(place);
    place.answer(
        "state restore",
        || json!({ "object": label, "point": point_json(&point), "undo": undo.to_string() }),
        || {
            format!(
                "{label} is as it was at {} ({})\nUndo with `dodev state restore {label}@{}`\n",
                iso(point.time),
                cause_text(&point),
                short(undo),
            )
        },
    );
    Ok(Said::Done)
}
