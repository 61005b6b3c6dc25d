//! Processes of Windows: `cmd.exe`, job objects, and no signals. The twin is `unix.rs`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

/// Exit code of processes that were ended with their group, as Ctrl-C would give it.
const ENDED: u32 = 1;

/// The program that a shell would run for `name`: with one of the endings of `%PathExt%`, as of scripts like `npx.cmd`, which the
/// system itself looks for by its whole name only.
pub fn program(name: &OsStr) -> Command {
    let endings = env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let with = |ending: &str| {
        let mut name = name.to_owned();
        name.push(ending);
        name
    };
    let names: Vec<OsString> = endings.split(';').filter(|ending| !ending.is_empty()).map(with).collect();
    // What is no plain name lies where it says.
    let is_plain = Path::new(name).components().count() == 1;
    let path = env::var_os("PATH").filter(|_| is_plain).unwrap_or_default();
    let places = std::iter::once(PathBuf::new()).chain(env::split_paths(&path));
    let found =
        places.flat_map(|place| names.iter().map(move |name| place.join(name))).find(|file| file.is_file());
    match found {
        Some(file) if Path::new(name).extension().is_none() => {
            Command::new(std::path::absolute(&file).unwrap_or(file))
        }
        _ => Command::new(name),
    }
}

/// The system's shell, to run `line`.
///
/// Fidelity: Node's `shell` option, which wrangler uses, starts `%ComSpec% /d /s /c "line"` and quotes nothing in it.
pub fn shell(line: &str) -> Command {
    let program = env::var_os("ComSpec").unwrap_or_else(|| OsString::from("cmd.exe"));
    let mut command = Command::new(program);
    command.raw_arg("/d /s /c").raw_arg(format!("\"{line}\""));
    command
}

/// Has `command` start as the first of a group of its own, which Ctrl-C in the console does not reach.
pub fn in_own_group(command: &mut Command) {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// A process and all that it starts from now on, as a job object.
#[derive(Debug)]
pub struct Group(OwnedHandle);

impl Group {
    /// That of `child`, which has just been started; `None` if it cannot be made.
    pub fn of(child: &Child) -> Option<Self> {
        // SAFETY: both pointers may be null: default rights, no name.
        let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if job.is_null() {
            return None;
        }
        // SAFETY: the handle was made just now, and is nobody else's.
        let group = Self(unsafe { OwnedHandle::from_raw_handle(job) });
        // SAFETY: both handles are open.
        let assigned = unsafe { AssignProcessToJobObject(job, child.as_raw_handle()) };
        (assigned != 0).then_some(group)
    }

    /// Ends all of them.
    pub fn end(self) {
        // SAFETY: the handle is open. They may have ended by themselves just now.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), ENDED) };
    }
}

/// Ends `child`, if it still runs: nothing can ask it to.
///
/// # Errors
/// If the system does not allow it.
pub fn ask_to_end(child: &mut Child) -> io::Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    child.kill()
}
