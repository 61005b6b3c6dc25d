//! What a user's statement may do: the decisions of SQLite's authorizer.
//!
//! Pure decisions over names; `sqlite.rs` asks. Our own statements are trusted and never come here.
//! Fidelity: the lists and rules are those of workerd's `src/workerd/util/sqlite.c++`
//! (`isAuthorized`) with the name rule of `src/workerd/api/sql.c++`; goldens in `sql.json`.

use std::cell::{Cell, RefCell};

use rusqlite::ffi;

/// Whose statement is being compiled or run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Ours: everything is allowed.
    #[default]
    Trusted,
    /// The user's.
    User,
}

/// One question of SQLite's authorizer; what the names mean depends on the code.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// `SQLITE_READ`, `SQLITE_PRAGMA`, …
    pub code: i32,
    /// First name.
    pub first: Option<&'a [u8]>,
    /// Second name.
    pub second: Option<&'a [u8]>,
    /// The database's name.
    pub database: Option<&'a [u8]>,
}

/// The text for statements that begin or end transactions.
pub const TRANSACTION_REFUSED: &str = "To execute a transaction, please use the \
    state.storage.transaction() or state.storage.transactionSync() APIs instead of the SQL BEGIN \
    TRANSACTION or SAVEPOINT statements. The JavaScript API is safer because it will automatically \
    roll back on exceptions, and because it interacts correctly with Durable Objects' automatic \
    atomic write coalescing.";

/// The rules with what they remember about the statement being compiled.
#[derive(Debug, Default)]
pub struct Guard {
    mode: Cell<Mode>,
    refusal: RefCell<Option<String>>,
    settings: Cell<bool>,
}

impl Guard {
    /// Whose statement is being compiled or run.
    pub fn mode(&self) -> Mode {
        self.mode.get()
    }

    /// Says whose statement comes next.
    pub fn set_mode(&self, mode: Mode) {
        self.mode.set(mode);
    }

    /// Forgets what is known about the statement before.
    pub fn begin_statement(&self) {
        self.refusal.take();
    }

    /// The special words for the refusal of the last statement, if there are any.
    pub fn take_refusal(&self) -> Option<String> {
        self.refusal.take()
    }

    /// Whether a setting of the connection was changed since this was last asked.
    pub fn take_touched_settings(&self) -> bool {
        self.settings.take()
    }

    /// Whether the user's statement may do this.
    pub fn allows(&self, action: &Action<'_>) -> bool {
        let Action { code, mut first, mut second, mut database } = *action;
        // For this one SQLite passes the database's name first, and a table's new name or a column's behind.
        if code == ffi::SQLITE_ALTER_TABLE {
            (first, second, database) = (second, database, first);
        }
        match database {
            Some(b"temp") => {
                return matches!(code, ffi::SQLITE_READ | ffi::SQLITE_UPDATE) && free(first);
            }
            Some(b"main") | None => {}
            Some(_) => return false,
        }
        match code {
            ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE | ffi::SQLITE_ANALYZE => true,
            ffi::SQLITE_CREATE_TABLE
            | ffi::SQLITE_DELETE
            | ffi::SQLITE_DROP_TABLE
            | ffi::SQLITE_INSERT
            | ffi::SQLITE_CREATE_VIEW
            | ffi::SQLITE_DROP_VIEW
            | ffi::SQLITE_REINDEX
            | ffi::SQLITE_READ
            | ffi::SQLITE_UPDATE => free(first),
            ffi::SQLITE_ALTER_TABLE
            | ffi::SQLITE_CREATE_INDEX
            | ffi::SQLITE_DROP_INDEX
            | ffi::SQLITE_CREATE_TRIGGER
            | ffi::SQLITE_DROP_TRIGGER => free(first) && free(second),
            ffi::SQLITE_CREATE_VTABLE | ffi::SQLITE_DROP_VTABLE => {
                let known: &[&[u8]] = &[b"fts5", b"fts5vocab", b"rtree", b"rtree_i32"];
                second.is_some_and(|module| known.iter().any(|name| module.eq_ignore_ascii_case(name)))
                    && free(first)
            }
            ffi::SQLITE_TRANSACTION | ffi::SQLITE_SAVEPOINT => {
                self.refusal.replace(Some(TRANSACTION_REFUSED.to_owned()));
                false
            }
            ffi::SQLITE_PRAGMA => first.is_some_and(|name| self.allows_pragma(name, second)),
            ffi::SQLITE_FUNCTION => second.is_some_and(allows_function),
            _ => false,
        }
    }

