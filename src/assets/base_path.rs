//! Where in a URL the assets begin: `base_path`.

/// A path that begins and ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

impl Default for BasePath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl BasePath {
    /// The base path that `text` means.
    ///
    /// # Errors
    /// What `text` must not do, in wrangler's words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("the value must not be empty");
        }
        if text.starts_with("//") || has_scheme(text) {
            return Err("the value must be a pathname, not a URL");
        }
        if text.contains('\\') {
            return Err("the value must not contain backslashes");
        }
        if text.contains(|c: char| c.is_ascii_control()) {
            return Err("the value must not contain control characters");
        }
        if text.contains(['?', '#']) {
            return Err("the value must not contain query strings or fragments");
        }
        if text.contains('%') {
            return Err("the value must not contain percent-encoded sequences");
        }
        let mut segments: Vec<&str> = Vec::new();
        for segment in text.split('/') {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                _ => segments.push(segment),
            }
        }
        Ok(Self(if segments.is_empty() { "/".to_owned() } else { format!("/{}/", segments.join("/")) }))
    }

    fn is_root(&self) -> bool {
        self.0 == "/"
    }

    fn without_slash(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }

    /// The path of an asset for the decoded `path` of a URL; `None` outside of the base.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.is_root() {
            return Some(path);
        }
        if path == self.without_slash() {
            return Some("/");
        }
        path.starts_with(&self.0).then(|| &path[self.0.len() - 1..])
    }

    /// The path of the URL for the path of an asset.
    pub fn add(&self, path: &str) -> String {
        match self.is_root() {
            true => path.to_owned(),
            false if path == "/" => self.0.clone(),
            false => format!("{}{path}", self.without_slash()),
        }
    }

    /// Whether `path` is the base itself without its slash.
    pub fn is_bare(&self, path: &str) -> bool {
        !self.is_root() && path == self.without_slash()
    }

    /// Whether `path` is the base itself with its slash.
    pub fn is_whole(&self, path: &str) -> bool {
        !self.is_root() && path == self.0
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_paths_between_slashes() {
        for (text, expected) in [
            ("/", Some("/")),
            ("app", Some("/app/")),
            ("/app", Some("/app/")),
            ("/a//b/./c/../", Some("/a/b/")),
            ("/..", Some("/")),
            ("", None),
            ("//x", None),
            ("http://x", None),
            ("a\\b", None),
            ("/a?b", None),
            ("/%20", None),
        ] {
            assert_eq!(BasePath::parse(text).ok().map(|base| base.0).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        let base = BasePath::parse("/app").expect("a path");
        for (path, expected) in
            [("/app", Some("/")), ("/app/", Some("/")), ("/app/x", Some("/x")), ("/apple", None), ("/", None)]
        {
            assert_eq!(base.strip(path), expected, "{path}");
        }
        assert_eq!((base.add("/x"), base.add("/")), ("/app/x".to_owned(), "/app/".to_owned()));
        assert_eq!(BasePath::default().add("/x"), "/x");
    }
}
