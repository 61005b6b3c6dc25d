//! Taking an object's commits over from SQLite's log into its history.
//!
//! A commit itself costs nothing more than a line in memory: SQLite has just written the pages to its log,
//! which stays as it is until they are in the history. [`Recorder::save`] takes them over, once a second or
//! after some commits, when the log is long enough to be moved into the file, and before the file is closed. Their
//! sums are not taken where SQLite itself said that they are committed. `benches/2026-11-23.md` has what it costs.
//!
//! A process that ends abruptly leaves the commits in the log, where the next one finds them; only the times
//! and causes of the last second are lost.
//!
//! Other tools may write to the same file. Commits in the log are taken over whoever made them. When the log
//! began again or is gone, the file's size, time and number must be those that were noted when everything had been
//! taken over; if not, the database is compared with the history, and what differs becomes one point.
//!
//! Invariant: SQLite moves the log into the file only after [`Recorder::save`] (`connections.rs`).

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::HistoryOptions;
use super::file::{HistoryFile, Kind, Segment, Stat, Tail, whole};
use super::log::{self, Log, Position};
use super::page::PAGE;
use super::point::{Cause, CauseKind, Sequence};
use super::sparse::Sparse;
use crate::base::clock::Timestamp;
use crate::storage::StorageError;
use crate::storage::object::committed_image;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The frame of a commit that SQLite does not tell the end of.
pub const ANY_FRAME: u32 = u32::MAX;

/// A commit whose pages are still only in the log.
#[derive(Debug)]
struct Noted {
    /// Where it ended.
    position: Position,
    time: Timestamp,
    cause: Cause,
}

/// The first commit of a database that was made with its rows in place.
#[derive(Debug)]
struct First {
    bytes: Sparse,
    time: Timestamp,
    cause: Cause,
    stat: Stat,
}

/// What keeps the history of one object.
#[derive(Debug)]
pub struct Recorder {
    options: Rc<HistoryOptions>,
    database: PathBuf,
    path: PathBuf,
    file: Option<HistoryFile>,
    /// The bytes of a database that was made and is not in the history yet.
    made: Option<(Sparse, Timestamp)>,
    /// The commit that it was made with, where that was one.
    first: Option<First>,
    noted: Vec<Noted>,
    /// Whether the history was looked for.
    known: bool,
    /// Whether `deleteAll()` has put the database aside, and the commit decides whether it is gone.
    aside: bool,
    /// Whether the next commit is to be taken over at once: a bookmark may have been given out that counted on it.
    urgent: bool,
    /// Why there is none, where that is so.
    off: Option<String>,
}

impl Recorder {
    /// What keeps the history of the database `database`. No I/O.
    pub fn new(options: Rc<HistoryOptions>, database: PathBuf) -> Self {
        let path = options.path_of(&database);
        let off = path.is_none().then(|| "its file is in no namespace's directory".to_owned());
        let path = path.unwrap_or_default();
        Self {
            options,
            database,
            path,
            file: None,
            made: None,
            first: None,
            noted: Vec::new(),
            known: false,
            aside: false,
            urgent: false,
            off,
        }
    }

    /// The history, if there is one.
    pub fn file(&self) -> Option<&HistoryFile> {
        self.file.as_ref()
    }

    /// The history's file, which need not exist; `None` where there can be none.
    pub fn path(&self) -> Option<PathBuf> {
        self.off.is_none().then(|| self.path.clone())
    }

    /// Why the object has no history, where that is so.
    pub fn off(&self) -> Option<&str> {
        self.off.as_deref()
    }

    /// Ends the history of this session: it could not be written. What happens until the next one becomes
    /// one point then.
    pub fn give_up(&mut self, reason: &Error) {
        self.off = Some(format!("`{}` cannot be written: {reason}", self.path.display()));
        self.unmade();
    }

