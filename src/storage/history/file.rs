//! The file of an object's history: records that are only ever appended.
//!
//! A header names the lineage, then come records: a **base** (a whole database), **segments** (commits
//! after it, the pages of each as their difference from the page before), **deletions**, and after each
//! append a **tail**, which says where the history stands, so that going on needs no look at the rest.
//!
//! Every record has a checksum. What a process that ended abruptly left half written is cut off by the
//! next append; SQLite's log still has those commits. Nothing here knows of databases or logs.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::log::Position;
use super::page::{Input, PAGE, apply, damaged, encode, put_number};
use super::point::{Cause, CauseKind, Sequence};
use crate::base::clock::Timestamp;
use crate::storage::object::make_directory;

const MAGIC: &[u8; 8] = b"dodevhs1";
const HEADER: u64 = 24;
const RECORD_HEADER: usize = 9;
const TAIL_BYTES: usize = 8 + 8 + 8 + 4 + 24 + 1 + 8 + 1;
/// Most pages of a database in a history: 16 GiB, more than an object may have.
const PAGES_MAX: u64 = 1 << 22;

/// How deep a directory of histories lies in a project: `.wrangler/state/v3/dodev/history/<class>`.
const HISTORY_DIRECTORIES: usize = 6;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole database.
    Base = 1,
    /// Commits after it.
    Segment = 2,
    /// Where the history stands.
    Tail = 3,
}

/// What the file system says of a database; changes when somebody writes to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    size: u64,
    modified: i64,
    file: u64,
}

impl Stat {
    /// Of no file there is.
    pub const UNKNOWN: Self = Self { size: u64::MAX, modified: 0, file: 0 };

    /// Of the file `path`; all zeros if there is none.
    pub fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else { return Self::default() };
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        // A file that takes another's place was made at another time.
        #[cfg(windows)]
        let file = std::os::windows::fs::MetadataExt::creation_time(&metadata);
        Self {
            size: metadata.len(),
            modified: since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
            file,
        }
    }
}

/// Where a history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The last point.
    pub last: Sequence,
    /// Its time.
    pub time: Timestamp,
    /// What of the log is in the history.
    pub position: Position,
    /// The database when all of that had been moved into it; zeros until then.
    pub stat: Stat,
    /// Whether there is a base that the next commits continue.
    pub present: bool,
    /// The time of the first record.
    pub begin: Timestamp,
    /// Whether the next point begins an epoch.
    pub restoring: bool,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            last: Sequence::default(),
            time: Timestamp(0),
            position: Position::default(),
            stat: Stat::default(),
            present: false,
            begin: Timestamp(0),
            restoring: false,
        }
    }
}

/// A commit as it is kept.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Which point.
    pub sequence: Sequence,
    /// When.
    pub time: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Pages of the database after it.
    pub pages: u64,
    /// The changed pages: their number, whether they begin with zeros, and their difference.
    changes: Input<'a>,
}

/// Commits that are being put together to a segment.
#[derive(Debug, Default)]
pub struct Segment {
    bytes: Vec<u8>,
    changes: Vec<u8>,
    /// The page that is being added.
    page: Vec<u8>,
}

impl Segment {
    /// Adds a page to the commit that [`Segment::end_commit`] ends. `before` is the page as it stands in this segment,
    /// `None` where it is not in it.
    pub fn page(&mut self, number: u32, before: Option<&[u8]>, after: &[u8]) {
        put_number(u64::from(number) << 1 | u64::from(before.is_none()), &mut self.changes);
        self.page.clear();
        encode(before, after, &mut self.page);
        put_number(self.page.len() as u64, &mut self.changes);
        self.changes.extend_from_slice(&self.page);
    }

