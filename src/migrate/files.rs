//! File operations of a migration, each a point where the process may end.
//!
//! Everything that a migration changes on disk goes through [`Files`], so that a test can end it before any
//! operation and look at what is left. Renames and removals of what is not there succeed: the operation was done
//! before a crash, or there is nothing to do.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Does file operations, unless it was told to stop before one.
#[derive(Debug, Default)]
pub struct Files {
    /// Operations that are still done; none for all.
    left: Option<Cell<u64>>,
    /// Whether what is written must survive a loss of power.
    durable: bool,
}

impl Files {
    /// Operations that survive a loss of power.
    pub fn durable() -> Self {
        Self { left: None, durable: true }
    }

    /// Does `operations` operations; every further one fails, as if the process had ended before it.
    #[cfg(test)]
    pub fn ending_after(operations: u64) -> Self {
        Self { left: Some(Cell::new(operations)), durable: false }
    }

    /// Whether the next operation is done; to be asked before each.
    ///
    /// # Errors
    /// Only in tests.
    pub fn next(&self) -> io::Result<()> {
        let Some(left) = &self.left else { return Ok(()) };
        let now = left.get();
        left.set(now.saturating_sub(1));
        if now == 0 { Err(io::Error::other("the process ended here")) } else { Ok(()) }
    }

    /// Renames `from`, if it is there, to `to`, making `to`'s directory.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !fs::exists(from)? {
            return Ok(());
        }
        if let Some(directory) = to.parent() {
            fs::create_dir_all(directory)?;
        }
        self.next()?;
        fs::rename(from, to)?;
        self.sync_directory(to)
    }

    /// Replaces the file `path` with `bytes` at once, making its directory.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let new = path.with_extension("new");
        self.next()?;
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        if self.durable {
            file.sync_all()?;
        }
        drop(file);
        self.next()?;
        fs::rename(&new, path)?;
        self.sync_directory(path)
    }

    /// Removes the file `path`, if it is there.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.next()?;
        match fs::remove_file(path) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => Err(reason),
            _ => self.sync_directory(path),
        }
    }

    /// Removes the directory `path` and everything in it, if it is there.
    pub fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.next()?;
        match fs::remove_dir_all(path) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => Err(reason),
            _ => Ok(()),
        }
    }

    /// Makes the change of `path`'s name durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(directory) if self.durable && cfg!(unix) => File::open(directory)?.sync_all(),
            _ => Ok(()),
        }
    }
}
