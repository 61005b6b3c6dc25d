//! Which id every object of a namespace gets when the namespace changes its unique key.
//!
//! An object whose name is recorded gets the id that the name has under the new key: there the program finds it,
//! and so does wrangler. Any other object keeps the first half of its id, and the second half is signed anew. An
//! object that had an id under the new key before, because a move is taken back, gets that id again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use crate::base::ids::{NamespaceKey, ObjectId};
use crate::base::jurisdiction::Jurisdiction;
use crate::storage::{AlarmIndex, AlarmRetries, Backend, Connections, FormerIds, ObjectStore, StorageError};

use super::place::{Place, Root};

/// A change of ids: old, new.
pub type Ids = Vec<(ObjectId, ObjectId)>;

/// The ids cannot be found out.
#[derive(Debug, thiserror::Error)]
pub enum IdsError {
    /// A database cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The new ids of everything that the namespace in `place`, made under the key `from`, stores, for the key `to`.
pub fn new_ids(
    root: Root<'_>,
    place: &Place,
    from: &NamespaceKey,
    to: &NamespaceKey,
) -> Result<Ids, IdsError> {
    let objects = place.objects(root);
    let mut names: BTreeMap<ObjectId, Option<String>> = BTreeMap::new();
    for id in ids_in(&objects)?.into_iter().chain(ids_in(&place.history(root))?) {
        names.entry(id).or_default();
    }
    for entry in AlarmIndex::new(&objects).list()? {
        let name = names.entry(entry.id).or_default();
        *name = entry.name.or_else(|| name.take());
    }
    for (id, _) in AlarmRetries::new(&root.own()).list(&place.retries())? {
        names.entry(id).or_default();
    }
    let connections = Connections::with_limit(1);
    for (id, name) in names.iter_mut().filter(|(_, name)| name.is_none()) {
        let path = objects.join(format!("{id}.sqlite"));
        let mut store = ObjectStore::new(connections.clone(), path, Backend::Sqlite);
        *name = store.recorded_name()?;
        store.close()?;
    }
    connections.close_idle();
    let former = FormerIds::read(&place.former_ids(root))?;
    let new_id = |id: &ObjectId, name: Option<&str>| {
        // A name that does not make this id belongs to something else.
        let jurisdiction = Jurisdiction::of(id);
        let named = name.filter(|name| from.named(jurisdiction, name) == *id);
        let named = named.map(|name| to.named(jurisdiction, name));
        former.earlier(to, id).or(named).unwrap_or_else(|| to.resign(id))
    };
    let new = names.iter().map(|(id, name)| (*id, new_id(id, name.as_deref())));
    Ok(new.filter(|(old, new)| old != new).collect())
}

/// The ids that files in `directory` are named after, whatever follows the id.
fn ids_in(directory: &Path) -> io::Result<BTreeSet<ObjectId>> {
    Ok(files_by_id(directory)?.into_iter().map(|(id, _)| id).collect())
}

/// The files and folders in `directory` that are named after an id: the id, and the rest of the name.
pub fn files_by_id(directory: &Path) -> io::Result<Vec<(ObjectId, String)>> {
    let entries = match fs::read_dir(directory) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let Some((id, rest)) = name.split_at_checked(64) else { continue };
        if let Ok(id) = id.parse() {
            found.push((id, rest.to_owned()));
        }
    }
    found.sort();
    Ok(found)
}
