//! Opens a URL in the user's browser, with the program that the system has for that.

use std::io;
use std::process::{Command, Stdio};
use std::thread;

/// What opens things, the page's address comes last: `$BROWSER` or the desktop's choice on Linux.
const OPENER: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32", "url.dll,FileProtocolHandler"]
} else {
    &["xdg-open"]
};

/// Opens `url`; `failed` is told when that does not work, on another thread.
///
/// # Errors
/// If no thread can be started.
pub fn open(url: String, failed: impl FnOnce(String) + Send + 'static) -> io::Result<()> {
    let run = move || {
        let mut command = Command::new(OPENER[0]);
        command.args(&OPENER[1..]).arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(_) => failed(format!("cannot open a browser; the page is {url}")),
            Err(error) => {
                failed(format!("cannot open a browser with `{}`: {error}; the page is {url}", OPENER[0]))
            }
        }
    };
    thread::Builder::new().name("browser".to_owned()).spawn(run).map(drop)
}
