//! URLs that stand in their normal form already, as those of requests do: told by looking at each byte once.
//!
//! The whole algorithm takes four times the instructions. What is not plain here may still be normal; then the algorithm
//! says so. A property below holds the two together.

/// Bytes that stay as they are in a path.
const PATH: u8 = 1;
/// The same in a query.
const QUERY: u8 = 2;
/// The same in a fragment.
const FRAGMENT: u8 = 4;

const KEPT: [u8; 256] = {
    let mut kept = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        kept[byte] = match byte as u8 {
            b'"' | b'<' | b'>' | b'#' | b'?' => 0,
            b'\'' => PATH | FRAGMENT,
            b'`' => QUERY,
            b'{' | b'}' | b'^' | b'\\' => QUERY | FRAGMENT,
            _ => PATH | QUERY | FRAGMENT,
        };
        byte += 1;
    }
    // The first of them ends a path, both may stand in what follows.
    kept[b'?' as usize] = QUERY | FRAGMENT;
    kept
};

/// Whether `text` is an `http:` or `https:` URL, and its own normal form; `false` also where that takes more than a look.
pub fn is_normal(text: &str) -> bool {
    let (rest, default) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (rest, 80),
        (_, Some(rest)) => (rest, 443),
        _ => return false,
    };
    let Some(slash) = rest.find('/') else { return false };
    let (authority, rest) = rest.split_at(slash);
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    is_host(host) && port.is_none_or(|port| is_port(port, default)) && is_rest(rest.as_bytes())
}

/// A name of small letters, digits and single hyphens, or an address of four numbers.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        // Two hyphens begin names that are written in another way.
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(byte)
            && !label.contains("--")
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    if !last.starts_with(|c: char| c.is_ascii_digit()) {
        return host.len() < 254 && host.split('.').all(is_label);
    }
    let is_number =
        |part: &str| part.parse::<u8>().is_ok_and(|_| part == "0" || !part.starts_with(['0', '+']));
    host.split('.').count() == 4 && host.split('.').all(is_number)
}

fn is_port(port: &str, default: u16) -> bool {
    !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok_and(|port| port != default)
}

/// A path without segments that mean a directory, a query and a fragment, with bytes that stay as they are.
fn is_rest(rest: &[u8]) -> bool {
    let mut part = PATH;
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            b'?' if part == PATH => part = QUERY,
            b'#' if part != FRAGMENT => part = FRAGMENT,
            byte if KEPT[usize::from(*byte)] & part == 0 => return false,
            b'/' if part == PATH && is_dots(&rest[index + 1..]) => return false,
            _ => {}
        }
    }
    true
}

/// Whether a segment may be one or two dots, written as such or escaped.
fn is_dots(segment: &[u8]) -> bool {
    match segment {
        [b'%', b'2', ..] => true,
        [b'.', rest @ ..] => matches!(rest.first(), None | Some(b'.' | b'/' | b'%' | b'?' | b'#')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::url_text::normal_of;
    use super::*;

    #[test]
    fn urls_of_requests_are_plain() {
        for text in [
            "http://localhost:8787/",
            "http://127.0.0.1:8787/a/b.c/.d?e=f&g=%20h#i",
            "https://my-worker.example.workers.dev/%C3%A4/@x;y,z/~me?a[]={b}|c",
            "https://do/",
            "http://localhost/a?b?c#d?e",
        ] {
            assert!(is_normal(text), "{text}");
            assert_eq!(normal_of(text, None).as_deref(), Some(text));
        }
        for text in [
            "http://h",
            "http://h:80/",
            "http://1.2.3/",
            "http://H/",
            "http://h/a/../b",
            "http://h/%2e/",
            "x:/a",
        ] {
            assert!(!is_normal(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_plain_is_what_the_algorithm_gives(
            scheme in "https?:/{1,3}",
            host in "([a-z0-9]|[xn0.:@-]|[A-Zä]){0,7}(\\.[0-9]{1,3}){0,4}(:[0-9]{0,6}|:80|:443)?",
            rest in "(/|[/.%2eE]|[ -~]|[äß\\n]){0,12}(\\?[ -~]{0,8})?(#[ -~]{0,8})?",
            slash in "/?",
        ) {
            let text = format!("{scheme}{host}{slash}{rest}");
            if is_normal(&text) {
                let normal = normal_of(&text, None);
                prop_assert_eq!(normal.as_deref(), Some(text.as_str()));
            }
        }
    }
}
