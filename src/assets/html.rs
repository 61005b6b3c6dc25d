//! Which file a path means, and which path a file has: HTML handling and the answers for what is not there.
//!
//! Fidelity: the order of the looks is that of wrangler 4.164.0's asset Worker; a redirect is only made where its
//! destination shows the very file that it comes from.

use super::{HtmlHandling, NotFoundHandling};

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent<F> {
    /// This file, with status 200 or 404.
    File(F, u16),
    /// The path that has the file.
    Redirect(String),
}

/// Finds what paths mean in a directory of which `exists` tells the files.
pub struct Finder<E> {
    /// How HTML files are handled.
    pub html: HtmlHandling,
    /// What there is in place of what is not there.
    pub not_found: NotFoundHandling,
    /// The file of a path, if there is one.
    pub exists: E,
}

impl<F: PartialEq, E: Fn(&str) -> Option<F>> Finder<E> {
    /// What the decoded `path` means; `None` if nothing.
    pub fn find(&self, path: &str) -> Option<Intent<F>> {
        self.look(path, true)
    }

    fn look(&self, path: &str, redirects: bool) -> Option<Intent<F>> {
        let found = match self.html {
            HtmlHandling::AutoTrailingSlash => self.auto(path, redirects),
            HtmlHandling::ForceTrailingSlash => self.force(path, redirects),
            HtmlHandling::DropTrailingSlash => self.drop(path, redirects),
            HtmlHandling::None => self.file(path),
        };
        found.or_else(|| self.instead(path))
    }

    fn file(&self, path: &str) -> Option<Intent<F>> {
        (self.exists)(path).map(|file| Intent::File(file, 200))
    }

    /// A redirect to `destination` if that is where `file` is to be seen.
    fn safe(&self, file: &str, destination: &str, redirects: bool) -> Option<Intent<F>> {
        if !redirects || (self.exists)(destination).is_some() {
            return None;
        }
        let Some(Intent::File(shown, _)) = self.look(destination, false) else { return None };
        ((self.exists)(file)? == shown).then(|| Intent::Redirect(destination.to_owned()))
    }

