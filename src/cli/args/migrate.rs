//! The arguments of `dodev migrate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const ABOUT: &str = "\
Apply the project's migrations to local state, as a deployment would.

Renamed and transferred classes keep their objects, with alarms and history; deleted classes lose \
theirs. What is deleted is put aside: `undo` brings it back until `prune` removes it for good. \
Each migration is applied as a whole or not at all, whenever the process ends.

`dodev dev` does the same when it starts and reloads, but leaves out what puts objects aside, unless \
the code needs it or `--yes` is given.";

const EXAMPLES: &str = "\
Examples:
  dodev migrate                 show what is pending and apply it
  dodev migrate plan            only show it
  dodev migrate --to v3         up to and with v3
  dodev migrate --yes           without questions, for scripts
  dodev migrate status          what was applied, and which copies there are
  dodev migrate undo            take the last one back
  dodev migrate prune           remove the copies for good
  dodev migrate -c a/wrangler.jsonc -c b/wrangler.jsonc
                                two Workers that share the first one's state

With --json, one object goes to standard output: `version`, `command`, `state`, `worker`, `applied` (the \
ledger: `tag`, `at_ms`, `how`, `steps`), `changed` (what this command did, same shape), `adopting` (what \
the state of another tool has been through, not written down yet), `pending` (`tag`, `destructive`, \
`steps`), `copies`, `pruned`, `renamed_from`, `diagnostics` and `ok`. With several Workers, \
`workers` has an object for each instead.

Exit codes: 0 done or nothing to do, 1 refused or failed, 2 wrong usage.";

/// Arguments of `dodev migrate`.
#[derive(Debug, Args)]
#[command(about = "Apply the project's migrations to local state", long_about = ABOUT, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = false)]
pub struct MigrateArgs {
    /// What to do instead of applying
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,

    /// Apply nothing, as `plan`
    #[arg(long)]
    pub dry_run: bool,

    /// The last migration to apply
    #[arg(long, value_name = "TAG")]
    pub to: Option<String>,

    /// Take over the state of the Worker that had this name
    #[arg(long, value_name = "NAME")]
    pub carry_over: Option<String>,

    /// Do not ask
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Print one JSON object on standard output, for programs
    #[arg(long, global = true)]
    pub json: bool,

    /// The configuration file, instead of the nearest one; several for Workers that share a state
    #[arg(short, long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,

    /// Run as if started in this directory
    #[arg(long, value_name = "DIR", global = true)]
    pub cwd: Option<PathBuf>,

    /// The environment of the configuration, for example `staging`
    #[arg(short, long, value_name = "NAME", global = true)]
    pub env: Option<String>,

    /// The Worker's name
    #[arg(long, global = true)]
    pub name: Option<String>,

    /// The state's directory [default: .wrangler/state beside the configuration]
    #[arg(long, value_name = "DIR", global = true)]
    pub persist_to: Option<PathBuf>,
}

/// What `dodev migrate` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum MigrateCommand {
    /// Show what was applied, what is pending, and which copies there are
    Status,
    /// Show what would be applied
    Plan,
    /// Take the last migration back
    Undo,
    /// Remove the copies of what was put aside, for good
    Prune,
}
