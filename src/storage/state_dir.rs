//! The state directory: where the files of objects are, and whose turn it is to use them.
//!
//! Everything under `<persist>/v3` is laid out as wrangler lays it out, so that one can change tools
//! in the middle of a day; what is only ours lives under `v3/dodev`. A lock file there keeps a
//! second server from opening databases that the first one holds.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use super::replacement;
use crate::base::ids::{NamespaceKey, ObjectId};

/// The file that is locked.
pub const LOCK: &str = "lock";
/// The file that names the process that locked it: on Windows nobody else can read what is locked.
pub const HOLDER: &str = if cfg!(windows) { "lock.pid" } else { LOCK };

/// A state directory that this process holds until the value is dropped.
#[derive(Debug)]
pub struct StateDir {
    root: PathBuf,
    lock: File,
}

impl Drop for StateDir {
    /// Closing the file is not enough: a child process that is just being started has it too, until it is executed.
    fn drop(&mut self) {
        // Without the call the lock goes with the last copy of the file.
        let _ = self.lock.unlock();
    }
}

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFile {
    /// The object's id.
    pub id: ObjectId,
    /// Its file, to be given to [`super::ObjectStore::new`].
    pub path: PathBuf,
}

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// Another process holds it.
    #[error("the state directory `{}` is in use by another dodev process{}", root.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// The directory.
        root: PathBuf,
        /// The holder, as far as it can be told.
        pid: Option<u32>,
    },
    /// The file system failed.
    #[error("cannot {operation} `{}`: {reason}", path.display())]
    Io {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl StateDir {
    /// Makes `root` (`<persist>/v3`) if needed and takes it for this process. A replacement of the whole state that an
    /// earlier process began is finished.
    pub fn open(root: &Path) -> Result<Self, StateDirError> {
        let own = root.join("dodev");
        let failed = |operation, path: &Path| {
            let path = path.to_owned();
            move |reason| StateDirError::Io { operation, path, reason }
        };
        fs::create_dir_all(&own).map_err(failed("create", &own))?;
        let path = own.join(LOCK);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // The number only helps to find the holder; without it the refusal stands.
                return Err(StateDirError::Held { root: root.to_owned(), pid: noted_holder(&own) });
            }
            Err(TryLockError::Error(reason)) => return Err(failed("lock", &path)(reason)),
        }
        note_holder(&own, &mut lock).map_err(failed("write", &path))?;
        replacement::finish(root).map_err(failed("finish replacing", root))?;
        Ok(Self { root: root.to_owned(), lock })
    }

    /// `<persist>/v3`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory for what only dodev keeps.
    pub fn own_dir(&self) -> PathBuf {
        self.root.join("dodev")
    }

    /// The directory of a namespace's objects; it need not exist.
    pub fn namespace_dir(&self, namespace: &NamespaceKey) -> PathBuf {
        self.root.join("do").join(namespace.as_str())
    }

    /// The file of an object; it need not exist.
    pub fn object_path(&self, namespace: &NamespaceKey, id: &ObjectId) -> PathBuf {
        self.namespace_dir(namespace).join(format!("{id}.sqlite"))
    }

    /// Names of all namespaces (`<script>-<Class>`) that have a directory, sorted.
    pub fn list_namespaces(&self) -> Result<Vec<String>, StateDirError> {
        let mut names = Vec::new();
        for (name, path) in entries(&self.root.join("do"))? {
            if path.is_dir() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// All stored objects of a namespace, sorted by id.
    pub fn list_objects(&self, namespace: &NamespaceKey) -> Result<Vec<ObjectFile>, StateDirError> {
        list_objects_in(&self.namespace_dir(namespace))
    }
}

/// Which process took the lock of `own` (`<persist>/v3/dodev`) last; it may be gone.
pub fn noted_holder(own: &Path) -> Option<u32> {
    fs::read_to_string(own.join(HOLDER)).ok()?.trim().parse().ok()
}

/// Notes that this process has `lock`.
fn note_holder(own: &Path, lock: &mut File) -> std::io::Result<()> {
    let pid = std::process::id();
    if HOLDER != LOCK {
        return fs::write(own.join(HOLDER), format!("{pid}\n"));
    }
    lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{pid}"))
}

/// All stored objects in a namespace's `directory`, sorted by id.
///
/// Other files are passed over: alarms, facets, logs. An object whose `deleteAll()` was interrupted
/// counts: the next use brings it back.
fn list_objects_in(directory: &Path) -> Result<Vec<ObjectFile>, StateDirError> {
    let mut objects = Vec::new();
    for (name, _) in entries(directory)? {
        let stem = name.strip_suffix(".sqlite").or_else(|| name.strip_suffix(".deleted"));
        if let Some(id) = stem.and_then(|stem| stem.parse().ok()) {
            objects.push(ObjectFile { id, path: directory.join(format!("{id}.sqlite")) });
        }
    }
    objects.sort_by_key(|object| object.id);
    objects.dedup();
    Ok(objects)
}

/// Names and paths in `directory`; none if it does not exist.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>, StateDirError> {
    let failed = |reason| StateDirError::Io { operation: "read", path: directory.to_owned(), reason };
    let reader = match fs::read_dir(directory) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in reader {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_free_once_dropped_whoever_has_a_copy_of_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("v3");
        let held = StateDir::open(&root).unwrap();
        // As a child has it between fork and exec.
        let copy = held.lock.try_clone().unwrap();
        drop(held);
        StateDir::open(&root).unwrap();
        drop(copy);
    }

    #[test]
    fn a_held_directory_is_refused_with_the_holder() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("v3");
        let held = StateDir::open(&root).unwrap();
        let refused = StateDir::open(&root).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
        drop(held);
        StateDir::open(&root).unwrap();
    }

    #[test]
    fn objects_are_found_and_other_files_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(&directory.path().join("v3")).unwrap();
        let namespace = NamespaceKey::new("w", "C");
        assert_eq!(state.list_objects(&namespace).unwrap(), []);
        let ids: Vec<_> = ["b", "a"].iter().map(|name| namespace.id_from_name(name)).collect();
        fs::create_dir_all(state.namespace_dir(&namespace)).unwrap();
        for id in &ids {
            fs::write(state.object_path(&namespace, id), "").unwrap();
        }
        for other in ["metadata.sqlite", "x.sqlite-wal"] {
            fs::write(state.namespace_dir(&namespace).join(other), "").unwrap();
        }
        let mut expected = ids.clone();
        expected.sort();
        let found: Vec<_> = state.list_objects(&namespace).unwrap().iter().map(|object| object.id).collect();
        assert_eq!(found, expected);
        assert_eq!(state.list_namespaces().unwrap(), ["w-C"]);
    }
}