    fn auto(&self, path: &str, redirects: bool) -> Option<Intent<F>> {
        let safe = |file: &str, destination: &str| self.safe(file, destination, redirects);
        if let Some(stem) = path.strip_suffix("/index") {
            let found = self
                .file(path)
                .or_else(|| safe(&format!("{path}.html"), &format!("{stem}/")))
                .or_else(|| safe(&format!("{stem}.html"), stem));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix("/index.html") {
            let found = safe(path, &format!("{stem}/")).or_else(|| safe(&format!("{stem}.html"), stem));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix('/') {
            let found =
                self.file(&format!("{path}index.html")).or_else(|| safe(&format!("{stem}.html"), stem));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix(".html") {
            let found = safe(path, stem).or_else(|| safe(&format!("{stem}/index.html"), &format!("{stem}/")));
            if found.is_some() {
                return found;
            }
        }
        self.file(path)
            .or_else(|| self.file(&format!("{path}.html")))
            .or_else(|| safe(&format!("{path}/index.html"), &format!("{path}/")))
    }

    fn force(&self, path: &str, redirects: bool) -> Option<Intent<F>> {
        let safe = |file: &str, destination: &str| self.safe(file, destination, redirects);
        if let Some(stem) = path.strip_suffix("/index") {
            let slash = format!("{stem}/");
            let found = self
                .file(path)
                .or_else(|| safe(&format!("{path}.html"), &slash))
                .or_else(|| safe(&format!("{stem}.html"), &slash));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix("/index.html") {
            let slash = format!("{stem}/");
            let found = safe(path, &slash).or_else(|| safe(&format!("{stem}.html"), &slash));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix('/') {
            let found =
                self.file(&format!("{path}index.html")).or_else(|| self.file(&format!("{stem}.html")));
            if found.is_some() {
                return found;
            }
        } else if let Some(stem) = path.strip_suffix(".html") {
            let slash = format!("{stem}/");
            let found = safe(path, &slash)
                .or_else(|| self.file(path))
                .or_else(|| safe(&format!("{stem}/index.html"), &slash));
            if found.is_some() {
                return found;
            }
        }
        let slash = format!("{path}/");
        self.file(path)
            .or_else(|| safe(&format!("{path}.html"), &slash))
            .or_else(|| safe(&format!("{path}/index.html"), &slash))
    }

    fn drop(&self, path: &str, redirects: bool) -> Option<Intent<F>> {
        let safe = |file: &str, destination: &str| self.safe(file, destination, redirects);
        let found = match path {
            "/index" => self.file(path).or_else(|| safe("/index.html", "/")),
            "/index.html" => safe(path, "/"),
            "/" => self.file("/index.html"),
            _ => {
                if let Some(stem) = path.strip_suffix("/index") {
                    self.file(path)
                        .or_else(|| safe(&format!("{stem}.html"), stem))
                        .or_else(|| safe(&format!("{path}.html"), stem))
                } else if let Some(stem) = path.strip_suffix("/index.html") {
                    safe(path, stem)
                        .or_else(|| self.file(path))
                        .or_else(|| safe(&format!("{stem}.html"), stem))
                } else if let Some(stem) = path.strip_suffix('/') {
                    safe(&format!("{stem}.html"), stem).or_else(|| safe(&format!("{stem}/index.html"), stem))
                } else if let Some(stem) = path.strip_suffix(".html") {
                    safe(path, stem).or_else(|| safe(&format!("{stem}/index.html"), stem))
                } else {
                    None
                }
            }
        };
        found
            .or_else(|| self.file(path))
            .or_else(|| self.file(&format!("{path}.html")))
            .or_else(|| self.file(&format!("{path}/index.html")))
    }

    /// What is shown in place of what is not there.
    fn instead(&self, path: &str) -> Option<Intent<F>> {
        match self.not_found {
            NotFoundHandling::None => None,
            NotFoundHandling::SinglePageApplication => self.file("/index.html"),
            NotFoundHandling::Page => {
                let mut directory = path;
                while !directory.is_empty() {
                    directory = directory.rfind('/').map_or("", |at| &directory[..at]);
                    if let Some(file) = (self.exists)(&format!("{directory}/404.html")) {
                        return Some(Intent::File(file, 404));
                    }
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[&str] = &[
        "/index.html",
        "/a.html",
        "/d/index.html",
        "/both.html",
        "/both/index.html",
        "/plain",
        "/404.html",
        "/d/404.html",
    ];

    fn find(html: HtmlHandling, not_found: NotFoundHandling, path: &str) -> Option<Intent<&'static str>> {
        let exists = |path: &str| FILES.iter().find(|file| **file == path).copied();
        Finder { html, not_found, exists }.find(path)
    }

    #[test]
    fn every_mode_has_one_path_for_each_file() {
        for html in [
            HtmlHandling::AutoTrailingSlash,
            HtmlHandling::ForceTrailingSlash,
            HtmlHandling::DropTrailingSlash,
        ] {
            for file in FILES {
                let mut path = (*file).to_owned();
                let mut steps = 0;
                let shown = loop {
                    match find(html, NotFoundHandling::None, &path) {
                        Some(Intent::File(shown, 200)) => break shown,
                        Some(Intent::Redirect(next)) => path = next,
                        other => panic!("{html:?} {file} {path}: {other:?}"),
                    }
                    steps += 1;
                    assert!(steps < 2, "{html:?} {file} redirects twice");
                };
                assert_eq!(shown, *file, "{html:?}");
            }
        }
    }

    #[test]
    fn without_handling_paths_are_files() {
        let find = |path| find(HtmlHandling::None, NotFoundHandling::None, path);
        assert_eq!(find("/a.html"), Some(Intent::File("/a.html", 200)));
        assert_eq!((find("/a"), find("/"), find("/d/")), (None, None, None));
    }

    #[test]
    fn what_is_not_there() {
        let auto = HtmlHandling::AutoTrailingSlash;
        for (not_found, path, expected) in [
            (NotFoundHandling::None, "/x", None),
            (NotFoundHandling::SinglePageApplication, "/x/y", Some(Intent::File("/index.html", 200))),
            (NotFoundHandling::Page, "/x/y", Some(Intent::File("/404.html", 404))),
            (NotFoundHandling::Page, "/d/x/y", Some(Intent::File("/d/404.html", 404))),
        ] {
            assert_eq!(find(auto, not_found, path), expected, "{not_found:?} {path}");
        }
    }
}
