//! Files that are believed only if they are whole: a first line that names their form, a hash, the content.
//!
//! They are written under another name and renamed, so that nobody reads half of one.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

const HASH_BYTES: usize = 32;

/// The hash and the content of the file `path`, if it is a whole one of the form `magic`.
pub(super) fn read(path: &Path, magic: &[u8]) -> Option<([u8; HASH_BYTES], Vec<u8>)> {
    let mut bytes = fs::read(path).ok()?;
    let content = bytes.strip_prefix(magic)?;
    let (hash, content) = content.split_at_checked(HASH_BYTES)?;
    let hash: [u8; HASH_BYTES] = hash.try_into().ok()?;
    if Sha256::digest(content)[..] != hash {
        return None;
    }
    bytes.drain(..magic.len() + HASH_BYTES);
    Some((hash, bytes))
}

/// Writes what `content` writes to `path` as a file of the form `magic`; gives its hash. It is asked twice, since the hash
/// stands first and megabytes are not gathered for it.
pub(super) fn write(
    path: &Path,
    magic: &[u8],
    content: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<[u8; HASH_BYTES]> {
    let mut hash = Sha256::new();
    content(&mut hash)?;
    let hash: [u8; HASH_BYTES] = hash.finalize().into();
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let write_all = || {
        let mut file = BufWriter::new(fs::File::create(&temporary)?);
        file.write_all(magic)?;
        file.write_all(&hash)?;
        content(&mut file)?;
        file.into_inner()?;
        fs::rename(&temporary, path)
    };
    let written = write_all();
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| hash)
}

/// Makes `directory` and the one around it, and keeps version control away from it. Nothing further up is made: it would be the
/// directory of a project that was moved away.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    for part in directory.parent().into_iter().chain([directory]) {
        match fs::create_dir(part) {
            Err(reason) if reason.kind() != io::ErrorKind::AlreadyExists => return Err(reason),
            _ => {}
        }
    }
    let ignore = directory.join(".gitignore");
    if ignore.exists() { Ok(()) } else { fs::write(ignore, "*\n") }
}

/// Removes the files whose names begin with `prefix` and that were stored longest ago, until `most` remain.
pub(super) fn remove_old(directory: &Path, prefix: &str, most: usize) -> io::Result<()> {
    let stored = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        ours.then_some((entry.metadata().ok()?.modified().ok()?, entry.path()))
    };
    let mut files: Vec<_> = fs::read_dir(directory)?.filter_map(stored).collect();
    files.sort();
    let excess = files.len().saturating_sub(most);
    files[..excess].iter().try_for_each(|(_, path)| gone(fs::remove_file(path)))
}

/// The result of a removal: another process may have been quicker.
pub(super) fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
