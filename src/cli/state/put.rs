//! `dodev state put`: sets a key.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::args::{PutArgs, ValueForm};
use crate::cli::hand::Hand;
use crate::cli::live::Live;
use crate::cli::place::{Outcome, Place, Said};
use crate::cli::table::{size, visible};
use crate::codec;
use crate::codec::Value;
use crate::inspect::{InspectError, parse_value, value_from_json};

/// Runs the command.
pub fn run(args: &PutArgs, place: &Place) -> Outcome {
    let book = place.book_to_change()?;
    let text = match args.value.as_str() {
        "-" => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(InspectError::io("read", "standard input".as_ref()))?;
            text
        }
        text => text.to_owned(),
    };
    let (value, bytes) = read(args.from, &text)?;
    let object = match args.create {
        true => book.object_to_make(&args.address).or_else(|error| {
            // A server knows the classes of its project, also those of which nothing is stored.
            let live = Live::of(&book).ok().flatten();
            let found = live.zip(args.address.split_once(':'));
            found.and_then(|(live, (class, name))| live.find(&book, class, name, true)).ok_or(error)
        })?,
        false => book.object(&args.address).map_err(|error| match error {
            InspectError::NotFound { what, nearest, .. } if nearest.is_empty() => InspectError::NotFound {
                what,
                nearest,
                help: Some("`--create` makes an object of a class that is stored already".to_owned()),
            },
            error => error,
        })?,
    };
    let hand = Hand::of(place, &book)?;
    hand.put(&object, &args.key, &bytes)?;
    hand.warn(place);
    let bytes = bytes.len();
    place.answer(
        "state put",
        || json!({ "object": object.label(), "key": args.key, "value": codec::to_json(&value), "size_bytes": bytes }),
        || format!("Set `{}` of {} ({})\n", visible(&args.key), visible(&object.label()), size(bytes as u64)),
    );
    Ok(Said::Done)
}

/// The value that `text` means, and its bytes.
fn read(form: ValueForm, text: &str) -> Result<(Value, Vec<u8>), InspectError> {
    let invalid = |error: &dyn std::fmt::Display| InspectError::Invalid(error.to_string());
    let value = match form {
        ValueForm::Js => parse_value(text).map_err(|error| invalid(&error))?,
        ValueForm::Json => {
            let json = serde_json::from_str(text).map_err(|error| invalid(&error))?;
            value_from_json(&json)
                .map_err(|error| invalid(&format!("{error}; `--from v8` takes all values")))?
        }
        ValueForm::V8 => {
            let bytes = STANDARD.decode(text.trim()).map_err(|error| invalid(&error))?;
            return match codec::read(&bytes) {
                Ok((value, used)) if used == bytes.len() => Ok((value, bytes)),
                Ok(_) => Err(invalid(&"the serialized value has bytes after its end")),
                Err(error) => Err(invalid(&error)),
            };
        }
    };
    let bytes = codec::write(&value).map_err(|error| invalid(&error))?;
    Ok((value, bytes))
}
