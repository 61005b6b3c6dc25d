//! Runs the user's `build.command` before a build, and tells whether its sources changed since.
//!
//! The command may write into the directories that it is run for. So a change counts only when a file differs
//! from how it was when the command ended; and a file that changes while the command runs counts once, for it
//! may have been saved by hand, but is taken for the command's own work when it does so again. A file that did
//! not exist before is the command's, too. Hence no output makes it run for ever.

use std::collections::{HashMap, HashSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use super::report::{Report, ReportSink};
use crate::base::diag::{Diagnostic, SourceFile};
use crate::base::limits;
use crate::base::process::{self, Group};
use crate::project::BuildCommand;

/// Directories that no build reads by itself.
const SKIPPED: &[&str] = &["node_modules", ".git", ".wrangler"];

/// The processes of the command that runs, if one does.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<Option<Group>>>);

impl Running {
    fn set(&self, group: Option<Group>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = group;
    }

    /// Ends the command and all that it started.
    pub fn end(&self) {
        let group = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(group) = group {
            group.end();
        }
    }
}

/// Runs `command`, which stands in `source`, to its end on a thread of its own; `done` gets what went wrong, and nothing if nothing did.
///
/// # Errors
/// If no thread can be started.
pub fn run(
    command: BuildCommand,
    source: Arc<SourceFile>,
    running: Running,
    report: ReportSink,
    done: impl FnOnce(Vec<Diagnostic>) + Send + 'static,
) -> io::Result<()> {
    let run = move || {
        report(Report::CommandStarted { command: command.command.clone() });
        let failure = run_here(&command, Some(&running), &report);
        running.set(None);
        let failed = |why: String| {
            failed(&command, &source, &why)
                .help("what it printed stands in the terminal; it runs again when its sources change")
        };
        done(failure.err().map(failed).into_iter().collect());
    };
    thread::Builder::new().name("build-command".to_owned()).spawn(run).map(drop)
}

/// Runs `command` to its end, in this process's group, so that whoever interrupts one interrupts both; gives what went
/// wrong. `report` gets what it prints.
pub fn run_once(command: &BuildCommand, source: &Arc<SourceFile>, report: &ReportSink) -> Option<Diagnostic> {
    run_here(command, None, report).err().map(|why| failed(command, source, &why))
}

fn failed(command: &BuildCommand, source: &Arc<SourceFile>, why: &str) -> Diagnostic {
    let message = format!("`build.command` failed: `{}` {why}", command.command);
    Diagnostic::error("dev/build-command", message).at(source, command.span.clone(), "")
}

/// With `running`, in a group of its own.
fn run_here(command: &BuildCommand, running: Option<&Running>, report: &ReportSink) -> Result<(), String> {
    let mut shell = process::shell(&command.command);
    shell.current_dir(&command.cwd);
    shell.envs(&command.env);
    // Fidelity: wrangler 4.164.0 tells its command so which of its own commands runs.
    shell.env("WRANGLER_COMMAND", "dev");
    if let Some(path) = path_with_packages(&command.cwd, env::var_os("PATH").as_deref()) {
        shell.env("PATH", path);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if running.is_some() {
        // So that all that it starts can be ended with it.
        process::in_own_group(&mut shell);
    }
    let mut child =
        shell.spawn().map_err(|error| format!("cannot be run in `{}`: {error}", command.cwd.display()))?;
    if let Some(running) = running {
        running.set(Group::of(&child));
    }
    let readers = [
        child.stdout.take().and_then(|pipe| copy_lines(pipe, false, report.clone())),
        child.stderr.take().and_then(|pipe| copy_lines(pipe, true, report.clone())),
    ];
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    for reader in readers.into_iter().flatten() {
        // A panic of a reader has been reported by the panic hook.
        drop(reader.join());
    }
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("ended with exit code {code}")),
        None => Err("was ended by a signal".to_owned()),
    }
}

/// `path` with the programs of installed packages before it, the nearest first, as `npm run` and `npx` set it for
/// wrangler. `None` if there are no such programs.
fn path_with_packages(directory: &Path, path: Option<&OsStr>) -> Option<OsString> {
    let programs = directory.ancestors().map(|above| above.join("node_modules/.bin"));
    let mut places: Vec<PathBuf> = programs.filter(|programs| programs.is_dir()).collect();
    if places.is_empty() {
        return None;
    }
    places.extend(path.into_iter().flat_map(env::split_paths));
    env::join_paths(places).ok()
}

fn copy_lines(pipe: impl Read + Send + 'static, error: bool, report: ReportSink) -> Option<JoinHandle<()>> {
    let copy = move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            report(Report::CommandOutput { text, error });
            line.clear();
        }
    };
    thread::Builder::new().name("build-output".to_owned()).spawn(copy).ok()
}

/// How the files looked for which the command ran last.
#[derive(Debug, Default)]
pub struct Sources {
    /// As they were when the last run began.
    before: Snapshot,
    /// As they were when it ended, or when a change of them was last noticed.
    after: Snapshot,
    /// What changed while it ran.
    suspects: HashSet<PathBuf>,
    /// What is its own work.
    outputs: HashSet<PathBuf>,
}

type Snapshot = HashMap<PathBuf, (SystemTime, u64)>;

impl Sources {
    /// Notes that a run begins.
    pub fn begin(&mut self, command: &BuildCommand) {
        self.before = snapshot(&command.watch_dir);
    }

