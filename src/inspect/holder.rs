//! Who holds the state: the lock of a running server, and how to reach it.
//!
//! A server notes (`dev/server_file.rs`) its URL and a token beside its lock, readable by its user only, so that commands find its
//! control surface. The note means nothing without the lock: a process that crashed leaves it behind.
//!
//! Other programs know nothing of the lock. On Linux they are found by the files and directories that they have open:
//! `wrangler dev` keeps the directory of every namespace open as long as it runs.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::storage::state_dir;

/// How to reach the server that holds a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerNote {
    /// Which version of dodev it is.
    #[serde(default)]
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Where it listens, as in `http://127.0.0.1:8787`.
    pub url: String,
    /// What the control surface wants to see before it changes anything.
    pub token: String,
}

impl ServerNote {
    /// The file, in `own_dir` (`<persist>/v3/dodev`).
    pub fn path(own_dir: &Path) -> PathBuf {
        own_dir.join("server.json")
    }

    /// What stands in `own_dir`, if that can be read.
    pub fn read(own_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path(own_dir)).ok()?).ok()
    }
}

/// Who holds a state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process, as far as it can be told.
    pub pid: Option<u32>,
    /// How to reach it, once it listens.
    pub server: Option<ServerNote>,
}

/// Who holds the state below `root` (`<persist>/v3`) now. Makes no file.
pub fn holder(root: &Path) -> Option<Holder> {
    let own = root.join("dodev");
    let file = File::open(own.join(state_dir::LOCK)).ok()?;
    let pid = state_dir::noted_holder(&own);
    // Trying the lock takes it for an instant, in which a server could not start: not without a reason.
    if let Some(pid) = pid
        && Path::new("/proc/self").exists()
        && !Path::new(&format!("/proc/{pid}")).exists()
    {
        return None;
    }
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let server = ServerNote::read(&own).filter(|server| Some(server.pid) == pid);
    Some(Holder { pid, server })
}

/// A program that uses a state directory without the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub program: String,
}

/// A program other than dodev that has objects of the state below `root` open, as far as that can be told.
pub fn user(root: &Path) -> Option<User> {
    let objects = fs::canonicalize(root.join("do")).ok()?;
    let own = fs::read_link("/proc/self/exe").ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find_map(|pid: u32| {
        let process = PathBuf::from(format!("/proc/{pid}"));
        // Those of other users cannot be looked at.
        let mut files = fs::read_dir(process.join("fd")).ok()?.flatten();
        let is_object = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.starts_with(&objects) && (name.contains(".sqlite") || !name.contains('.'))
        };
        files.any(|file| fs::read_link(file.path()).is_ok_and(|path| is_object(&path))).then_some(())?;
        if fs::read_link(process.join("exe")).is_ok_and(|exe| exe == own) {
            return None;
        }
        let program = fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
        Some(User { pid, program })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StateDir;

    #[test]
    fn a_held_directory_names_its_holder_and_a_free_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("v3");
        assert_eq!(holder(&root), None);
        assert!(!root.exists(), "looking makes nothing");
        let state = StateDir::open(&root).unwrap();
        let pid = Some(std::process::id());
        assert_eq!(holder(&root), Some(Holder { pid, server: None }));
        let note = |pid: u32| {
            format!("{{\"pid\":{pid},\"url\":\"http://127.0.0.1:1\",\"token\":\"t\",\"other\":1}}")
        };
        fs::write(state.own_dir().join("server.json"), note(std::process::id())).unwrap();
        assert_eq!(holder(&root).unwrap().server.unwrap().token, "t");
        fs::write(state.own_dir().join("server.json"), note(1)).unwrap();
        assert_eq!(holder(&root).unwrap().server, None, "an earlier server left it");
        drop(state);
        assert_eq!(holder(&root), None);
    }
}
