//! Language tags: their canonical form and likely subtags, by ICU4X.

use icu_locale::{LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander};

/// The canonical form of a language tag; nothing if it is not well formed.
pub fn canonical(tag: String) -> Option<String> {
    let mut locale: Locale = tag.parse().ok()?;
    LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
    Some(locale.to_string())
}

/// The language identifier with its likely subtags added.
pub fn maximize(tag: String) -> Option<String> {
    let mut id: LanguageIdentifier = tag.parse().ok()?;
    LocaleExpander::new_extended().maximize(&mut id);
    Some(id.to_string())
}

/// The language identifier without the subtags that are likely anyway.
pub fn minimize(tag: String) -> Option<String> {
    let mut id: LanguageIdentifier = tag.parse().ok()?;
    LocaleExpander::new_extended().minimize(&mut id);
    Some(id.to_string())
}
