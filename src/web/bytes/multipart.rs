//! Takes a `multipart/form-data` body apart.
//!
//! Fidelity: refusals and their order are those of workerd (`api/form-data.c++`, messages recorded from it):
//! part headers end at the first empty line, parameters of `Content-Disposition` must be quoted, a
//! quote or backslash may be escaped by a backslash. Writing such bodies is string work and lies in JavaScript.

/// One part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// Name of the form field.
    pub name: String,
    /// Name of the file, if the part is one.
    pub file_name: Option<String>,
    /// The part's own `Content-Type`.
    pub content_type: Option<String>,
    /// The content.
    pub value: &'a [u8],
}

/// Why a body is not a form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultipartError {
    #[error("Length of multipart/form-data boundary string must be in the range [1, 70].")]
    BoundaryLength,
    #[error("No initial boundary string (or you have a truncated message).")]
    NoInitialBoundary,
    #[error("Boundary string was not succeeded by CRLF, LF, or '--'.")]
    AfterBoundary,
    #[error("No multipart message header termination found.")]
    NoHeaderEnd,
    #[error("FormData part had invalid headers.")]
    BadHeaders,
    #[error("No valid Content-Disposition header found in FormData part.")]
    NoDisposition,
    #[error(
        "Content-Disposition header for FormData part must have the value \"form-data\", possibly followed by parameters. Got: \"{0}\""
    )]
    WrongDisposition(String),
    #[error("Content-Disposition header in FormData part is missing a name.")]
    NoName,
    #[error("No subsequent boundary string after multipart message.")]
    NoNextBoundary,
}

/// The parts of `body`, delimited by `boundary` (without its dashes).
pub(super) fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, MultipartError> {
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(MultipartError::BoundaryLength);
    }
    let delimiter = format!("--{boundary}").into_bytes();
    let start = find(body, &delimiter).ok_or(MultipartError::NoInitialBoundary)?;
    let mut rest = &body[start + delimiter.len()..];
    if rest.is_empty() {
        return Err(MultipartError::NoInitialBoundary);
    }
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        rest = strip_line_end(rest).ok_or(MultipartError::AfterBoundary)?;
        let (headers, after) = split_headers(rest).ok_or(MultipartError::NoHeaderEnd)?;
        let (name, file_name, content_type) = read_headers(headers)?;
        let end = find(after, &delimiter).ok_or(MultipartError::NoNextBoundary)?;
        let value = &after[..end];
        let value = value.strip_suffix(b"\r\n").or_else(|| value.strip_suffix(b"\n")).unwrap_or(value);
        parts.push(Part { name, file_name, content_type, value });
        rest = &after[end + delimiter.len()..];
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = 0;
    while let Some(step) = haystack[at..].iter().position(|b| *b == first) {
        at += step;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn strip_line_end(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n"))
}

/// Splits behind the first empty line.
fn split_headers(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|b| *b == b'\n')? + 1;
        if let Some(after) = strip_line_end(&bytes[at..]) {
            return Some((&bytes[..at], after));
        }
    }
}

type PartHeaders = (String, Option<String>, Option<String>);

fn read_headers(headers: &[u8]) -> Result<PartHeaders, MultipartError> {
    let text = String::from_utf8_lossy(headers);
    let mut disposition = None;
    let mut content_type = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(MultipartError::BadHeaders)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-disposition") {
            disposition = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(value.to_owned());
        }
    }
    let disposition = disposition.ok_or(MultipartError::NoDisposition)?;
    let kind_end = disposition.find(';').unwrap_or(disposition.len());
    let kind = disposition[..kind_end].trim_end();
    if kind != "form-data" {
        return Err(MultipartError::WrongDisposition(kind.to_owned()));
    }
    let (mut name, mut file_name) = (None, None);
    for (key, value) in quoted_parameters(&disposition[kind_end..]) {
        match key.to_ascii_lowercase().as_str() {
            "name" => name = Some(value),
            "filename" => file_name = Some(value),
            _ => {}
        }
    }
    Ok((name.ok_or(MultipartError::NoName)?, file_name, content_type))
}

/// The parameters before the first one whose value is not quoted.
fn quoted_parameters(mut text: &str) -> Vec<(&str, String)> {
    let mut parameters = Vec::new();
    loop {
        let Some(after) = text.trim_start().strip_prefix(';') else { return parameters };
        let Some((key, quoted)) = after.split_once("=\"") else { return parameters };
        let key = key.trim();
        if key.contains([';', '=', '"']) {
            return parameters;
        }
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        let end = loop {
            match chars.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => value.extend(chars.next().map(|(_, c)| c)),
                Some((_, c)) => value.push(c),
                None => return parameters,
            }
        };
        parameters.push((key, value));
        text = &quoted[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

    type Expected<'a> = Result<Vec<(&'a str, Option<&'a str>, &'a str)>, MultipartError>;

    fn check(body: &str, expected: &Expected<'_>) {
        let parts = parse(body.as_bytes(), "b");
        let seen = parts.as_ref().map(|parts| {
            let text = |part: &Part<'_>| String::from_utf8_lossy(part.value).into_owned();
            parts.iter().map(|p| (p.name.clone(), p.file_name.clone(), text(p))).collect::<Vec<_>>()
        });
        let expected = expected.as_ref().map(|parts| {
            parts
                .iter()
                .map(|(n, f, v)| ((*n).to_owned(), f.map(str::to_owned), (*v).to_owned()))
                .collect::<Vec<_>>()
        });
        assert_eq!(seen, expected, "{body:?}");
    }

    #[test]
    fn parts_come_out_in_order() {
        check(
            &format!("--b\r\n{FIELD}1\r\n--b\r\n{FIELD}2\r\n--b--\r\n"),
            &Ok(vec![("a", None, "1"), ("a", None, "2")]),
        );
        let file = "--b\nContent-Disposition: form-data; name=\"\\\"f\"; filename=\"n.txt\"\n\nx\ny\n--b--";
        check(file, &Ok(vec![("\"f", Some("n.txt"), "x\ny")]));
        check("--b--", &Ok(vec![]));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        check("x", &Err(MultipartError::NoInitialBoundary));
        check("--b", &Err(MultipartError::NoInitialBoundary));
        check("--bx", &Err(MultipartError::AfterBoundary));
        check("--b\r\nx", &Err(MultipartError::NoHeaderEnd));
        check("--b\r\nx:y\r\n\r\n", &Err(MultipartError::NoDisposition));
        check(
            "--b\r\nContent-Disposition: x\r\n\r\n",
            &Err(MultipartError::WrongDisposition("x".to_owned())),
        );
        check("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n", &Err(MultipartError::NoName));
        check(&format!("--b\r\n{FIELD}1"), &Err(MultipartError::NoNextBoundary));
    }
}
