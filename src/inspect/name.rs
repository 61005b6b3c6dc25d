//! An object's name straight from the first pages of its file, for lists of thousands.
//!
//! Opening a database costs ten times as much as reading two pages. Only what is plain is read here: both tables in
//! one page each, no log, UTF-8. Everything else, and everything that looks odd, is left to SQLite.
//!
//! The format is documented in <https://www.sqlite.org/fileformat2.html>, sections 1.3, 1.6 and 2.

/// Bytes at the beginning of a file that are looked at.
pub const HEAD_BYTES: usize = 8_192;
/// Where wrangler and we keep the name.
const TABLE: &[u8] = b"__miniflare_do_name";
/// Bytes of the file's header, in front of the first page's own.
const FILE_HEADER_BYTES: usize = 100;
/// A page that holds rows of a table.
const LEAF: u8 = 0x0d;

/// What could be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The name, or that there is none.
    Name(Option<String>),
    /// Ask SQLite.
    Unknown,
}

/// The name in a database of `size_bytes` that begins with `head`, as far as that can be told.
pub fn from_head(head: &[u8], size_bytes: u64) -> Told {
    find(head, size_bytes).map_or(Told::Unknown, Told::Name)
}

fn find(head: &[u8], size_bytes: u64) -> Option<Option<String>> {
    if !head.starts_with(b"SQLite format 3\0") || number(head, 56, 4)? != 1 {
        return None;
    }
    let page_bytes = match number(head, 16, 2)? {
        1 => 65_536,
        bytes => bytes,
    };
    let reserved = u64::from(*head.get(20)?);
    let pages = number(head, 28, 4)?;
    // A file that is shorter than it says is damaged; the count is only good if it is as new as the file.
    if number(head, 24, 4)? != number(head, 92, 4)? || pages * page_bytes > size_bytes {
        return None;
    }
    let usable = usize::try_from(page_bytes.checked_sub(reserved)?).ok()?;
    let page_bytes = usize::try_from(page_bytes).ok()?;
    let schema = Page { bytes: head.get(..page_bytes)?, header: FILE_HEADER_BYTES, usable };
    for row in schema.rows()? {
        let values = row.values()?;
        let (Some(Field::Text(b"table")), Some(Field::Text(name))) = (values.first(), values.get(1)) else {
            continue;
        };
        if *name != TABLE {
            continue;
        }
        let Some(Field::Integer(root)) = values.get(3) else { return None };
        let start = usize::try_from(*root).ok()?.checked_sub(1)?.checked_mul(page_bytes)?;
        let names = Page { bytes: head.get(start..start.checked_add(page_bytes)?)?, header: 0, usable };
        let rows = names.rows()?;
        let Some(row) = rows.iter().find(|row| row.number == 1) else { return Some(None) };
        return match row.values()?.get(1) {
            Some(Field::Text(name)) => Some(Some(str::from_utf8(name).ok()?.to_owned())),
            Some(Field::Null) => Some(None),
            _ => None,
        };
    }
    Some(None)
}

struct Page<'a> {
    bytes: &'a [u8],
    /// Where the page's own header begins.
    header: usize,
    usable: usize,
}

struct Row<'a> {
    number: u64,
    record: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Null,
    Integer(u64),
    Text(&'a [u8]),
    Other,
}

impl<'a> Page<'a> {
    /// The rows of a leaf whose rows all fit into it.
    fn rows(&self) -> Option<Vec<Row<'a>>> {
        if *self.bytes.get(self.header)? != LEAF {
            return None;
        }
        let count = usize::try_from(number(self.bytes, self.header + 3, 2)?).ok()?;
        let mut rows = Vec::with_capacity(count.min(64));
        for index in 0..count {
            let at = usize::try_from(number(self.bytes, self.header + 8 + 2 * index, 2)?).ok()?;
            let cell = self.bytes.get(at..)?;
            let (length, cell) = varint(cell)?;
            let (row_number, cell) = varint(cell)?;
            let length = usize::try_from(length).ok()?;
            // Longer records go on in other pages.
            if length > self.usable.checked_sub(35)? {
                return None;
            }
            rows.push(Row { number: row_number, record: cell.get(..length)? });
        }
        Some(rows)
    }
}

