//! Language tags: their canonical form and likely subtags, by ICU4X.

use icu_locale::{LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander};

/// A language of three letters that nobody uses, in the place of one that ICU4X does not know.
const STAND_IN: &str = "qqq";

/// The language of a tag if it has five to eight letters, and the tag with the one that stands in for it.
///
/// No such language is registered, but they are well formed and common: `fullwide` for numbers without a separator.
fn stand_in(tag: &str) -> Option<(String, String)> {
    let (language, rest) = tag.split_at(tag.find('-').unwrap_or(tag.len()));
    let is_long = matches!(language.len(), 5..=8) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_long.then(|| (language.to_ascii_lowercase(), format!("{STAND_IN}{rest}")))
}

/// The canonical form of a language tag; nothing if it is not well formed.
pub fn canonical(tag: String) -> Option<String> {
    if let Some((language, tag)) = stand_in(&tag) {
        return canonical(tag).map(|tag| tag.replacen(STAND_IN, &language, 1));
    }
    let mut locale: Locale = tag.parse().ok()?;
    LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
    Some(locale.to_string())
}

/// The language identifier with its likely subtags added.
pub fn maximize(tag: String) -> Option<String> {
    if stand_in(&tag).is_some() {
        return Some(tag);
    }
    let mut id: LanguageIdentifier = tag.parse().ok()?;
    LocaleExpander::new_extended().maximize(&mut id);
    Some(id.to_string())
}

/// The language identifier without the subtags that are likely anyway.
pub fn minimize(tag: String) -> Option<String> {
    if stand_in(&tag).is_some() {
        return Some(tag);
    }
    let mut id: LanguageIdentifier = tag.parse().ok()?;
    LocaleExpander::new_extended().minimize(&mut id);
    Some(id.to_string())
}
