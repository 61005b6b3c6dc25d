//! Reading SQLite's write-ahead log: the commits that are in it.
//!
//! The format is documented in <https://www.sqlite.org/fileformat2.html>, section 4. A frame counts if its
//! salts are the log's and the checksums hold from the beginning; what follows the last commit does not
//! count. SQLite keeps its locks elsewhere, so reading the file beside an open connection is harmless.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::page::PAGE;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const FRAME: usize = FRAME_HEADER + PAGE;
const MAGIC: u32 = 0x377f_0682;

/// Where in a log one stands: which log it is, and the number of frames before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The salts in the log's header; a log that begins again has others.
    pub salt: u64,
    /// Frames up to and with the last one that is known.
    pub frame: u32,
}

/// A transaction in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Index of its first frame in [`Log::frames`].
    pub from: usize,
    /// One past its last.
    pub to: usize,
    /// Pages of the database after it.
    pub pages: u32,
}

/// The commits of a log after a position.
#[derive(Debug, Default)]
pub struct Log {
    bytes: Vec<u8>,
    /// The commits, in order.
    pub commits: Vec<Commit>,
    /// Where the last of them ends.
    pub end: Position,
    /// Whether it continues from the position asked for; else it holds everything from its beginning.
    pub continues: bool,
}

impl Log {
    /// Number and content of the page in frame `index`.
    pub fn frame(&self, index: usize) -> (u32, &[u8]) {
        let frame = &self.bytes[index * FRAME..(index + 1) * FRAME];
        (big_endian(&frame[0..4]), &frame[FRAME_HEADER..])
    }

    /// Number of the frame `index` in the file, from 1.
    pub fn number(&self, index: usize) -> u32 {
        self.end.frame - self.commits.last().map_or(0, |commit| commit.to) as u32 + index as u32 + 1
    }
}

/// The log of the database `path`.
pub fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Reads the log of the database `path` after the position `known`; `None` where there is no log, or one
/// with pages of another size.
///
/// SQLite said of the frames up to and with `committed` that they are committed in the log in which `known` stands, so
/// that their sums need no proof while the log is still that one; 0, if it said nothing.
pub fn read(database: &Path, known: Position, committed: u32) -> Result<Option<Log>> {
    let mut file = match File::open(path_of(database)) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let mut header = [0; HEADER];
    match file.read_exact(&mut header) {
        Err(reason) if reason.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let word = |at: usize| big_endian(&header[at..at + 4]);
    let big = word(0) & 1 == 1;
    let mut sums = checksum(big, [0, 0], &header[..24]);
    if word(0) & !1 != MAGIC || word(8) as usize != PAGE || sums != [word(24), word(28)] {
        return Ok(None);
    }
    let salt = u64::from(word(16)) << 32 | u64::from(word(20));
    let mut first = 0;
    if known.salt == salt && known.frame > 0 {
        // The sums of a frame are those of everything before it.
        let mut frame = [0; FRAME_HEADER];
        file.seek(SeekFrom::Start((HEADER + (known.frame as usize - 1) * FRAME) as u64))?;
        if file.read_exact(&mut frame).is_ok() && frame[8..16] == header[16..24] {
            sums = [big_endian(&frame[16..20]), big_endian(&frame[20..24])];
            first = known.frame;
        }
    }
    let mut log = Log { continues: known.salt == salt && first == known.frame, ..Log::default() };
    file.seek(SeekFrom::Start((HEADER + first as usize * FRAME) as u64))?;
    file.read_to_end(&mut log.bytes)?;
    let proven = if log.continues { committed.saturating_sub(first) as usize } else { 0 };
    let (mut from, mut used) = (0, 0);
    for (index, frame) in log.bytes.chunks_exact(FRAME).enumerate() {
        if frame[8..16] != header[16..24] {
            break;
        }
        let noted = [big_endian(&frame[16..20]), big_endian(&frame[20..24])];
        if index >= proven && noted != checksum(big, checksum(big, sums, &frame[..8]), &frame[FRAME_HEADER..])
        {
            break;
        }
        sums = noted;
        let pages = big_endian(&frame[4..8]);
        if pages != 0 {
            log.commits.push(Commit { from, to: index + 1, pages });
            (from, used) = (index + 1, index + 1);
        }
    }
    log.end = Position { salt, frame: first + used as u32 };
    log.bytes.truncate(used * FRAME);
    Ok(Some(log))
}

fn checksum(big: bool, sums: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let [mut first, mut second] = sums;
    for pair in bytes.chunks_exact(8) {
        let word = |at: usize| {
            let bytes = pair[at..at + 4].try_into().expect("four bytes");
            if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        first = first.wrapping_add(word(0)).wrapping_add(second);
        second = second.wrapping_add(word(4)).wrapping_add(first);
    }
    [first, second]
}

fn big_endian(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with four commits in its log, and the log's bytes.
    fn log_of_four() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sqlite");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
        for x in 0..3 {
            connection.execute("INSERT INTO t VALUES (?)", [x]).unwrap();
        }
        let bytes = std::fs::read(path_of(&path)).unwrap();
        drop(connection);
        (directory, path, bytes)
    }

    #[test]
    fn frames_need_their_sums_unless_sqlite_vouched_for_them() {
        let (_directory, path, mut bytes) = log_of_four();
        std::fs::write(path_of(&path), &bytes).unwrap();
        let all = read(&path, Position::default(), 0).unwrap().unwrap();
        let (frames, salt) = (all.end.frame, all.end.salt);
        assert_eq!((all.commits.len(), all.continues), (4, false));

        // A byte of the frame before the last one: its sums do not hold any more.
        let at = bytes.len() - FRAME - 1;
        bytes[at] ^= 1;
        std::fs::write(path_of(&path), &bytes).unwrap();
        let known = Position { salt, frame: 1 };
        let end = |known, committed| {
            let log = read(&path, known, committed).unwrap().unwrap();
            (log.continues, log.end.frame)
        };
        assert_eq!(end(known, 0), (true, frames - 2));
        assert_eq!(end(known, frames - 2), (true, frames - 2));
        // From there on the sums that stand in the frames are gone on with.
        assert_eq!(end(known, frames - 1), (true, frames));
        // Of another log nothing was said.
        assert_eq!(end(Position { salt: salt ^ 1, frame: 1 }, frames), (false, frames - 2));
    }
}
