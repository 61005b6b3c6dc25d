//! Putting a whole state in the place of the present one, so that an interruption leaves the one or the other.
//!
//! What comes is laid out below `v3/dodev/loading`. When it is complete, a list of what is to be done is written beside
//! it; from then on it counts. Every step is found by looking at the disk and does nothing when it is done again, so that
//! whoever takes the state directory next finishes what a process that ended began.

use std::fs;
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where what comes is laid out, below `v3`.
pub const COMING: &str = "dodev/loading";
/// Where the objects are until all is done.
const GOING: &str = "dodev/replaced";
/// The list, below [`COMING`].
const LIST: &str = "ready.json";
/// The directory of the objects.
const OBJECTS: &str = "do";

/// What is to be done beside replacing the objects; names are paths below `v3/dodev`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// Files and directories that come.
    pub put: Vec<String>,
    /// Files and directories that go.
    pub remove: Vec<String>,
}

/// One step; safe to be done again.
#[derive(Debug)]
enum Step {
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Replacement {
    /// Decides that what is laid out takes the place of the state below `root` (`<persist>/v3`), and does it.
    ///
    /// # Errors
    /// When the file system refuses. Once the list is written, [`finish`] goes on.
    pub fn carry_out(&self, root: &Path) -> Result<()> {
        self.decide(root)?;
        finish(root).map(drop)
    }

    fn decide(&self, root: &Path) -> Result<()> {
        let coming = root.join(COMING);
        fs::create_dir_all(coming.join(OBJECTS))?;
        let (list, new) = (coming.join(LIST), coming.join("ready.new"));
        let mut file = fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(new, list)
    }
}

/// Whether a replacement of the state below `root` was decided and is not done.
pub fn is_interrupted(root: &Path) -> bool {
    root.join(COMING).join(LIST).exists()
}

/// Finishes a replacement of the state below `root` that was decided: whether there was one. What was laid out without
/// being decided goes.
///
/// # Errors
/// When the file system refuses.
pub fn finish(root: &Path) -> Result<bool> {
    let was_decided = is_interrupted(root);
    while let Some(step) = next_step(root)? {
        step.carry_out()?;
    }
    Ok(was_decided)
}

fn next_step(root: &Path) -> Result<Option<Step>> {
    let (coming, going, own) = (root.join(COMING), root.join(GOING), root.join("dodev"));
    let list = coming.join(LIST);
    let remains = |path: PathBuf| path.symlink_metadata().is_ok().then_some(Step::Remove(path));
    let replacement: Replacement = match fs::read(&list) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(reason) if reason.kind() == ErrorKind::NotFound => {
            return Ok(remains(going).or_else(|| remains(coming)));
        }
        Err(reason) => return Err(reason),
    };
    let (objects, present) = (coming.join(OBJECTS), root.join(OBJECTS));
    if objects.exists() {
        return Ok(Some(match (present.exists(), going.exists()) {
            (true, true) => Step::Remove(going),
            (true, false) => Step::Rename(present, going),
            (false, _) => Step::Rename(objects, present),
        }));
    }
    for name in replacement.remove {
        if let Some(step) = remains(own.join(name)) {
            return Ok(Some(step));
        }
    }
    for name in replacement.put {
        let (from, to) = (coming.join("dodev").join(&name), own.join(&name));
        if from.exists() {
            return Ok(Some(if to.is_dir() { Step::Remove(to) } else { Step::Rename(from, to) }));
        }
    }
    // All is in place: the list goes first, then what is left over.
    Ok(Some(Step::Remove(list)))
}

impl Step {
    fn carry_out(&self) -> Result<()> {
        match self {
            Self::Rename(from, to) => fs::rename(from, to),
            Self::Remove(path) if path.is_dir() => fs::remove_dir_all(path),
            Self::Remove(path) => fs::remove_file(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn files(root: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => found.push((
                        path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(),
                        fs::read_to_string(&path).unwrap(),
                    )),
                }
            }
        }
        found.sort();
        found
    }

    const OLD: [(&str, &str); 5] = [
        ("do/w-A/1.sqlite", "old"),
        ("do/w-B/2.sqlite", "old"),
        ("dodev/former-ids/w-A.json", "old"),
        ("dodev/retries", "old"),
        ("dodev/retries-wal", "old"),
    ];
    const NEW: [(&str, &str); 4] = [
        ("do/w-A/1.sqlite", "new"),
        ("dodev/former-ids/w-B.json", "new"),
        ("dodev/migrations.json", "new"),
        ("dodev/retries", "new"),
    ];

    #[test]
    fn an_interruption_anywhere_leaves_the_old_or_the_new_state() {
        let replacement = Replacement {
            put: ["former-ids", "migrations.json", "retries"].map(str::to_owned).to_vec(),
            remove: vec!["retries-wal".to_owned()],
        };
        let expected: Vec<_> =
            NEW.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut steps = 0;
        loop {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path();
            write(root, &OLD);
            write(&root.join(COMING), &NEW);
            replacement.decide(root).unwrap();
            let mut done = 0;
            while done < steps {
                let Some(step) = next_step(root).unwrap() else { break };
                step.carry_out().unwrap();
                done += 1;
            }
            let ended = next_step(root).unwrap().is_none();
            finish(root).unwrap();
            assert_eq!(files(root), expected, "interrupted after {done} steps");
            if ended {
                break;
            }
            steps += 1;
        }
        assert!(steps > 6, "{steps}");
    }

    #[test]
    fn what_was_not_decided_goes() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        write(root, &OLD);
        let before = files(root);
        write(&root.join(COMING), &NEW);
        assert!(!finish(root).unwrap());
        assert_eq!(files(root), before);
    }
}
