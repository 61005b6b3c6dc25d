//! Listing keys in the byte order of UTF-8: whole results, and the lazily stepping iterator.

use std::collections::VecDeque;

use super::failure::StorageError;
use super::kv::{ListEnd, Value};
use super::object::ObjectStore;

/// Rows that an iterator reads ahead while nothing is written.
const CHUNK_ROWS: i64 = 64;

/// Which keys to list. The default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// First key, inclusive.
    pub start: Option<String>,
    /// Key before the first, exclusive; not together with `start`.
    pub start_after: Option<String>,
    /// End, exclusive; also when listing in reverse.
    pub end: Option<String>,
    /// What all keys begin with.
    pub prefix: Option<String>,
    /// Whether the last key comes first.
    pub reverse: bool,
    /// Most keys to list; 0 is refused.
    pub limit: Option<u32>,
}

/// The keys from `start` up to `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub start: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl ListOptions {
    /// The keys meant, or `None` if there can be none.
    ///
    /// Fidelity: workerd, `listImpl` in `src/workerd/api/actor-state.c++`.
    pub fn range(&self) -> Result<Option<KeyRange>, StorageError> {
        if self.start.is_some() && self.start_after.is_some() {
            return Err(StorageError::StartAndStartAfter);
        }
        if self.limit == Some(0) {
            return Err(StorageError::ListLimit);
        }
        let mut start = self.start.clone().unwrap_or_default().into_bytes();
        if let Some(after) = &self.start_after {
            start = after.clone().into_bytes();
            start.push(0);
        }
        let mut end = self.end.clone().map(String::into_bytes);
        if let Some(prefix) = self.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            start = start.max(prefix.as_bytes().to_vec());
            let behind = after_prefix(prefix.as_bytes());
            end = Some(end.map_or(behind.clone(), |end| end.min(behind)));
        }
        Ok(end.as_ref().is_none_or(|end| start < *end).then_some(KeyRange { start, end }))
    }
}

/// The first byte string behind all those that begin with `prefix`, which is UTF-8 and not empty.
fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut behind = prefix.to_vec();
    *behind.last_mut().expect("the prefix is not empty") += 1; // UTF-8 has no byte 0xff
    behind
}

impl ObjectStore {
    /// The keys and values that `options` mean, in order.
    pub fn list(&mut self, options: &ListOptions) -> Result<Vec<(String, Value)>, StorageError> {
        let Some(range) = options.range()? else { return Ok(Vec::new()) };
        self.kv.begin_list();
        self.list_range(&range, options.reverse, options.limit.map_or(-1, i64::from))
    }

    /// Starts listing lazily, at the first of the keys that there are now.
    pub fn iterate(&mut self, options: &ListOptions) -> Result<KvIterator, StorageError> {
        let mut iterator = KvIterator {
            range: options.range()?,
            reverse: options.reverse,
            left: options.limit.map_or(u64::MAX, u64::from),
            first: None,
            ahead: VecDeque::new(),
            version: self.kv.version(),
        };
        iterator.read_ahead(self)?;
        iterator.first = iterator.ahead.pop_front();
        if iterator.first.is_none() {
            iterator.range = None;
        }
        Ok(iterator)
    }

    /// Begins a list of the program, which ends its iterators. Gives its number.
    ///
    /// Fidelity: workerd keeps one cursor for all lists of an object (`src/workerd/util/sqlite-kv.h`).
    pub fn begin_list(&mut self) -> u64 {
        self.kv.begin_list()
    }

    /// Why the program's list of this number has ended, if it has.
    pub fn list_end(&self, number: u64) -> Option<ListEnd> {
        self.kv.list_end(number)
    }

    fn list_range(
        &mut self,
        range: &KeyRange,
        reverse: bool,
        limit: i64,
    ) -> Result<Vec<(String, Value)>, StorageError> {
        self.flush()?;
        let mut found = Vec::new();
        self.reading("list", |connection| {
            connection.list(range, reverse, limit, |key, value| {
                found.push((String::from_utf8_lossy(key).into_owned(), Value::from(value)));
            })
        })?;
        Ok(found)
    }
}

