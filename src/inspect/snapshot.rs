//! Snapshots: copies of all objects below `v3/dodev/snapshots`, made while a server runs or not.
//!
//! Each database is copied with its log so that the two fit together, sharing blocks where the file system can.
//! Whoever copies sees to it that nobody writes meanwhile: a stopped state is locked, a live one stands still. Going back
//! lays a whole copy out and puts it in place (`storage::replacement`), wholly or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::several_nearest;
use super::book::Book;
use super::failure::{InspectError, Result};
use super::reader;
use super::write::Writer;
use crate::base::clock::Timestamp;
use crate::kv::{self, KvError};
use crate::storage::committed_image;
use crate::storage::replacement::{self, Replacement};

/// What of dodev's own belongs to the objects, below `v3/dodev`: retries of alarms, which migrations were applied, and the
/// ids that objects had before.
const RETRIES: &str = "alarm-retries.sqlite";
const LEDGER: &str = "migrations.json";
const FORMER_IDS: &str = "former-ids";
/// Names that mean something else.
const RESERVED: [&str; 2] = ["live", "now"];

/// What is known of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// When it was made, milliseconds since 1970.
    pub made_ms: i64,
    /// How many objects it has.
    pub objects: u64,
    /// Bytes of its databases, as if nothing were shared.
    pub size_bytes: u64,
}

/// Tells of progress: done, of so many.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

fn directory(book: &Book) -> PathBuf {
    book.root().join("dodev/snapshots")
}

/// Refuses what is no name of a snapshot: it becomes a directory.
fn check_name(name: &str) -> Result<()> {
    let fits = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(['.', '-'])
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'));
    if !fits {
        let what = format!("`{name}` cannot be a snapshot's name: use letters, digits, `.`, `_` and `-`");
        return Err(InspectError::Invalid(what));
    }
    if RESERVED.contains(&name) {
        return Err(InspectError::Invalid(format!(
            "`{name}` means the present and cannot be a snapshot's name"
        )));
    }
    Ok(())
}

/// Names of all snapshots, sorted.
pub fn names(book: &Book) -> Result<Vec<String>> {
    Ok(list(book)?.into_iter().map(|snapshot| snapshot.name).collect())
}

/// All snapshots, the oldest first. Unfinished ones are passed over.
pub fn list(book: &Book) -> Result<Vec<Snapshot>> {
    let directory = directory(book);
    let entries = match fs::read_dir(&directory) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(InspectError::io("read", &directory))?,
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let note = fs::read(entry.path().join("snapshot.json")).ok();
        let snapshot = note.and_then(|note| serde_json::from_slice::<Snapshot>(&note).ok());
        found.extend(snapshot.filter(|snapshot| entry.file_name().to_str() == Some(&snapshot.name)));
    }
    found.sort_by(|a, b| (a.made_ms, &a.name).cmp(&(b.made_ms, &b.name)));
    Ok(found)
}

/// The state as the snapshot `name` has it.
pub fn open(book: &Book, name: &str) -> Result<Book> {
    find(book, name)?;
    Ok(Book::at(&directory(book).join(name)))
}

fn find(book: &Book, name: &str) -> Result<Snapshot> {
    let all = list(book)?;
    if let Some(found) = all.iter().find(|snapshot| snapshot.name == name) {
        return Ok(found.clone());
    }
    let near = several_nearest(name, all.iter().map(|snapshot| snapshot.name.as_str()));
    Err(InspectError::NotFound {
        what: format!("there is no snapshot `{name}`"),
        nearest: near.into_iter().map(str::to_owned).collect(),
        help: Some(match all.is_empty() {
            true => format!("`dodev state snapshot save {name}` makes one"),
            false => "`dodev state snapshot list` shows those there are".to_owned(),
        }),
    })
}

/// Refuses what cannot be a snapshot's name, or is one's, unless it may be replaced.
///
/// # Errors
/// Why.
pub fn check_free(book: &Book, name: &str, replace: bool) -> Result<()> {
    check_name(name)?;
    if directory(book).join(name).exists() && !replace {
        return Err(InspectError::Exists {
            what: format!("there is a snapshot `{name}` already"),
            help: "choose another name, or replace it with `--replace`",
        });
    }
    Ok(())
}

/// How a snapshot is made.
#[derive(Debug, Clone, Copy)]
pub struct Saving<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it may take the place of one with this name.
    pub replace: bool,
    /// The time.
    pub now: Timestamp,
    /// Databases that this process has open: they are read through SQLite, since closing a file would drop its locks.
    pub open: &'a [PathBuf],
}

/// Copies all objects as a snapshot. Nobody may write to them meanwhile.
pub fn save(book: &Book, saving: &Saving<'_>, progress: Progress<'_>) -> Result<Snapshot> {
    let Saving { name, replace, now, open } = *saving;
    check_free(book, name, replace)?;
    let target = directory(book).join(name);
    let making = directory(book).join(format!(".{name}.new"));
    remove_tree(&making)?;
    let (objects, size_bytes) = copy_all(book.root(), &making.join("v3"), open, progress)?;
    let snapshot = Snapshot { name: name.to_owned(), made_ms: now.0, objects, size_bytes };
    let note = serde_json::to_vec(&snapshot).map_err(|error| InspectError::Invalid(error.to_string()))?;
    let path = making.join("snapshot.json");
    fs::write(&path, note).map_err(InspectError::io("write", &path))?;
    remove_tree(&target)?;
    fs::rename(&making, &target).map_err(InspectError::io("rename", &making))?;
    Ok(snapshot)
}

