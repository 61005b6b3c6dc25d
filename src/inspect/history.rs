//! The histories of stored objects: which points there are, what people call them, an earlier state as a book of its own,
//! and the way back to it.
//!
//! `storage::history` keeps them; a history is found by its object's id, also when the object itself is gone. Of a live
//! server, what was committed in the last second may be missing.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::book::{Book, Namespace, ObjectRef};
use super::failure::{InspectError, Result};
use super::moment::parse_date;
use super::object::alarm;
use super::reader;
use super::write::Writer;
use crate::base::clock::Timestamp;
use crate::base::time_text::parse_duration;
use crate::storage::AlarmIndex;
use crate::storage::history::{self, Bookmark, History, HistoryError, Point, Recorder, Sequence};

/// How people name a point: `OBJECT@` and one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointName {
    /// A whole bookmark.
    Bookmark(Bookmark),
    /// Its first two groups of digits, which are enough for one object.
    Short(Sequence),
    /// The state at a time.
    At(Timestamp),
    /// The state so many milliseconds ago.
    Ago(i64),
}

impl PointName {
    /// What `text` names; `None` if it names no point.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(bookmark) = text.parse() {
            return Some(Self::Bookmark(bookmark));
        }
        if let Some(duration) = text.strip_prefix('-') {
            let duration = parse_duration(duration).ok()?;
            return Some(Self::Ago(i64::try_from(duration.as_millis()).ok()?));
        }
        if let Some((epoch, number)) = text.split_once('-')
            && let (Some(epoch), Some(number)) = (group(epoch), group(number))
        {
            return Some(Self::Short(Sequence { epoch, number }));
        }
        parse_date(text).map(|ms| Self::At(Timestamp(ms)))
    }

    /// The point of `history` that it names at the time `now`.
    pub fn find(self, object: &ObjectRef, history: &History, now: Timestamp) -> Result<Point> {
        let at_time = |time: Timestamp| {
            if time > now {
                return Err(InspectError::Invalid(
                    "there is no state of a time in the future yet".to_owned(),
                ));
            }
            history.at_time(time).map_err(|error| failed(object, error))
        };
        let bookmark = match self {
            Self::Bookmark(bookmark) => bookmark,
            Self::Short(sequence) => Bookmark { sequence, ..history.last() },
            Self::At(time) => at_time(time)?,
            Self::Ago(ms) => at_time(now.plus_ms(-ms))?,
        };
        history.resolve(bookmark).map_err(|error| failed(object, error))
    }
}

fn group(text: &str) -> Option<u32> {
    let is_group = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_group.then(|| u32::from_str_radix(text, 16).ok())?
}

/// The first two groups of a bookmark.
pub fn short(bookmark: Bookmark) -> String {
    let Sequence { epoch, number } = bookmark.sequence;
    format!("{epoch:08x}-{number:08x}")
}

/// `OBJECT@POINT` taken apart; `None` if no point follows the last `@`, which names may have too.
pub fn split_point(text: &str) -> Option<(&str, PointName)> {
    let (address, point) = text.rsplit_once('@')?;
    Some((address, PointName::parse(point)?))
}

impl Book {
    /// Where the histories of `namespace` are.
    pub(super) fn histories(&self, namespace: &Namespace) -> PathBuf {
        history::directory(&self.root().join("dodev")).join(namespace.key())
    }

    /// The object that `address` means, stored or only remembered, with its history.
    ///
    /// # Errors
    /// When there is no such object, or it has no history.
    pub fn remembered(&self, address: &str) -> Result<(ObjectRef, History)> {
        let path_of =
            |object: &ObjectRef| self.histories(&object.namespace).join(format!("{}.history", object.id));
        let object = self.object(address).or_else(|error| match (&error, self.object_to_make(address)) {
            (InspectError::NotFound { .. }, Ok(gone)) if path_of(&gone).exists() => Ok(gone),
            _ => Err(error),
        })?;
        let found = self.history_of(&object)?;
        Ok((object, found))
    }

    /// The history of `object`. Reads no database.
    ///
    /// # Errors
    /// When it has none.
    pub fn history_of(&self, object: &ObjectRef) -> Result<History> {
        let path = self.histories(&object.namespace).join(format!("{}.history", object.id));
        let found = History::open(&path).map_err(|error| failed(object, error))?;
        found.ok_or_else(|| failed(object, HistoryError::None(None)))
    }
}

