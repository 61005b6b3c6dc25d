//! One namespace: its entries and its values.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::directory;
use crate::base::ids::NamespaceKey;

/// The class under whose name wrangler keeps the entries of namespaces.
pub(super) const CLASS: &str = "miniflare-KVNamespaceObject";

/// How long another process may hold the entries.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// Fidelity: the tables that miniflare makes.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS _mf_entries (
  key TEXT PRIMARY KEY,
  blob_id TEXT NOT NULL,
  expiration INTEGER,
  metadata TEXT
);
CREATE INDEX IF NOT EXISTS _mf_entries_expiration_idx ON _mf_entries(expiration);
";

/// Random bytes of a value's file name, which ends with the time.
const RANDOM_BYTES: usize = 32;

/// Why an operation failed: not by what was asked, but by the disk.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// The entries.
    #[error("{0}")]
    Entries(#[from] rusqlite::Error),
    /// A value.
    #[error("{0}")]
    Value(#[from] io::Error),
    /// No random name for a value.
    #[error("{0}")]
    Name(#[from] getrandom::Error),
}

/// A value with what was put beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// JSON.
    pub metadata: Option<String>,
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// How keys begin.
    pub prefix: &'a str,
    /// The key after which the page begins.
    pub after: &'a str,
    /// Most keys of the page.
    pub limit: usize,
}

/// A key in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// When it ends, in milliseconds since 1970.
    pub expiration: Option<i64>,
    /// JSON.
    pub metadata: Option<String>,
}

/// Keys in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<Listed>,
    /// Whether there are more.
    pub more: bool,
}

/// A namespace that is open. Several processes may have the same one open.
#[derive(Debug)]
pub struct Namespace {
    entries: Connection,
    values: PathBuf,
}

impl Namespace {
    /// Opens the namespace `id` below `root`, the directory `v3/kv` of a state, and makes it if it is not there.
    ///
    /// # Errors
    /// What the disk or SQLite refuses.
    pub fn open(root: &Path, id: &str) -> Result<Self, KvError> {
        let objects = root.join(CLASS);
        fs::create_dir_all(&objects)?;
        let file = NamespaceKey::of(CLASS).id_from_name(id);
        let entries = Connection::open(objects.join(format!("{file}.sqlite")))?;
        entries.busy_timeout(BUSY)?;
        entries.pragma_update(None, "journal_mode", "WAL")?;
        entries.pragma_update(None, "synchronous", "NORMAL")?;
        entries.execute_batch(SCHEMA)?;
        Ok(Self { entries, values: root.join(directory::name(id)).join("blobs") })
    }

