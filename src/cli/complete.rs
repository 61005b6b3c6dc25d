//! What shells complete while one types: addresses of stored objects, names of snapshots.
//!
//! The shell runs this program for every press of the key, so only file names are looked at until a class is chosen.
//! Only the state of the working directory is known then: arguments are not read yet.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;

use super::place::PlaceArgs;
use crate::inspect::{Book, snapshot_names};

/// Most names that are offered.
const MOST: usize = 1_000;

fn book() -> Option<Book> {
    let args = PlaceArgs { config: Vec::new(), cwd: None, persist_to: None, json: false };
    Book::open(&args.persist()).ok()
}

/// Classes, and after `Class:` its objects.
pub fn addresses(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(current), Some(book)) = (current.to_str(), book()) else { return Vec::new() };
    let found: Vec<String> = match current.split_once(':') {
        None => {
            let namespaces = book.namespaces().unwrap_or_default();
            let classes = namespaces
                .iter()
                .flat_map(|namespace| [namespace.class.clone(), format!("{}:", namespace.class)]);
            classes.collect()
        }
        Some((class, _)) => {
            let Ok(namespace) = book.find_namespace(class) else { return Vec::new() };
            let listed = book.list(&namespace).unwrap_or_default();
            let name = |object: crate::inspect::ObjectRef| match object.name {
                Some(name) => format!("{class}:{name}"),
                None => format!("{class}:{}", object.id),
            };
            listed.into_iter().map(|listed| name(listed.object)).collect()
        }
    };
    candidates(found, current)
}

/// Names of snapshots, and `live`.
pub fn snapshots(current: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(current), Some(book)) = (current.to_str(), book()) else { return Vec::new() };
    candidates(snapshot_names(&book).unwrap_or_default(), current)
}

fn candidates(found: Vec<String>, current: &str) -> Vec<CompletionCandidate> {
    // Bash puts what it gets into the line as it is; the other shells quote.
    let is_bash = std::env::var_os("COMPLETE").is_some_and(|shell| shell == "bash");
    // A line break would be two candidates, or run what was typed.
    let found = found.into_iter().filter(|name| !name.contains(char::is_control));
    let written = found.map(|name| if is_bash { escaped(&name) } else { name });
    written.filter(|name| name.starts_with(current)).take(MOST).map(CompletionCandidate::new).collect()
}

/// `name` as one word of a command line.
fn escaped(name: &str) -> String {
    let mut word = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() && !"_./:@%+=,-".contains(letter) {
            word.push('\\');
        }
        word.push(letter);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_escaped() {
        for (name, expected) in [
            ("Room:a.b@c/d-1", "Room:a.b@c/d-1"),
            ("Room:a b", "Room:a\\ b"),
            ("Room:it's $x", "Room:it\\'s\\ \\$x"),
            ("Room:ü", "Room:ü"),
        ] {
            assert_eq!(escaped(name), expected);
        }
    }
}
