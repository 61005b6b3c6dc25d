//! The arguments of `dodev state`, with the texts that `--help` shows.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;

use crate::cli::complete::{addresses, snapshots};
use crate::cli::place::PlaceArgs;

const ABOUT: &str = "\
See and change what Durable Objects have stored.

Reading works while a server runs, wakes no object and changes no file; `wrangler dev`'s state is read as well. Changes are \
made by the server that runs, or else in the files, under the lock that it would take.

An object is addressed as `Class:name`, `Class:id`, or `Class:` with the first digits of its id. Where several Workers have a \
class of that name, `worker-Class:name` tells them apart.";

const EXAMPLES: &str = "\
Examples:
  dodev state list                              every stored object
  dodev state inspect Counter:global            keys, tables and alarm of one
  dodev state get Counter:global count          one value
  dodev state put Counter:global count 42       set it
  dodev state sql Room:lobby                    an SQL prompt
  dodev state snapshot save before-test         keep everything as it is
  dodev state diff before-test                  what changed since then
  dodev state log Counter:global                what changed it, and when
  dodev state restore Counter:global@-5m        as it was five minutes ago
  dodev state export --out state.jsonl          all of it as JSON lines

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found or different.";

/// Arguments of `dodev state`.
#[derive(Debug, Args)]
#[command(about = "See and change what Durable Objects have stored", long_about = ABOUT, after_help = EXAMPLES)]
pub struct StateArgs {
    /// Which state, and how to answer.
    #[command(flatten)]
    pub place: PlaceArgs,

    /// What to do.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// What to do with state.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List classes and their objects: names, sizes, last writes, alarms
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show everything about an object or a class
    #[command(visible_alias = "show")]
    Inspect(InspectArgs),
    /// Print the value of a key, or all keys with their values
    Get(GetArgs),
    /// Set a key to a value, written as JSON or JavaScript
    Put(PutArgs),
    /// Delete keys
    Delete(DeleteArgs),
    /// Run SQL on an object, or open a prompt
    Sql(SqlArgs),
    /// Write objects as JSON lines, or as SQL
    Export(ExportArgs),
    /// Store objects from JSON lines that `export` wrote
    Import(ImportArgs),
    /// Keep copies of all state, and go back to them
    Snapshot(SnapshotArgs),
    /// Compare snapshots, points and the present, key by key and row by row
    Diff(DiffArgs),
    /// List the points of an object's history: when, and what made them
    Log(LogArgs),
    /// Put an object back as it was at a point of its history
    Restore(RestoreArgs),
    /// Remove all objects, or those of a class
    Reset(ResetArgs),
    /// Remove objects with everything in them
    Rm(RemoveArgs),
    /// Show what happens in the running server, as it happens
    Tail(TailArgs),
}

/// Arguments of `dodev state list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A class; all if absent
    #[arg(value_name = "CLASS", add = ArgValueCompleter::new(addresses))]
    pub address: Option<String>,
}

/// Arguments of `dodev state inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// `Class:name`, `Class:id`, or a class
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// Show at most this many keys
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: u64,
}

/// Arguments of `dodev state get`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state get Room:lobby                    all keys
  dodev state get Room:lobby --prefix user:     some of them
  dodev state get Room:lobby topic              one
  dodev state get Room:lobby topic --json | jq .value")]
pub struct GetArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// The key; all if absent
    pub key: Option<String>,

    /// Only keys that begin with this
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    pub prefix: Option<String>,

    /// At most this many keys
    #[arg(long, value_name = "COUNT", conflicts_with = "key")]
    pub limit: Option<u64>,
}

/// Arguments of `dodev state put`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state put Counter:global count 42
  dodev state put Room:lobby topic '\"news\"'       a text needs its own quotes
  dodev state put Room:lobby since 'new Date(\"2026-01-31\")'
  dodev state put Room:lobby seen 'new Map([[\"ada\", 3n]])'
  dodev state put Room:lobby notes - < notes.json")]
pub struct PutArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// The key
    pub key: String,

    /// The value as JSON or JavaScript; `-` reads it from standard input
    #[arg(allow_hyphen_values = true)]
    pub value: String,

    /// What VALUE is: what one would write in a program, or the `value` or `v8` that `get --json` prints
    #[arg(long, value_name = "FORM", value_enum, default_value = "js")]
    pub from: ValueForm,

    /// Make the object if it is not stored yet
    #[arg(long)]
    pub create: bool,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValueForm {
    /// JSON, or JavaScript literals
    Js,
    /// JSON with `{"$": …}` for what JSON lacks
    Json,
    /// The stored bytes in base64
    V8,
}