    /// The entry of `key`, unless it has ended at `now`, in milliseconds since 1970.
    ///
    /// # Errors
    /// What the disk or SQLite refuses.
    pub fn get(&self, key: &str, now: i64) -> Result<Option<Entry>, KvError> {
        let sql = "SELECT blob_id, expiration, metadata FROM _mf_entries WHERE key = ?1";
        let row = self.entries.prepare_cached(sql)?.query_row([key], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?))
        });
        let Some((value, expiration, metadata)) = row.optional()? else { return Ok(None) };
        if expiration.is_some_and(|end| end <= now) {
            self.delete(key)?;
            return Ok(None);
        }
        match fs::read(self.value(&value)) {
            Ok(value) => Ok(Some(Entry { value, metadata })),
            // Somebody took it away.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the value of `key` at `now`, which ends at `expiration`, both in milliseconds since 1970; `metadata` is JSON.
    ///
    /// # Errors
    /// What the disk or SQLite refuses; the old value is there then.
    pub fn put(
        &self,
        key: &str,
        value: &[u8],
        metadata: Option<&str>,
        expiration: Option<i64>,
        now: i64,
    ) -> Result<(), KvError> {
        let name = new_name(now)?;
        fs::create_dir_all(&self.values)?;
        fs::write(self.value(&name), value)?;
        let old = self.blob(key)?;
        let sql =
            "INSERT OR REPLACE INTO _mf_entries (key, blob_id, expiration, metadata) VALUES (?1, ?2, ?3, ?4)";
        let put = self.entries.prepare_cached(sql)?.execute(params![key, name, expiration, metadata]);
        if let Err(error) = put {
            self.remove(&name);
            return Err(error.into());
        }
        if let Some(old) = old {
            self.remove(&old);
        }
        Ok(())
    }

    /// Removes the entry of `key`, if there is one.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn delete(&self, key: &str) -> Result<(), KvError> {
        let old = self.blob(key)?;
        self.entries.prepare_cached("DELETE FROM _mf_entries WHERE key = ?1")?.execute([key])?;
        if let Some(old) = old {
            self.remove(&old);
        }
        Ok(())
    }

    /// The keys of `query` that have not ended at `now`, in milliseconds since 1970.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn list(&self, query: Query<'_>, now: i64) -> Result<Page, KvError> {
        let sql = "SELECT key, expiration, metadata FROM _mf_entries
            WHERE substr(key, 1, length(?1)) = ?1 AND key > ?2 AND (expiration IS NULL OR expiration >= ?3)
            ORDER BY key LIMIT ?4";
        let mut statement = self.entries.prepare_cached(sql)?;
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX - 1);
        let rows = statement.query_map(params![query.prefix, query.after, now, limit + 1], |row| {
            Ok(Listed { key: row.get(0)?, expiration: row.get(1)?, metadata: row.get(2)? })
        });
        let mut keys = rows?.collect::<Result<Vec<_>, _>>()?;
        let more = keys.len() > query.limit;
        keys.truncate(query.limit);
        self.forget_ended(now)?;
        Ok(Page { keys, more })
    }

    /// Removes what has ended before `now`.
    fn forget_ended(&self, now: i64) -> Result<(), KvError> {
        let sql = "DELETE FROM _mf_entries WHERE expiration < ?1 RETURNING blob_id";
        let mut statement = self.entries.prepare_cached(sql)?;
        let ended = statement.query_map([now], |row| row.get::<_, String>(0))?;
        for name in ended {
            self.remove(&name?);
        }
        Ok(())
    }

    /// The name of the value of `key`.
    fn blob(&self, key: &str) -> Result<Option<String>, KvError> {
        let mut statement = self.entries.prepare_cached("SELECT blob_id FROM _mf_entries WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The file of the value `name`. Entries may come from elsewhere: what is no name of a file here leads nowhere.
    fn value(&self, name: &str) -> PathBuf {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.values.join(if is_name { name } else { "none" })
    }

    /// A value that stays behind does no harm but the place that it takes.
    fn remove(&self, name: &str) {
        drop(fs::remove_file(self.value(name)));
    }
}

/// A name for a value.
fn new_name(now: i64) -> Result<String, getrandom::Error> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random)?;
    let digits = random.into_iter().chain(now.to_be_bytes());
    Ok(digits.map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(prefix: &str) -> Query<'_> {
        Query { prefix, after: "", limit: 1000 }
    }

    fn names(page: &Page) -> Vec<&str> {
        page.keys.iter().map(|listed| listed.key.as_str()).collect()
    }

    fn files(root: &Path) -> usize {
        fs::read_dir(root.join("ns/blobs")).map_or(0, Iterator::count)
    }

    #[test]
    fn what_is_put_is_there_until_it_ends_or_is_deleted() {
        let root = tempfile::tempdir().expect("a directory");
        let namespace = Namespace::open(root.path(), "ns").expect("opened");
        assert_eq!(namespace.get("a", 0).expect("read"), None);
        namespace.put("a", b"one", None, None, 0).expect("written");
        namespace.put("a", b"two", Some("[1]"), Some(1_000), 0).expect("written");
        let entry = Entry { value: b"two".to_vec(), metadata: Some("[1]".to_owned()) };
        assert_eq!(namespace.get("a", 999).expect("read"), Some(entry));
        assert_eq!(files(root.path()), 1, "the first value is gone");
        assert_eq!(namespace.get("a", 1_000).expect("read"), None);
        assert_eq!(files(root.path()), 0);
        namespace.put("b", b"", None, None, 0).expect("written");
        drop(namespace);
        let namespace = Namespace::open(root.path(), "ns").expect("opened again");
        assert_eq!(namespace.get("b", 0).expect("read").expect("kept").value, b"");
        namespace.delete("b").expect("deleted");
        namespace.delete("b").expect("nothing to delete");
        assert_eq!(namespace.get("b", 0).expect("read"), None);
    }

    #[test]
    fn lists_are_pages_in_the_order_of_bytes() {
        let root = tempfile::tempdir().expect("a directory");
        let namespace = Namespace::open(root.path(), "ns").expect("opened");
        for key in ["p/b", "p/a", "p/💥", "p/é", "P/x", "q", "p%"] {
            namespace.put(key, b"v", None, None, 0).expect("written");
        }
        namespace.put("p/ended", b"v", None, Some(5), 0).expect("written");
        let page = namespace.list(query("p/"), 6).expect("listed");
        assert_eq!((names(&page), page.more), (vec!["p/a", "p/b", "p/é", "p/💥"], false));
        assert_eq!(files(root.path()), 7, "what ended is gone");
        let first = namespace.list(Query { limit: 3, ..query("p/") }, 0).expect("listed");
        assert_eq!((names(&first), first.more), (vec!["p/a", "p/b", "p/é"], true));
        let rest = namespace.list(Query { after: "p/é", ..query("p/") }, 0).expect("listed");
        assert_eq!((names(&rest), rest.more), (vec!["p/💥"], false));
        assert_eq!(names(&namespace.list(query("p%"), 0).expect("listed")), ["p%"]);
    }

    #[test]
    fn an_entry_leads_to_no_other_file() {
        let root = tempfile::tempdir().expect("a directory");
        let namespace = Namespace::open(root.path(), "ns").expect("opened");
        fs::write(root.path().join("secret"), "x").expect("written");
        let sql = "INSERT INTO _mf_entries VALUES ('k', '../../secret', NULL, NULL)";
        namespace.entries.execute(sql, []).expect("inserted");
        assert_eq!(namespace.get("k", 0).expect("read"), None);
        namespace.delete("k").expect("deleted");
        assert!(root.path().join("secret").exists());
    }
}
