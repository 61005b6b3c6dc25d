//! Finds files that were saved before anybody watched them.
//!
//! A bundle's inputs are known when it has been built, and watched from then on. A file that was saved after the
//! bundler had read it and before the watch began would be missed, but for its time.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::base::clock::Timestamp;

/// How far the time of a file can be behind the clock: a tick of the kernel. More would build twice what was
/// saved just before.
const TICK: Duration = Duration::from_millis(4);

/// Those of `paths` that were written, or put in their place, since `since`.
pub fn changed_since<'a>(
    since: Timestamp,
    paths: impl IntoIterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = PathBuf> {
    let since_ns = i128::from(since.0) * 1_000_000 - TICK.as_nanos() as i128;
    paths.into_iter().filter(move |path| changed_ns(path).is_some_and(|changed| changed >= since_ns)).cloned()
}

/// Nanoseconds since 1970.
fn changed_ns(path: &Path) -> Option<i128> {
    let metadata = path.metadata().ok()?;
    let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let written = i128::try_from(written.as_nanos()).ok()?;
    Some(placed_ns(&metadata).map_or(written, |placed| placed.max(written)))
}

/// When a file was written or renamed to where it is: an editor may write it long before.
#[cfg(unix)]
fn placed_ns(metadata: &Metadata) -> Option<i128> {
    use std::os::unix::fs::MetadataExt;
    Some(i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()))
}

/// When a file was made: Windows tells nothing of renaming, and what an editor renames it has just made.
#[cfg(windows)]
fn placed_ns(metadata: &Metadata) -> Option<i128> {
    let made = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i128::try_from(made.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn only_what_was_saved_since_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let (file, other) = (directory.path().join("a"), directory.path().join("b"));
        std::fs::write(&file, "1").unwrap();
        let now = Clock::system().now();
        let paths = [file.clone(), directory.path().join("missing")];
        let found = |since: i64| changed_since(Timestamp(since), &paths).collect::<Vec<_>>();
        assert_eq!(found(now.0 - 1_000), std::slice::from_ref(&file));
        assert!(found(now.0 + 60_000).is_empty());
        // Renaming does not change when a file was written, and only Unix notes it.
        #[cfg(unix)]
        {
            let old = UNIX_EPOCH + Duration::from_secs(1);
            std::fs::write(&other, "2").unwrap();
            std::fs::File::options().write(true).open(&other).unwrap().set_modified(old).unwrap();
            std::fs::rename(&other, &file).unwrap();
            assert_eq!(found(now.0 - 1_000), [file]);
        }
    }
}
