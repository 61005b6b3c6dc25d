//! `dodev state rm` and `dodev state reset`: removes objects, some or all.

use serde_json::json;

use super::args::{RemoveArgs, ResetArgs};
use crate::cli::hand::Hand;
use crate::cli::output::ask;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{count, visible};
use crate::inspect::{InspectError, Scope};

/// Runs `rm`.
pub fn run(args: &RemoveArgs, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let mut objects = Vec::new();
    for address in &args.addresses {
        objects.push(book.object(address)?);
    }
    let labels: Vec<_> = objects.iter().map(|object| object.label()).collect();
    let hand = Hand::of(place, &book)?;
    confirm(&format!("Remove {} with everything stored in it?", visible(&labels.join(", "))), args.yes)?;
    hand.remove(&objects)?;
    hand.warn(place);
    place.answer(
        "state rm",
        || json!({ "removed": labels }),
        || format!("Removed {}\n", visible(&labels.join(", "))),
    );
    Ok(Said::Done)
}

/// Runs `reset`.
pub fn reset(args: &ResetArgs, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let namespaces = match book.scope(args.class.as_deref())? {
        Scope::All => book.namespaces()?,
        Scope::Namespace(namespace) => vec![namespace],
        Scope::Object(object) => {
            let what = format!("`{}` is an object; `dodev state rm` removes one", object.label());
            return Err(InspectError::Invalid(what));
        }
    };
    let mut objects = 0;
    for namespace in &namespaces {
        objects += book.ids(namespace)?.len();
    }
    let of = match args.class.as_deref() {
        Some(class) => format!("of `{class}`"),
        None => format!("in `{}`", place.shown(&place.persist)),
    };
    let hand = Hand::of(place, &book)?;
    confirm(&format!("Remove {} {of}?", count(objects, "object")), args.yes)?;
    match &hand {
        Hand::Files(writer) => namespaces.iter().try_for_each(|one| writer.remove_namespace(one))?,
        // It may have stored more of them meanwhile.
        Hand::Live(live) => objects = live.reset(args.class.is_some().then(|| &namespaces[0]))?,
    }
    hand.warn(place);
    place.answer(
        "state reset",
        || json!({ "objects": objects, "classes": namespaces.iter().map(|one| &one.class).collect::<Vec<_>>() }),
        || format!("Removed {} {of}\n", count(objects, "object")),
    );
    Ok(Said::Done)
}

/// Asks before something is lost, unless `yes` was said already.
pub fn confirm(question: &str, yes: bool) -> Result<(), InspectError> {
    if yes {
        return Ok(());
    }
    confirm_or(question, "this cannot be undone, and there is no terminal to ask on: say `--yes`")
}

/// Asks before something happens; `silent` says what to do where there is nobody to ask.
pub fn confirm_or(question: &str, silent: &str) -> Result<(), InspectError> {
    match ask(&format!("{question} [y/N] ")) {
        Some(answer) if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") => Ok(()),
        Some(_) => Err(InspectError::Invalid("nothing was changed".to_owned())),
        None => Err(InspectError::Invalid(silent.to_owned())),
    }
}
