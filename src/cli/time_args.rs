//! The arguments of `dodev time`, and those of `dodev dev` that are about time.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::clock::Timestamp;
use crate::base::time_text::{parse_duration, parse_time};

/// The text above the arguments.
pub const ABOUT: &str = "\
Show and move the time of a running server.

All time of the server follows one clock: Date, timers, alarms and their retries, cron triggers, \
hibernation and every limit. When the clock is moved, everything that becomes due on the way fires in \
order, each at its own time, and the command returns when nothing is left to run. Time stands still \
during requests to the outside, for at most a second each; then it goes on without them.";

/// The text below the arguments.
pub const EXAMPLES: &str = "\
Examples:
  dodev time                          what time it is there, and what is due next
  dodev time freeze                   stop the clock
  dodev time advance 30d              30 days later
  dodev time jump 2027-01-01T00:00Z   to a certain time
  dodev time next                     to the next alarm, timer or cron trigger
  dodev time resume                   let the clock run on from there
  dodev time next --json              the answer for a program";

/// Arguments of `dodev time`.
#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct TimeArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Option<TimeAction>,

    /// Where the server is, for example http://localhost:8787 [default: the server of this project]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "port")]
    pub url: Option<String>,

    /// The port of the server on this machine
    #[arg(short, long, global = true)]
    pub port: Option<u16>,

    /// The directory in which the server keeps its state
    #[arg(long, global = true, value_name = "DIR")]
    pub persist_to: Option<PathBuf>,

    /// Print the server's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the time.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TimeAction {
    /// Show what time it is, and what is due next
    Show,
    /// Stop the clock
    Freeze,
    /// Go forward by a duration such as 30d, 1h30m or 250ms
    Advance {
        /// How far
        #[arg(value_parser = duration)]
        by: u64,
    },
    /// Go forward to a time such as 2027-01-01T00:00Z
    Jump {
        /// Where to
        #[arg(value_parser = parse_time)]
        to: Timestamp,
    },
    /// Go to the next alarm, timer or cron trigger
    Next,
    /// Let the clock run on from the time that it shows
    Resume,
}

/// Arguments of `dodev dev` about time.
#[derive(Debug, Default, Args)]
pub struct TimeFlags {
    /// Start at this time instead of the machine's, for example 2027-01-01T00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub time: Option<Timestamp>,

    /// Start with a clock that stands; move it with `dodev time`
    #[arg(long)]
    pub freeze: bool,

    /// Let time stand still while code runs, as in production
    #[arg(long)]
    pub strict_time: bool,
}

fn duration(text: &str) -> Result<u64, String> {
    u64::try_from(parse_duration(text)?.as_millis()).map_err(|_| "that is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Cli, Command};
    use super::*;

    fn time(arguments: &[&str]) -> Result<TimeArgs, clap::Error> {
        match Cli::try_parse_from([&["dodev", "time"], arguments].concat())?.command {
            Command::Time(args) => Ok(args),
            other => panic!("{other:?} is another command"),
        }
    }

    #[test]
    fn actions_are_read() {
        assert_eq!(time(&[]).unwrap().action, None);
        let args = time(&["advance", "1h", "--port", "9000", "--json"]).unwrap();
        assert_eq!(args.action, Some(TimeAction::Advance { by: 3_600_000 }));
        assert_eq!((args.port, args.json), (Some(9_000), true));
        let jump = time(&["--url", "http://localhost:1", "jump", "2027-01-01"]).unwrap();
        assert_eq!(jump.action, Some(TimeAction::Jump { to: Timestamp(1_798_761_600_000) }));
    }

    #[test]
    fn mistakes_say_what_to_give() {
        for (arguments, words) in [
            (&["advance", "30"][..], "30d"),
            (&["jump", "tomorrow"], "2027-01-01T09:30Z"),
            (&["--url", "http://x", "--port", "1"], "cannot be used with"),
        ] {
            let error = time(arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