/// Arguments of `dodev state delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// The keys
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
}

/// Arguments of `dodev state sql`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state sql Room:lobby                    a prompt
  dodev state sql Room:lobby 'SELECT * FROM messages'
  dodev state sql Room:lobby --csv 'SELECT * FROM messages' > messages.csv
  dodev state sql Room:lobby \"UPDATE users SET name = 'Ada' WHERE id = 1\"

Queries may look at every table. Changes follow the rules of `ctx.storage.sql`, and are made all or not at all.")]
pub struct SqlArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// SQL; a prompt if absent, standard input if that is no terminal
    pub query: Option<String>,

    /// Print rows as CSV with a line of heads
    #[arg(long)]
    pub csv: bool,
}

/// Arguments of `dodev state export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is a JSON object. Values are readable (`value`) and exact (`v8`, base64); `import` takes the exact bytes, or the \
readable value where a line has no `v8`.

Examples:
  dodev state export > all.jsonl
  dodev state export Room:lobby --out lobby.jsonl
  dodev state export Room --sql > rooms.sql              for other SQLite tools")]
pub struct ExportArgs {
    /// `Class:name`, `Class:id`, or a class; everything if absent
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: Option<String>,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Write the user's tables as SQL statements
    #[arg(long)]
    pub sql: bool,
}

/// Arguments of `dodev state import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state import all.jsonl
  dodev state import lobby.jsonl --replace         also over what is stored
  dodev state import rooms.jsonl --worker staging  into another Worker's classes")]
pub struct ImportArgs {
    /// The file; `-` for standard input
    pub file: PathBuf,

    /// Replace objects that are stored already
    #[arg(long)]
    pub replace: bool,

    /// Import into the classes of this Worker instead of the one in the file
    #[arg(long, value_name = "NAME")]
    pub worker: Option<String>,
}

/// Arguments of `dodev state snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SnapshotCommand,
}

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Keep a copy of all objects; a server may run
    Save {
        /// Its name: letters, digits, `.`, `_` and `-`
        name: String,
        /// Replace the snapshot of this name
        #[arg(long)]
        replace: bool,
    },
    /// Put all objects back as they were
    Load {
        /// Its name
        #[arg(add = ArgValueCompleter::new(snapshots))]
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// List the snapshots
    #[command(visible_alias = "ls")]
    List,
    /// Remove snapshots
    Rm {
        /// Their names
        #[arg(required = true, add = ArgValueCompleter::new(snapshots))]
        names: Vec<String>,
    },
}

/// Arguments of `dodev state diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state diff before                       from a snapshot to the present
  dodev state diff before after                 between two snapshots
  dodev state diff before live --only Room:lobby
  dodev state diff Room:lobby@-5m               one object, from a point of its history to the present")]
pub struct DiffArgs {
    /// A snapshot, `OBJECT@POINT`, or `live` for the present
    #[arg(add = ArgValueCompleter::new(snapshots))]
    pub from: String,

    /// What to compare it with
    #[arg(default_value = "live", add = ArgValueCompleter::new(snapshots))]
    pub to: String,

    /// Only this object or class
    #[arg(long, value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub only: Option<String>,
}

/// Arguments of `dodev state log`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state log Counter:global
  dodev state log Counter:global --limit 1 --json | jq -r '.points[0].bookmark'

`dodev state restore OBJECT@POINT` brings a point back, `dodev state diff OBJECT@POINT` shows what changed since.")]
pub struct LogArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub address: String,

    /// Show at most this many points, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    pub limit: u64,
}

/// Arguments of `dodev state restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dodev state restore Counter:global@-5m
  dodev state restore Counter:global@2026-11-22T10:00Z
  dodev state restore Counter:global@00000000-0000002a

The state before is a point as well: what is printed undoes the restore.")]
pub struct RestoreArgs {
    /// `Class:name` or `Class:id`, and a point: a bookmark, a time, or `-5m`
    #[arg(value_name = "OBJECT@POINT", add = ArgValueCompleter::new(addresses))]
    pub target: String,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `dodev state reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// A class; everything if absent
    #[arg(value_name = "CLASS", add = ArgValueCompleter::new(addresses))]
    pub class: Option<String>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `dodev state tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Only this object or class
    #[arg(value_name = "OBJECT", add = ArgValueCompleter::new(addresses))]
    pub only: Option<String>,
}

/// Arguments of `dodev state rm`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// `Class:name` or `Class:id`
    #[arg(value_name = "OBJECT", required = true, add = ArgValueCompleter::new(addresses))]
    pub addresses: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
