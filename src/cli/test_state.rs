//! The state that `dodev test` starts with: none, a copy of a directory or of a snapshot, and objects from a file.
//!
//! All of it is done before the server starts, on files that nobody else uses.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, bail};

use crate::base::clock::Clock;
use crate::dev::DEFAULT_STATE;
use crate::inspect::{Book, InspectError, Writer, lines, snapshot};
use crate::project::{LoadRequest, find_config, load};
use crate::storage::state_dir::{HOLDER, LOCK};

/// Fills `target` from `source`: a directory of state, or else the name of a snapshot of the project's own state.
pub fn copy(source: &Path, target: &Path, request: &LoadRequest) -> anyhow::Result<()> {
    let directory = request.cwd.join(source);
    if directory.is_dir() {
        return copy_tree(&directory, target)
            .with_context(|| format!("cannot take the state from `{}`", directory.display()));
    }
    let name = source.to_string_lossy();
    let config = request.config.as_ref().map(|config| request.cwd.join(config));
    let config = config.or_else(|| find_config(&request.cwd));
    let root = config.as_deref().and_then(Path::parent).unwrap_or(&request.cwd);
    let book = Book::at(&root.join(DEFAULT_STATE));
    let snapshot = snapshot::open(&book, &name).map_err(explained);
    let snapshot = snapshot.with_context(|| format!("`{name}` is no directory and no snapshot"))?;
    let root = snapshot.root();
    copy_tree(root, &target.join("v3")).with_context(|| format!("cannot copy `{}`", root.display()))
}

/// Stores the objects of `file`, JSON lines as `dodev state export` writes them, in `target`, as those of the Worker
/// that `request` describes. A configuration that cannot be read is left to the start, which shows its mistakes.
pub fn seed(file: &Path, target: &Path, request: &LoadRequest) -> anyhow::Result<()> {
    let Some(project) = load(request).project else { return Ok(()) };
    let path = request.cwd.join(file);
    let context = || format!("cannot take objects from `{}`", path.display());
    let input = File::open(&path).with_context(context)?;
    let objects = lines::read(BufReader::new(input)).map_err(explained).with_context(context)?;
    if objects.is_empty() {
        bail!("there is no object in `{}`", path.display());
    }
    if let Some(object) = objects.iter().find(|object| !project.classes.contains_key(&object.class)) {
        bail!("`{}` has an object of `{}`, which is no class of this Worker", path.display(), object.class);
    }
    let book = Book::at(target);
    let writer = Writer::open(&book, Clock::system()).map_err(explained)?;
    for object in &objects {
        let target = object.target(&book, Some(&project.name)).map_err(explained).with_context(context)?;
        object.store(&writer, &target).map_err(explained).with_context(context)?;
    }
    Ok(())
}

/// An error with what to do about it in its text.
fn explained(error: InspectError) -> anyhow::Error {
    match error.help() {
        Some(help) => anyhow::anyhow!("{error}; {help}"),
        None => error.into(),
    }
}

/// Copies the directory `source` to `target`, without what belongs to a running server and without snapshots.
fn copy_tree(source: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        if is_left(&entry.path()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Whether this says that a server uses the directory, or is a copy of other state.
fn is_left(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == LOCK || name == HOLDER || name == "server.json")
        || path.ends_with("dodev/snapshots")
}
