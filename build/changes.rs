//! Puts lines of ours into the source of a C library that a dependency brings along, and compiles it.
//!
//! The dependency compiles its source too. Ours stands before it when the program is linked, so that its object is never looked at; to be sure
//! of that, each of our sources has a function of its own, without which the program cannot be linked.
//!
//! Changes name places of the source that must occur exactly once, so that another version of it is refused.

use std::path::Path;
use std::{env, fs};

/// A place in the source, and what becomes of it.
pub enum Change {
    /// Lines that are put behind it.
    Behind(&'static str, &'static str),
    /// Lines that are put before it.
    Before(&'static str, &'static str),
    /// What stands in its stead.
    Instead(&'static str, &'static str),
}

/// `text`, which is called `name` where it cannot be changed, with `changes`.
pub fn changed(mut text: String, name: &str, changes: &[Change]) -> String {
    for change in changes {
        let (place, becomes) = match change {
            Change::Behind(place, lines) => (place, format!("{place}{lines}")),
            Change::Before(place, lines) => (place, format!("{lines}{place}")),
            Change::Instead(place, lines) => (place, (*lines).to_owned()),
        };
        let found = text.matches(place).count();
        assert_eq!(found, 1, "{name} has this {found} times, not once:\n{place}");
        text = text.replacen(place, &becomes, 1);
    }
    text
}

/// Compiles `text` to the static library `library` in `out` and tells cargo to link it, unless that was done: scripts of builds run again
/// whenever a file of the prelude changes.
pub fn compile(mut compiler: cc::Build, text: &str, library: &str, out: &Path) {
    // Optimized in unoptimized builds too, like the dependencies.
    compiler.opt_level(3).debug(false).warnings(false).cargo_metadata(false);
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static={library}");
    let (source, stamp) = (out.join(format!("{library}.c")), out.join(format!("{library}.stamp")));
    let tool = compiler.get_compiler();
    let command = format!("{:?} {:?}", tool.path(), tool.args());
    let is = |path: &Path, text: &str| fs::read_to_string(path).is_ok_and(|found| found == text);
    if is(&source, text) && is(&stamp, &command) {
        return;
    }
    crate::write_new(&source, text.as_bytes());
    compiler.file(&source).compile(library);
    crate::write_new(&stamp, command.as_bytes());
}

/// The folder into which cargo has this build write.
pub fn out_dir() -> std::path::PathBuf {
    env::var_os("OUT_DIR").expect("cargo sets OUT_DIR").into()
}
