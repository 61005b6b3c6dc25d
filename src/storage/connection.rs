//! One open database of an object: its statements for keys, alarm and transactions, and the cache of
//! the user's statements.
//!
//! A connection is a means, not the object: it is opened on first use and closed again when too many
//! are open (`connections.rs`), while the object and its cached keys live on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::change_limit::{LimitedChange, Origin};
use super::failure::{Failure, SqliteFailure};
use super::guard::Mode;
use super::list::KeyRange;
use super::sqlite::{Compiled, Database, Interrupt, OpenMode, Statement};
use super::template::{CREATE_KV, CREATE_METADATA, CREATE_NAME, PAGE_BYTES};
use super::value::ValueRef;
use crate::base::limits;

/// Settings that a program may change and that SQLite forgets when the connection is closed.
const SETTINGS: [(&str, i64); 6] = [
    ("foreign_keys", 1),
    ("ignore_check_constraints", 0),
    ("legacy_alter_table", 0),
    ("recursive_triggers", 0),
    ("reverse_unordered_selects", 0),
    ("case_sensitive_like", 0),
];

/// The user's settings that differ from the ones a fresh connection has.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings(Vec<(&'static str, i64)>);

/// A text of the user's, compiled: all its statements but the last, and the last.
#[derive(Debug)]
pub struct UserText {
    /// Statements without parameters whose rows nobody sees.
    pub prelude: Vec<Statement>,
    /// The statement whose rows are returned.
    pub last: Statement,
    /// Names of the columns, as of the number of recompilations.
    pub columns: (u64, Rc<[String]>),
}

impl UserText {
    /// The compiled statements of a text.
    pub fn new(prelude: Vec<Statement>, last: Statement) -> Self {
        let columns = (last.recompilations(), last.column_names());
        Self { prelude, last, columns }
    }

    /// Names of the columns of the row that the last statement stands on.
    pub fn columns(&mut self) -> Rc<[String]> {
        let recompilations = self.last.recompilations();
        if self.columns.0 != recompilations {
            self.columns = (recompilations, self.last.column_names());
        }
        self.columns.1.clone()
    }
}

/// A compiled text that may be in use by one cursor at a time.
pub type SharedText = Rc<RefCell<UserText>>;

#[derive(Debug)]
struct CachedText {
    text: SharedText,
    used: u64,
}

/// An open database with its statements.
#[derive(Debug)]
pub struct Connection {
    database: Database,
    kv_exists: bool,
    metadata_exists: bool,
    name_exists: bool,
    get: Option<Statement>,
    put: Option<Statement>,
    delete: Option<Statement>,
    lists: [Option<Statement>; 4],
    set_alarm: Option<Statement>,
    begin: Option<Statement>,
    commit: Option<Statement>,
    texts: HashMap<String, CachedText>,
    texts_bytes: usize,
    uses: u64,
    committed: bool,
    touched_settings: bool,
}

impl Connection {
    /// Opens the existing database `path` and restores the user's `settings`.
    pub fn open(path: &Path, settings: &Settings, interrupt: &Interrupt) -> Result<Self, SqliteFailure> {
        Self::over(Database::open(path, OpenMode::Existing, interrupt)?, settings)
    }

    /// The same for a database that is open.
    pub fn over(database: Database, settings: &Settings) -> Result<Self, SqliteFailure> {
        // Until the first commit nothing needs a sync: kill -9 loses nothing that was written, and
        // after a power loss an unsynced log header only makes SQLite ignore the log.
        database.run("PRAGMA synchronous = OFF")?;
        let pages = limits::SQLITE_DATABASE_BYTES / PAGE_BYTES as u64;
        database.run(&format!("PRAGMA max_page_count = {pages}"))?;
        for (name, value) in &settings.0 {
            database.run(&format!("PRAGMA {name} = {value}"))?;
        }
        let mut connection = Self {
            database,
            kv_exists: false,
            metadata_exists: false,
            name_exists: false,
            get: None,
            put: None,
            delete: None,
            lists: [const { None }; 4],
            set_alarm: None,
            begin: None,
            commit: None,
            texts: HashMap::new(),
            texts_bytes: 0,
            uses: 0,
            committed: false,
            touched_settings: !settings.0.is_empty(),
        };
        connection.look_for_tables()?;
        Ok(connection)
    }

