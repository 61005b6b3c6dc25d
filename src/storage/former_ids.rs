//! Ids that a namespace gave out under an earlier name, and the ids that the same objects have now.
//!
//! On the platform a class that is renamed or transferred keeps its namespace, and thus the ids of its objects. On
//! disk an id derives from `<script>-<Class>`, so that wrangler finds an object only under the id of its
//! present name. Objects therefore get new ids when their class moves, and this table keeps the old ones valid:
//! `idFromString` takes them, and `idFromName` finds objects whose name was not recorded.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::ids::{NamespaceKey, ObjectId};
use crate::base::jurisdiction::Jurisdiction;

const VERSION: u32 = 1;

/// The former ids of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormerIds {
    keys: Vec<NamespaceKey>,
    ids: BTreeMap<ObjectId, ObjectId>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    /// Unique keys that the namespace had, the oldest first.
    keys: Vec<String>,
    /// Former id to present id.
    ids: BTreeMap<String, String>,
}

impl FormerIds {
    /// Where the table of the namespace called `key` is, below `own_dir` (`<persist>/v3/dodev`).
    pub fn path(own_dir: &Path, key: &str) -> PathBuf {
        own_dir.join("former-ids").join(format!("{key}.json"))
    }

    /// Reads the table at `path`; an empty one if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is not such a table.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let bytes = match fs::read(path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            result => result?,
        };
        let stored: Stored = serde_json::from_slice(&bytes)?;
        let invalid = |what: String| std::io::Error::new(ErrorKind::InvalidData, what);
        if stored.version != VERSION {
            return Err(invalid(format!("version {} of former ids is not known", stored.version)));
        }
        let id = |text: &str| text.parse::<ObjectId>().map_err(|error| invalid(error.to_string()));
        let ids = stored.ids.iter().map(|(old, new)| Ok((id(old)?, id(new)?)));
        Ok(Self {
            keys: stored.keys.iter().map(|key| NamespaceKey::of(key)).collect(),
            ids: ids.collect::<std::io::Result<_>>()?,
        })
    }

    /// The table as it is stored.
    pub fn to_json(&self) -> Vec<u8> {
        let text = |(old, new): (&ObjectId, &ObjectId)| (old.to_string(), new.to_string());
        let stored = Stored {
            version: VERSION,
            keys: self.keys.iter().map(|key| key.as_str().to_owned()).collect(),
            ids: self.ids.iter().map(text).collect(),
        };
        serde_json::to_vec(&stored).expect("text and numbers can be written as JSON")
    }

    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The present id of the object that had `id`; `None` if no earlier name of the namespace made it.
    pub fn present(&self, key: &NamespaceKey, id: &ObjectId) -> Option<ObjectId> {
        let known = self.ids.get(id).copied();
        // An object that stored nothing when its class moved is in no table.
        known.or_else(|| self.keys.iter().any(|former| former.owns(id)).then(|| key.resign(id)))
    }

    /// The present id of the moved object called `name` in `jurisdiction`, if there is one.
    pub fn named(&self, jurisdiction: Option<Jurisdiction>, name: &str) -> Option<ObjectId> {
        self.keys.iter().rev().find_map(|former| self.ids.get(&former.named(jurisdiction, name)).copied())
    }

    /// The id that the object `id` had under the unique key `former`.
    pub fn earlier(&self, former: &NamespaceKey, id: &ObjectId) -> Option<ObjectId> {
        self.ids.iter().find(|(old, new)| *new == id && former.owns(old)).map(|(old, _)| *old)
    }

    /// Notes that the namespace moved from the unique key `from` to `to`, and its objects as `ids` say (old,
    /// new). Noting it again changes nothing.
    pub fn note_move(&mut self, from: &NamespaceKey, to: &NamespaceKey, ids: &[(ObjectId, ObjectId)]) {
        let moved: BTreeMap<_, _> = ids.iter().copied().collect();
        for present in self.ids.values_mut() {
            if let Some(new) = moved.get(present) {
                *present = *new;
            }
        }
        self.ids.extend(moved);
        self.ids.retain(|old, new| old != new && !to.owns(old));
        self.keys.retain(|key| key != from && key != to);
        self.keys.push(from.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_earlier_name_stay_valid() {
        let [a, b, c] = ["w-A", "w-B", "w-C"].map(NamespaceKey::of);
        let named = |key: &NamespaceKey| key.id_from_name("x");
        let unnamed = a.unique_id([7; 16]);
        let mut table = FormerIds::default();
        for _ in 0..2 {
            table.note_move(&a, &b, &[(named(&a), named(&b)), (unnamed, b.resign(&unnamed))]);
        }
        for _ in 0..2 {
            let ids = [(named(&b), named(&c)), (b.resign(&unnamed), c.resign(&unnamed))];
            table.note_move(&b, &c, &ids);
        }
        for old in [named(&a), named(&b)] {
            assert_eq!(table.present(&c, &old), Some(named(&c)));
        }
        assert_eq!(table.present(&c, &unnamed), Some(c.resign(&unnamed)));
        assert_eq!(table.named(None, "x"), Some(named(&c)));
        assert_eq!(table.named(None, "y"), None);
        assert_eq!(table.named(Some(Jurisdiction::Eu), "x"), None);
        assert_eq!(table.earlier(&a, &named(&c)), Some(named(&a)));
        let never_stored = a.unique_id([9; 16]);
        assert_eq!(table.present(&c, &never_stored), Some(c.resign(&never_stored)));
        assert_eq!(table.present(&c, &NamespaceKey::of("w-D").unique_id([1; 16])), None);

        // Back again: the ids of the name in between stay valid, those of the present name need no table.
        table.note_move(&c, &a, &[(named(&c), named(&a)), (c.resign(&unnamed), unnamed)]);
        assert_eq!(table.present(&a, &named(&b)), Some(named(&a)));
        assert_eq!(table.present(&a, &named(&c)), Some(named(&a)));
        assert_eq!(table.present(&a, &c.resign(&unnamed)), Some(unnamed));
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = FormerIds::path(directory.path(), "w-B");
        assert!(FormerIds::read(&path).unwrap().is_empty(), "no file is an empty table");
        let [a, b] = ["w-A", "w-B"].map(NamespaceKey::of);
        let mut table = FormerIds::default();
        table.note_move(&a, &b, &[(a.id_from_name("x"), b.id_from_name("x"))]);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, table.to_json()).unwrap();
        assert_eq!(FormerIds::read(&path).unwrap(), table);
        for damaged in
            ["", "{}", r#"{"version":2,"keys":[],"ids":{}}"#, r#"{"version":1,"keys":[],"ids":{"a":"b"}}"#]
        {
            fs::write(&path, damaged).unwrap();
            assert!(FormerIds::read(&path).is_err(), "{damaged}");
        }
    }
}