    /// Whether a commit waits to be taken over.
    pub fn is_waiting(&self) -> bool {
        self.first.is_some() || !self.noted.is_empty()
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Notes that the database was just made with `bytes`.
    pub fn made(&mut self, bytes: &[u8]) {
        if self.off.is_none() {
            self.made = Some((Sparse::of(bytes), self.options.clock.now()));
        }
    }

    /// Whether the commit just noted is to be taken over at once.
    pub fn take_urgent(&mut self) -> bool {
        std::mem::take(&mut self.urgent)
    }

    /// Whether a database put aside waits for the commit.
    pub fn is_aside(&self) -> bool {
        self.aside
    }

    /// Notes that the database was put aside, or came back.
    pub fn put_aside(&mut self, aside: bool) {
        self.aside = aside;
    }

    /// Forgets a database that was made and is gone again.
    pub fn unmade(&mut self) {
        self.made = None;
        self.first = None;
        self.noted.clear();
    }

    /// Notes that the file which was just made has `bytes` already: the first commit, by `cause`.
    pub fn note_first(&mut self, bytes: &[u8], cause: Cause) {
        if self.off.is_none() {
            let (time, stat) = (self.options.clock.now(), Stat::of(&self.database));
            self.first = Some(First { bytes: Sparse::of(bytes), time, cause, stat });
        }
    }

    /// Notes a commit that ended at `position` of the log; its salt is 0 where it is not certain. Gives how many wait.
    pub fn note(&mut self, position: Position, cause: Cause) -> usize {
        if self.off.is_none() {
            self.noted.push(Noted { position, time: self.options.clock.now(), cause });
        }
        self.noted.len()
    }

    /// To be called before the database is opened: begins a history where there is none, and notices what
    /// others did to the file.
    pub fn before_open(&mut self) -> Result<()> {
        if self.off.is_some() || self.made.is_some() {
            return Ok(());
        }
        match self.compare() {
            // Whoever opens the database says so; the points that are known stay.
            Err(reason) if is_damage(&reason) => Ok(()),
            done => done,
        }
    }

    /// Notices a database that has no history, and what others did to one that has.
    fn compare(&mut self) -> Result<()> {
        self.find()?;
        let Some(file) = self.file.as_ref().filter(|file| file.tail.present) else {
            return self.adopt(&Cause::new(CauseKind::Adopted, ""));
        };
        if log_salt(&self.database) == Some(file.tail.position.salt)
            || Stat::of(&self.database) == file.tail.stat
        {
            return Ok(());
        }
        self.take_over_unknown(false, &Cause::new(CauseKind::Foreign, ""))
    }

    /// To be called before somebody replaces the database's files as a whole: takes over what they hold, and sees to it
    /// that what comes is compared with the history, even if this process ends first.
    pub fn before_replaced(&mut self) -> Result<()> {
        self.find()?;
        if self.off.is_some() || self.file.is_none() {
            return Ok(());
        }
        // A damaged database can be replaced too; its last commits are lost to the history then.
        let known = match self.database.exists() {
            true => self.before_open().and_then(|()| self.save(false)),
            false => Ok(()),
        };
        self.find()?;
        if let Some(file) = &mut self.file {
            // The new files may be an older copy of the same log: then its salt says nothing.
            file.append(&[], Tail { position: Position::default(), stat: Stat::UNKNOWN, ..file.tail })?;
        }
        known
    }

    /// Notes that the database's files were replaced by `cause`: what is there now is a point, and a history begins with
    /// it where there was none.
    pub fn replaced(&mut self, cause: &Cause) -> Result<()> {
        self.find()?;
        match self.file.as_ref().map(|file| file.tail.present) {
            _ if self.off.is_some() => Ok(()),
            Some(true) => self.take_over_unknown(false, cause),
            _ if self.database.exists() => self.adopt(cause),
            _ => Ok(()),
        }
    }

    /// Looks for the history, and again if somebody else has written to it: an earlier session's recorder may do.
    fn find(&mut self) -> Result<()> {
        let length = || fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if !self.known || self.file.as_ref().is_some_and(|file| file.end != length()) {
            self.known = true;
            self.file = HistoryFile::open(&self.path)?;
        }
        Ok(())
    }

    /// Takes over what is in the log. `open` says whether the object's own connection is open.
    pub fn save(&mut self, open: bool) -> Result<()> {
        if self.off.is_some() {
            return Ok(());
        }
        self.find()?;
        let mut records = Vec::new();
        let mut tail = self.file.as_ref().map(|file| file.tail).unwrap_or_default();
        let mut follows = false;
        if let Some((bytes, time)) = self.made.take() {
            let bytes = bytes.bytes();
            tail.last = if self.file.is_some() { next(&tail) } else { Sequence::default() };
            (tail.time, tail.present, tail.restoring, follows) = (time, true, false, true);
            (tail.position, tail.stat) = (Position::default(), Stat::of(&self.database));
            let cause = Cause::new(CauseKind::Created, "");
            records.push((Kind::Base, whole(&bytes, tail.last, time, &cause)));
            if let Some(first) = self.first.take() {
                records.push((Kind::Segment, first.segment(&bytes, &mut tail)));
            }
        } else if !tail.present {
            // Somebody made the file since: its state is all that is known of it.
            self.noted.clear();
            let adopted = Cause::new(CauseKind::Adopted, "");
            return if self.database.exists() { self.adopt(&adopted) } else { Ok(()) };
        }
        let committed = self.noted.last().map(|noted| noted.position).unwrap_or_default();
        match log::open(&self.database, tail.position, committed)? {
            Some(log) if log.continues || follows || Stat::of(&self.database) == tail.stat => {
                let segment = self.segment(log, &mut tail)?;
                if !segment.is_empty() {
                    records.push((Kind::Segment, segment));
                }
            }
            None if follows || Stat::of(&self.database) == tail.stat => {}
            _ => return self.take_over_unknown(open, &Cause::new(CauseKind::Foreign, "")),
        }
        self.noted.clear();
        if records.is_empty() { Ok(()) } else { self.append(&records, tail) }
    }

    /// Notes that the whole log has been moved into the file: `frames` of it, or all, and it is removed.
    pub fn moved(&mut self, frames: Option<u32>) -> Result<()> {
        let known = self.file.as_ref().map(|file| file.tail.position.frame);
        let whole = match frames {
            // More were moved than taken over: another process wrote in between.
            Some(frames) => known == Some(frames),
            None => !log::path_of(&self.database).exists(),
        };
        if self.off.is_some() || !whole || !self.noted.is_empty() {
            return Ok(());
        }
        let stat = Stat::of(&self.database);
        match &mut self.file {
            Some(file) if file.tail.present && file.tail.stat != stat => {
                file.append(&[], Tail { stat, ..file.tail })
            }
            _ => Ok(()),
        }
    }

    /// Notes that the database was deleted by `cause`.
    pub fn deleted(&mut self, cause: &Cause) -> Result<()> {
        (self.aside, self.urgent) = (false, true);
        if self.off.is_some() {
            return Ok(());
        }
        self.find()?;
        let Some(file) = self.file.as_ref().filter(|file| file.tail.present) else { return Ok(()) };
        let mut tail = file.tail;
        (tail.last, tail.restoring) = (next(&tail), false);
        (tail.time, tail.present) = (self.options.clock.now().max(tail.time), false);
        (tail.position, tail.stat) = (Position::default(), Stat::default());
        let mut segment = Segment::default();
        segment.end_commit(tail.last, tail.time, cause, 0);
        self.append(&[(Kind::Segment, segment.into_bytes())], tail)
    }

    /// The next point begins an epoch: what it holds was restored.
    pub fn restoring(&mut self) -> Result<()> {
        match &mut self.file {
            Some(file) => file.append(&[], Tail { restoring: true, ..file.tail }),
            None => Ok(()),
        }
    }

    /// The commits of `log` as a segment, empty if there are none; `tail` moves on to the last of them.
    fn segment(&self, log: Log, tail: &mut Tail) -> Result<Vec<u8>> {
        let mut segment = Segment::default();
        let (mut noted, unknown) = (self.noted.as_slice(), Cause::default());
        let mut written = None;
        let end = log.each(|frame| {
            segment.page(frame.page, frame.before, frame.after);
            if frame.pages == 0 {
                return;
            }
            // Both are in order.
            while let [before, rest @ ..] = noted
                && before.position.frame < frame.number
            {
                noted = rest;
            }
            let (time, cause) = match noted.first() {
                Some(noted) if [frame.number, ANY_FRAME].contains(&noted.position.frame) => {
                    (noted.time, &noted.cause)
                }
                Some(noted) => (noted.time, &unknown),
                None => (*written.get_or_insert_with(|| self.written().unwrap_or(tail.time)), &unknown),
            };
            (tail.last, tail.restoring) = (next(tail), false);
            tail.time = time.max(tail.time);
            segment.end_commit(tail.last, tail.time, cause, frame.pages.into());
        })?;
        let bytes = segment.into_bytes();
        if !bytes.is_empty() {
            (tail.position, tail.stat) = (end, Stat::default());
        }
        Ok(bytes)
    }

    /// When the log was last written to.
    fn written(&self) -> Option<Timestamp> {
        let time = fs::metadata(log::path_of(&self.database)).ok()?.modified().ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp(since.as_millis() as i64))
    }

