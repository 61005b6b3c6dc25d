//! The patterns of a package's `sideEffects`, as esbuild reads them: `*` and `?` are all that is not meant literally.
//!
//! Fidelity: esbuild 0.28, `package_json.go`. A pattern without a slash is looked for in every directory, `**` between slashes stands for
//! any directories, `?` for any character, and neither braces nor brackets have a meaning.

/// Whether the file `path`, relative to its package, is one of those that `pattern` means.
pub(super) fn is_meant(pattern: &str, path: &str) -> bool {
    let anywhere;
    let pattern = if pattern.contains('/') {
        pattern
    } else {
        anywhere = format!("**/{pattern}");
        &anywhere
    };
    let parts: Vec<&str> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    matches_parts(&parts, &path.split('/').collect::<Vec<_>>())
}

fn matches_parts(pattern: &[&str], path: &[&str]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [stars, rest @ ..] if stars.len() > 1 && stars.bytes().all(|byte| byte == b'*') => {
            (0..=path.len()).any(|skipped| matches_parts(rest, &path[skipped..]))
        }
        [first, rest @ ..] => {
            let Some((name, below)) = path.split_first() else { return false };
            matches_part(first.as_bytes(), name.as_bytes()) && matches_parts(rest, below)
        }
    }
}

fn matches_part(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skipped| matches_part(rest, &name[skipped..])),
        Some((first, rest)) => name.split_first().is_some_and(|(character, below)| {
            (*first == b'?' || first == character) && matches_part(rest, below)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_the_platforms_bundler() {
        for (pattern, path, expected) in [
            ("./a.js", "a.js", true),
            ("/a.js", "a.js", true),
            ("a.js", "a.js", true),
            ("a.js", "lib/a.js", true),
            ("./a.js", "lib/a.js", false),
            ("./*", "a.js", true),
            ("./*", "lib/a.js", false),
            ("*.js", "lib/a.js", true),
            ("**/a.js", "lib/deep/a.js", true),
            ("lib/**", "lib/deep/a.js", true),
            ("lib/**/a.js", "lib/a.js", true),
            ("lib/*.js", "lib/a.js", true),
            ("lib/*.js", "a.js", false),
            ("?.js", "a.js", true),
            ("?.js", "ab.js", false),
            ("./{a,b}.js", "a.js", false),
            ("./{a,b}.js", "{a,b}.js", true),
            ("[ab].js", "a.js", false),
            ("*.{js,mjs}", "a.js", false),
            ("!a.js", "b.js", false),
        ] {
            assert_eq!(is_meant(pattern, path), expected, "{pattern} {path}");
        }
    }
}
