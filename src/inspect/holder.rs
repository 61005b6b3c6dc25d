//! Who holds the state: the lock of a running server, and how to reach it.
//!
//! A server notes (`dev/server_file.rs`) its URL and a token beside its lock, readable by its user only, so that commands find its
//! control surface. The note means nothing without the lock: a process that crashed leaves it behind.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

/// How to reach the server that holds a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerNote {
    /// Its process.
    pub pid: u32,
    /// Where it listens, as in `http://127.0.0.1:8787`.
    pub url: String,
    /// What the control surface wants to see before it changes anything.
    pub token: String,
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
    let mut file = File::open(own.join("lock")).ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let pid: Option<u32> = text.trim().parse().ok();
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
    let note = fs::read(own.join("server.json")).ok();
    let server = note.and_then(|note| serde_json::from_slice::<ServerNote>(&note).ok());
    Some(Holder { pid, server: server.filter(|server| Some(server.pid) == pid) })
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
