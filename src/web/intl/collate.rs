//! Comparing texts by the customs of a locale, by ICU4X.
//!
//! Collators are kept by what they were made of: as many as there are combinations in use.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, Strength};
use icu_collator::preferences::CollationCaseFirst;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale::Locale;
use rquickjs::{Ctx, Function, Object, Result};

#[derive(Default)]
struct Collators {
    by_key: HashMap<(String, String), u32>,
    all: Vec<CollatorBorrowed<'static>>,
}

/// Adds `collator(tag, sensitivity, punctuation) -> [id, caseFirst, ignoresPunctuation]` and `compare(id, a, b)`.
pub fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let collators = Rc::new(RefCell::new(Collators::default()));
    let made = collators.clone();
    let make = move |tag: String, sensitivity: String, punctuation: Option<bool>| {
        let found =
            made.borrow().by_key.get(&(tag.clone(), format!("{sensitivity}{punctuation:?}"))).copied();
        let id = found.or_else(|| {
            let collator = collator(&tag, &sensitivity, punctuation)?;
            let mut collators = made.borrow_mut();
            let id = u32::try_from(collators.all.len()).ok()?;
            collators.all.push(collator);
            collators.by_key.insert((tag, format!("{sensitivity}{punctuation:?}")), id);
            Some(id)
        })?;
        let resolved = made.borrow().all[id as usize].resolved_options();
        let first = match resolved.case_first {
            CollationCaseFirst::Upper => 1,
            CollationCaseFirst::Lower => 2,
            _ => 0,
        };
        Some(vec![id, first, u32::from(resolved.alternate_handling == AlternateHandling::Shifted)])
    };
    object.set("collator", Function::new(ctx.clone(), make)?)?;
    let compare = move |id: u32, a: String, b: String| {
        let collators = collators.borrow();
        match collators.all.get(id as usize).map(|collator| collator.compare(&a, &b)) {
            Some(Ordering::Less) => -1,
            Some(Ordering::Greater) => 1,
            _ => 0,
        }
    };
    object.set("compare", Function::new(ctx.clone(), compare)?)
}

fn collator(tag: &str, sensitivity: &str, punctuation: Option<bool>) -> Option<CollatorBorrowed<'static>> {
    let locale: Locale = tag.parse().ok()?;
    let mut options = CollatorOptions::default();
    match sensitivity {
        "base" => options.strength = Some(Strength::Primary),
        "accent" => options.strength = Some(Strength::Secondary),
        "case" => {
            options.strength = Some(Strength::Primary);
            options.case_level = Some(CaseLevel::On);
        }
        _ => options.strength = Some(Strength::Tertiary),
    }
    options.alternate_handling = punctuation.map(|ignored| match ignored {
        true => AlternateHandling::Shifted,
        false => AlternateHandling::NonIgnorable,
    });
    CollatorBorrowed::try_new(CollatorPreferences::from(&locale), options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_and_options_differ() {
        let less = |tag: &str, sensitivity: &str, a: &str, b: &str| {
            collator(tag, sensitivity, None).expect("a collator").compare(a, b) == Ordering::Less
        };
        assert!(less("de", "variant", "ä", "z"));
        assert!(less("sv", "variant", "z", "ä"));
        assert!(less("en-u-kn", "variant", "2", "10"));
        assert!(!less("en", "variant", "2", "10"));
        assert!(!less("en", "base", "a", "Á") && !less("en", "base", "Á", "a"));
    }
}
