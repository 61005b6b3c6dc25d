//! Where graphemes, words and sentences of a text end, by ICU4X.

use icu_locale::LanguageIdentifier;
use icu_segmenter::options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions, WordBreakOptions};
use icu_segmenter::{GraphemeClusterSegmenter, SentenceSegmenter, WordSegmenter, WordSegmenterBorrowed};

/// A position in UTF-16, doubled.
fn end(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX / 2) * 2
}

fn words(segmenter: WordSegmenterBorrowed<'_>, units: &[u16]) -> Vec<u32> {
    let words = segmenter.segment_utf16(units).iter_with_word_type().skip(1);
    words.map(|(at, kind)| end(at) + u32::from(kind.is_word_like())).collect()
}

/// The ends of the segments of `text` in units of UTF-16, doubled; plus 1 for words that are no spaces or punctuation.
pub fn segments(granularity: String, locale: String, text: String) -> Vec<u32> {
    let units: Vec<u16> = text.encode_utf16().collect();
    match granularity.as_str() {
        "grapheme" => GraphemeClusterSegmenter::new().segment_utf16(&units).skip(1).map(end).collect(),
        "sentence" => {
            let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
            segmenter.segment_utf16(&units).skip(1).map(end).collect()
        }
        _ => {
            let language: Option<LanguageIdentifier> = locale.parse().ok();
            let mut options = WordBreakOptions::default();
            options.content_locale = language.as_ref();
            match WordSegmenter::try_new_auto(options) {
                Ok(segmenter) => words(segmenter.as_borrowed(), &units),
                Err(_) => words(WordSegmenter::new_auto(WordBreakInvariantOptions::default()), &units),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn ends_are_units_of_utf16() {
        let of = |granularity: &str, text: &str| segments(granularity.into(), "en".into(), text.into());
        assert_eq!(of("grapheme", "👨‍👩‍👧a"), [16, 18]);
        assert_eq!(of("word", "Hi, you"), [5, 6, 8, 15]);
        assert_eq!(of("sentence", "A b. C d."), [10, 18]);
        assert!(of("word", "").is_empty());
    }
}
