//! Reading SQLite's write-ahead log: the frames that are in it.
//!
//! The format is documented in <https://www.sqlite.org/fileformat2.html>, section 4. A frame counts if its
//! salts are the log's and the checksums hold from the beginning; what follows the last commit does not
//! count. SQLite keeps its locks elsewhere, so reading the file beside an open connection is harmless.

use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::page::PAGE;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const FRAME: usize = FRAME_HEADER + PAGE;
const MAGIC: u32 = 0x377f_0682;
/// Frames that are read at once.
const PIECE: usize = 16;

/// Where in a log one stands: which log it is, and the number of frames before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The salts in the log's header; a log that begins again has others.
    pub salt: u64,
    /// Frames up to and with the last one that is known.
    pub frame: u32,
}

/// A frame of a log: a page as a transaction left it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Number of the page, from 1.
    pub page: u32,
    /// The page in the last frame before this one that was read and has it.
    pub before: Option<&'a [u8]>,
    /// The page.
    pub after: &'a [u8],
    /// Pages of the database after the transaction that this frame ends; 0 where it ends none.
    pub pages: u32,
}

/// A log that is read from a position on.
#[derive(Debug)]
pub struct Log {
    file: File,
    salts: [u8; 8],
    /// Whether sums are taken of words with their highest byte first.
    big: bool,
    /// The sums of everything before the next frame.
    sums: [u32; 2],
    /// Frames that need no proof, those before the position included.
    proven: u32,
    at: Position,
    /// Whether it continues from the position asked for; else it is read from its beginning.
    pub continues: bool,
}

/// The log of the database `path`.
pub fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Opens the log of the database `path` after the position `known`; `None` where there is no log, or one
/// with pages of another size.
///
/// SQLite said of the frames up to and with `committed` that they are committed, so that their sums need no proof while the
/// log is still that one.
pub fn open(database: &Path, known: Position, committed: Position) -> Result<Option<Log>> {
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
    let salts = header[16..24].try_into().expect("eight bytes");
    let mut first = 0;
    if known.salt == salt && known.frame > 0 {
        // The sums of a frame are those of everything before it.
        let mut frame = [0; FRAME_HEADER];
        file.seek(SeekFrom::Start((HEADER + (known.frame as usize - 1) * FRAME) as u64))?;
        if file.read_exact(&mut frame).is_ok() && frame[8..16] == salts {
            sums = [big_endian(&frame[16..20]), big_endian(&frame[20..24])];
            first = known.frame;
        }
    }
    file.seek(SeekFrom::Start((HEADER + first as usize * FRAME) as u64))?;
    let continues = known.salt == salt && first == known.frame;
    let proven = if committed.salt == salt { committed.frame } else { 0 };
    Ok(Some(Log { file, salts, big, sums, proven, at: Position { salt, frame: first }, continues }))
}

impl Log {
    /// Passes the frames to `visit`, in order: where the last transaction ends. Frames behind that one are passed too, and
    /// do not count.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each(mut self, mut visit: impl FnMut(Frame<'_>)) -> Result<Position> {
        let mut end = self.at;
        // A log has megabytes: memory that was never used would cost more than what is read into it.
        let mut piece = Vec::with_capacity(PIECE * FRAME);
        let mut kept: FxHashMap<u32, Box<[u8]>> = FxHashMap::default();
        loop {
            piece.clear();
            let filled = (&mut self.file).take((PIECE * FRAME) as u64).read_to_end(&mut piece)?;
            let mut seen: FxHashMap<u32, &[u8]> = FxHashMap::default();
            for bytes in piece.chunks_exact(FRAME) {
                let (header, after) = bytes.split_at(FRAME_HEADER);
                if !self.belongs(header, after) {
                    return Ok(end);
                }
                self.at.frame += 1;
                let (page, pages) = (big_endian(&header[0..4]), big_endian(&header[4..8]));
                let before = seen.insert(page, after).or_else(|| kept.get(&page).map(|page| &**page));
                visit(Frame { number: self.at.frame, page, before, after, pages });
                if pages != 0 {
                    end = self.at;
                }
            }
            if filled < PIECE * FRAME {
                return Ok(end);
            }
            for (page, bytes) in seen {
                kept.entry(page).or_insert_with(|| Box::from([0; PAGE])).copy_from_slice(bytes);
            }
        }
    }

    /// Whether the next frame is of this log, and whole; its sums are gone on with.
    fn belongs(&mut self, header: &[u8], page: &[u8]) -> bool {
        let noted = [big_endian(&header[16..20]), big_endian(&header[20..24])];
        let sound = header[8..16] == self.salts
            && (self.at.frame < self.proven
                || noted == checksum(self.big, checksum(self.big, self.sums, &header[..8]), page));
        self.sums = noted;
        sound
    }
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
        let read = |known, committed| {
            let log = open(&path, known, committed).unwrap().unwrap();
            let (continues, mut commits) = (log.continues, 0);
            let end = log.each(|frame| commits += u32::from(frame.pages != 0)).unwrap();
            (continues, commits, end)
        };
        let (continues, commits, Position { salt, frame: frames }) =
            read(Position::default(), Position::default());
        assert_eq!((commits, continues), (4, false));

        // A byte of the frame before the last one: its sums do not hold any more.
        let at = bytes.len() - FRAME - 1;
        bytes[at] ^= 1;
        std::fs::write(path_of(&path), &bytes).unwrap();
        let known = Position { salt, frame: 1 };
        let end = |known, frame| {
            let (continues, _, end) = read(known, Position { salt, frame });
            (continues, end.frame)
        };
        assert_eq!(end(known, 0), (true, frames - 2));
        assert_eq!(end(known, frames - 2), (true, frames - 2));
        // From there on the sums that stand in the frames are gone on with.
        assert_eq!(end(known, frames - 1), (true, frames));
        // It does not matter in which log one stood before.
        let another = Position { salt: salt ^ 1, frame: 1 };
        assert_eq!(end(another, frames - 1), (false, frames));
        // Of this log nothing was said.
        let (_, _, found) = read(known, Position { salt: salt ^ 1, frame: frames });
        assert_eq!(found.frame, frames - 2);
    }

    #[test]
    fn every_frame_knows_the_page_before_it_however_long_the_log_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sqlite");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); CREATE TABLE u (x)")
            .unwrap();
        for x in 0..5 * PIECE as u32 {
            let table = if x % 7 == 0 { "u" } else { "t" };
            connection.execute(&format!("INSERT INTO {table} VALUES (?)"), [x]).unwrap();
        }
        let bytes = std::fs::read(path_of(&path)).unwrap();
        let mut last: FxHashMap<u32, Vec<u8>> = FxHashMap::default();
        let (mut frames, mut at) = (0, HEADER);
        let end = open(&path, Position::default(), Position::default()).unwrap().unwrap().each(|frame| {
            frames += 1;
            assert_eq!(frame.number, frames);
            assert_eq!(frame.after, &bytes[at + FRAME_HEADER..at + FRAME]);
            at += FRAME;
            assert_eq!(last.insert(frame.page, frame.after.to_vec()).as_deref(), frame.before);
        });
        assert_eq!((end.unwrap().frame, at), (frames, bytes.len()));
        assert!(frames as usize > 5 * PIECE);
    }
}
