//! Upper and lower case by the customs of a language, by ICU4X.

use icu_casemap::CaseMapper;
use icu_locale::LanguageIdentifier;

/// `text` in upper or lower case as `language` writes it; unknown languages are like English.
pub fn change(text: String, language: String, upper: bool) -> String {
    let language: LanguageIdentifier = language.parse().unwrap_or(LanguageIdentifier::UNKNOWN);
    let mapper = CaseMapper::new();
    if upper {
        mapper.uppercase_to_string(&text, &language).into_owned()
    } else {
        mapper.lowercase_to_string(&text, &language).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn languages_differ() {
        for (text, language, upper, expected) in [
            ("istanbul", "tr", true, "İSTANBUL"),
            ("ISTANBUL", "tr", false, "ıstanbul"),
            ("istanbul", "en", true, "ISTANBUL"),
            ("άέ", "el", true, "ΑΕ"),
            ("straße", "de", true, "STRASSE"),
        ] {
            assert_eq!(change(text.into(), language.into(), upper), expected);
        }
    }
}
