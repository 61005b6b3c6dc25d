//! Shows long text in the user's pager, as `git` does: `$PAGER`, or `less` that ends by itself when it all fits. Windows has no `less`:
//! there only `$PAGER` counts.

use std::io::Write;
use std::process::Stdio;

use crate::base::process;

/// Shows `text`; whether a pager did.
pub fn show(text: &str) -> bool {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| if cfg!(windows) { "" } else { "less" }.to_owned());
    if pager.is_empty() || pager == "cat" {
        return false;
    }
    let mut command = process::shell(&pager);
    command.stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut pipe) = child.stdin.take() {
        // Who leaves the pager early has read enough.
        drop(pipe.write_all(text.as_bytes()));
    }
    // A shell that finds no such pager has shown nothing.
    let missing: &[i32] = if cfg!(windows) { &[1, 9009] } else { &[126, 127] };
    child.wait().is_ok_and(|status| !status.code().is_some_and(|code| missing.contains(&code)))
}