    /// Begins the history, or goes on with it, with the database as it is.
    fn adopt(&mut self, cause: &Cause) -> Result<()> {
        if self.is_too_large() {
            return Ok(());
        }
        let Some(image) = self.read_database()? else { return Ok(()) };
        let mut tail = self.file.as_ref().map(|file| file.tail).unwrap_or_default();
        let position = self.end_of_log()?;
        // After `deleteAll()` in a process that ended abruptly, this point stands for that of the new file too: a
        // bookmark that was given out counted both.
        tail.last = if self.file.is_some() { next(&tail).next() } else { Sequence::default() };
        (tail.time, tail.present, tail.restoring) = (self.options.clock.now().max(tail.time), true, false);
        tail.position = position.unwrap_or_default();
        tail.stat = if position.is_some() { Stat::default() } else { Stat::of(&self.database) };
        self.append(&[(Kind::Base, whole(&image, tail.last, tail.time, cause))], tail)
    }

    /// Compares the database with the history, because somebody else wrote to it in a way that left no
    /// trace; what differs becomes one point, of `cause`.
    fn take_over_unknown(&mut self, open: bool, cause: &Cause) -> Result<()> {
        self.noted.clear();
        let Some(file) = &self.file else { return Ok(()) };
        let mut tail = file.tail;
        let known = file.image(|_| true)?.unwrap_or_default();
        let position = self.end_of_log()?.unwrap_or_default();
        let Some(image) = self.read_database()? else {
            return self.deleted(cause);
        };
        // Without a connection of the object's, reading the database has moved the log into it.
        (tail.position, tail.stat) =
            if open { (position, Stat::default()) } else { (Position::default(), Stat::of(&self.database)) };
        let mut segment = Segment::default();
        let mut differs = known.len() != image.len();
        for (index, page) in image.chunks_exact(PAGE).enumerate() {
            if known.get(index * PAGE..(index + 1) * PAGE) != Some(page) {
                differs = true;
                segment.page(index as u32 + 1, None, page);
            }
        }
        if !differs {
            return self.append(&[], tail);
        }
        (tail.last, tail.restoring) = (next(&tail), false);
        tail.time = self.options.clock.now().max(tail.time);
        segment.end_commit(tail.last, tail.time, cause, (image.len() / PAGE) as u64);
        self.append(&[(Kind::Segment, segment.into_bytes())], tail)
    }

