//! The last bundle of a project on disk, so that an unchanged project starts without any bundler.
//!
//! A file is named after the request and the build of dodev and holds the bundle with a stamp of every
//! input; its dependencies have a file of their own (`dependencies.rs`). It is believed only if its own hash is right and every stamp still fits; everything else,
//! from a missing file to a torn one, means "not cached". Not seen are new files that would now be found
//! before those that were: deleting the directory is always safe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::inputs::Stamp;
use super::output::Bundle;
use super::request::BundleRequest;
use super::stored;
use super::wire::{BundleHeader, Message, join_bundle, split_bundle};

/// The first bytes of a cache file; changes with its form.
const MAGIC: &[u8] = b"dodev bundle 3\n";
/// Most bundles that are kept: one per way of asking, of which a project has few.
const FILES_MAX: usize = 8;

/// Bundles in a directory of the caller's choice.
#[derive(Debug, Clone)]
pub struct BundleCache {
    directory: PathBuf,
}

/// A moment before a build began, in the time of the file system.
#[derive(Debug, Clone, Copy)]
pub struct CacheMark(Stamp);

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    bundle: BundleHeader,
    /// One per input of the bundle; `None` where there was no file.
    stamps: Vec<Option<Stamp>>,
}

impl BundleCache {
    /// A cache in `directory`, which is created when something is stored.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The bundle stored for `request`, if none of its inputs has changed since. `likely` gets it when that is known of the
    /// project's own files, before those of packages are looked at.
    pub fn load_if_unchanged(&self, request: &BundleRequest, likely: impl FnOnce(&Bundle)) -> Option<Bundle> {
        let (_, content) = stored::read(&self.path_of(request), MAGIC)?;
        let Message { header: Entry { bundle, stamps }, blobs } = Message::read(&mut &content[..]).ok()??;
        let bundle = join_bundle(bundle, blobs, None)?;
        let is_of_package = |path: &Path| path.iter().any(|part| part == "node_modules");
        let unchanged = |packages: bool| {
            let mut files =
                bundle.inputs.iter().zip(&stamps).filter(|(path, _)| is_of_package(path) == packages);
            files.all(|(path, stamp)| Stamp::of(path) == *stamp)
        };
        if bundle.inputs.len() != stamps.len() || !unchanged(false) {
            return None;
        }
        likely(&bundle);
        unchanged(true).then_some(bundle)
    }

    /// The present, to be taken before a build whose bundle is to be stored.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub fn mark(&self) -> io::Result<CacheMark> {
        stored::prepare(&self.directory)?;
        let path = self.directory.join(format!("mark-{}", std::process::id()));
        fs::write(&path, b"")?;
        let stamp = Stamp::of(&path);
        fs::remove_file(&path)?;
        stamp.map(CacheMark).ok_or_else(|| io::Error::other("the file system keeps no times"))
    }

    /// Stores `bundle`, built for `request` after `mark`; says whether it did. An input written since
    /// the mark may be newer than the bundle, which then is not stored and what was stored is removed.
    ///
    /// # Errors
    /// If the directory cannot be written.
    pub fn store(&self, request: &BundleRequest, bundle: &Bundle, mark: CacheMark) -> io::Result<bool> {
        let path = self.path_of(request);
        let stamps: Vec<Option<Stamp>> = bundle.inputs.iter().map(|input| Stamp::of(input)).collect();
        if stamps.iter().flatten().any(|stamp| !stamp.is_older_than(&mark.0)) {
            return stored::gone(fs::remove_file(&path)).map(|()| false);
        }
        let (header, blobs) = split_bundle(bundle);
        let message = Message { header: Entry { bundle: header, stamps }, blobs };
        stored::prepare(&self.directory)?;
        stored::write(&path, MAGIC, |mut to| message.write(&mut to))?;
        stored::remove_old(&self.directory, "bundle-", FILES_MAX)?;
        Ok(true)
    }

    fn path_of(&self, request: &BundleRequest) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(env!("DODEV_BUNDLER"));
        hash.update(serde_json::to_vec(request).unwrap_or_default());
        let name: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(format!("bundle-{name}.bin"))
    }
}
