//! Who holds the state: the lock of a running server, and how to reach it.
//!
//! A server notes its URL and a token beside its lock, readable by its user only, so that commands find its
//! control surface. The note means nothing without the lock: a process that crashed leaves it behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How to reach the server that holds a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The note of this process below `own_dir` (`<persist>/v3/dodev`), removed when dropped.
#[derive(Debug)]
pub struct NotedServer {
    path: PathBuf,
    note: ServerNote,
}

impl NotedServer {
    /// Notes that this process serves at `url`, with a new token.
    pub fn write(own_dir: &Path, url: String) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let token = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let note = ServerNote { pid: std::process::id(), url, token };
        let path = own_dir.join("server.json");
        // A file that a crashed server left may have other rights: it goes first.
        let _ = fs::remove_file(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_string(&note).map_err(io::Error::other)?;
        options.open(&path)?.write_all(text.as_bytes())?;
        Ok(Self { path, note })
    }

    /// What is noted.
    pub fn note(&self) -> &ServerNote {
        &self.note
    }
}

impl Drop for NotedServer {
    fn drop(&mut self) {
        // What is left behind is overwritten by the next server.
        let _ = fs::remove_file(&self.path);
    }
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
        let noted = NotedServer::write(&state.own_dir(), "http://127.0.0.1:1".to_owned()).unwrap();
        let found = holder(&root).unwrap().server.unwrap();
        assert_eq!(&found, noted.note());
        assert_eq!(found.token.len(), 32);
        drop(noted);
        assert_eq!(holder(&root).unwrap().server, None);
        drop(state);
        assert_eq!(holder(&root), None);
    }
}
