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
pub fn read(database: &Path, known: Position) -> Result<Option<Log>> {
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
    let (mut from, mut used) = (0, 0);
    for (index, frame) in log.bytes.chunks_exact(FRAME).enumerate() {
        if frame[8..16] != header[16..24] {
            break;
        }
        sums = checksum(big, checksum(big, sums, &frame[..8]), &frame[FRAME_HEADER..]);
        if sums != [big_endian(&frame[16..20]), big_endian(&frame[20..24])] {
            break;
        }
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