    /// Ends a commit.
    pub fn end_commit(&mut self, sequence: Sequence, time: Timestamp, cause: &Cause, pages: u64) {
        let out = &mut self.bytes;
        put_number(sequence.epoch.into(), out);
        put_number(sequence.number.into(), out);
        out.extend_from_slice(&time.0.to_le_bytes());
        out.push(cause.kind as u8);
        put_number(cause.events.into(), out);
        put_number(cause.detail.len() as u64, out);
        out.extend_from_slice(cause.detail.as_bytes());
        put_number(pages, out);
        put_number(self.changes.len() as u64, out);
        out.append(&mut self.changes);
    }

    /// The record's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The commits of a base or segment.
pub fn entries(payload: &[u8]) -> impl Iterator<Item = Result<Entry<'_>>> {
    let mut input = Input(payload);
    std::iter::from_fn(move || {
        if input.0.is_empty() {
            return None;
        }
        let result = entry(&mut input);
        if result.is_err() {
            input.0 = &[];
        }
        Some(result)
    })
}

fn entry<'a>(input: &mut Input<'a>) -> Result<Entry<'a>> {
    let small = |value: u64| u32::try_from(value).map_err(|_| damaged());
    let sequence = Sequence { epoch: small(input.number()?)?, number: small(input.number()?)? };
    let time = Timestamp(input.fixed()? as i64);
    let kind = CauseKind::from_byte(input.take(Some(1))?[0]);
    let events = small(input.number()?)?;
    let detail = String::from_utf8_lossy(input.take(None)?).into_owned();
    let pages = input.number()?;
    if pages > PAGES_MAX {
        return Err(damaged());
    }
    let changes = Input(input.take(None)?);
    Ok(Entry { sequence, time, cause: Cause { kind, detail, events }, pages, changes })
}

impl Entry<'_> {
    /// Makes the database `image` what it was after this commit.
    pub fn apply(&self, image: &mut Vec<u8>) -> Result<()> {
        let mut changes = self.changes;
        while !changes.0.is_empty() {
            let number = changes.number()?;
            let index =
                (number >> 1).checked_sub(1).filter(|index| *index < PAGES_MAX).ok_or_else(damaged)?;
            let from = index as usize * PAGE;
            if image.len() < from + PAGE {
                image.resize(from + PAGE, 0);
            }
            let page = &mut image[from..from + PAGE];
            if number & 1 == 1 {
                page.fill(0);
            }
            apply(page, changes.take(None)?)?;
        }
        image.resize(self.pages as usize * PAGE, 0);
        Ok(())
    }
}

/// A history whose end is known.
#[derive(Debug, Clone)]
pub struct HistoryFile {
    path: PathBuf,
    /// Which history it is.
    pub lineage: u128,
    /// Where it stands.
    pub tail: Tail,
    /// Bytes that are sound.
    pub end: u64,
}

impl HistoryFile {
    /// Opens the history `path`; `None` if there is none.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let mut file = match File::open(path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let mut header = [0; HEADER as usize];
        match file.read_exact(&mut header) {
            Err(reason) if reason.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        if &header[..8] != MAGIC {
            return Err(std::io::Error::new(ErrorKind::InvalidData, "it is no history of this version"));
        }
        let lineage = u128::from_le_bytes(header[8..].try_into().expect("sixteen bytes"));
        let mut history = Self { path: path.to_owned(), lineage, tail: Tail::default(), end: HEADER };
        let length = file.metadata()?.len();
        let record = (RECORD_HEADER + TAIL_BYTES) as u64;
        if length >= HEADER + record {
            let mut bytes = [0; RECORD_HEADER + TAIL_BYTES];
            file.seek(SeekFrom::Start(length - record))?;
            file.read_exact(&mut bytes)?;
            if bytes[0] == Kind::Tail as u8
                && sound(&bytes[..RECORD_HEADER], &bytes[RECORD_HEADER..])
                && let Ok(tail) = read_tail(&bytes[RECORD_HEADER..])
            {
                return Ok(Some(Self { tail, end: length, ..history }));
            }
        }
        history.find_end()?;
        Ok(Some(history))
    }

