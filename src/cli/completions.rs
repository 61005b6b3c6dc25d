//! `dodev completions`: the script that makes a shell ask this program what comes next.
//!
//! The script is small and stays the same: what is offered (commands, flags, addresses of stored objects) is worked
//! out by the program itself when the key is pressed.

use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::args::Cli;
use super::output::{answer, remark};

const NAME: &str = "dodev";
/// The variable by which the script says that it wants answers.
const VARIABLE: &str = "COMPLETE";

/// Addresses have colons, at which bash splits words unless it is told not to.
const NO_COLON_BREAKS: &str = "COMP_WORDBREAKS=${COMP_WORDBREAKS//:/}\n";

const EXAMPLES: &str = "\
Examples:
  source <(dodev completions bash)                      in ~/.bashrc
  source <(dodev completions zsh)                       in ~/.zshrc
  dodev completions fish > ~/.config/fish/completions/dodev.fish

Names of stored objects are completed from the state of the working directory.";

/// Arguments of `dodev completions`.
#[derive(Debug, Args)]
#[command(about = "Print the script that completes commands and names of objects in a shell", after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Shells that can be completed in.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> ExitCode {
    let completer: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    match completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script) {
        Ok(()) => {
            if matches!(args.shell, Shell::Bash) {
                script.extend_from_slice(NO_COLON_BREAKS.as_bytes());
            }
            answer(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
        Err(error) => {
            remark(&format!("error: cannot make the script: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Answers a shell, if one asks; whether it did.
pub fn answer_shell() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let directory = std::env::current_dir().ok();
    let complete = clap_complete::CompleteEnv::with_factory(Cli::command);
    // A shell has no place for a message while one types.
    complete.try_complete(std::env::args_os(), directory.as_deref()).unwrap_or(true)
}
