//! `dodev state delete`: deletes keys.

use serde_json::json;

use super::args::DeleteArgs;
use super::get::no_key;
use crate::cli::hand::Hand;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{count, visible};

/// Runs the command.
pub fn run(args: &DeleteArgs, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let object = book.object(&args.address)?;
    let hand = Hand::of(place, &book)?;
    // All or nothing: a misspelt key deletes none of the others.
    for key in &args.keys {
        if book.get(&object, key)?.is_none() {
            return Err(no_key(&book, &object, key));
        }
    }
    let deleted = hand.delete(&object, &args.keys)?;
    hand.warn(place);
    place.answer(
        "state delete",
        || json!({ "object": object.label(), "deleted": deleted }),
        || format!("Deleted {} of {}\n", count(deleted.len(), "key"), visible(&object.label())),
    );
    Ok(Said::Done)
}