    /// Begins a history, empty; one that was there is replaced.
    pub fn create(path: &Path, lineage: u128) -> Result<Self> {
        if let Some(directory) = path.parent() {
            make_directory(directory, HISTORY_DIRECTORIES)?;
        }
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&lineage.to_le_bytes());
        fs::write(path, header)?;
        Ok(Self { path: path.to_owned(), lineage, tail: Tail::default(), end: HEADER })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds where the sound records end, after a process ended abruptly.
    fn find_end(&mut self) -> Result<()> {
        let (mut end, mut tail) = (HEADER, Tail::default());
        self.end = u64::MAX;
        self.each(|at, kind, payload| {
            match kind {
                Kind::Tail => {
                    tail = read_tail(payload)?;
                    end = at;
                }
                // Counts when its tail follows.
                Kind::Base | Kind::Segment => {}
            }
            Ok(true)
        })?;
        (self.end, self.tail) = (end, tail);
        Ok(())
    }

    /// Passes every sound record to `visit` with the place of its end, until that returns `false`.
    pub fn each(&self, mut visit: impl FnMut(u64, Kind, &[u8]) -> Result<bool>) -> Result<()> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        let length = file.get_ref().metadata()?.len().min(self.end);
        file.seek(SeekFrom::Start(HEADER))?;
        let mut at = HEADER;
        let mut payload = Vec::new();
        while at + RECORD_HEADER as u64 <= length {
            let mut header = [0; RECORD_HEADER];
            file.read_exact(&mut header)?;
            let size = u64::from(u32::from_le_bytes(header[1..5].try_into().expect("four bytes")));
            if at + RECORD_HEADER as u64 + size > length {
                break;
            }
            payload.resize(size as usize, 0);
            file.read_exact(&mut payload)?;
            let kind = match header[0] {
                1 => Kind::Base,
                2 => Kind::Segment,
                3 => Kind::Tail,
                _ => break,
            };
            if !sound(&header, &payload) {
                break;
            }
            at += RECORD_HEADER as u64 + size;
            if !visit(at, kind, &payload)? {
                break;
            }
        }
        Ok(())
    }

    /// Appends `records` and then `tail`, cutting off what is not sound.
    pub fn append(&mut self, records: &[(Kind, Vec<u8>)], tail: Tail) -> Result<()> {
        let mut bytes = Vec::with_capacity(
            records.iter().map(|(_, payload)| payload.len() + RECORD_HEADER).sum::<usize>() + 128,
        );
        for (kind, payload) in records {
            put_record(*kind, payload, &mut bytes)?;
        }
        put_record(Kind::Tail, &write_tail(&tail), &mut bytes)?;
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        if file.metadata()?.len() > self.end {
            file.set_len(self.end)?;
        }
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        self.tail = tail;
        Ok(())
    }

    /// The database as of the last point that `until` accepts; the points must be asked in their order.
    /// Gives `None` if it accepts none.
    pub fn image(&self, mut until: impl FnMut(&Entry<'_>) -> bool) -> Result<Option<Vec<u8>>> {
        let (mut image, mut found) = (Vec::new(), false);
        self.each(|_, kind, payload| {
            if kind == Kind::Tail {
                return Ok(true);
            }
            for entry in entries(payload) {
                let entry = entry?;
                if !until(&entry) {
                    return Ok(false);
                }
                entry.apply(&mut image)?;
                found = true;
            }
            Ok(true)
        })?;
        Ok(found.then_some(image))
    }

    /// Rewrites the file so that it begins with the last point before `keep_from` (a place in the file)
    /// that is older than `keep_time`, or else with the one before `keep_from`.
    pub fn shorten(&mut self, keep_bytes: u64, keep_time: Timestamp) -> Result<()> {
        let from = self.end.saturating_sub(keep_bytes);
        let mut image = Vec::new();
        let mut base: Option<(Sequence, Timestamp, Cause)> = None;
        let mut rest = Vec::new();
        self.each(|at, kind, payload| {
            if kind == Kind::Tail {
                return Ok(true);
            }
            let all: Vec<_> = entries(payload).collect::<Result<_>>()?;
            let old = all.last().is_none_or(|entry| entry.time < keep_time);
            if rest.is_empty() && (at <= from || old) {
                for entry in all {
                    entry.apply(&mut image)?;
                    base = Some((entry.sequence, entry.time, entry.cause));
                }
            } else {
                put_record(kind, payload, &mut rest)?;
            }
            Ok(true)
        })?;
        let Some((sequence, time, cause)) = base else { return Ok(()) };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.lineage.to_le_bytes());
        let whole = whole(&image, sequence, time, &cause);
        put_record(Kind::Base, &whole, &mut bytes)?;
        bytes.append(&mut rest);
        let tail = Tail { begin: time, ..self.tail };
        put_record(Kind::Tail, &write_tail(&tail), &mut bytes)?;
        let new = self.path.with_extension("history-new");
        fs::write(&new, &bytes)?;
        fs::rename(&new, &self.path)?;
        (self.end, self.tail) = (bytes.len() as u64, tail);
        Ok(())
    }
}