    /// Where the last commit in the log ends; `None` where there is no log.
    fn end_of_log(&self) -> Result<Option<Position>> {
        let log = log::open(&self.database, Position::default(), Position::default())?;
        log.map(|log| log.each(|_| {})).transpose()
    }

    /// The committed state of the database, its log included; `None` where there is no file.
    fn read_database(&self) -> Result<Option<Vec<u8>>> {
        let image = committed_image(&self.database).map_err(Error::other)?;
        Ok(image.filter(|image| image.len() % PAGE == 0))
    }

    fn is_too_large(&mut self) -> bool {
        let size = fs::metadata(&self.database).map_or(0, |metadata| metadata.len());
        let most = self.options.max_bytes;
        if size > most {
            self.off = Some(format!("its database has {size} bytes, more than a history may have ({most})"));
        }
        self.off.is_some()
    }

    fn append(&mut self, records: &[(Kind, Vec<u8>)], mut tail: Tail) -> Result<()> {
        // After an error the file is looked at again.
        self.known = false;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                tail.begin = tail.time;
                HistoryFile::create(&self.path, lineage(&self.database, tail.time))?
            }
        };
        if file.end > self.options.max_bytes || tail.time.0 - tail.begin.0 > self.options.max_age_ms + DAY_MS
        {
            file.append(records, tail)?;
            let oldest = Timestamp(tail.time.0 - self.options.max_age_ms);
            let keep = if file.end > self.options.max_bytes { self.options.max_bytes / 2 } else { u64::MAX };
            file.shorten(keep, oldest)?;
        } else {
            file.append(records, tail)?;
        }
        self.file = Some(file);
        self.known = true;
        Ok(())
    }
}