    /// Finds out which of our tables exist; needed after a rollback, which may undo their creation.
    pub fn look_for_tables(&mut self) -> Result<(), SqliteFailure> {
        let mut tables = self.database.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('_cf_KV', '_cf_METADATA', \
             '__miniflare_do_name')",
        )?;
        (self.kv_exists, self.metadata_exists, self.name_exists) = (false, false, false);
        while tables.step()? {
            match tables.column(0) {
                ValueRef::Text(b"_cf_KV") => self.kv_exists = true,
                ValueRef::Text(b"__miniflare_do_name") => self.name_exists = true,
                ValueRef::Text(_) => self.metadata_exists = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// The database itself.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Whether the table of keys exists.
    pub fn has_kv(&self) -> bool {
        self.kv_exists
    }

    /// Whether a write of keys (`kv`), or else of the alarm, finds its table.
    pub fn is_ready(&self, kv: bool) -> bool {
        if kv { self.kv_exists } else { self.metadata_exists }
    }

    /// Whether the table of the object's name exists.
    pub fn has_name(&self) -> bool {
        self.name_exists
    }

    /// Writes the object's name, as wrangler does.
    pub fn write_name(&mut self, name: &str) -> Result<(), SqliteFailure> {
        self.database.run(CREATE_NAME)?;
        let mut insert = self.database.prepare("INSERT OR REPLACE INTO __miniflare_do_name VALUES (1, ?)")?;
        insert.bind(0, ValueRef::Text(name.as_bytes()))?;
        insert.run()?;
        self.name_exists = true;
        Ok(())
    }

    /// The object's name, where wrangler or we have written it into the file.
    pub fn recorded_name(&self) -> Option<String> {
        let mut statement =
            self.database.prepare("SELECT name FROM __miniflare_do_name WHERE id = 1").ok()?;
        match (statement.step().ok()?, statement.column(0)) {
            (true, ValueRef::Text(name)) => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        }
    }

    /// Begins a transaction unless one is open.
    pub fn begin(&mut self) -> Result<(), SqliteFailure> {
        if self.database.in_transaction() {
            return Ok(());
        }
        if self.begin.is_none() {
            self.begin = Some(self.database.prepare("BEGIN")?);
        }
        self.begin.as_mut().expect("prepared just now").run()
    }

    /// Commits the open transaction.
    pub fn commit(&mut self) -> Result<(), SqliteFailure> {
        if self.commit.is_none() {
            self.commit = Some(self.database.prepare("COMMIT")?);
        }
        self.commit.as_mut().expect("prepared just now").run()?;
        self.after_commit()
    }

    /// From the second commit on, checkpoints sync: the file stays consistent after a power loss.
    pub fn after_commit(&mut self) -> Result<(), SqliteFailure> {
        if !self.committed {
            self.committed = true;
            self.database.run("PRAGMA synchronous = NORMAL")?;
        }
        Ok(())
    }

    /// Rolls back the open transaction, if SQLite has not done so already.
    pub fn roll_back(&mut self) -> Result<(), SqliteFailure> {
        if self.database.in_transaction() {
            self.database.run("ROLLBACK")?;
        }
        self.look_for_tables()
    }

    /// Reads the value of `key` with `read`.
    pub fn get<R>(&mut self, key: &str, read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, SqliteFailure> {
        if !self.kv_exists {
            return Ok(None);
        }
        if self.get.is_none() {
            self.get = Some(self.database.prepare("SELECT value FROM _cf_KV WHERE key = ?")?);
        }
        let statement = self.get.as_mut().expect("prepared just now");
        statement.bind(0, ValueRef::Text(key.as_bytes()))?;
        let found = statement.step()?.then(|| match statement.column(0) {
            ValueRef::Blob(value) | ValueRef::Text(value) => read(value),
            _ => read(&[]),
        });
        statement.reset();
        Ok(found)
    }

    /// Writes `value` under `key`, creating the table if needed.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<(), SqliteFailure> {
        if !self.kv_exists {
            self.database.run(CREATE_KV)?;
            self.kv_exists = true;
        }
        if self.put.is_none() {
            let sql = "INSERT INTO _cf_KV VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
            self.put = Some(self.database.prepare(sql)?);
        }
        let statement = self.put.as_mut().expect("prepared just now");
        statement.bind(0, ValueRef::Text(key.as_bytes()))?;
        statement.bind(1, ValueRef::Blob(value))?;
        statement.run()
    }

    /// Deletes `key`.
    pub fn delete(&mut self, key: &str) -> Result<(), SqliteFailure> {
        if !self.kv_exists {
            return Ok(());
        }
        if self.delete.is_none() {
            self.delete = Some(self.database.prepare("DELETE FROM _cf_KV WHERE key = ?")?);
        }
        let statement = self.delete.as_mut().expect("prepared just now");
        statement.bind(0, ValueRef::Text(key.as_bytes()))?;
        statement.run()
    }

    /// Passes the keys and values in `range` to `read`; a negative `limit` is none.
    pub fn list(
        &mut self,
        range: &KeyRange,
        reverse: bool,
        limit: i64,
        mut read: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), SqliteFailure> {
        if !self.kv_exists {
            return Ok(());
        }
        let slot = &mut self.lists[usize::from(reverse) + 2 * usize::from(range.end.is_some())];
        if slot.is_none() {
            let end = if range.end.is_some() { "AND key < ?3" } else { "" };
            let order = if reverse { "DESC" } else { "ASC" };
            *slot = Some(self.database.prepare(&format!(
                "SELECT key, value FROM _cf_KV WHERE key >= ?1 {end} ORDER BY key {order} LIMIT ?2"
            ))?);
        }
        let statement = slot.as_mut().expect("prepared just now");
        statement.bind(0, ValueRef::Text(&range.start))?;
        statement.bind(1, ValueRef::Integer(limit))?;
        if let Some(end) = &range.end {
            statement.bind(2, ValueRef::Text(end))?;
        }
        while statement.step()? {
            if let (ValueRef::Text(key), ValueRef::Blob(value) | ValueRef::Text(value)) =
                (statement.column(0), statement.column(1))
            {
                read(key, value);
            }
        }
        statement.reset();
        Ok(())
    }

    /// The alarm's time in nanoseconds.
    pub fn alarm(&mut self) -> Result<Option<i64>, SqliteFailure> {
        if !self.metadata_exists {
            return Ok(None);
        }
        self.database.integer("SELECT value FROM _cf_METADATA WHERE key = 1")
    }

    /// Writes the alarm's time in nanoseconds.
    ///
    /// Fidelity: workerd keeps a row with NULL where there is no alarm
    /// (`src/workerd/util/sqlite-metadata.c++`).
    pub fn set_alarm(&mut self, nanos: Option<i64>) -> Result<(), SqliteFailure> {
        if !self.metadata_exists {
            self.database.run(CREATE_METADATA)?;
            self.metadata_exists = true;
        }
        if self.set_alarm.is_none() {
            let sql =
                "INSERT INTO _cf_METADATA VALUES(1, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
            self.set_alarm = Some(self.database.prepare(sql)?);
        }
        let statement = self.set_alarm.as_mut().expect("prepared just now");
        statement.bind(0, nanos.map_or(ValueRef::Null, ValueRef::Integer))?;
        statement.run()
    }

    /// Counts the object's bookmark up and gives it; the first is 0.
    pub fn next_bookmark(&mut self) -> Result<i64, SqliteFailure> {
        if !self.metadata_exists {
            self.database.run(CREATE_METADATA)?;
            self.metadata_exists = true;
        }
        let sql = "INSERT INTO _cf_METADATA VALUES(2, 0) ON CONFLICT DO UPDATE SET value = value + 1";
        self.database.run(sql)?;
        let bookmark = self.database.integer("SELECT value FROM _cf_METADATA WHERE key = 2")?;
        Ok(bookmark.unwrap_or(0))
    }

    /// The cached text, if no cursor uses it.
    pub fn cached_text(&mut self, sql: &str) -> CacheAnswer {
        self.uses += 1;
        match self.texts.get_mut(sql) {
            None => CacheAnswer::Unknown,
            Some(cached) => {
                cached.used = self.uses;
                if Rc::strong_count(&cached.text) > 1 {
                    CacheAnswer::Busy
                } else {
                    CacheAnswer::Free(cached.text.clone())
                }
            }
        }
    }

    /// Keeps `text` for the next use of `sql`, dropping the least recently used beyond the limit.
    pub fn cache_text(&mut self, sql: &str, text: &SharedText) {
        self.texts_bytes += sql.len();
        self.texts.insert(sql.to_owned(), CachedText { text: text.clone(), used: self.uses });
        while self.texts_bytes > limits::SQL_STATEMENT_CACHE_BYTES {
            let oldest = self.texts.iter().min_by_key(|(_, cached)| cached.used).map(|(sql, _)| sql.clone());
            let Some(oldest) = oldest else { break };
            self.texts_bytes -= oldest.len();
            self.texts.remove(&oldest);
        }
    }

    /// Bytes of the texts in the cache.
    #[cfg(test)]
    pub fn cached_bytes(&self) -> usize {
        self.texts_bytes
    }

    /// Compiles the first statement of the user's `sql`, and says how many bytes it took.
    pub fn compile(&mut self, sql: &str, persistent: bool) -> Result<(Statement, usize), Failure> {
        let compiled = match self.database.compile(sql, Mode::User, persistent) {
            Err(Failure::Sqlite(failure)) if failure.is_syntax_error() => {
                self.compile_limited(sql, persistent, failure)?
            }
            other => other?,
        };
        let Some(statement) = compiled.statement else {
            return Err(Failure::Refused("SQL code did not contain a statement.".to_owned()));
        };
        self.touched_settings |= statement.take_touched_settings();
        Ok((statement, compiled.consumed))
    }

    /// Compiles a change with a limit, after SQLite has refused it with `failure`.
    fn compile_limited(
        &self,
        sql: &str,
        persistent: bool,
        failure: SqliteFailure,
    ) -> Result<Compiled, Failure> {
        let Some(change) = LimitedChange::parse(sql) else { return Err(failure.into()) };
        if failure.offset().is_some_and(|at| at < change.tail()) {
            return Err(failure.into());
        }
        let new = change.rewritten();
        let error = match self.database.compile(&new.text, Mode::User, persistent) {
            Ok(compiled) => return Ok(Compiled { statement: compiled.statement, consumed: change.length }),
            Err(Failure::Sqlite(error)) => error,
            Err(other) => return Err(other),
        };
        Err(match error.offset().map(|at| new.origin(at)) {
            Some(Origin::Old(at)) => error.with_offset(Some(at)).into(),
            // The order or limit may not stand where it stands.
            Some(Origin::Before) if error.is_syntax_error() => failure.into(),
            // The statement ends too early.
            Some(Origin::Behind) if error.is_syntax_error() => Failure::Refused(match change.terminator() {
                Some(at) => format!("near \";\": syntax error at offset {at}: SQLITE_ERROR"),
                None => "incomplete input: SQLITE_ERROR".to_owned(),
            }),
            _ => error.with_offset(None).into(),
        })
    }

    /// The user's settings, to be given to the next connection of the same object.
    pub fn settings(&self) -> Settings {
        if !self.touched_settings {
            return Settings::default();
        }
        let differs = |(name, usual): (&'static str, i64)| {
            let value = match name {
                // This one cannot be asked for: it replaces the function behind LIKE.
                "case_sensitive_like" => self.database.integer("SELECT NOT 'a' LIKE 'A'"),
                _ => self.database.integer(&format!("PRAGMA {name}")),
            };
            value.ok().flatten().filter(|value| *value != usual).map(|value| (name, value))
        };
        Settings(SETTINGS.into_iter().filter_map(differs).collect())
    }
}

/// What the cache knows about a text.
#[derive(Debug)]
pub enum CacheAnswer {
    /// Nothing.
    Unknown,
    /// A cursor is using it.
    Busy,
    /// Here it is.
    Free(SharedText),
}
