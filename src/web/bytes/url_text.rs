//! URLs as text: parsing, changing one component, origins.
//!
//! A URL lives in JavaScript as its normal text; components are cut out of it there. Only what needs the URL
//! algorithms comes here.
//!
//! Fidelity: the URL standard as it is now, where the crate follows an older text: `^` is escaped in paths, a path that is no
//! hierarchy keeps its last space as `%20`, slashes beyond two before an authority are skipped, and `file:` URLs are read by
//! [`file_url`]. Deviation: the setters of `file:` URLs, and those that write or remove the `/.` before a path of two slashes, stay the
//! crate's.

use std::borrow::Cow;

use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Result, String as JsString};
use url::{Position, Url, quirks};

use super::{file_url, plain_url};

/// `urlParse(text, base)` → the normal form of a URL, `undefined` if it is not one. Both are well-formed.
pub(super) fn parse<'js>(
    ctx: Ctx<'js>,
    text: JsString<'js>,
    base: Opt<String>,
) -> Result<Option<JsString<'js>>> {
    let bytes = text.clone().to_cstring()?;
    if base.0.is_none() && plain_url::is_normal(bytes.as_str()) {
        return Ok(Some(text));
    }
    let normal = normal_of(bytes.as_str(), base.0.as_deref());
    normal.map(|normal| JsString::from_str(ctx, &normal)).transpose()
}

/// `urlPath(href)` → the path of the normal text of an `http:` or `https:` URL, `undefined` for another.
pub(super) fn path<'js>(ctx: Ctx<'js>, href: JsString<'js>) -> Result<Option<JsString<'js>>> {
    let href = href.to_cstring()?;
    let text = href.as_str();
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return Ok(None);
    };
    // Such URLs have a host and a path; neither holds a raw "?" or "#".
    let path = &rest[rest.find('/').unwrap_or(rest.len())..];
    let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
    JsString::from_str(ctx, &path[..end]).map(Some)
}

/// The normal form of the URL `text`, relative to `base` where there is one; `None` if one of them is none.
pub(super) fn normal_of(text: &str, base: Option<&str>) -> Option<String> {
    let base = match base {
        Some(base) => Some(normal_of(base, None)?),
        None => None,
    };
    if let Some(found) = file_url::parse(text, base.as_deref()) {
        return found;
    }
    let url = match base {
        Some(base) => {
            let base = Url::parse(&base).ok()?;
            base.join(&without_more_slashes(&base, text)).ok()?
        }
        None => Url::parse(text).ok()?,
    };
    Some(normal(url))
}

/// The text of `url`, its path escaped as the standard has it.
fn normal(url: Url) -> String {
    let path = &url[Position::BeforePath..Position::AfterPath];
    let opaque = url.cannot_be_a_base();
    let escaped = match (opaque, path.strip_suffix(' ')) {
        (true, Some(rest)) => format!("{rest}%20"),
        (false, _) if path.contains('^') => path.replace('^', "%5E"),
        _ => return url.into(),
    };
    format!("{}{escaped}{}", &url[..Position::BeforePath], &url[Position::AfterPath..])
}

/// A reference that begins with three slashes or more, relative to a special URL: with two.
fn without_more_slashes<'a>(base: &Url, text: &'a str) -> Cow<'a, str> {
    let reference = text.trim_start_matches(|c| c <= ' ');
    let slash = |c| c == '/' || c == '\\';
    if !matches!(base.scheme(), "http" | "https" | "ws" | "wss" | "ftp") || !reference.starts_with(slash) {
        return Cow::Borrowed(text);
    }
    // Tabs and line ends count as if they were not there.
    let rest = reference.trim_start_matches(|c| slash(c) || matches!(c, '\t' | '\n' | '\r'));
    match reference[..reference.len() - rest.len()].matches(slash).count() {
        0..=2 => Cow::Borrowed(text),
        _ => Cow::Owned(format!("//{rest}")),
    }
}

/// `urlChange(href, component, value)` → the URL with one component changed as its setter does it; a value
/// that the component cannot take changes nothing.
pub(super) fn change(href: String, component: String, value: String) -> String {
    let Ok(mut url) = Url::parse(&href) else { return href };
    // The setters ignore what they cannot take, by definition.
    let _ignored = match component.as_str() {
        "protocol" => quirks::set_protocol(&mut url, &value),
        "username" => quirks::set_username(&mut url, &value),
        "password" => quirks::set_password(&mut url, &value),
        "host" => quirks::set_host(&mut url, &value),
        "hostname" => quirks::set_hostname(&mut url, &value),
        "port" => quirks::set_port(&mut url, &value),
        "pathname" => {
            quirks::set_pathname(&mut url, &value);
            Ok(())
        }
        "search" => {
            quirks::set_search(&mut url, &value);
            Ok(())
        }
        "hash" => {
            quirks::set_hash(&mut url, &value);
            Ok(())
        }
        _ => Err(()),
    };
    normal(url)
}

/// `urlOrigin(href)` → the origin as text, `null` (the word) for opaque ones.
pub(super) fn origin(href: String) -> String {
    match Url::parse(&href) {
        Ok(url) if url.scheme() == "blob" => {
            let inner = Url::parse(&url[Position::BeforePath..]);
            match inner {
                Ok(inner) if matches!(inner.scheme(), "http" | "https") => quirks::origin(&inner),
                _ => "null".to_owned(),
            }
        }
        Ok(url) => quirks::origin(&url),
        Err(_) => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_urls_need_a_base() {
        assert_eq!(normal_of("/x", None), None);
        let joined = normal_of("../c?d", Some("http://h/a/b/"));
        assert_eq!(joined.as_deref(), Some("http://h/a/c?d"));
    }

    #[test]
    fn paths_and_slashes_are_the_standards_of_today() {
        for (text, base, expected) in [
            ("http://h/a^b?c^d#e^f", None, "http://h/a%5Eb?c^d#e^f"),
            ("x:a  ?b", None, "x:a %20?b"),
            ("x:a  ", None, "x:a"),
            ("///test", Some("http://h/"), "http://test/"),
            (" /\\/\t/test", Some("https://h/"), "https://test/"),
            ("//test/a", Some("http://h/"), "http://test/a"),
            ("/test//a", Some("http://h/"), "http://h/test//a"),
            ("///a", Some("x:/b"), "x:///a"),
        ] {
            let found = normal_of(text, base);
            assert_eq!(found.as_deref(), Some(expected), "{text:?} against {base:?}");
        }
        let changed = change("http://h/".to_owned(), "pathname".to_owned(), "/^".to_owned());
        assert_eq!(changed, "http://h/%5E");
    }

    #[test]
    fn setters_change_one_component_or_nothing() {
        let check = |component: &str, value: &str, expected: &str| {
            let changed = change("http://h:81/a?b#c".to_owned(), component.to_owned(), value.to_owned());
            assert_eq!(changed, expected, "{component} = {value}");
        };
        check("port", "80", "http://h/a?b#c");
        check("port", "99999", "http://h:81/a?b#c");
        check("hash", "z", "http://h:81/a?b#z");
        check("search", "", "http://h:81/a#c");
        check("host", "", "http://h:81/a?b#c");
        check("protocol", "https", "https://h:81/a?b#c");
    }

    #[test]
    fn only_hierarchical_urls_have_an_origin() {
        for (href, expected) in [
            ("http://h:81/a", "http://h:81"),
            ("data:x", "null"),
            ("blob:http://a/x", "http://a"),
            ("file:///a", "null"),
        ] {
            assert_eq!(origin(href.to_owned()), expected, "{href}");
        }
    }
}
