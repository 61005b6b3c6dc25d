//! CLDR's locale data, packed by `wrangler-compat/intl-data.mjs`: an index, then one compressed chunk per section and language.
//!
//! It is read where it lies in the program; a chunk is decompressed when it is asked for, and JavaScript keeps what it made of
//! it. The data is Unicode's, Inc. (CLDR 48, Unicode License v3).

use std::collections::HashMap;
use std::sync::OnceLock;

static PACKED: &[u8] = include_bytes!("data/cldr.bin");

struct Packed {
    index: HashMap<String, (usize, usize)>,
    chunks: &'static [u8],
}

fn packed() -> &'static Packed {
    static OPENED: OnceLock<Packed> = OnceLock::new();
    OPENED.get_or_init(|| {
        let (size, rest) = PACKED.split_first_chunk::<4>().expect("the file begins with a length");
        let (index, chunks) = rest.split_at(u32::from_le_bytes(*size) as usize);
        Packed { index: serde_json::from_slice(index).expect("the index is JSON"), chunks }
    })
}

/// The lines of a chunk; none if there is no such chunk.
fn lines(section: &str, language: &str) -> Option<String> {
    let packed = packed();
    let (offset, length) = *packed.index.get(&format!("{section}:{language}"))?;
    let mut compressed = packed.chunks.get(offset..offset + length)?;
    let mut text = Vec::new();
    brotli_decompressor::BrotliDecompress(&mut compressed, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// What `section` says of `locale`, as JSON: the language's, and what differs in the locale if anything does.
/// Empty if the language is not there.
pub fn section(section: String, locale: String) -> Vec<String> {
    let language = locale.split('-').next().unwrap_or_default();
    let Some(text) = lines(&section, language) else { return Vec::new() };
    let mut lines = text.split('\n');
    let mut found: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    let differs = lines
        .filter_map(|line| line.split_once('\t'))
        .find(|(name, _)| *name == locale)
        .map(|(_, json)| json);
    found.extend(differs.map(str::to_owned));
    found
}

#[cfg(test)]
mod tests {
    use super::{packed, section};

    #[test]
    fn every_chunk_opens() {
        for name in packed().index.keys() {
            let (kind, language) = name.split_once(':').expect("names have two parts");
            let found = section(kind.to_owned(), language.to_owned());
            assert_eq!(found.len(), 1, "{name}");
            serde_json::from_str::<serde_json::Value>(&found[0]).expect(name);
        }
    }

    #[test]
    fn variants_differ_from_their_language() {
        assert_eq!(section("dates".into(), "en-GB".into()).len(), 2);
        assert_eq!(section("dates".into(), "xx".into()).len(), 0);
    }
}