/// A base record: the database `image` as a commit of its own.
pub fn whole(image: &[u8], sequence: Sequence, time: Timestamp, cause: &Cause) -> Vec<u8> {
    let mut segment = Segment::default();
    for (page, number) in image.chunks_exact(PAGE).zip(1u32..) {
        segment.page(number, None, page);
    }
    segment.end_commit(sequence, time, cause, (image.len() / PAGE) as u64);
    segment.into_bytes()
}

fn put_record(kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| ErrorKind::FileTooLarge)?;
    out.push(kind as u8);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc(payload).to_le_bytes());
    out.extend_from_slice(payload);
    Ok(())
}

fn sound(header: &[u8], payload: &[u8]) -> bool {
    header[1..5] == (payload.len() as u32).to_le_bytes() && header[5..9] == crc(payload).to_le_bytes()
}

fn crc(payload: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(payload);
    crc.sum()
}

fn write_tail(tail: &Tail) -> Vec<u8> {
    let mut out = Vec::with_capacity(TAIL_BYTES);
    out.extend_from_slice(&tail.last.epoch.to_le_bytes());
    out.extend_from_slice(&tail.last.number.to_le_bytes());
    out.extend_from_slice(&tail.time.0.to_le_bytes());
    out.extend_from_slice(&tail.position.salt.to_le_bytes());
    out.extend_from_slice(&tail.position.frame.to_le_bytes());
    out.extend_from_slice(&tail.stat.size.to_le_bytes());
    out.extend_from_slice(&tail.stat.modified.to_le_bytes());
    out.extend_from_slice(&tail.stat.file.to_le_bytes());
    out.push(tail.present.into());
    out.extend_from_slice(&tail.begin.0.to_le_bytes());
    out.push(tail.restoring.into());
    out
}

fn read_tail(payload: &[u8]) -> Result<Tail> {
    if payload.len() != TAIL_BYTES {
        return Err(damaged());
    }
    let mut input = Input(payload);
    let mut four =
        || -> Result<u32> { Ok(u32::from_le_bytes(input.take(Some(4))?.try_into().expect("four bytes"))) };
    let last = Sequence { epoch: four()?, number: four()? };
    let time = Timestamp(input.fixed()? as i64);
    let salt = input.fixed()?;
    let frame = u32::from_le_bytes(input.take(Some(4))?.try_into().expect("four bytes"));
    let stat = Stat { size: input.fixed()?, modified: input.fixed()? as i64, file: input.fixed()? };
    let present = input.take(Some(1))?[0] != 0;
    let begin = Timestamp(input.fixed()? as i64);
    let restoring = input.take(Some(1))?[0] != 0;
    Ok(Tail { last, time, position: Position { salt, frame }, stat, present, begin, restoring })
}
