//! The directory itself: files by path, and what its rule files say.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::ignore::Ignore;
use super::{HEADERS_FILE, HeaderRules, HtmlHandling, IGNORE_FILE, REDIRECTS_FILE, Redirects};

/// How many bytes of a hash an entity tag shows.
const TAG_BYTES: usize = 16;
/// How deep a survey goes: nobody's assets are deeper.
const DEPTH: usize = 64;

/// A file of the directory.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its path below the directory, with slashes and one before it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Changes with the file.
    pub tag: String,
}

impl PartialEq for Asset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What tells that a file is as it was: when it was written, nanoseconds since 1970, its length and which file it is.
type Stamp = (u128, u64, u64);

fn stamp(metadata: &Metadata) -> Stamp {
    let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (written.unwrap_or_default().as_nanos(), metadata.len(), number(metadata))
}

/// Which file it is, among those that had its name.
fn number(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(windows)]
    return std::os::windows::fs::MetadataExt::creation_time(metadata);
}

/// What the rule files say.
#[derive(Debug, Default)]
pub struct Rules {
    stamps: [Option<Stamp>; 3],
    pub ignore: Ignore,
    pub headers: HeaderRules,
    pub redirects: Redirects,
}

/// A directory of assets.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    html: HtmlHandling,
    rules: Mutex<Option<Arc<Rules>>>,
}

/// What a look at all files found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many assets there are.
    pub files: usize,
    /// Those that are larger than asked for, and their sizes in bytes.
    pub large: Vec<(PathBuf, u64)>,
    /// Whether there is a `_worker.js`, a file or a directory of assets.
    pub has_worker: bool,
    /// Whether there is a file of patterns to ignore.
    pub has_ignore: bool,
}

impl Directory {
    /// The directory at `root`, which may not be there yet.
    pub fn new(root: PathBuf, html: HtmlHandling) -> Self {
        Self { root, html, rules: Mutex::default() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What its rule files say now.
    pub fn rules(&self) -> Arc<Rules> {
        let path = |name| self.root.join(name);
        let stamps = [IGNORE_FILE, HEADERS_FILE, REDIRECTS_FILE]
            .map(|name| fs::metadata(path(name)).ok().map(|metadata| stamp(&metadata)));
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = known.as_ref().filter(|rules| rules.stamps == stamps) {
            return rules.clone();
        }
        let text = |name| fs::read(path(name)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let rules = Arc::new(Rules {
            stamps,
            ignore: Ignore::parse(text(IGNORE_FILE).as_deref()),
            headers: HeaderRules::parse(&text(HEADERS_FILE).unwrap_or_default()),
            redirects: Redirects::parse(&text(REDIRECTS_FILE).unwrap_or_default(), self.html),
        });
        *known = Some(rules.clone());
        rules
    }

    /// The asset at the decoded `path`, if there is one.
    ///
    /// Only names lead anywhere: no path leaves the directory. Links are followed, as wrangler does: whoever made them
    /// wants what they lead to.
    pub fn find(&self, rules: &Rules, path: &str) -> Option<Asset> {
        let relative = path.strip_prefix('/')?;
        let is_name = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if !relative.split('/').all(is_name) || rules.ignore.is_ignored(relative) {
            return None;
        }
        let file = self.root.join(relative);
        let metadata = fs::metadata(&file).ok().filter(Metadata::is_file)?;
        let (written, length, _) = stamp(&metadata);
        let text = format!("{}\0{written}\0{length}", file.display());
        let hash = Sha256::digest(text.as_bytes());
        let tag = hash[..TAG_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Asset { name: path.to_owned(), path: file, tag })
    }

    /// The asset with the `tag`, if there is one.
    pub fn find_tagged(&self, rules: &Rules, tag: &str) -> Option<Asset> {
        let mut found = None;
        self.walk(&mut |relative, _, _| {
            if found.is_none() {
                found = self.find(rules, &format!("/{relative}")).filter(|asset| asset.tag == tag);
            }
        });
        found
    }

    fn walk(&self, see: &mut impl FnMut(&str, &Path, &Metadata)) {
        let mut above = vec![fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone())];
        walk(&self.root, "", &mut above, see);
    }

    /// Looks at all files; those of more than `max` bytes are named.
    pub fn survey(&self, max: u64) -> Survey {
        let rules = self.rules();
        let mut survey = Survey { has_ignore: rules.stamps[0].is_some(), ..Survey::default() };
        self.walk(&mut |relative, path, metadata| {
            if rules.ignore.is_ignored(relative) {
                return;
            }
            survey.files += 1;
            survey.has_worker |= relative.starts_with("_worker.js");
            if metadata.len() > max {
                survey.large.push((path.to_owned(), metadata.len()));
            }
        });
        survey
    }
}

/// Tells `see` of every file below `directory`, which is `prefix` for it. What cannot be read is no file. `above` are the directory
/// and those that it lies in, without links.
///
/// Deviation: a link to one of them is passed over. wrangler follows it until the system refuses, and does not start.
fn walk(
    directory: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    see: &mut impl FnMut(&str, &Path, &Metadata),
) {
    if above.len() > DEPTH {
        return;
    }
    let mut entries: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (path, relative) = (entry.path(), format!("{prefix}{name}"));
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            let Some(real) = real_path(&entry, above) else { continue };
            above.push(real);
            walk(&path, &format!("{relative}/"), above, see);
            above.pop();
        } else if metadata.is_file() {
            see(&relative, &path, &metadata);
        }
    }
}

