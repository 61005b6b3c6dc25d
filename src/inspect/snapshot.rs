//! Snapshots: copies of all objects below `v3/dodev/snapshots`, made while a server runs or not.
//!
//! Each database is copied with its log so that the two fit together, sharing blocks where the file system can.
//! Databases are copied one after the other: of a live server, each object is consistent in itself. Going back
//! puts a whole copy in place with two renames, and what was there is kept until both are done.

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

/// Files of dodev that belong to the objects, below `v3/dodev`: retries of alarms, and which migrations were applied.
const OWN_FILES: [&str; 2] = ["alarm-retries.sqlite", "migrations.json"];
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

/// Copies all objects as the snapshot `name`.
pub fn save(
    book: &Book,
    name: &str,
    replace: bool,
    now: Timestamp,
    progress: Progress<'_>,
) -> Result<Snapshot> {
    check_name(name)?;
    let target = directory(book).join(name);
    if target.exists() && !replace {
        let what = format!("there is a snapshot `{name}` already");
        return Err(InspectError::Exists {
            what,
            help: "choose another name, or replace it with `--replace`",
        });
    }
    let making = directory(book).join(format!(".{name}.new"));
    remove_tree(&making)?;
    let (objects, size_bytes) = copy_all(book.root(), &making.join("v3"), progress)?;
    let snapshot = Snapshot { name: name.to_owned(), made_ms: now.0, objects, size_bytes };
    let note = serde_json::to_vec(&snapshot).map_err(|error| InspectError::Invalid(error.to_string()))?;
    let path = making.join("snapshot.json");
    fs::write(&path, note).map_err(InspectError::io("write", &path))?;
    remove_tree(&target)?;
    fs::rename(&making, &target).map_err(InspectError::io("rename", &making))?;
    Ok(snapshot)
}

/// Puts all objects back as the snapshot `name` has them.
pub fn load(book: &Book, writer: &Writer, name: &str, progress: Progress<'_>) -> Result<Snapshot> {
    let snapshot = find(book, name)?;
    let own = writer.directory().own_dir();
    let (coming, going) = (own.join("loading"), own.join("replaced"));
    let present = book.root().join("do");
    recover(&present, &going)?;
    remove_tree(&coming)?;
    copy_all(&directory(book).join(name).join("v3"), &coming, progress)?;
    let coming_objects = coming.join("do");
    fs::create_dir_all(&coming_objects).map_err(InspectError::io("create", &coming_objects))?;
    // What stands in the histories stays, and going back to the snapshot becomes a point of them.
    let remembered = writer.remembered(book)?;
    for object in &remembered {
        writer.before_replaced(object)?;
    }
    if present.exists() {
        fs::rename(&present, &going).map_err(InspectError::io("rename", &present))?;
    }
    fs::rename(&coming_objects, &present).map_err(InspectError::io("rename", &coming_objects))?;
    for file in OWN_FILES {
        for (from, to) in [
            (coming.join("dodev").join(file), own.join(file)),
            (reader::log_of(&coming.join("dodev").join(file)), reader::log_of(&own.join(file))),
        ] {
            let moved = if from.exists() { fs::rename(&from, &to) } else { fs::remove_file(&to) };
            match moved {
                Err(reason) if reason.kind() != ErrorKind::NotFound => {
                    return Err(InspectError::io("replace", &to)(reason));
                }
                _ => {}
            }
        }
    }
    for object in &remembered {
        writer.replaced(object, &format!("snapshot load {name}"));
    }
    remove_tree(&going)?;
    remove_tree(&coming)?;
    Ok(snapshot)
}

/// Brings back the objects that an interrupted [`load`] has moved away.
fn recover(present: &Path, going: &Path) -> Result<()> {
    if going.exists() && !present.exists() {
        return fs::rename(going, present).map_err(InspectError::io("rename", going));
    }
    remove_tree(going)
}

/// Removes the snapshot `name`.
pub fn remove(book: &Book, name: &str) -> Result<()> {
    find(book, name)?;
    remove_tree(&directory(book).join(name))
}

/// Copies all objects of `from` to `to`, the roots of two states; `from` may be in use, `to` is empty.
pub fn fork(from: &Path, to: &Path) -> Result<()> {
    copy_all(from, to, &|_, _| {}).map(drop)
}

/// Copies everything of objects from one `v3` to another: how many objects, and bytes.
fn copy_all(from: &Path, to: &Path, progress: Progress<'_>) -> Result<(u64, u64)> {
    let mut files = Vec::new();
    let namespaces = from.join("do");
    for namespace in read(&namespaces)? {
        if namespace.is_dir() {
            let target = to.join("do").join(namespace.file_name().unwrap_or_default());
            fs::create_dir_all(&target).map_err(InspectError::io("create", &target))?;
            for file in read(&namespace)? {
                let target = target.join(file.file_name().unwrap_or_default());
                files.push((file, target));
            }
        }
    }
    for file in OWN_FILES {
        let target = to.join("dodev");
        fs::create_dir_all(&target).map_err(InspectError::io("create", &target))?;
        files.push((from.join("dodev").join(file), target.join(file)));
    }
    let (mut objects, mut bytes) = (0, 0);
    let total = files.len() as u64;
    for (done, (file, target)) in files.into_iter().enumerate() {
        progress(done as u64, total);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-shm") {
            continue;
        }
        // A file that went away meanwhile belonged to an object that did.
        let is_there = if name.ends_with(".facets") {
            reflink_copy::reflink_or_copy(&file, &target).map_err(InspectError::io("copy", &file)).is_ok()
        } else {
            reader::copy(&file, &target)?
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
