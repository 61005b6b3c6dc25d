//! `dodev init`: writes a template as a new project.
//!
//! It never overwrites a file, asks nothing and installs nothing: the project runs as it is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::args::LogLevel;
use super::output::{Output, Style};
use super::templates::Template;
use crate::project::{check_new_name, new_name_like};

const INIT_ABOUT: &str = "\
Make a new project from a template.

The Worker is named after its directory. Nothing is installed and nothing overwritten: the project runs \
with `dodev dev` as it is, and deploys with `wrangler deploy`.";

const INIT_EXAMPLES: &str = "\
Examples:
  dodev init my-app                    a counter in the new directory my-app
  dodev init my-chat --template chat   chat rooms over WebSockets
  dodev init                           in this directory, if it is empty";

/// Arguments of `dodev init`.
#[derive(Debug, Args)]
#[command(long_about = INIT_ABOUT, after_help = INIT_EXAMPLES)]
pub struct InitArgs {
    /// The Worker's name and new directory, or a path that ends in it [default: this directory]
    #[arg(value_name = "NAME")]
    pub directory: Option<PathBuf>,

    /// What to start from
    #[arg(short, long, value_enum, value_name = "TEMPLATE", default_value_t = Template::Counter)]
    pub template: Template,

    /// Write into a directory that is not empty; no file in it is overwritten
    #[arg(short, long)]
    pub force: bool,
}

/// What may lie in a directory that still counts as empty.
const NOT_CONTENTS: &[&str] = &[".git", ".DS_Store"];

/// Runs the command.
pub fn run(args: &InitArgs) -> ExitCode {
    let output = Output::start(Style::of_process(LogLevel::Log, false, false));
    let made = std::env::current_dir()
        .map_err(|error| Refused::new(format!("cannot tell the working directory: {error}")))
        .and_then(|cwd| make(args, &cwd));
    match made {
        Ok(text) => {
            output.note(text);
            output.finish(ExitCode::SUCCESS)
        }
        Err(Refused { message, help }) => {
            match help {
                Some(help) => output.failure_with_help(message, help),
                None => output.failure(message),
            }
            output.finish(ExitCode::FAILURE)
        }
    }
}

/// Why no project was made, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    message: String,
    help: Option<String>,
}

impl Refused {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Makes the project below `cwd`; what to tell about it.
fn make(args: &InitArgs, cwd: &Path) -> Result<String, Refused> {
    let directory = args.directory.as_ref().map_or_else(|| cwd.to_owned(), |given| normal(&cwd.join(given)));
    let worker = worker_name(args, &directory)?;
    check_directory(&directory, args.force)?;
    let files = args.template.files_for(&worker);
    let existing = files.iter().find(|(path, _)| directory.join(path).symlink_metadata().is_ok());
    if let Some((path, _)) = existing {
        let message = format!("`{}` exists and is not overwritten", directory.join(path).display());
        return Err(Refused::new(message).help("move it away, or choose another directory"));
    }
    for (path, text) in &files {
        let path = directory.join(path);
        write_new(&path, text)
            .map_err(|error| Refused::new(format!("cannot write `{}`: {error}", path.display())))?;
    }
    Ok(told(args, &worker, cwd, &directory, &files))
}

/// The name that the Worker gets: the directory's, which must be one if it was given.
fn worker_name(args: &InitArgs, directory: &Path) -> Result<String, Refused> {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match (check_new_name(&name), new_name_like(&name)) {
        (Ok(()), _) => Ok(name),
        // A directory that is there already has the name that it has.
        (Err(_), like) if directory.is_dir() => Ok(like.unwrap_or_else(|| args.template.name().to_owned())),
        (Err(why), like) => {
            let refused = Refused::new(format!("`{name}` cannot be the name of a Worker: it {why}"));
            Err(match like {
                Some(like) => refused.help(format!("try `dodev init {like}`")),
                None => refused.help("use lower-case letters, digits and dashes"),
            })
        }
    }
}

fn check_directory(directory: &Path, force: bool) -> Result<(), Refused> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Refused::new(format!("cannot use `{}`: {error}", directory.display())));
        }
    };
    let contents = |entry: &fs::DirEntry| !NOT_CONTENTS.iter().any(|name| entry.file_name() == *name);
    if !force && entries.flatten().any(|entry| contents(&entry)) {
        let message = format!("`{}` is not empty", directory.display());
        let help = "give the name of a new directory, or `--force` to write between what is there";
        return Err(Refused::new(message).help(help));
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// `path` without `.` and `..`, as far as that can be told without looking.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

fn told(
    args: &InitArgs,
    worker: &str,
    cwd: &Path,
    directory: &Path,
    files: &[(&'static str, String)],
) -> String {
    let template = args.template.name();
    let mut text = format!("Made the Worker `{worker}` from the template `{template}`:\n");
    let shown = directory.strip_prefix(cwd).unwrap_or(directory);
    for (path, _) in files {
        text.push_str(&format!("  {}\n", shown.join(path).display()));
    }
    text.push_str("\nNext:\n");
    if directory != cwd {
        text.push_str(&format!("  cd {}\n", quoted(shown)));
    }
    text.push_str("  dodev dev          serve it, reload on every save\n");
    text.push_str("  npm install        types for your editor, and wrangler\n");
    text.push_str("  npm run deploy     put it on Cloudflare, as it is");
    text
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::super::templates::Template;
    use super::*;

    fn args(directory: Option<&str>, force: bool) -> InitArgs {
        InitArgs { directory: directory.map(PathBuf::from), template: Template::Counter, force }
    }

    #[test]
    fn a_project_is_named_after_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let told = make(&args(Some("apps/my-app"), false), root.path()).unwrap();
        assert!(told.contains("cd apps/my-app\n"), "{told}");
        let config = fs::read_to_string(root.path().join("apps/my-app/wrangler.jsonc")).unwrap();
        assert!(config.contains("\"name\": \"my-app\""), "{config}");
        // An existing directory keeps its name; the Worker's is made of it.
        fs::create_dir_all(root.path().join("My App/.git")).unwrap();
        let told = make(&args(None, false), &root.path().join("My App")).unwrap();
        assert!(told.starts_with("Made the Worker `my-app`") && !told.contains("cd "), "{told}");
    }

    #[test]
    fn names_that_no_worker_can_have_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for (name, help) in [("My_App", "try `dodev init my-app`"), ("日本", "use lower-case")] {
            let refused = make(&args(Some(name), false), root.path()).unwrap_err();
            assert!(refused.help.unwrap().starts_with(help), "{name}");
            assert!(!root.path().join(name).exists());
        }
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("notes.txt"), "mine").unwrap();
        let refused = make(&args(Some("."), false), root.path()).unwrap_err();
        assert!(refused.message.ends_with("is not empty"), "{refused:?}");
        fs::write(root.path().join("package.json"), "{}").unwrap();
        let refused = make(&args(Some("."), true), root.path()).unwrap_err();
        assert!(refused.message.contains("package.json` exists"), "{refused:?}");
        assert!(!root.path().join("src").exists(), "nothing is written when something is in the way");
        fs::remove_file(root.path().join("package.json")).unwrap();
        make(&args(Some("."), true), root.path()).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn paths_are_shown_as_a_shell_takes_them() {
        for (path, expected) in [("a/b-c.d", "a/b-c.d"), ("a b", "'a b'"), ("it's", "'it'\\''s'")] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