/// Where the directory `entry` really is; `None` if that is where it lies in.
fn real_path(entry: &fs::DirEntry, above: &[PathBuf]) -> Option<PathBuf> {
    if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
        return above.last().map(|directory| directory.join(entry.file_name()));
    }
    fs::canonicalize(entry.path()).ok().filter(|real| !above.contains(real))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> (tempfile::TempDir, Directory) {
        let place = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = place.path().join("public").join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        let root = place.path().join("public");
        (place, Directory::new(root, HtmlHandling::default()))
    }

    #[test]
    fn paths_never_leave_the_directory() {
        let (place, directory) = directory(&[("a.txt", "a"), ("d/b.txt", "b")]);
        fs::write(place.path().join("secret"), "s").expect("a file");
        let rules = directory.rules();
        let found = |path: &str| directory.find(&rules, path).is_some();
        assert!(found("/a.txt") && found("/d/b.txt"));
        for path in [
            "/../secret",
            "/d/../../secret",
            "/./a.txt",
            "/d//b.txt",
            "/d/",
            "/d",
            "/",
            "",
            "a.txt",
            "/a.txt\0",
            "/a.txt/",
        ] {
            assert!(!found(path), "{path}");
        }
        let absolute = format!("/{}", place.path().join("secret").display());
        assert!(!found(&absolute));
    }

    #[test]
    fn rule_files_count_as_they_are_now() {
        let (_place, directory) = directory(&[("a.txt", "a"), ("b.txt", "b")]);
        assert!(directory.find(&directory.rules(), "/a.txt").is_some());
        fs::write(directory.root().join(IGNORE_FILE), "a.txt\n").expect("a file");
        fs::write(directory.root().join(HEADERS_FILE), "/*\n x: y\n").expect("a file");
        let rules = directory.rules();
        assert!(directory.find(&rules, "/a.txt").is_none() && directory.find(&rules, "/b.txt").is_some());
        assert!(directory.find(&rules, "/_headers").is_none());
        assert_eq!(rules.headers.count, 1);
        assert!(Arc::ptr_eq(&rules, &directory.rules()));
    }

    #[test]
    fn tags_change_with_the_file() {
        let (_place, directory) = directory(&[("a.txt", "a"), ("b.txt", "a")]);
        let rules = directory.rules();
        let tag = |path: &str| directory.find(&rules, path).expect("an asset").tag;
        let before = tag("/a.txt");
        assert!(before.len() == 32 && before != tag("/b.txt") && before == tag("/a.txt"));
        fs::write(directory.root().join("a.txt"), "ab").expect("a file");
        assert_ne!(before, tag("/a.txt"));
    }

    #[test]
    fn a_survey_counts_what_would_be_uploaded() {
        let (_place, directory) = directory(&[
            ("a.txt", "a"),
            ("large", "0123456789"),
            ("x/y", ""),
            ("_headers", ""),
            ("_worker.js/i.js", ""),
        ]);
        let survey = directory.survey(5);
        assert!(survey.files == 4 && survey.has_worker && !survey.has_ignore);
        assert_eq!(survey.large, [(directory.root().join("large"), 10)]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let (place, directory) = directory(&[("a.txt", "a"), ("x/y/b.txt", "b")]);
        fs::create_dir(place.path().join("other")).expect("a directory");
        fs::write(place.path().join("other/c.txt"), "0123456789").expect("a file");
        let link = |to: &str, name: &str| symlink(to, directory.root().join(name)).expect("a link");
        link("nowhere", "broken");
        link("../other", "linked");
        symlink("../public", place.path().join("other/back")).expect("a link");
        // Followed, these would make more paths than can be walked.
        for name in ["x/here", "x/there", "x/y/elsewhere"] {
            link("..", name);
        }
        link(".", "x/y/itself");
        let survey = directory.survey(5);
        assert!(directory.find(&directory.rules(), "/linked/c.txt").is_some());
        assert_eq!(survey.large, [(directory.root().join("linked/c.txt"), 10)]);
        assert_eq!(survey.files, 3);
    }
}