impl First {
    /// The commit as a segment after the base `empty`; `tail` moves on to it.
    fn segment(&self, empty: &[u8], tail: &mut Tail) -> Vec<u8> {
        let mut segment = Segment::default();
        let bytes = self.bytes.bytes();
        for (index, page) in bytes.chunks_exact(PAGE).enumerate() {
            if empty.get(index * PAGE..(index + 1) * PAGE) != Some(page) {
                segment.page(index as u32 + 1, None, page);
            }
        }
        (tail.last, tail.time, tail.stat) = (next(tail), self.time, self.stat);
        segment.end_commit(tail.last, tail.time, &self.cause, (bytes.len() / PAGE) as u64);
        segment.into_bytes()
    }
}

/// Makes a point of the present state in the history `path`, if there is one: `cause` changed nothing in the database.
/// Reads the whole file.
///
/// # Errors
/// When the file cannot be read or written.
pub fn mark(path: &Path, time: Timestamp, cause: &Cause) -> Result<()> {
    let Some(mut file) = HistoryFile::open(path)?.filter(|file| file.tail.present) else { return Ok(()) };
    let mut pages = 0;
    file.each(|_, kind, payload| {
        if kind != Kind::Tail {
            for entry in super::file::entries(payload) {
                pages = entry?.pages;
            }
        }
        Ok(true)
    })?;
    let mut tail = file.tail;
    (tail.last, tail.restoring, tail.time) = (next(&tail), false, time.max(tail.time));
    let mut segment = Segment::default();
    segment.end_commit(tail.last, tail.time, cause, pages);
    file.append(&[(Kind::Segment, segment.into_bytes())], tail)
}

/// Whether `reason` is that the database is damaged.
fn is_damage(reason: &Error) -> bool {
    let inner = reason.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>());
    matches!(inner, Some(StorageError::Damaged { .. }))
}

fn next(tail: &Tail) -> Sequence {
    if tail.restoring { tail.last.restored() } else { tail.last.next() }
}

/// The salt of the log of `database`, where it has one.
fn log_salt(database: &Path) -> Option<u64> {
    use std::io::Read;
    let mut header = [0; 32];
    fs::File::open(log::path_of(database)).ok()?.read_exact(&mut header).ok()?;
    Some(u64::from_be_bytes(header[16..24].try_into().expect("eight bytes")))
}

/// A number that no other history has: of another object, or of this one begun at another time.
fn lineage(database: &Path, time: Timestamp) -> u128 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    database.file_stem().hash(&mut hasher);
    u128::from(time.0 as u64) << 64 | u128::from(hasher.finish())
}
