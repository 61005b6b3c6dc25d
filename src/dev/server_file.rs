//! The file that tells other programs of the same user how to reach the running server.
//!
//! `<persist>/v3/dodev/server.json` holds version, process, address and the control surface's token. Nobody
//! but the user may read it (on Windows: nobody but who may read the directory). It is written in one step and goes with the session; one that a killed server left
//! is told by its process, which is gone, and by the lock beside it, which is free.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::inspect::ServerNote;

/// Bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// A new token: 64 hexadecimal digits.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_token() -> io::Result<String> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The file; removed when it is dropped.
#[derive(Debug)]
pub struct ServerFile(PathBuf);

impl ServerFile {
    /// Writes the file into `own_dir`, which only this process may use now.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(own_dir: &Path, address: SocketAddr, token: &str) -> io::Result<Self> {
        let path = ServerNote::path(own_dir);
        let fresh = own_dir.join("server.json.new");
        let reachable = match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port()))
            }
            address => address,
        };
        let note = ServerNote {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            url: format!("http://{reachable}"),
            token: token.to_owned(),
        };
        let text = serde_json::to_string(&note)?;
        // What an earlier process left may have other permissions.
        drop(fs::remove_file(&fresh));
        let mut file = create(&fresh)?;
        writeln!(file, "{text}")?;
        fs::rename(&fresh, &path)?;
        Ok(Self(path))
    }
}

/// Makes the file `path`, for its user alone.
#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes the file `path` with the rights of its directory, which on Windows a user's own directories give to nobody else.
#[cfg(windows)]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

impl Drop for ServerFile {
    fn drop(&mut self) {
        // A file that stays names a process that is gone.
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_users_alone_and_goes_with_the_session() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.json");
        fs::write(&path, "left").unwrap();
        let token = new_token().unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        assert_ne!(token, new_token().unwrap());
        let file = ServerFile::write(directory.path(), ([0, 0, 0, 0], 80).into(), &token).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let note = ServerNote::read(directory.path()).unwrap();
        assert_eq!((note.url.as_str(), note.token.as_str()), ("http://127.0.0.1:80", &*token));
        assert_eq!((note.pid, note.version.as_str()), (std::process::id(), env!("CARGO_PKG_VERSION")));
        drop(file);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