    /// Notes that the run ended; whether something was saved meanwhile for which it has to run again.
    pub fn end(&mut self, command: &BuildCommand) -> bool {
        self.after = snapshot(&command.watch_dir);
        let mut again = false;
        for (path, stamp) in &self.after {
            match self.before.get(path) {
                Some(before) if before == stamp => {}
                None => drop(self.outputs.insert(path.clone())),
                Some(_) if self.outputs.contains(path) => {}
                Some(_) if !self.suspects.insert(path.clone()) => drop(self.outputs.insert(path.clone())),
                Some(_) => again = true,
            }
        }
        again
    }

    /// Whether a source changed since the last run or the last such question.
    pub fn changed(&mut self, command: &BuildCommand) -> bool {
        let now = snapshot(&command.watch_dir);
        let differs = |one: &Snapshot, other: &Snapshot| {
            one.iter().any(|(path, stamp)| !self.outputs.contains(path) && other.get(path) != Some(stamp))
        };
        let changed = differs(&now, &self.after) || differs(&self.after, &now);
        self.after = now;
        changed
    }
}

/// All directories below `roots`, themselves included, to be watched.
pub fn directories(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(roots, |path, metadata| {
        if metadata.is_dir() {
            found.push(path.to_owned());
        }
    });
    found
}

fn snapshot(roots: &[PathBuf]) -> Snapshot {
    let mut files = Snapshot::new();
    walk(roots, |path, metadata| {
        if let Ok(modified) = metadata.modified()
            && metadata.is_file()
        {
            files.insert(path.to_owned(), (modified, metadata.len()));
        }
    });
    files
}

/// Shows every file and directory below `roots`, up to a limit; links are not followed, but for a root.
fn walk(roots: &[PathBuf], mut see: impl FnMut(&Path, &fs::Metadata)) {
    let mut left = limits::COMMAND_SOURCES;
    let mut waiting: Vec<PathBuf> =
        roots.iter().map(|root| dunce::canonicalize(root).unwrap_or_else(|_| root.clone())).collect();
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if left == 0 {
            return;
        }
        left -= 1;
        see(&path, &metadata);
        if metadata.is_dir()
            && let Ok(entries) = fs::read_dir(&path)
        {
            let wanted = |entry: &fs::DirEntry| !SKIPPED.iter().any(|name| entry.file_name() == *name);
            waiting.extend(entries.flatten().filter(wanted).map(|entry| entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Project {
        directory: tempfile::TempDir,
        command: BuildCommand,
        sources: Sources,
    }

    impl Project {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let command = BuildCommand {
                command: String::new(),
                cwd: directory.path().to_owned(),
                watch_dir: vec![directory.path().to_owned()],
                span: 0..0,
                env: BTreeMap::new(),
            };
            Self { directory, command, sources: Sources::default() }
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// A run that writes these files; whether it has to run again.
        fn run(&mut self, written: &[(&str, &str)]) -> bool {
            self.sources.begin(&self.command);
            for (name, text) in written {
                self.write(name, text);
            }
            self.sources.end(&self.command)
        }

        fn changed(&mut self) -> bool {
            self.sources.changed(&self.command)
        }
    }

    #[test]
    fn a_commands_own_files_never_make_it_run_for_ever() {
        let mut project = Project::new();
        project.write("a.ts", "1");
        project.write("old.gen.ts", "1");
        // A new file is the command's, one that was there may have been saved by hand: once.
        assert!(project.run(&[("new.gen.ts", "1"), ("old.gen.ts", "22")]));
        assert!(!project.run(&[("new.gen.ts", "22"), ("old.gen.ts", "333")]));
        assert!(!project.changed());
        project.write("a.ts", "22");
        assert!(project.changed());
        assert!(!project.changed(), "a change counts once");
        assert!(!project.run(&[("new.gen.ts", "333"), ("old.gen.ts", "4444")]));
        assert!(!project.changed());
    }

    #[test]
    fn a_save_during_a_run_makes_it_run_again() {
        let mut project = Project::new();
        project.write("a.ts", "1");
        assert!(project.run(&[("a.ts", "22")]));
        assert!(!project.run(&[]));
    }

    #[test]
    fn files_that_appear_vanish_or_lie_in_packages() {
        let mut project = Project::new();
        assert!(!project.run(&[]));
        project.write("deep/b.ts", "1");
        assert!(project.changed());
        fs::remove_file(project.directory.path().join("deep/b.ts")).unwrap();
        assert!(project.changed());
        project.write("node_modules/x/index.js", "1");
        assert!(!project.changed());
        let found = directories(&project.command.watch_dir);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn programs_of_installed_packages_come_first() {
        let directory = tempfile::tempdir().unwrap();
        let (root, package) = (directory.path(), directory.path().join("packages/a"));
        fs::create_dir_all(&package).unwrap();
        assert_eq!(path_with_packages(&package, Some(OsStr::new("/bin"))), None);
        for place in [root, &package] {
            fs::create_dir_all(place.join("node_modules/.bin")).unwrap();
        }
        let path = path_with_packages(&package, Some(OsStr::new("/usr/bin:/bin"))).unwrap();
        let expected = [
            package.join("node_modules/.bin"),
            root.join("node_modules/.bin"),
            "/usr/bin".into(),
            "/bin".into(),
        ];
        assert_eq!(env::split_paths(&path).collect::<Vec<_>>(), expected);
    }
}
