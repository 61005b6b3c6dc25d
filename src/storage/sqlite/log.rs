//! What the object store needs to know of SQLite's write-ahead log, and replacing a whole database.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use rusqlite::ffi;

use super::{Database, Interrupt, OpenMode};
use crate::storage::failure::SqliteFailure;

/// Bytes of the part of the log's index that changes with every commit, in 32-bit words.
const INDEX_WORDS: usize = 12;
/// Bytes of a region of the log's index.
const INDEX_REGION: c_int = 32 * 1024;

/// A view of the head of the log's index, which all processes that have the database open share.
///
/// It lives as long as the connection that gave it, so it is to be kept beside that connection only.
#[derive(Debug)]
pub struct LogIndex {
    head: *const u32,
    /// Keeps the connection, and so the shared memory, open.
    _database: Database,
}

/// What a [`LogIndex`] shows at a moment; differs after any process has committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogState([u32; INDEX_WORDS]);

/// Where the head of the index has the number of commits, and the salts of the log.
const COMMITS: usize = 2;
const SALTS: usize = 8;

impl LogState {
    /// Commits since `earlier`, by any process.
    pub fn commits_since(&self, earlier: &Self) -> u32 {
        self.0[COMMITS].wrapping_sub(earlier.0[COMMITS])
    }

    /// The salts in the log's header, in the order of their bytes.
    pub fn salt(&self) -> u64 {
        let [first, second] =
            [self.0[SALTS], self.0[SALTS + 1]].map(|word| u32::from_be_bytes(word.to_ne_bytes()));
        u64::from(first) << 32 | u64::from(second)
    }
}

impl LogIndex {
    /// The present state. No system call.
    pub fn state(&self) -> LogState {
        let mut state = [0; INDEX_WORDS];
        for (index, word) in state.iter_mut().enumerate() {
            // SAFETY: the region is mapped for as long as the connection is open, which `_database` sees to, and
            // is longer than this. Others may write to it at any time, hence the volatile reads; a torn state
            // differs from every whole one that was seen.
            *word = unsafe { self.head.add(index).read_volatile() };
        }
        LogState(state)
    }
}

impl Database {
    /// Takes moving the log into the file over from SQLite, and notes the length of the log at every commit.
    pub fn watch_log(&self) {
        let frames = self.0.frames.as_ptr();
        // SAFETY: the handle is open; `frames` is boxed and lives as long as the handle.
        unsafe { ffi::sqlite3_wal_hook(self.0.raw, Some(note_frames), frames.cast()) };
    }

    /// Frames in the log after the last commit; `None` if nothing was committed since this was last asked.
    pub fn take_frames(&self) -> Option<u32> {
        let frames = self.0.frames.replace(0);
        (frames > 0).then_some(frames)
    }

    /// Moves the log into the file, as far as readers let it: the frames in the log and how many were moved.
    pub fn move_log(&self) -> Result<(u32, u32), SqliteFailure> {
        let (mut frames, mut moved) = (0, 0);
        // SAFETY: the handle is open; the results are places on this stack.
        let code = unsafe {
            let name = c"main".as_ptr();
            ffi::sqlite3_wal_checkpoint_v2(
                self.0.raw,
                name,
                ffi::SQLITE_CHECKPOINT_PASSIVE,
                &mut frames,
                &mut moved,
            )
        };
        match code {
            ffi::SQLITE_OK | ffi::SQLITE_BUSY => {
                Ok((u32::try_from(frames).unwrap_or(0), u32::try_from(moved).unwrap_or(0)))
            }
            code => Err(self.0.failure(code)),
        }
    }

    /// The log's index; `None` if the database has none, or has not been read yet.
    pub fn log_index(&self) -> Option<LogIndex> {
        let mut file: *mut ffi::sqlite3_file = null_mut();
        let mut region: *mut c_void = null_mut();
        // SAFETY: the handle is open. The file belongs to it, its methods are those of its system layer, and
        // version 2 of them has `xShmMap`, which gives a region that stays mapped until the file is closed.
        unsafe {
            let place: *mut *mut ffi::sqlite3_file = &mut file;
            let operation = ffi::SQLITE_FCNTL_FILE_POINTER;
            let code = ffi::sqlite3_file_control(self.0.raw, c"main".as_ptr(), operation, place.cast());
            if code != ffi::SQLITE_OK || file.is_null() || (*file).pMethods.is_null() {
                return None;
            }
            let methods = &*(*file).pMethods;
            let map = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
            if map(file, 0, INDEX_REGION, 0, &mut region) != ffi::SQLITE_OK || region.is_null() {
                return None;
            }
        }
        Some(LogIndex { head: region.cast(), _database: self.clone() })
    }

    /// Replaces the whole database by the one with the bytes `image`, in one transaction.
    pub fn replace_with(&self, mut image: Vec<u8>) -> Result<(), SqliteFailure> {
        let source = Database::open("".as_ref(), OpenMode::Memory, &Interrupt::default())?;
        // A database in memory has no log; the copy takes over the way of writing of where it goes.
        if let Some(versions) = image.get_mut(18..20) {
            versions.fill(1);
        }
        let (main, size) = (c"main".as_ptr(), image.len() as i64);
        // SAFETY: both handles are open; `image` is not moved or changed until `source`, which reads it, is closed.
        unsafe {
            let flags = ffi::SQLITE_DESERIALIZE_READONLY;
            let code = ffi::sqlite3_deserialize(source.0.raw, main, image.as_mut_ptr(), size, size, flags);
            if code != ffi::SQLITE_OK {
                return Err(source.0.failure(code));
            }
            let backup = ffi::sqlite3_backup_init(self.0.raw, main, source.0.raw, main);
            if backup.is_null() {
                return Err(self.0.failure(ffi::sqlite3_errcode(self.0.raw)));
            }
            let step = ffi::sqlite3_backup_step(backup, -1);
            let end = ffi::sqlite3_backup_finish(backup);
            drop(source);
            match (step, end) {
                (ffi::SQLITE_DONE, ffi::SQLITE_OK) => Ok(()),
                (_, code) if code != ffi::SQLITE_OK => Err(self.0.failure(code)),
                (code, _) => Err(self.0.failure(code)),
            }
        }
    }
}

/// Called by SQLite after a commit with the number of frames that the log has now.
unsafe extern "C" fn note_frames(
    place: *mut c_void,
    _database: *mut ffi::sqlite3,
    _name: *const c_char,
    frames: c_int,
) -> c_int {
    // SAFETY: `place` is the counter of the handle that calls.
    unsafe { *place.cast::<u32>() = u32::try_from(frames).unwrap_or(0) };
    ffi::SQLITE_OK
}