    fn allows_pragma(&self, name: &[u8], argument: Option<&[u8]>) -> bool {
        let Ok(name) = str::from_utf8(name) else { return false };
        let Some((_, rule)) = PRAGMAS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            return false;
        };
        match rule {
            Pragma::Any => true,
            Pragma::NoArgument => argument.is_none(),
            Pragma::Setting => {
                let Some(value) = argument else { return true };
                self.settings.set(true);
                let value = unquoted(value);
                ["true", "false", "yes", "no", "on", "off", "1", "0"].iter().any(|word| {
                    value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
                })
            }
            Pragma::Name => argument.is_some_and(is_free),
            Pragma::OptionalName => free(argument),
            Pragma::OptionalNumber => argument.is_none_or(is_number),
            // What is no number is a name, and every number is a free one.
            Pragma::OptionalNumberOrName => free(argument),
        }
    }
}

/// Whether the name, where there is one, is not reserved.
fn free(name: Option<&[u8]>) -> bool {
    name.is_none_or(is_free)
}

/// Whether `name` is not reserved for the platform's own tables.
pub fn is_free(name: &[u8]) -> bool {
    !name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"_cf_"))
}

/// Whether `value` is a 32-bit integer, decimal or hexadecimal.
fn is_number(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else { return false };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.is_ok_and(|number| i32::try_from(if negative { -number } else { number }).is_ok())
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// SQLite names a function of a default value as it is written there, and others as they are registered.
fn allows_function(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    str::from_utf8(&lower).is_ok_and(|name| FUNCTIONS.binary_search(&name).is_ok())
}

/// What argument a pragma may have.
#[derive(Debug, Clone, Copy)]
enum Pragma {
    Any,
    NoArgument,
    Setting,
    Name,
    OptionalName,
    OptionalNumber,
    OptionalNumberOrName,
}

const PRAGMAS: &[(&str, Pragma)] = &[
    ("case_sensitive_like", Pragma::Setting),
    ("data_version", Pragma::NoArgument),
    ("defer_foreign_keys", Pragma::Setting),
    ("foreign_key_check", Pragma::OptionalName),
    ("foreign_key_list", Pragma::Name),
    ("foreign_keys", Pragma::Setting),
    ("ignore_check_constraints", Pragma::Setting),
    ("index_info", Pragma::Name),
    ("index_list", Pragma::Name),
    ("index_xinfo", Pragma::Name),
    ("legacy_alter_table", Pragma::Setting),
    ("optimize", Pragma::OptionalNumber),
    ("page_size", Pragma::NoArgument),
    ("quick_check", Pragma::OptionalNumberOrName),
    ("recursive_triggers", Pragma::Setting),
    ("reverse_unordered_selects", Pragma::Setting),
    ("table_info", Pragma::Name),
    ("table_list", Pragma::Any),
    ("table_xinfo", Pragma::Name),
];

/// Sorted by bytes, for binary search.
const FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "bm25",
    "ceil",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_patch",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "load_extension",
    "log",
    "log2",
    "lower",
    "ltrim",
    "match",
    "max",
    "max_scalar",
    "min",
    "min_scalar",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "pi",
    "pow",
    "printf",
    "quote",
    "radians",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtreecheck",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "snippet",
    "sqlite_drop_column",
    "sqlite_rename_column",
    "sqlite_rename_quotefix",
    "sqlite_rename_table",
    "sqlite_rename_test",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "tan",
    "tanh",
    "time",
    "timediff",
    "total",
    "total_changes",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_sorted() {
        assert!(FUNCTIONS.is_sorted(), "binary search needs order");
    }

    #[test]
    fn reserved_names_are_known_in_any_case() {
        for (name, expected) in
            [("_cf_KV", false), ("_CF_x", false), ("_cf", true), ("cf_", true), ("", true)]
        {
            assert_eq!(is_free(name.as_bytes()), expected, "{name}");
        }
    }
}
