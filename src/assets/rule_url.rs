//! The URLs of rule files.
//!
//! Fidelity: texts and order of the checks are those of wrangler 4.164.0.

use url::Url;

/// What a rule allows of its URL.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// No host.
    pub only_relative: bool,
    /// No port.
    pub no_ports: bool,
    /// Query and fragment belong to it.
    pub whole: bool,
}

/// `https://`, the host and the path after it, if `text` has a host.
fn host_of(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("https://")?.trim_start_matches('/');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!host.is_empty()).then_some((host, path))
}

/// Whether `text` is a URL with a host.
pub fn has_host(text: &str) -> bool {
    host_of(text).is_some()
}

/// The URL that `text` means.
///
/// # Errors
/// Why it is none.
pub fn validate(text: &str, allowed: Allowed) -> Result<String, String> {
    if let Some((host, path)) = host_of(text) {
        if allowed.only_relative {
            return Err(format!("Only relative URLs are allowed. Skipping absolute URL {text}."));
        }
        let port = host.rsplit_once(':').map(|(_, port)| port);
        if allowed.no_ports && port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) {
            return Err(format!("Specifying ports is not supported. Skipping absolute URL {text}."));
        }
        let path = path_of(path, allowed.whole).unwrap_or_default();
        return Ok(format!("https://{host}{path}"));
    }
    if text.starts_with('/') || allowed.only_relative {
        return path_of(text, allowed.whole)
            .ok_or_else(|| format!("Error parsing URL segment {text}. Skipping."));
    }
    Err("URLs should either be relative (e.g. begin with a forward-slash), or use HTTPS (e.g. begin with \
         \"https://\")."
        .to_owned())
}

/// The path as a URL parser writes it, of a scheme that it does not know.
fn path_of(text: &str, whole: bool) -> Option<String> {
    let slash = if text.starts_with('/') { "" } else { "/" };
    let url = Url::parse(&format!("relative://{slash}{text}")).ok()?;
    let mut path = url.path().to_owned();
    if whole {
        if let Some(query) = url.query().filter(|query| !query.is_empty()) {
            path = format!("{path}?{query}");
        }
        if let Some(fragment) = url.fragment().filter(|fragment| !fragment.is_empty()) {
            path = format!("{path}#{fragment}");
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_rules() {
        let relative = Allowed { only_relative: true, no_ports: true, whole: false };
        let any = Allowed { whole: true, ..Allowed::default() };
        let header = Allowed { no_ports: true, ..Allowed::default() };
        for (text, allowed, expected) in [
            ("/a b", header, Ok("/a%20b")),
            ("/a/../b", header, Ok("/b")),
            ("a", relative, Ok("/a")),
            ("//a/b", header, Ok("//a/b")),
            ("/a?b#c", any, Ok("/a?b#c")),
            ("/a?b#c", header, Ok("/a")),
            ("/é", header, Ok("/%C3%A9")),
            ("/*/:x", header, Ok("/*/:x")),
            ("https://x.example", any, Ok("https://x.example/")),
            ("https://x.example/a?b", any, Ok("https://x.example/a?b")),
            ("https://x.example:80/a", header, Err("Specifying ports")),
            ("https://x.example/a", relative, Err("Only relative")),
            ("http://x.example/", header, Err("URLs should either")),
            ("x", any, Err("URLs should either")),
        ] {
            match (validate(text, allowed), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected, "{text}"),
                (Err(reason), Err(start)) => assert!(reason.starts_with(start), "{text}: {reason}"),
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }
}
