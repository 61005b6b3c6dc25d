//! Watches the exact inputs of a project and its bundle, by their directories.
//!
//! Directories and not files are watched, because editors replace files, and because a file that is missing
//! may appear. All directories between an input and the project's root are watched too, so that a renamed one is
//! noticed. Paths are compared after their directory's links are resolved. An event counts when a file is
//! complete: on Linux when its writer closes it, so that no half-written file is built.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, EventKind, Flag, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::command;

/// Links that one path may lead through, as systems allow them.
const MOST_LINKS: usize = 40;

/// What events say about the watched inputs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether an input of the project itself, like its configuration, may have changed.
    pub project: bool,
    /// Whether something below the directories of the user's build command changed.
    pub sources: bool,
    /// Paths that changed.
    pub paths: Vec<PathBuf>,
}

/// The inputs, by their resolved paths.
#[derive(Debug, Default)]
struct Inputs {
    project: HashSet<PathBuf>,
    bundle: HashSet<PathBuf>,
    /// Directories with all that is in them.
    sources: Vec<PathBuf>,
}

/// What is to be watched, absolute paths.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The project's directory.
    pub root: &'a Path,
    /// Files of the project itself.
    pub project: &'a [PathBuf],
    /// Files of the bundle.
    pub bundle: &'a [PathBuf],
    /// Directories whose contents the user's build command reads.
    pub sources: &'a [PathBuf],
}

/// A watcher and what it watches.
pub struct Watch {
    watcher: RecommendedWatcher,
    root: PathBuf,
    inputs: Inputs,
    directories: BTreeSet<PathBuf>,
    /// What was followed last, as long as all of it is still watched: most saves change no import, and to
    /// resolve a thousand paths takes longer than to build.
    followed: Option<[Vec<PathBuf>; 3]>,
}

impl Watch {
    /// Starts to watch nothing yet; `tell` gets every event that may matter, on the watcher's thread. It
    /// must not wait: that thread also has to answer [`Watch::follow`].
    pub fn new(mut tell: impl FnMut(notify::Result<Event>) + Send + 'static) -> notify::Result<Self> {
        let watcher = notify::recommended_watcher(move |event| match event {
            // A bundler that reads a thousand files makes thousands of them.
            Ok(event) if is_noise(&event) => {}
            event => tell(event),
        })?;
        Ok(Self {
            watcher,
            root: PathBuf::new(),
            inputs: Inputs::default(),
            directories: BTreeSet::new(),
            followed: None,
        })
    }

    /// Watches these inputs from now on.
    pub fn follow(&mut self, wanted: Wanted<'_>) -> notify::Result<()> {
        let Wanted { root, project, bundle, sources } = wanted;
        let project = with_targets(project);
        let followed = [project.clone(), bundle.to_vec(), sources.to_vec()];
        if self.followed.as_ref() == Some(&followed) {
            return Ok(());
        }
        self.followed = Some(followed);
        let sources: Vec<_> =
            sources.iter().map(|path| dunce::canonicalize(path).unwrap_or(resolve(path))).collect();
        let below = command::directories(&sources);
        self.inputs = Inputs { project: resolve_all(&project), bundle: resolve_all(bundle), sources };
        self.root = dunce::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        self.watch_directories(below)
    }

    /// Watches the directories of the inputs and `below`, and no others.
    fn watch_directories(&mut self, below: Vec<PathBuf>) -> notify::Result<()> {
        let inputs = self.inputs.project.iter().chain(&self.inputs.bundle).chain(&self.inputs.sources);
        let mut wanted = directories(&self.root, inputs);
        // What is behind a link is watched by its own path.
        let is_directory = |input: &&PathBuf| input.is_dir() && !input.is_symlink();
        wanted.extend(self.inputs.bundle.iter().filter(is_directory).cloned());
        wanted.extend(below);
        for gone in self.directories.difference(&wanted) {
            // It may be gone already.
            drop(self.watcher.unwatch(gone));
        }
        let mut failed = Ok(());
        for new in wanted.difference(&self.directories) {
            if let Err(error) = self.watcher.watch(new, RecursiveMode::NonRecursive) {
                failed = Err(error);
                self.followed = None;
            }
        }
        self.directories = wanted;
        failed
    }

