//! Reads files and remembers which: the inputs that a watcher follows.
//!
//! A file that was looked for and not found is an input as well, since its appearance changes the project.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use crate::base::diag::{Diagnostic, SourceFile};

const SAVE_AS_UTF8: &str = "save the file as UTF-8";

/// The files looked at so far, in order, each once.
#[derive(Debug, Default)]
pub struct Inputs(Vec<PathBuf>);

/// What came of reading a file.
#[derive(Debug)]
pub enum Read {
    /// Its text, a byte order mark removed.
    Text(Arc<SourceFile>),
    /// There is no such file.
    Absent,
    /// There is one, but it cannot be read.
    Failed(Diagnostic),
}

impl Inputs {
    /// Notes that `path` matters.
    pub fn add(&mut self, path: &Path) {
        if !self.0.iter().any(|known| known == path) {
            self.0.push(path.to_owned());
        }
    }

    /// Whether `path` is a file; notes that it matters.
    pub fn is_file(&mut self, path: &Path) -> bool {
        self.add(path);
        path.is_file()
    }

    /// Reads the file `path` as UTF-8; notes that it matters.
    pub fn read(&mut self, path: &Path) -> Read {
        self.read_by(path, |error| {
            let at = error.utf8_error().valid_up_to();
            let message = format!("`{}` is not UTF-8: byte {at} is none of it", path.display());
            let told = Diagnostic::error("config/unreadable", message).help(SAVE_AS_UTF8);
            // Nothing of a file in UTF-16 can be shown.
            let is_wide = [b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| error.as_bytes().starts_with(*mark));
            Read::Failed(if is_wide {
                told
            } else {
                let (source, at) = place(path, &error);
                told.at(&source, at, "no UTF-8")
            })
        })
    }

    /// Reads the file `path`, with `\u{fffd}` for what is no UTF-8, and a warning of it; notes that it matters.
    pub fn read_any(&mut self, path: &Path) -> (Read, Option<Diagnostic>) {
        let mut warning = None;
        let read = self.read_by(path, |error| {
            let (source, at) = place(path, &error);
            let told = Diagnostic::warning("config/env-file", "the file is not UTF-8").help(SAVE_AS_UTF8);
            warning = Some(told.at(&source, at, "replaced by this"));
            Read::Text(source)
        });
        (read, warning)
    }

    fn read_by(&mut self, path: &Path, otherwise: impl FnOnce(FromUtf8Error) -> Read) -> Read {
        self.add(path);
        match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Read::Text(source(path, &text)),
                Err(error) => otherwise(error),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Read::Absent,
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                let message = format!("`{}` is a directory, but should be a file", path.display());
                let help = "put a file in its place, or remove it";
                Read::Failed(Diagnostic::error("config/unreadable", message).help(help))
            }
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                Read::Failed(Diagnostic::error("config/unreadable", message))
            }
        }
    }

    /// All paths.
    pub fn into_paths(self) -> Vec<PathBuf> {
        self.0
    }
}

/// The file `path` as far as it is UTF-8, and what stands in it for the first thing that is not.
fn place(path: &Path, error: &FromUtf8Error) -> (Arc<SourceFile>, Range<usize>) {
    let source = source(path, &String::from_utf8_lossy(error.as_bytes()));
    // A byte order mark is left out of the text.
    let skipped = if error.as_bytes().starts_with("\u{feff}".as_bytes()) { "\u{feff}".len() } else { 0 };
    let (at, length) = (error.utf8_error().valid_up_to() - skipped, source.text.len());
    let at = at.min(length)..(at + char::REPLACEMENT_CHARACTER.len_utf8()).min(length);
    (source, at)
}

/// `text` without a byte order mark.
fn source(path: &Path, text: &str) -> Arc<SourceFile> {
    SourceFile::new(path, text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// `path` without `.` and `..`, which would give one file several names.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