/// A list that is read as it is asked for and sees the writes made meanwhile.
///
/// It holds no statement open: every step continues behind the key before. So it pins no connection
/// when a program leaves its loop early.
#[derive(Debug)]
pub struct KvIterator {
    range: Option<KeyRange>,
    reverse: bool,
    left: u64,
    /// The first row, which the iterator has stood at since it was made.
    first: Option<(String, Value)>,
    ahead: VecDeque<(String, Value)>,
    version: u64,
}

impl KvIterator {
    /// The next key and value of `store`, which must be the one that made this iterator.
    pub fn next(&mut self, store: &mut ObjectStore) -> Result<Option<(String, Value)>, StorageError> {
        if self.left == 0 {
            self.range = None;
            return Ok(None);
        }
        if self.version != store.kv.version() {
            self.version = store.kv.version();
            self.ahead.clear();
        }
        if self.first.is_none() && self.ahead.is_empty() {
            self.read_ahead(store)?;
        }
        let Some((key, value)) = self.first.take().or_else(|| self.ahead.pop_front()) else {
            self.range = None;
            return Ok(None);
        };
        self.left -= 1;
        let range = self.range.as_mut().expect("there was a row, so there is a range");
        if self.reverse {
            range.end = Some(key.as_bytes().to_vec());
        } else {
            range.start.clear();
            range.start.extend_from_slice(key.as_bytes());
            range.start.push(0);
        }
        Ok(Some((key, value)))
    }

    fn read_ahead(&mut self, store: &mut ObjectStore) -> Result<(), StorageError> {
        if let Some(range) = &self.range {
            let limit = CHUNK_ROWS.min(i64::try_from(self.left).unwrap_or(i64::MAX));
            self.ahead = store.list_range(range, self.reverse, limit)?.into();
        }
        Ok(())
    }

    /// Whether the end was reached.
    pub fn is_done(&self) -> bool {
        self.range.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_from_options() {
        let check = |options: ListOptions, expected: Option<(&str, Option<&[u8]>)>| {
            let range = options.range().unwrap().map(|range| (range.start, range.end));
            let expected = expected.map(|(start, end)| (start.as_bytes().to_vec(), end.map(<[u8]>::to_vec)));
            assert_eq!(range, expected, "{options:?}");
        };
        let text = |text: &str| Some(text.to_owned());
        let all = ListOptions::default();
        check(all.clone(), Some(("", None)));
        check(ListOptions { prefix: text("a"), ..all.clone() }, Some(("a", Some(b"b"))));
        check(ListOptions { prefix: text(""), ..all.clone() }, Some(("", None)));
        check(ListOptions { prefix: text("a"), start: text("a2"), ..all.clone() }, Some(("a2", Some(b"b"))));
        check(ListOptions { prefix: text("b"), start: text("a2"), ..all.clone() }, Some(("b", Some(b"c"))));
        check(ListOptions { prefix: text("a"), start: text("b"), ..all.clone() }, None);
        check(ListOptions { prefix: text("a"), end: text("a"), ..all.clone() }, None);
        check(
            ListOptions { start_after: text("a"), end: text("b"), ..all.clone() },
            Some(("a\0", Some(b"b"))),
        );
        check(ListOptions { start: text("a"), end: text("a"), ..all.clone() }, None);
        check(ListOptions { prefix: text("ſ"), ..all.clone() }, Some(("ſ", Some(b"\xc5\xc0"))));
        let both = ListOptions { start: text("a"), start_after: text("a"), ..all.clone() };
        assert_eq!(both.range(), Err(StorageError::StartAndStartAfter));
        assert_eq!(ListOptions { limit: Some(0), ..all }.range(), Err(StorageError::ListLimit));
    }
}
