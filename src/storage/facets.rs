//! Which file belongs to which facet of an object: the index that stands beside the object's file.
//!
//! Every facet of a tree has a number, given when it is first started and never again to another one; its database is
//! `<id>.<number>.sqlite`. The index `<id>.facets` is appended to only: 8 bytes of magic, then for each number from 1 on
//! the parent's number (0 is the object itself) and the length of the name, two bytes each, and the name.
//!
//! Fidelity: workerd's `server/facet-tree-index.h`, so that wrangler finds the facets too. What does not make sense
//! at the end is what a crash left there: it is cut off.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: u64 = 0xc4cd_ce5b_c5b0_ef57;
const HEADER_BYTES: usize = 4;

/// The facets that an object ever had.
#[derive(Debug)]
pub struct FacetIndex {
    path: PathBuf,
    /// By number, from 1 on: the parent's number and the name.
    entries: Vec<(u16, String)>,
    /// Where the next entry goes.
    end: u64,
}

impl FacetIndex {
    /// Reads the index of the object kept in the file `object`; one without facets has none.
    ///
    /// # Errors
    /// When the file cannot be read, or is no index.
    pub fn read(object: &Path) -> Result<Self> {
        let path = object.with_extension("facets");
        let bytes = match fs::read(&path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => Vec::new(),
            result => result?,
        };
        let mut index = Self { path, entries: Vec::new(), end: 0 };
        let Some((magic, mut rest)) = bytes.split_first_chunk::<8>().filter(|(_, rest)| !rest.is_empty())
        else {
            return Ok(index);
        };
        if u64::from_le_bytes(*magic) != MAGIC {
            return Err(Error::new(ErrorKind::InvalidData, "it is no index of facets"));
        }
        index.end = magic.len() as u64;
        while let Some((parent, name, after)) = entry_of(rest) {
            let known = usize::from(parent) <= index.entries.len();
            let new = !index.entries.iter().any(|(p, n)| (*p, n.as_str()) == (parent, name));
            if !known || !new || index.entries.len() >= usize::from(u16::MAX) {
                break;
            }
            index.end += (HEADER_BYTES + name.len()) as u64;
            index.entries.push((parent, name.to_owned()));
            rest = after;
        }
        Ok(index)
    }

    /// The number of the facet `name` of the one numbered `parent`, if it ever had one.
    pub fn find(&self, parent: u16, name: &str) -> Option<u16> {
        let index = self.entries.iter().position(|(p, n)| *p == parent && n == name)?;
        u16::try_from(index + 1).ok()
    }

    /// The same, given now if it had none; it is on disk when this returns.
    ///
    /// # Errors
    /// When the file cannot be written, or 65,535 numbers are given.
    pub fn number(&mut self, parent: u16, name: &str) -> Result<u16> {
        if let Some(number) = self.find(parent, name) {
            return Ok(number);
        }
        let number = u16::try_from(self.entries.len() + 1)
            .map_err(|_| Error::new(ErrorKind::StorageFull, "an object has 65535 facets at most"))?;
        let length = u16::try_from(name.len())
            .ok()
            .filter(|length| *length > 0)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "such a name cannot be kept"))?;
        let mut file = File::options().write(true).create(true).truncate(false).open(&self.path)?;
        let mut bytes = Vec::new();
        if self.end == 0 {
            bytes.extend(MAGIC.to_le_bytes());
        }
        bytes.extend(parent.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(name.as_bytes());
        file.set_len(self.end)?;
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        self.end += bytes.len() as u64;
        self.entries.push((parent, name.to_owned()));
        Ok(number)
    }

    /// The facets of the one numbered `parent`: numbers and names.
    pub fn children(&self, parent: u16) -> Vec<(u16, String)> {
        let numbered = (1..).zip(&self.entries).filter(|(_, (p, _))| *p == parent);
        numbered.map(|(number, (_, name))| (number, name.clone())).collect()
    }

    /// The facets below the one numbered `parent`, each after those below itself.
    pub fn below(&self, parent: u16) -> Vec<u16> {
        let mut found = Vec::new();
        for (number, _) in self.children(parent) {
            found.extend(self.below(number));
            found.push(number);
        }
        found
    }
}

/// The file of the facet numbered `number` of the object kept in the file `object`; 0 is the object itself.
pub fn facet_path(object: &Path, number: u16) -> PathBuf {
    if number == 0 { object.to_owned() } else { object.with_extension(format!("{number}.sqlite")) }
}

/// The first entry in `bytes` and what follows it, if it makes sense.
fn entry_of(bytes: &[u8]) -> Option<(u16, &str, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [a, b, c, d] = *header;
    let length = usize::from(u16::from_le_bytes([c, d]));
    let (name, rest) = rest.split_at_checked(length).filter(|_| length > 0)?;
    Some((u16::from_le_bytes([a, b]), str::from_utf8(name).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by workerd 1.20261117.1: facets `p`, `n` below it, and `q`.
    const RECORDED: &[u8] =
        b"\x57\xef\xb0\xc5\x5b\xce\xcd\xc4\x00\x00\x01\x00p\x01\x00\x01\x00n\x00\x00\x01\x00q";

    #[test]
    fn an_index_is_what_workerd_writes() {
        let directory = tempfile::tempdir().unwrap();
        let object = directory.path().join("o.sqlite");
        let mut index = FacetIndex::read(&object).unwrap();
        assert_eq!(index.find(0, "p"), None);
        assert!(!directory.path().join("o.facets").exists(), "reading makes no file");
        assert_eq!(index.number(0, "p").unwrap(), 1);
        assert_eq!(index.number(1, "n").unwrap(), 2);
        assert_eq!(FacetIndex::read(&object).unwrap().number(0, "q").unwrap(), 3);
        assert_eq!(fs::read(directory.path().join("o.facets")).unwrap(), RECORDED);
        let mut index = FacetIndex::read(&object).unwrap();
        assert_eq!(index.number(1, "n").unwrap(), 2, "a name keeps its number");
        assert_eq!(index.children(0), [(1, "p".to_owned()), (3, "q".to_owned())]);
        assert_eq!(index.below(0), [2, 1, 3]);
        assert_eq!(facet_path(&object, 2), directory.path().join("o.2.sqlite"));
        assert_eq!(facet_path(&object, 0), object);
    }

    #[test]
    fn what_a_crash_left_is_cut_off_and_what_is_no_index_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (object, file) = (directory.path().join("o.sqlite"), directory.path().join("o.facets"));
        for tail in [
            &b"\x00"[..],
            b"\x09\x00\x01\x00x",
            b"\x00\x00\x00\x00",
            b"\x00\x00\x09\x00abc",
            b"\x00\x00\x01\x00q",
        ] {
            fs::write(&file, [RECORDED, tail].concat()).unwrap();
            let mut index = FacetIndex::read(&object).unwrap();
            assert_eq!(index.below(0), [2, 1, 3], "{tail:?}");
            assert_eq!(index.number(3, "new").unwrap(), 4);
            assert_eq!(fs::read(&file).unwrap(), [RECORDED, b"\x03\x00\x03\x00new"].concat());
        }
        // Ended while the magic number was written.
        fs::write(&file, &RECORDED[..5]).unwrap();
        assert_eq!(FacetIndex::read(&object).unwrap().number(0, "p").unwrap(), 1);
        fs::write(&file, b"something else").unwrap();
        FacetIndex::read(&object).unwrap_err();
        let mut index = FacetIndex { path: file, entries: Vec::new(), end: 0 };
        index.number(0, "").unwrap_err();
    }
}
