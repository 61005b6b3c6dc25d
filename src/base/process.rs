//! What systems do differently with processes: how a program is found, the shell that runs a line of the user's, and groups that
//! end together.
//!
//! One file for each kind of system, with the same functions; nothing else asks which system it is for these.

#[cfg_attr(unix, path = "process/unix.rs")]
#[cfg_attr(windows, path = "process/windows.rs")]
mod system;

pub use system::{Group, ask_to_end, in_own_group, program, shell};

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn the_shell_runs_a_line_as_it_stands() {
        for (line, code) in [("exit 3", 3), ("exit 0", 0), ("echo \"a b\" && exit 4", 4)] {
            let status = shell(line).stdout(Stdio::null()).status().expect("there is a shell");
            assert_eq!(status.code(), Some(code), "{line}");
        }
    }

    #[test]
    fn a_group_ends_with_what_it_started() {
        // The inner command keeps the pipe open as long as it lives.
        let line = if cfg!(windows) { "ping -n 600 127.0.0.1 >&2" } else { "sleep 600; true" };
        let mut command = shell(line);
        in_own_group(&mut command);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("there is a shell");
        let group = Group::of(&child).expect("it has one");
        group.end();
        let mut rest = String::new();
        let mut pipe = child.stdout.take().expect("it is piped");
        std::io::Read::read_to_string(&mut pipe, &mut rest).expect("it can be read");
        assert!(!child.wait().expect("it ended").success());
    }
}
