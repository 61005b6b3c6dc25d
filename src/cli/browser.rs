//! Opens a URL in the user's browser, with the program that the system has for that.

use std::io;
use std::process::{Command, Stdio};
use std::thread;

/// What opens things: `$BROWSER` or the desktop's choice on Linux.
#[cfg(target_os = "macos")]
const OPENER: &str = "open";
#[cfg(not(target_os = "macos"))]
const OPENER: &str = "xdg-open";

/// Opens `url`; `failed` is told when that does not work, on another thread.
///
/// # Errors
/// If no thread can be started.
pub fn open(url: String, failed: impl FnOnce(String) + Send + 'static) -> io::Result<()> {
    let run = move || {
        let mut command = Command::new(OPENER);
        command.arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(_) => failed(format!("cannot open a browser; the page is {url}")),
            Err(error) => {
                failed(format!("cannot open a browser with `{OPENER}`: {error}; the page is {url}"))
            }
        }
    };
    thread::Builder::new().name("browser".to_owned()).spawn(run).map(drop)
}