    /// What `event` says about the inputs; `None` if nothing.
    pub fn judge(&mut self, event: &Event) -> Option<Change> {
        if event.need_rescan() {
            // Events were lost: everything may have changed.
            let paths = self.inputs.bundle.iter().cloned().collect();
            return Some(Change { project: true, sources: true, paths });
        }
        if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
            // A directory that is gone or renamed must be watched anew when it is back, and a link may lead
            // elsewhere.
            self.followed = None;
            for path in &event.paths {
                let below: Vec<_> =
                    self.directories.iter().filter(|dir| dir.starts_with(path)).cloned().collect();
                for directory in below {
                    drop(self.watcher.unwatch(&directory));
                    self.directories.remove(&directory);
                }
            }
        }
        if event.paths.iter().any(|path| self.inputs.lie_below(path) && path.is_dir()) {
            // A directory on the way to an input is there now. What it holds is looked for after the watch began.
            let below = command::directories(&self.inputs.sources);
            drop(self.watch_directories(below));
        }
        self.inputs.judge(event)
    }
}

impl Inputs {
    /// Whether some input is, or would be, below the directory `path`.
    fn lie_below(&self, path: &Path) -> bool {
        self.project.iter().chain(&self.bundle).any(|input| input != path && input.starts_with(path))
    }

    fn judge(&self, event: &Event) -> Option<Change> {
        if !is_complete(event) {
            return None;
        }
        let mut change = Change::default();
        // A directory that appears changes the inputs that came with it, and none that is still missing.
        let appeared = matches!(event.kind, EventKind::Create(_));
        let touched = |path: &Path, input: &Path| input.starts_with(path) && (!appeared || input.exists());
        for path in &event.paths {
            // A new directory changes nothing as long as none of the inputs is in it.
            let counts = |input: &&PathBuf| !path.is_dir() || input.exists();
            let touches = |inputs: &HashSet<PathBuf>| {
                inputs.contains(path)
                    || inputs.iter().filter(|input| input.starts_with(path)).any(|input| counts(&input))
            };
            change.project |= touches(&self.project);
            change.sources |=
                self.sources.iter().any(|source| path.starts_with(source) || source.starts_with(path));
            if touches(&self.bundle) {
                change.paths.extend(self.bundle.iter().filter(|input| touched(path, input)).cloned());
            } else if path.parent().is_some_and(|parent| self.bundle.contains(parent)) {
                // An input that is a directory stands for what is in it.
                change.paths.push(path.clone());
            }
        }
        (change != Change::default()).then_some(change)
    }
}

/// Whether `event` only says that files were looked at.
fn is_noise(event: &Event) -> bool {
    let looked_at = match event.kind {
        EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Metadata(_)) => true,
        _ => false,
    };
    looked_at && !event.need_rescan()
}

/// What stands for events that were lost: everything may have changed.
pub fn lost_events() -> Event {
    Event::new(EventKind::Other).set_flag(Flag::Rescan)
}

/// Whether `event` leaves its files in a state worth reading.
fn is_complete(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        // Both ends of a renaming have been told one by one before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => false,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
        // A file that was just opened for writing is empty; a linked one or a directory is not.
        EventKind::Create(_) if cfg!(target_os = "linux") => event.paths.iter().any(|path| is_filled(path)),
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
            !cfg!(target_os = "linux")
        }
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Other) => false,
        EventKind::Any | EventKind::Other => false,
    }
}

fn is_filled(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_dir() || metadata.len() > 0)
}

/// `paths`, and where those lead that are links: a configuration or a file of secrets may be shared by projects.
fn with_targets(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = paths.to_vec();
    for path in paths {
        let mut at = path.clone();
        for _ in 0..MOST_LINKS {
            let Ok(target) = at.read_link() else { break };
            at = at.parent().unwrap_or(Path::new("/")).join(target);
            all.push(at.clone());
        }
    }
    all
}

/// All of `paths`, resolved; each directory once, since packages have many files in few directories.
fn resolve_all(paths: &[PathBuf]) -> HashSet<PathBuf> {
    let mut parents: HashMap<&Path, PathBuf> = HashMap::new();
    let mut resolved = HashSet::with_capacity(paths.len());
    for path in paths {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            resolved.insert(path.clone());
            continue;
        };
        let real = parents.entry(parent).or_insert_with(|| match dunce::canonicalize(parent) {
            Ok(real) => real,
            Err(_) => resolve(parent),
        });
        resolved.insert(real.join(name));
    }
    resolved
}

/// `path` with the links of its directory resolved, as far as that exists.
fn resolve(path: &Path) -> PathBuf {
    for ancestor in path.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (dunce::canonicalize(ancestor), path.strip_prefix(ancestor)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

/// The existing directories to watch for `inputs`.
fn directories<'a>(root: &Path, inputs: impl Iterator<Item = &'a PathBuf>) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    let parents: BTreeSet<&Path> = inputs.filter_map(|input| input.parent()).collect();
    for parent in parents {
        let Some(nearest) = parent.ancestors().find(|ancestor| ancestor.is_dir()) else { continue };
        for directory in nearest.ancestors() {
            if directory != nearest && !directory.starts_with(root)
                || !directories.insert(directory.to_owned())
            {
                break;
            }
        }
    }
    directories
}

