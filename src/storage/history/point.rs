//! Points of an object's history: their bookmarks, times and causes.

use std::fmt;
use std::str::FromStr;

use crate::base::clock::Timestamp;

/// Where a point stands: how often the object was restored before, and its number since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence {
    /// Restores before it.
    pub epoch: u32,
    /// Its number in the epoch.
    pub number: u32,
}

impl Sequence {
    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self { number: self.number.saturating_add(1), ..self }
    }

    /// The first one after a restore.
    #[must_use]
    pub fn restored(self) -> Self {
        Self { epoch: self.epoch.saturating_add(1), number: 0 }
    }

    /// The last one before the next restore, whichever it will be.
    #[must_use]
    pub fn last_of_epoch(self) -> Self {
        Self { number: u32::MAX, ..self }
    }
}

/// The name of a point. Later ones of an object sort after earlier ones, as text too.
///
/// Fidelity: four groups of hexadecimal digits as the platform's
/// (<https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#pitr-point-in-time-recovery-api>); what is in the groups is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bookmark {
    /// Which point.
    pub sequence: Sequence,
    /// Which history; one that began again has another.
    pub lineage: u128,
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sequence { epoch, number } = self.sequence;
        write!(f, "{epoch:08x}-{number:08x}-00000000-{:032x}", self.lineage)
    }
}

/// The text is no bookmark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid bookmark: {0}")]
pub struct InvalidBookmark(pub String);

impl FromStr for Bookmark {
    type Err = InvalidBookmark;

    fn from_str(text: &str) -> Result<Self, InvalidBookmark> {
        let invalid = || InvalidBookmark(text.to_owned());
        let groups: Vec<&str> = text.split('-').collect();
        let [epoch, number, zero, lineage] = groups[..] else { return Err(invalid()) };
        let lengths = [epoch.len(), number.len(), zero.len(), lineage.len()];
        let digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if lengths != [8, 8, 8, 32] || !digits {
            return Err(invalid());
        }
        let group = |text| u32::from_str_radix(text, 16).map_err(|_| invalid());
        Ok(Self {
            sequence: Sequence { epoch: group(epoch)?, number: group(number)? },
            lineage: u128::from_str_radix(lineage, 16).map_err(|_| invalid())?,
        })
    }
}

/// What kind of thing changed the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum CauseKind {
    /// Not recorded: a process that ended abruptly, or another tool while the object was awake.
    #[default]
    Unknown = 0,
    /// The object was made.
    Created = 1,
    /// The state was there before its history.
    Adopted = 2,
    /// The constructor.
    Constructor = 3,
    /// A request.
    Request = 4,
    /// A method called by RPC.
    Rpc = 5,
    /// The alarm.
    Alarm = 6,
    /// A message or the end of a WebSocket.
    Socket = 7,
    /// A timer.
    Timer = 8,
    /// `deleteAll()`.
    DeleteAll = 9,
    /// The state of an earlier point was brought back.
    Restore = 10,
    /// Another tool changed the file.
    Foreign = 11,
    /// A command of dodev's.
    Command = 12,
    /// A migration.
    Migration = 13,
}

impl CauseKind {
    /// The kind with the number `byte`; unknown numbers are of later versions.
    pub fn from_byte(byte: u8) -> Self {
        use CauseKind::*;
        const ALL: [CauseKind; 14] = [
            Unknown,
            Created,
            Adopted,
            Constructor,
            Request,
            Rpc,
            Alarm,
            Socket,
            Timer,
            DeleteAll,
            Restore,
            Foreign,
            Command,
            Migration,
        ];
        ALL.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// A word for people and for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Constructor => "constructor",
            Self::Request => "request",
            Self::Rpc => "rpc",
            Self::Alarm => "alarm",
            Self::Socket => "socket",
            Self::Timer => "timer",
            Self::DeleteAll => "deleteAll",
            Self::Restore => "restore",
            Self::Foreign => "another process",
            Self::Command => "command",
            Self::Migration => "migration",
        }
    }
}

/// What changed the object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// What kind of thing.
    pub kind: CauseKind,
    /// Which one: `GET /path`, the name of the method, the bookmark. May be empty.
    pub detail: String,
    /// Events that were committed together; the kind and the detail are the last one's.
    pub events: u32,
}

impl Cause {
    /// One event of `kind`.
    pub fn new(kind: CauseKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), events: 1 }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if !self.detail.is_empty() {
            write!(f, " {}", self.detail)?;
        }
        if self.events > 1 {
            write!(f, " ({} events)", self.events)?;
        }
        Ok(())
    }
}

/// A state that an object had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its name.
    pub bookmark: Bookmark,
    /// When it came about.
    pub time: Timestamp,
    /// What made it.
    pub cause: Cause,
    /// Bytes of the database; 0 after `deleteAll()`.
    pub size_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_sort_as_text_and_come_back() {
        let at = |epoch, number| Bookmark { sequence: Sequence { epoch, number }, lineage: 77 };
        let order = [
            at(0, 0),
            at(0, 1),
            at(0, 300),
            Bookmark { sequence: at(0, 0).sequence.last_of_epoch(), lineage: 77 },
            at(1, 0),
        ];
        for pair in order.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string());
        }
        for bookmark in order {
            assert_eq!(bookmark.to_string().parse(), Ok(bookmark));
        }
        assert_eq!(at(1, 0xab).to_string(), "00000001-000000ab-00000000-0000000000000000000000000000004d");
        for text in [
            "",
            "x",
            "1-2-3-4",
            "00000001-000000ab-00000000-",
            "+0000001-000000ab-00000000-0000000000000000000000000000004d",
        ] {
            assert_eq!(text.parse::<Bookmark>(), Err(InvalidBookmark(text.to_owned())));
        }
    }
}
