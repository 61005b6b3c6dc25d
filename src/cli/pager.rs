//! Shows long text in the user's pager, as `git` does: `$PAGER`, or `less` that ends by itself when it all fits.

use std::io::Write;
use std::process::{Command, Stdio};

/// Shows `text`; whether a pager did.
pub fn show(text: &str) -> bool {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    if pager.is_empty() || pager == "cat" {
        return false;
    }
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut pipe) = child.stdin.take() {
        // Who leaves the pager early has read enough.
        drop(pipe.write_all(text.as_bytes()));
    }
    // A shell that finds no such pager has shown nothing.
    child.wait().is_ok_and(|status| status.code() != Some(127) && status.code() != Some(126))
}