#[cfg(test)]
mod tests {
    use std::fs;

    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind};

    use super::*;

    fn event(kind: EventKind, path: &Path) -> Event {
        Event::new(kind).add_path(path.to_owned())
    }

    #[test]
    fn only_finished_changes_of_inputs_count() {
        let inputs = Inputs {
            project: HashSet::from(["/p/wrangler.jsonc".into()]),
            bundle: HashSet::from(["/p/src/a.ts".into(), "/p/src/b.ts".into()]),
            sources: Vec::new(),
        };
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let removed = EventKind::Remove(RemoveKind::File);
        let touched = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        for (kind, path, expected) in [
            (closed, "/p/src/a.ts", Some((false, 1))),
            (renamed, "/p/src/a.ts", Some((false, 1))),
            (removed, "/p/src/a.ts", Some((false, 1))),
            (EventKind::Modify(ModifyKind::Name(RenameMode::Both)), "/p/src/a.ts", None),
            (closed, "/p/wrangler.jsonc", Some((true, 0))),
            (renamed, "/p/src", Some((false, 2))),
            (renamed, "/p", Some((true, 2))),
            (closed, "/p/src/other.ts", None),
            (closed, "/p/src/a.ts.swp", None),
            (touched, "/p/src/a.ts", None),
            (EventKind::Access(AccessKind::Read), "/p/src/a.ts", None),
        ] {
            let got = inputs.judge(&event(kind, Path::new(path)));
            assert_eq!(got.map(|change| (change.project, change.paths.len())), expected, "{kind:?} {path}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_counts_when_it_has_been_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.ts");
        fs::write(&file, "").unwrap();
        let created = EventKind::Create(CreateKind::File);
        assert!(!is_complete(&event(created, &file)));
        assert!(!is_complete(&event(EventKind::Modify(ModifyKind::Data(DataChange::Any)), &file)));
        fs::write(&file, "x").unwrap();
        assert!(is_complete(&event(created, &file)));
    }

    #[test]
    fn directories_up_to_the_root_are_watched() {
        let directory = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        let inputs = [root.join("src/deep/a.ts"), root.join("src/new/b.ts"), root.join("wrangler.jsonc")];
        let expected = [root.clone(), root.join("src"), root.join("src/deep")];
        assert_eq!(directories(&root, inputs.iter()), BTreeSet::from(expected.clone()));
        // Outside the root only the input's own directory counts.
        assert_eq!(directories(&root.join("src"), inputs.iter()), BTreeSet::from(expected));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_the_way_are_resolved() {
        let directory = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(directory.path()).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("link")).unwrap();
        assert_eq!(resolve(&root.join("link/a.ts")), root.join("real/a.ts"));
        assert_eq!(resolve(&root.join("link/none/a.ts")), root.join("real/none/a.ts"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_that_appears_is_watched_and_counts_by_what_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(directory.path()).unwrap();
        let input = root.join("new/deep/a.ts");
        let mut watch = Watch::new(|_| {}).unwrap();
        let bundle = std::slice::from_ref(&input);
        watch.follow(Wanted { root: &root, project: &[], bundle, sources: &[] }).unwrap();
        fs::create_dir_all(root.join("new/deep")).unwrap();
        let created = event(EventKind::Create(CreateKind::Folder), &root.join("new"));
        assert_eq!(watch.judge(&created), None);
        assert!(watch.directories.contains(&root.join("new/deep")));
        fs::write(&input, "1").unwrap();
        assert_eq!(watch.judge(&created), Some(Change { paths: vec![input], ..Change::default() }));
    }

    #[test]
    fn a_save_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(directory.path()).unwrap();
        let file = root.join("a.ts");
        fs::write(&file, "1").unwrap();
        let (sender, events) = std::sync::mpsc::channel();
        let mut watch = Watch::new(move |event| sender.send(event).unwrap_or_default()).unwrap();
        let bundle = std::slice::from_ref(&file);
        watch.follow(Wanted { root: &root, project: &[], bundle, sources: &[] }).unwrap();
        fs::write(&file, "2").unwrap();
        let change = loop {
            let event = events.recv_timeout(std::time::Duration::from_secs(10)).unwrap().unwrap();
            if let Some(change) = watch.judge(&event) {
                break change;
            }
        };
        assert_eq!(change, Change { paths: vec![file.clone()], ..Change::default() });
        let change = watch.judge(&lost_events()).unwrap();
        assert_eq!(change, Change { project: true, sources: true, paths: vec![file] });
    }
}
