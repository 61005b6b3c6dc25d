//! The command line: reads arguments, runs one command, and is the only place that prints.
//!
//! Exit codes: 0 for success, 1 when the project or the machine does not allow it, 2 for wrong usage.

mod args;
mod dev;
mod json;
mod output;
mod refused;
mod show;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use crate::base::clock::Clock;
use crate::bundle::Compiler;
use crate::engine::bytecode;

/// Runs what the process's arguments say.
pub fn main() -> ExitCode {
    let clock = Clock::system();
    // The bundler's process is started often and by ourselves: it needs no parser.
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new("__bundler")) {
        return crate::bundle::run_child(Compiler { engine: bytecode::ENGINE, compile: bytecode::compile });
    }
    match Cli::try_parse() {
        Ok(Cli { command: Command::Dev(args) }) => dev::run(args, clock),
        Err(error) => output::usage(&refused::explain(error)),
    }
}
