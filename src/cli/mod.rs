//! The command line: reads arguments, runs one command, and is the only place that prints.
//!
//! Exit codes: 0 for success, 1 when the project or the machine does not allow it, 2 for wrong usage,
//! 3 when a command about state found nothing, or a difference.

mod alarm;
mod args;
mod browser;
mod check;
mod client;
mod complete;
mod completions;
mod dev;
mod hand;
mod init;
mod json;
mod keys;
mod live;
mod man;
mod migrate;
mod migrate_show;
mod output;
mod pager;
mod place;
mod progress;
mod reader;
mod refused;
mod show;
mod signals;
mod state;
mod switches;
mod table;
mod templates;
mod test;
mod test_state;
mod time;
mod time_args;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
pub(crate) use self::client::send;
use crate::base::clock::Clock;
use crate::base::heap;
use crate::bundle::Compiler;
use crate::engine::bytecode;

/// Runs what the process's arguments say.
pub fn main() -> ExitCode {
    let clock = Clock::system();
    // The bundler's process is started often and by ourselves: it needs no parser.
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new("__bundler")) {
        heap::allocate_fast();
        return crate::bundle::run_child(Compiler { engine: bytecode::ENGINE, compile: bytecode::compile });
    }
    if completions::answer_shell() {
        return ExitCode::SUCCESS;
    }
    match Cli::try_parse_from(switches::settled(std::env::args_os())).map(|cli| cli.command) {
        Ok(Command::Dev(args)) => dev::run(args, clock),
        Ok(Command::Test(args)) => test::run(args, clock),
        Ok(Command::Check(args)) => check::run(&args, clock),
        Ok(Command::Init(args)) => init::run(&args),
        Ok(Command::State(args)) => state::run(&args, clock),
        Ok(Command::Alarm(args)) => alarm::run(&args, clock),
        Ok(Command::Completions(args)) => completions::run(&args),
        Ok(Command::Man(args)) => man::run(&args),
        Ok(Command::Time(args)) => time::run(&args),
        Ok(Command::Migrate(args)) => migrate::run(&args, clock),
        Err(error) => output::usage(&refused::explain(error)),
    }
}
