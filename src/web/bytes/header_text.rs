//! The syntax of header names, header values and media types.
//!
//! Fidelity: the platform refuses fewer bytes than the Fetch standard does (workerd `util/header-validation.h`):
//! names may hold non-ASCII characters and be empty, values everything but NUL, CR and LF.

/// `headerName(name)` → its lower case, `undefined` if it is not a header name.
pub(super) fn name(name: String) -> Option<String> {
    if !name.bytes().all(is_name_byte) {
        return None;
    }
    Some(name.to_ascii_lowercase())
}

fn is_name_byte(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | 0x7F) && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

/// `headerValue(value)` → the value without surrounding white space, `undefined` if it is no header value.
pub(super) fn value(value: String) -> Option<String> {
    let clean = value.trim_matches(['\t', '\r', '\n', ' ']);
    if clean.bytes().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
        return None;
    }
    if clean.len() == value.len() { Some(value) } else { Some(clean.to_owned()) }
}

/// A media type taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MimeType {
    /// `type/subtype`, lower case.
    pub essence: String,
    /// Parameters in order, names lower case; the first of each name counts.
    pub parameters: Vec<(String, String)>,
}

impl MimeType {
    /// Parses a header value; `None` if it is no media type.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_space);
        let (essence, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let (kind, subtype) = essence.split_once('/')?;
        let subtype = subtype.trim_end_matches(is_space);
        let token = |s: &str| !s.is_empty() && s.bytes().all(is_token_byte);
        if !token(kind) || !token(subtype) {
            return None;
        }
        let essence = format!("{kind}/{subtype}").to_ascii_lowercase();
        let mut parameters: Vec<(String, String)> = Vec::new();
        while !rest.is_empty() {
            let name_end = rest.find([';', '=']).unwrap_or(rest.len());
            let name = rest[..name_end].trim_start_matches(is_space).to_ascii_lowercase();
            rest = &rest[name_end..];
            let Some(after) = rest.strip_prefix('=') else {
                rest = rest.strip_prefix(';').unwrap_or(rest);
                continue;
            };
            let (value, quoted, after) = parameter_value(after);
            rest = after.find(';').map_or("", |at| &after[at + 1..]);
            let known = parameters.iter().any(|(n, _)| *n == name);
            let valid = (quoted || !value.is_empty()) && value.chars().all(is_value_char);
            if token(&name) && valid && !known {
                parameters.push((name, value));
            }
        }
        Some(Self { essence, parameters })
    }

    /// The value of the parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn parameter_value(text: &str) -> (String, bool, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end_matches(is_space).to_owned(), false, &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, true, &quoted[at + 1..]),
            '\\' => value.push(chars.next().map_or('\\', |(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, true, "")
}

fn is_value_char(c: char) -> bool {
    c == '\t' || (c >= ' ' && c != '\x7f')
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\r' | '\n' | ' ')
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The normal form: lower case, parameters without spaces, values quoted where they must be.
impl std::fmt::Display for MimeType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            if !value.is_empty() && value.bytes().all(is_token_byte) {
                write!(f, ";{name}={value}")?;
            } else {
                write!(f, ";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

/// `mimeType(text, parameter)` → the media type `text` holds, `undefined` if it holds none: without
/// `parameter` its normal form; with the empty one its essence; else the value of that parameter.
pub(super) fn mime_type(text: String, parameter: rquickjs::prelude::Opt<String>) -> Option<String> {
    let mime = MimeType::parse(&text)?;
    match parameter.0.as_deref() {
        None => Some(mime.to_string()),
        Some("") => Some(mime.essence),
        Some(name) => mime.parameter(name).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowered_or_refused() {
        for (text, expected) in
            [("X-One", Some("x-one")), ("bad name", None), ("a:b", None), ("", Some("")), ("Ż", Some("Ż"))]
        {
            assert_eq!(name(text.to_owned()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn values_are_trimmed_or_refused() {
        for (text, expected) in [
            (" a b\t", Some("a b")),
            ("a\nb", None),
            ("a\0", None),
            ("\n", Some("")),
            ("ż\u{1}", Some("ż\u{1}")),
        ] {
            assert_eq!(value(text.to_owned()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn media_types_have_a_normal_form() {
        for (text, expected) in [
            ("Text/HTML; charset=x", Some("text/html;charset=x")),
            ("a/b;c=\"d e\";c=f", Some("a/b;c=\"d e\"")),
            ("multipart/form-data; boundary=\"x;y\" ; z", Some("multipart/form-data;boundary=\"x;y\"")),
            ("text", None),
            ("/x", None),
        ] {
            assert_eq!(MimeType::parse(text).map(|m| m.to_string()).as_deref(), expected, "{text:?}");
        }
    }
}
