//! `dodev man`: manual pages, one for each command, for whoever packages the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::args::Cli;
use super::output::{answer, remark};

/// Arguments of `dodev man`.
#[derive(Debug, Args)]
#[command(about = "Print the manual page, or write those of all commands into a directory")]
pub struct ManArgs {
    /// Write `dodev.1`, `dodev-dev.1` and so on here instead of printing the first one
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs) -> ExitCode {
    let result = match &args.directory {
        None => page(Cli::command()).map(|page| answer(&String::from_utf8_lossy(&page))),
        Some(directory) => write(directory),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            remark(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn page(command: clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).context("cannot make the page")?;
    Ok(page)
}

fn write(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create `{}`", directory.display()))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .with_context(|| format!("cannot write into `{}`", directory.display()))
}
