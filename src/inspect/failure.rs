//! What can go wrong when state is looked at or changed, with what to do about it.
//!
//! Every failure has a code for programs and, where something can be done, a help for people. Who prints
//! decides how; nothing here prints.

use std::path::{Path, PathBuf};

use super::holder::User;
use super::sql::Mistake;
use crate::storage::{CommitError, SqlError, StateDirError, StorageError};

/// Why a look into the state, or a change of it, failed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The directory holds no state.
    #[error("there is no state in `{}`", path.display())]
    NoState {
        /// `<persist>`.
        path: PathBuf,
        /// Configurations that may have been meant.
        near: Vec<PathBuf>,
    },
    /// The address, key, table or snapshot does not exist.
    #[error("{what}")]
    NotFound {
        /// The whole sentence.
        what: String,
        /// Names that may have been meant, best first.
        nearest: Vec<String>,
        /// What else to do.
        help: Option<String>,
    },
    /// The address fits several.
    #[error("`{address}` fits {}", join(candidates))]
    Ambiguous {
        /// As given.
        address: String,
        /// What it fits.
        candidates: Vec<String>,
    },
    /// The text of an address, key, value or file is not what it should be.
    #[error("{0}")]
    Invalid(String),
    /// A live server holds the state.
    #[error("{}", held(*pid))]
    Held {
        /// The server's process, where known.
        pid: Option<u32>,
    },
    /// Another program uses the state without the lock.
    #[error("`{}` (pid {}) has this state open", .0.program, .0.pid)]
    Used(User),
    /// The server that holds the state refuses, or cannot be reached.
    #[error("{0}")]
    Server(String),
    /// An object's file cannot be read.
    #[error("{object} cannot be read: {reason} (`{}`)", path.display())]
    Damaged {
        /// How people call it.
        object: String,
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// A statement is wrong, at a known place.
    #[error("{} (line {}, column {})", .0.message, .0.line, .0.column)]
    Mistake(Mistake),
    /// A statement is wrong.
    #[error("{0}")]
    Sql(String),
    /// A migration was interrupted, and what it began is not done.
    #[error("{0}")]
    Migration(String),
    /// What exists stays as it is.
    #[error("{what}")]
    Exists {
        /// The whole sentence.
        what: String,
        /// How to go on.
        help: &'static str,
    },
    /// The file system failed.
    #[error("cannot {operation} `{}`: {reason}", path.display())]
    Io {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Storage refuses.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The commit failed; nothing was changed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What this module returns.
pub type Result<T> = std::result::Result<T, InspectError>;

impl InspectError {
    /// A word for programs; stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoState { .. } => "no-state",
            Self::NotFound { .. } => "not-found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Invalid(_) => "invalid",
            Self::Held { .. } | Self::Used(_) => "held",
            Self::Server(_) => "server",
            Self::Damaged { .. } => "damaged",
            Self::Sql(_) | Self::Mistake(_) => "sql",
            Self::Migration(_) => "migration",
            Self::Exists { .. } => "exists",
            Self::Io { .. } => "io",
            Self::Storage(_) | Self::Commit(_) => "storage",
        }
    }

    /// The text that is wrong, with its place marked.
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Mistake(mistake) => Some(mistake.excerpt()),
            _ => None,
        }
    }

    /// Names that may have been meant.
    pub fn nearest(&self) -> &[String] {
        match self {
            Self::NotFound { nearest, .. } => nearest,
            Self::Ambiguous { candidates, .. } => candidates,
            _ => &[],
        }
    }

    /// What to do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoState { near, .. } if !near.is_empty() => {
                let names: Vec<_> = near.iter().map(|path| path.display().to_string()).collect();
                Some(format!("say which project: `--config` with {}", alternatives(&names)))
            }
            Self::NoState { .. } => Some(
                "run `dodev dev` once, or say where the state is with `--persist-to` or `--config`"
                    .to_owned(),
            ),
            Self::NotFound { nearest, help, .. } => match nearest.as_slice() {
                [] => help.clone(),
                names => Some(format!("did you mean {}?", alternatives(names))),
            },
            Self::Ambiguous { .. } => Some("give more of it".to_owned()),
            Self::Held { .. } => Some("stop the server first; reading works while it runs".to_owned()),
            Self::Used(_) => {
                Some("stop it first, `wrangler dev` for example; reading works while it runs".to_owned())
            }
            Self::Damaged { .. } => {
                Some("restore it from a snapshot or an export, or remove it with `dodev state rm`".to_owned())
            }
            Self::Exists { help, .. } => Some((*help).to_owned()),
            Self::Invalid(_)
            | Self::Server(_)
            | Self::Sql(_)
            | Self::Mistake(_)
            | Self::Migration(_)
            | Self::Io { .. }
            | Self::Storage(_)
            | Self::Commit(_) => None,
        }
    }

    /// A history that cannot be read.
    pub fn history(error: crate::storage::history::HistoryError) -> Self {
        Self::Storage(error.into())
    }

    /// Something that is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into(), nearest: Vec::new(), help: None }
    }

    /// The file system's `reason` for not doing `operation`.
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |reason| Self::Io { operation, path, reason }
    }
}

impl From<StateDirError> for InspectError {
    fn from(error: StateDirError) -> Self {
        match error {
            StateDirError::Held { pid, .. } => Self::Held { pid },
            StateDirError::Io { operation, path, reason } => Self::Io { operation, path, reason },
        }
    }
}

impl From<SqlError> for InspectError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error.to_string())
    }
}

fn held(pid: Option<u32>) -> String {
    let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    format!("a running dodev server{pid} holds this state")
}

fn join(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        text.push(format!("{} more", names.len() - SHOWN));
    }
    text.join(", ")
}

fn alternatives(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