fn failed(object: &ObjectRef, error: HistoryError) -> InspectError {
    let label = object.label();
    let see = Some(format!("`dodev state log {label}` shows the points there are"));
    match error {
        HistoryError::None(why) => InspectError::NotFound {
            what: format!("{label} has no history{}", why.map(|why| format!(": {why}")).unwrap_or_default()),
            nearest: Vec::new(),
            help: Some(
                "it begins within a second of the first commit under dodev, unless `--no-history` is given"
                    .to_owned(),
            ),
        },
        HistoryError::Foreign(_) | HistoryError::Missing(..) | HistoryError::Time(_) => {
            InspectError::NotFound { what: format!("{label}: {error}"), nearest: Vec::new(), help: see }
        }
        error => InspectError::Storage(error.into()),
    }
}

/// An earlier state of one object, as a book that has nothing else. Goes with this value.
#[derive(Debug)]
pub struct Past {
    book: Book,
    object: ObjectRef,
    _directory: TempDir,
}

impl Past {
    /// The state of `object` at the point `bookmark` of its `history`.
    pub fn of(object: &ObjectRef, history: &History, bookmark: Bookmark) -> Result<Self> {
        let image = history.image(bookmark).map_err(|error| failed(object, error))?;
        let directory =
            tempfile::tempdir().map_err(InspectError::io("write", "a temporary directory".as_ref()))?;
        let book = Book::at(directory.path());
        let dir = book.root().join("do").join(object.namespace.key());
        fs::create_dir_all(&dir).map_err(InspectError::io("create", &dir))?;
        let namespace = Namespace { dir, ..object.namespace.clone() };
        let object = ObjectRef { namespace, ..object.clone() };
        if !image.is_empty() {
            let path = object.file();
            fs::write(&path, image).map_err(InspectError::io("write", &path))?;
        }
        Ok(Self { book, object, _directory: directory })
    }

    /// The book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    fn alarm(&self) -> Result<Option<Timestamp>> {
        Ok(reader::read(&self.object.path(), &self.object.label(), alarm)?.flatten())
    }
}

impl Writer {
    /// Brings the state of `object` at `point` back, its alarm included; the bookmark that undoes it.
    pub fn restore(&self, object: &ObjectRef, history: &History, point: &Point) -> Result<Bookmark> {
        let bookmark = point.bookmark;
        let alarm = Past::of(object, history, bookmark)?.alarm()?;
        fs::create_dir_all(&object.namespace.dir)
            .map_err(InspectError::io("create", &object.namespace.dir))?;
        // What the object itself asked for does not come after this.
        history::unschedule(history.path()).map_err(|error| failed(object, error))?;
        let before = self.settle(object)?;
        let mut index = AlarmIndex::new(&object.namespace.dir);
        let name = object.name.as_deref();
        if let Some(time) = alarm {
            // A listed alarm may be too early, never too late.
            index.set(&object.id, before.map_or(time, |before| before.min(time)), name)?;
        }
        let mut recorder = Recorder::new(self.history_of(object).into(), object.file());
        let undo = history::restore(&mut recorder, &object.file(), bookmark)
            .map_err(|error| failed(object, error))?;
        match alarm {
            Some(time) => index.set(&object.id, time, name)?,
            None => drop(index.remove(&object.id)?),
        }
        self.forget_retry(object)?;
        Ok(undo)
    }

    /// All objects of the state of `book` that have a history, stored or not.
    pub(super) fn remembered(&self, book: &Book) -> Result<Vec<ObjectRef>> {
        let directory = history::directory(&self.own_dir());
        let mut found = Vec::new();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Some(namespace) = Namespace::of_dir(book.root().join("do").join(entry.file_name())) else {
                continue;
            };
            for file in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                let id = name.strip_suffix(".history").and_then(|id| id.parse().ok());
                found.extend(id.map(|id| ObjectRef { namespace: namespace.clone(), id, name: None }));
            }
        }
        Ok(found)
    }
}

/// The address of `object` that every book understands, whatever it has recorded of names.
pub fn exact(object: &ObjectRef) -> String {
    format!("{}:{}", object.namespace.key(), object.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_named_by_bookmark_time_and_distance() {
        let sequence = Sequence { epoch: 1, number: 0xab };
        let whole = Bookmark { sequence, lineage: 7 };
        for (text, expected) in [
            (whole.to_string(), Some(PointName::Bookmark(whole))),
            (short(whole), Some(PointName::Short(sequence))),
            ("-5m".to_owned(), Some(PointName::Ago(300_000))),
            ("-1h30m".to_owned(), Some(PointName::Ago(5_400_000))),
            ("2026-11-22T13:07Z".to_owned(), Some(PointName::At(Timestamp(1_795_352_820_000)))),
            ("2026-11-22T13:07".to_owned(), None),
            ("example.com".to_owned(), None),
            ("-".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(PointName::parse(&text), expected, "{text}");
        }
        assert_eq!(split_point("Room:a@b.com@-1s"), Some(("Room:a@b.com", PointName::Ago(1_000))));
        assert_eq!(split_point("Room:a@b.com"), None);
    }
}