impl<'a> Row<'a> {
    fn values(&self) -> Option<Vec<Field<'a>>> {
        let (header_bytes, rest) = varint(self.record)?;
        let header_bytes = usize::try_from(header_bytes).ok()?;
        let used = self.record.len() - rest.len();
        let mut types = rest.get(..header_bytes.checked_sub(used)?)?;
        let mut body = self.record.get(header_bytes..)?;
        let mut values = Vec::with_capacity(5);
        while !types.is_empty() {
            let (kind, rest) = varint(types)?;
            types = rest;
            let length = match kind {
                0 | 8 | 9 => 0,
                1..=4 => usize::try_from(kind).ok()?,
                5 => 6,
                6 | 7 => 8,
                _ => usize::try_from(kind.checked_sub(12)? / 2).ok()?,
            };
            let bytes = body.get(..length)?;
            body = &body[length..];
            values.push(match kind {
                0 => Field::Null,
                1..=6 => Field::Integer(number(bytes, 0, length)?),
                8 | 9 => Field::Integer(kind - 8),
                kind if kind >= 13 && kind % 2 == 1 => Field::Text(bytes),
                _ => Field::Other,
            });
        }
        Some(values)
    }
}

/// The big-endian number of `length` bytes at `at`.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// SQLite's variable-length integer, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    /// The head and size of a database made by `sql`.
    fn made(sql: &str) -> (Vec<u8>, u64) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let bytes = std::fs::read(path).unwrap();
        (bytes[..bytes.len().min(HEAD_BYTES)].to_vec(), bytes.len() as u64)
    }

    const CREATE: &str = "CREATE TABLE __miniflare_do_name (id INTEGER PRIMARY KEY, name TEXT);";

    #[test]
    fn plain_files_tell_their_name_and_others_do_not() {
        let named = |name: &str| format!("{CREATE} INSERT INTO __miniflare_do_name VALUES (1, '{name}');");
        let some = |name: &str| Told::Name(Some(name.to_owned()));
        let long = "x".repeat(5_000);
        for (sql, expected) in [
            (named("lobby"), some("lobby")),
            (named("żółw 漢字"), some("żółw 漢字")),
            (named(&long[..200]), some(&long[..200])),
            (named(&long), Told::Unknown),
            (format!("{} CREATE TABLE t (a); INSERT INTO t VALUES (1);", named("a")), some("a")),
            (CREATE.to_owned(), Told::Name(None)),
            ("CREATE TABLE t (a);".to_owned(), Told::Name(None)),
            (format!("CREATE TABLE a(b); CREATE TABLE c(d); {}", named("far")), Told::Unknown),
            ((0..99).map(|n| format!("CREATE TABLE table_{n} (a, b, c);")).collect(), Told::Unknown),
            (format!("PRAGMA encoding = 'UTF-16'; {}", named("a")), Told::Unknown),
        ] {
            let (head, size) = made(&sql);
            assert_eq!(from_head(&head, size), expected, "{}", &sql[..sql.len().min(120)]);
        }
        let (head, size) = made(&named("lobby"));
        assert_eq!(from_head(&head, size - 1), Told::Unknown, "a file that was cut");
        assert_eq!(from_head(&head[..100], size), Told::Unknown);
        assert_eq!(from_head(b"no database", 11), Told::Unknown);
    }

    proptest! {
        #[test]
        fn damage_never_panics(places in prop::collection::vec((0usize..HEAD_BYTES, any::<u8>()), 1..40)) {
            thread_local! {
                static SOUND: (Vec<u8>, u64) =
                    made(&format!("{CREATE} INSERT INTO __miniflare_do_name VALUES (1, 'lobby');"));
            }
            SOUND.with(|(head, size)| {
                let mut head = head.clone();
                for (at, byte) in &places {
                    head[*at] = *byte;
                }
                from_head(&head, *size);
            });
        }
    }
}
