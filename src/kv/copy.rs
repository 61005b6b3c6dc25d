//! Copies all namespaces of a state.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::namespace::{BUSY, CLASS, KvError};

/// Pages that are copied between two looks at the clock.
const PAGES: i32 = 1_000;

/// Copies the namespaces below `from` to `to`, two directories `v3/kv`. Others may use `from` meanwhile, and wait to write.
///
/// # Errors
/// What the disk or SQLite refuses.
pub fn copy(from: &Path, to: &Path) -> Result<(), KvError> {
    let (class, target) = (from.join(CLASS), to.join(CLASS));
    let mut held = Vec::new();
    for file in files(&class)? {
        if file.extension() != Some(OsStr::new("sqlite")) {
            continue;
        }
        fs::create_dir_all(&target)?;
        // No value is put or taken away until all are copied.
        let lock = Connection::open(&file)?;
        lock.busy_timeout(BUSY)?;
        lock.execute_batch("BEGIN IMMEDIATE")?;
        held.push(lock);
        let entries = Connection::open(&file)?;
        let mut copied = Connection::open(target.join(file.file_name().unwrap_or_default()))?;
        Backup::new(&entries, &mut copied)?.run_to_completion(PAGES, Duration::ZERO, None)?;
    }
    for namespace in files(from)? {
        let target = to.join(namespace.file_name().unwrap_or_default()).join("blobs");
        for value in files(&namespace.join("blobs"))? {
            fs::create_dir_all(&target)?;
            reflink_copy::reflink_or_copy(&value, target.join(value.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// What is in `directory`; nothing if it is not there.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Namespace;
    use super::*;

    #[test]
    fn a_copy_is_apart_from_what_it_was_made_of() {
        let root = tempfile::tempdir().expect("a directory");
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        copy(&from, &to).expect("nothing to copy");
        let namespace = Namespace::open(&from, "ns").expect("opened");
        namespace.put("a", b"one", Some("1"), None, 0).expect("written");
        copy(&from, &to).expect("copied");
        namespace.put("a", b"two", None, None, 0).expect("written, for nothing is held any more");
        let copied = Namespace::open(&to, "ns").expect("opened");
        assert_eq!(copied.get("a", 0).expect("read").expect("copied").value, b"one");
        assert_eq!(namespace.get("a", 0).expect("read").expect("there").value, b"two");
    }
}
