//! Switches of `dodev dev` with a value, as scripts for `wrangler dev` have them: `--minify false`, `--local=true`.
//!
//! Fidelity: observed with wrangler 4.164.0: a switch takes `true` or `false` after it, with a space or an equals sign. Ours
//! that need to know take a value after an equals sign only, so that `dodev dev --minify src/index.ts` means what it says; the
//! others are there or not. Lists like that of `--var` go on as long as names with values come.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Switches that know three states.
const WITH_VALUE: &[&str] =
    &["--minify", "--bundle", "--infer-origin-from-routes", "--show-interactive-dev-session"];
/// Switches that are there or not.
const PLAIN: &[&str] = &["--no-bundle", "--test-scheduled", "--live-reload", "--local", "-l", "--latest"];

/// Flags whose values may stand one after the other, as in `--var A:1 B:2`.
const LISTS: &[&str] = &["--var", "--define", "--alias"];

/// `arguments`, the program's name first, with the values of switches where the parser takes them.
pub fn settled(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter().peekable();
    let mut settled: Vec<OsString> = arguments.by_ref().take(2).collect();
    if !settled.get(1).is_some_and(|command| command == "dev" || command == "test") {
        settled.extend(arguments);
        return settled;
    }
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            settled.push(argument);
            break;
        }
        let Some(text) = argument.to_str() else {
            settled.push(argument);
            continue;
        };
        let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let (has_value, is_plain) = (WITH_VALUE.contains(&name), PLAIN.contains(&name));
        let given = match joined {
            Some(value) => truth(value.as_ref()),
            None if has_value || is_plain => {
                arguments.next_if(|next| truth(next).is_some()).and_then(|next| truth(&next))
            }
            None => None,
        };
        if LISTS.contains(&name) {
            let name = OsString::from(name);
            if joined.is_none() {
                settled.push(name.clone());
                settled.extend(arguments.next());
            } else {
                settled.push(argument);
            }
            while let Some(pair) = arguments.next_if(|next| is_pair(next)) {
                settled.extend([name.clone(), pair]);
            }
            continue;
        }
        match given {
            Some(value) if has_value => settled.push(format!("{name}={value}").into()),
            Some(true) if is_plain => settled.push(name.into()),
            Some(false) if is_plain => {}
            _ => settled.push(argument),
        }
    }
    settled.extend(arguments);
    settled
}

/// Whether `text` is a name, a colon and a value, and not a main module.
fn is_pair(text: &OsStr) -> bool {
    let name = text.to_str().and_then(|text| text.split_once(':')).map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && !name.starts_with('-')) && !Path::new(text).exists()
}

fn truth(text: &OsStr) -> Option<bool> {
    match text.to_str() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_the_parser_takes_them() {
        for (given, expected) in [
            ("dodev dev --minify false a.ts", "dodev dev --minify=false a.ts"),
            ("dodev dev --minify a.ts", "dodev dev --minify a.ts"),
            ("dodev dev --minify=true --local=true -l false", "dodev dev --minify=true --local"),
            ("dodev dev --test-scheduled true --test-scheduled=false", "dodev dev --test-scheduled"),
            ("dodev dev --live-reload false", "dodev dev"),
            ("dodev dev --no-bundle", "dodev dev --no-bundle"),
            ("dodev dev --local=maybe", "dodev dev --local=maybe"),
            ("dodev dev --name true --var A:true", "dodev dev --name true --var A:true"),
            (
                "dodev test --minify false -- run --minify false",
                "dodev test --minify=false -- run --minify false",
            ),
            ("dodev dev --var A:1 B:2 C: a.ts", "dodev dev --var A:1 --var B:2 --var C: a.ts"),
            (
                "dodev dev --define=A:1 B:2 --alias a:b -q",
                "dodev dev --define=A:1 --define B:2 --alias a:b -q",
            ),
            ("dodev dev --var -q", "dodev dev --var -q"),
            ("dodev dev --var", "dodev dev --var"),
            ("dodev state --local true", "dodev state --local true"),
            ("dodev", "dodev"),
        ] {
            let arguments = settled(given.split(' ').map(OsString::from));
            assert_eq!(arguments.join(OsStr::new(" ")), expected);
        }
    }
}
