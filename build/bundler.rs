//! Tells one build of the bundler from another, so that none uses what another one kept on disk: by its sources and the versions
//! of all dependencies.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

const FOLDER: &str = "src/bundle";
const DEPENDENCIES: &str = "Cargo.lock";

/// Gives the program a sum of them as `DODEV_BUNDLER`.
pub fn sum_up() {
    let entries = fs::read_dir(FOLDER).expect("a readable source folder");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable source folder").path()).collect();
    files.retain(|path| path.is_file());
    files.push(DEPENDENCIES.into());
    files.sort();
    let mut sum = DefaultHasher::new();
    for file in files {
        // A package may come without the versions that it was made with.
        file.hash(&mut sum);
        fs::read(file).unwrap_or_default().hash(&mut sum);
    }
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed={DEPENDENCIES}");
    println!("cargo::rustc-env=DODEV_BUNDLER={:016x}", sum.finish());
}
