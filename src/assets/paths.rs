//! Paths of URLs as names and back: `decodeURIComponent` and `encodeURIComponent`, segment by segment.

use std::fmt::Write as _;

/// `path` with each segment decoded and slashes in a row made one. A segment that is no encoded UTF-8 stays.
pub fn decode(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(|one| component(one).unwrap_or(one.to_owned())).collect();
    let mut decoded = String::with_capacity(path.len());
    for character in segments.join("/").chars() {
        if character != '/' || !decoded.ends_with('/') {
            decoded.push(character);
        }
    }
    decoded
}

fn component(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let code = digit(0)? * 16 + digit(1)?;
        bytes.push(u8::try_from(code).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

/// `path` with each segment encoded.
pub fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => {
                encoded.push(char::from(byte))
            }
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => write!(encoded, "%{byte:02X}").expect("strings take text"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_on_their_own() {
        for (path, expected) in [
            ("/a%20b", "/a b"),
            ("/%E6%97%A5/x", "/日/x"),
            ("/100%/a%2Fb", "/100%/a/b"),
            ("/%ff/%2e", "/%ff/."),
            ("/%", "/%"),
            ("//a///b//", "/a/b/"),
            ("/%2Fa", "/a"),
            ("", ""),
        ] {
            assert_eq!(decode(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_encoded_is_what_javascript_encodes() {
        assert_eq!(encode("/a b/@x+y,(z)!~*'.-_日"), "/a%20b/%40x%2By%2C(z)!~*'.-_%E6%97%A5");
    }
}