/// Puts all objects back as the snapshot `name` has them, with the list of applied migrations and the former ids.
pub fn load(book: &Book, writer: &Writer, name: &str, progress: Progress<'_>) -> Result<Snapshot> {
    let snapshot = find(book, name)?;
    let coming = book.root().join(replacement::COMING);
    remove_tree(&coming)?;
    copy_all(&directory(book).join(name).join("v3"), &coming, &[], progress)?;
    let mut parts = Replacement::default();
    for part in [RETRIES, LEDGER] {
        let (file, log) = (Path::new(part), reader::log_of(Path::new(part)));
        for file in [file, &log] {
            let list =
                if coming.join("dodev").join(file).exists() { &mut parts.put } else { &mut parts.remove };
            list.push(file.to_string_lossy().into_owned());
        }
    }
    // Earlier versions did not keep it.
    if coming.join("dodev").join(FORMER_IDS).exists() {
        parts.put.push(FORMER_IDS.to_owned());
    }
    // What stands in the histories stays, and going back to the snapshot becomes a point of them.
    let remembered = writer.remembered(book)?;
    for object in &remembered {
        writer.before_replaced(object)?;
    }
    parts.carry_out(book.root()).map_err(InspectError::io("replace", book.root()))?;
    for object in &remembered {
        writer.replaced(object, &format!("snapshot load {name}"));
    }
    Ok(snapshot)
}

/// Whether going back to the snapshot `name` changes what code is told when it starts: which migrations were applied, or
/// the ids that objects had before.
pub fn changes_code(book: &Book, name: &str) -> bool {
    let own = |root: &Path| {
        let root = root.join("dodev");
        let mut tables: Vec<_> = read(&root.join(FORMER_IDS)).unwrap_or_default();
        tables.sort();
        let tables: Vec<_> = tables
            .into_iter()
            .map(|path| (path.file_name().map(ToOwned::to_owned), fs::read(&path).ok()))
            .collect();
        (fs::read(root.join(LEDGER)).ok(), tables)
    };
    own(book.root()) != own(&directory(book).join(name).join("v3"))
}

/// Removes the snapshot `name`.
pub fn remove(book: &Book, name: &str) -> Result<()> {
    find(book, name)?;
    remove_tree(&directory(book).join(name))
}

/// Copies all objects of `from` to `to`, the roots of two states, and their namespaces of Workers KV; `from` may be in use, `to`
/// is empty.
pub fn fork(from: &Path, to: &Path) -> Result<()> {
    copy_all(from, to, &[], &|_, _| {})?;
    let (from, to) = (from.join("kv"), to.join("kv"));
    let refused = |error: KvError| std::io::Error::other(error.to_string());
    kv::copy(&from, &to).map_err(refused).map_err(InspectError::io("copy", &from))
}

/// Copies everything of objects from one `v3` to another: how many objects, and bytes. This process has the databases
/// `open` open.
fn copy_all(from: &Path, to: &Path, open: &[PathBuf], progress: Progress<'_>) -> Result<(u64, u64)> {
    let mut files = Vec::new();
    for namespace in read(&from.join("do"))? {
        if namespace.is_dir() {
            let target = to.join("do").join(namespace.file_name().unwrap_or_default());
            fs::create_dir_all(&target).map_err(InspectError::io("create", &target))?;
            files.extend(read(&namespace)?.into_iter().map(|file| (file, target.clone())));
        }
    }
    let (own, own_target) = (from.join("dodev"), to.join("dodev"));
    fs::create_dir_all(&own_target).map_err(InspectError::io("create", &own_target))?;
    files.extend([RETRIES, LEDGER].map(|file| (own.join(file), own_target.clone())));
    let former = own_target.join(FORMER_IDS);
    fs::create_dir_all(&former).map_err(InspectError::io("create", &former))?;
    files.extend(read(&own.join(FORMER_IDS))?.into_iter().map(|file| (file, former.clone())));
    let (mut objects, mut bytes) = (0, 0);
    let total = files.len() as u64;
    for (done, (file, directory)) in files.into_iter().enumerate() {
        progress(done as u64, total);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-shm") {
            continue;
        }
        let target = directory.join(&name);
        // A file that went away meanwhile belonged to an object that did.
        let is_there = if open.contains(&file) {
            let image = committed_image(&file)?;
            image
                .map(|image| fs::write(&target, image))
                .transpose()
                .map_err(InspectError::io("write", &target))?
                .is_some()
        } else if name.ends_with(".sqlite") || name.ends_with(".deleted") {
            reader::copy(&file, &target)?
        } else {
            match reflink_copy::reflink_or_copy(&file, &target) {
                Err(reason) if reason.kind() == ErrorKind::NotFound => false,
                result => result.map(|_| true).map_err(InspectError::io("copy", &file))?,
            }
        };
        let stem = name.strip_suffix(".sqlite").unwrap_or_default();
        if is_there {
            objects += u64::from(stem.parse::<crate::base::ids::ObjectId>().is_ok());
            for copied in [reader::log_of(&target), target] {
                bytes += fs::metadata(copied).map_or(0, |metadata| metadata.len());
            }
        }
    }
    progress(total, total);
    Ok((objects, bytes))
}

fn read(directory: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(reason) => Err(InspectError::io("read", directory)(reason)),
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
    }
}

fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => Err(InspectError::io("remove", path)(reason)),
        _ => Ok(()),
    }
}
