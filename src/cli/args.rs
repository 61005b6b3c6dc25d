//! The arguments of every command, with the texts that `--help` shows.
//!
//! Flags have the names and meanings that they have in `wrangler dev`. Only parsed here: what they mean for a
//! project is decided when it is loaded.

mod migrate;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::time_args::{TimeArgs, TimeFlags};

pub use migrate::{MigrateArgs, MigrateCommand};

/// A local emulator for Cloudflare Workers and Durable Objects.
#[derive(Debug, Parser)]
#[command(name = "dodev", version, about, after_help = EXAMPLES, max_term_width = 80)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  dodev init my-app            make a new project
  dodev dev                    serve the project in this directory
  dodev dev --port 3000        on a certain port
  dodev test -- npm test       run tests against a server of their own
  dodev check                  find mistakes without starting
  dodev state list             what is stored
  dodev time advance 1d        a day later in the running server
  dodev help dev               everything about a command";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a project and reload it on every save.
    Dev(Box<DevArgs>),
    /// Run a command, for example a test runner, against a server with fresh state.
    Test(Box<super::test::TestArgs>),
    /// Say what is wrong with a project, without starting it.
    Check(super::check::CheckArgs),
    /// Make a new project from a template.
    Init(super::init::InitArgs),
    State(Box<super::state::args::StateArgs>),
    Alarm(Box<super::alarm::AlarmArgs>),
    Completions(super::completions::CompletionsArgs),
    #[command(hide = true)]
    Man(super::man::ManArgs),
    /// Show and move the time of a running server.
    Time(TimeArgs),
    /// Apply the project's migrations to local state.
    Migrate(Box<MigrateArgs>),
}

const DEV_ABOUT: &str = "\
Serve a project and reload it on every save.

Reads wrangler.jsonc, wrangler.json or wrangler.toml from this directory or above it, bundles the \
Worker, and serves it with its Durable Objects on http://127.0.0.1:8787. State is kept in \
.wrangler/state, where `wrangler dev` keeps it too: the two can take turns on the same project.

With several -c, the Workers run in one process: the first is served on the port, the others are reached by its \
service bindings and Durable Object bindings with `script_name`. All keep their state in the first one's \
.wrangler/state. Flags that set things of a Worker (--name, --var, --compatibility-date …) are the first one's; \
--env is for all.

A save is live with the next request. When a save is broken, the error is shown and the last good \
code goes on serving. Ctrl-C finishes requests in flight, writes all state and ends; a second one ends at once.";

const DEV_EXAMPLES: &str = "\
Examples:
  dodev dev                            the project of this directory
  dodev dev src/index.ts               a Worker without a configuration
  dodev dev -c apps/api/wrangler.toml  another project
  dodev dev -c web/wrangler.jsonc -c api/wrangler.jsonc
                                       two Workers: the first one is served
  dodev dev -e staging                 with the settings of env.staging
  dodev dev --port 0 --json            any free port, events for a program
  dodev dev --persist-to /tmp/state    keep state elsewhere
  dodev dev --var API_URL:http://localhost:3000

The line `Ready on http://…` on standard output says that requests are answered.";

/// Arguments of `dodev dev`.
#[derive(Debug, Args)]
#[command(long_about = DEV_ABOUT, after_help = DEV_EXAMPLES)]
pub struct DevArgs {
    /// The Worker's main module, instead of the configuration's `main`
    pub script: Option<PathBuf>,

    /// The configuration file, instead of the nearest one; given again, further Workers that run beside the first
    #[arg(short, long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Run as if started in this directory
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,

    /// The environment of the configurations, for example `staging`
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,

    /// Listen on exactly this port; 0 for any free one
    #[arg(short, long, allow_negative_numbers = true)]
    pub port: Option<u16>,

    /// Listen on this address, `localhost`, or `*` for all [default: 127.0.0.1]
    #[arg(long, value_parser = ip)]
    pub ip: Option<IpAddr>,

    /// Serve by `http` or `https` [default: http]
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "https"])]
    pub local_protocol: Option<String>,

    /// The certificate for `https` in PEM form, instead of one that is made
    #[arg(long, value_name = "FILE", env = "WRANGLER_HTTPS_CERT_PATH", requires = "https_key_path")]
    pub https_cert_path: Option<PathBuf>,

    /// Its key
    #[arg(long, value_name = "FILE", env = "WRANGLER_HTTPS_KEY_PATH", requires = "https_cert_path")]
    pub https_key_path: Option<PathBuf>,

    /// Serve static assets from this directory, instead of the configuration's `assets.directory`
    #[arg(long, value_name = "DIR")]
    pub assets: Option<PathBuf>,

    /// Serve Workers Sites from this directory, instead of the configuration's `site.bucket`
    #[arg(long, value_name = "DIR", hide = true)]
    pub site: Option<PathBuf>,

    /// Patterns of the files that are meant, instead of `site.include`
    #[arg(long, value_name = "GLOB", num_args = 1.., hide = true)]
    pub site_include: Vec<String>,

    /// Patterns of the files that are not, instead of `site.exclude`
    #[arg(long, value_name = "GLOB", num_args = 1.., hide = true)]
    pub site_exclude: Vec<String>,

    /// Run the scheduled handler when `/__scheduled` is requested
    #[arg(long)]
    pub test_scheduled: bool,

    /// Load HTML pages again in the browser whenever new code serves
    #[arg(long)]
    pub live_reload: bool,

    /// Not doing so is the default
    #[arg(long, hide = true, overrides_with = "live_reload")]
    pub no_live_reload: bool,

    /// What a reload does to hibernatable WebSockets; a deployment closes them
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = ReloadSockets::Keep)]
    pub reload_sockets: ReloadSockets,

    /// What time it is there.
    #[command(flatten)]
    pub clock: TimeFlags,

    /// Let objects with WebSockets hibernate after so many idle seconds, at most 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = idle_seconds)]
    pub hibernate_after: f64,

    /// Keep state in this directory [default: .wrangler/state beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub persist_to: Option<PathBuf>,

    /// Keep no history of objects: no bookmarks to restore, a little less disk space
    #[arg(long)]
    pub no_history: bool,

    /// Most megabytes of history of one object; the oldest goes first
    #[arg(
        long,
        value_name = "MB",
        env = "DODEV_HISTORY_SIZE",
        default_value_t = 256,
        conflicts_with = "no_history"
    )]
    pub history_size: u64,

    /// How many days of history of objects are kept
    #[arg(
        long,
        value_name = "DAYS",
        env = "DODEV_HISTORY_DAYS",
        default_value_t = 30,
        conflicts_with = "no_history"
    )]
    pub history_days: u32,

    /// Apply migrations without asking, even those that put objects aside
    #[arg(short, long)]
    pub yes: bool,

    /// The Worker's name
    #[arg(long)]
    pub name: Option<String>,

    /// The compatibility date, for example 2026-11-01
    #[arg(long, value_name = "DATE")]
    pub compatibility_date: Option<String>,

    /// Compatibility flags, instead of the configuration's
    #[arg(long, alias = "compatibility-flag", value_name = "FLAG", num_args = 1.., action = ArgAction::Append)]
    pub compatibility_flags: Option<Vec<String>>,

    /// A variable of `env`, as text; may be repeated
    #[arg(long, value_name = "NAME:VALUE", value_parser = pair)]
    pub var: Vec<(String, String)>,

    /// Source text that replaces a name in the code; may be repeated
    #[arg(long, value_name = "NAME:TEXT", value_parser = pair)]
    pub define: Vec<(String, String)>,

    /// A module to import instead of another one; may be repeated
    #[arg(long, value_name = "MODULE:REPLACEMENT", value_parser = alias)]
    pub alias: Vec<(String, String)>,

    /// Read variables from this file instead of .dev.vars or .env; may be repeated
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,

    /// The tsconfig.json, instead of the nearest one
    #[arg(long, value_name = "FILE")]
    pub tsconfig: Option<PathBuf>,

    /// What a JSX element calls
    #[arg(long, value_name = "NAME")]
    pub jsx_factory: Option<String>,

    /// What a JSX fragment is
    #[arg(long, value_name = "NAME")]
    pub jsx_fragment: Option<String>,

    /// Shorten the code, whatever the configuration says
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub minify: Option<bool>,

    /// The same as `--minify=false`
    #[arg(long, hide = true, overrides_with = "minify")]
    pub no_minify: bool,

    /// Take the main module as it is, with the files that `rules` match as modules beside it
    #[arg(long, overrides_with = "bundle")]
    pub no_bundle: bool,

    /// Bundle, whatever the configuration says; `--bundle=false` is `--no-bundle`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    pub bundle: Option<bool>,

    /// The host that requests appear to be for, instead of `dev.host` or that of the first route
    #[arg(long, alias = "local-upstream", value_name = "HOST")]
    pub host: Option<String>,

    /// Routes, instead of the configuration's: requests appear to be for the host of the first one
    #[arg(long, alias = "route", value_name = "ROUTE", num_args = 1.., action = ArgAction::Append)]
    pub routes: Vec<String>,

    /// Whether requests appear to be for the first route's host [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub infer_origin_from_routes: Option<bool>,

    /// The same as `--infer-origin-from-routes=false`
    #[arg(long, hide = true, overrides_with = "infer_origin_from_routes")]
    pub no_infer_origin_from_routes: bool,

    /// The scheme that requests appear to have, instead of `dev.upstream_protocol`
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "https"])]
    pub upstream_protocol: Option<String>,

    /// It always runs locally
    #[arg(short, long, hide = true)]
    pub local: bool,

    /// There is one runtime, its own
    #[arg(long, hide = true)]
    pub latest: bool,

    /// There is no debugger, and no port for one
    #[arg(long, hide = true, value_name = "PORT")]
    pub inspector_port: Option<u16>,

    /// There is no debugger, and no address for one
    #[arg(long, hide = true, value_name = "ADDRESS")]
    pub inspector_ip: Option<String>,

    /// Bundle packages again with every save, instead of once
    #[arg(long)]
    pub no_prebundle: bool,

    /// What to print at least: from everything to nothing
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Log)]
    pub log_level: LogLevel,

    /// Print neither the start block nor a line per request
    #[arg(short, long)]
    pub quiet: bool,

    /// Print one JSON object per event on standard output, for programs
    #[arg(long)]
    pub json: bool,

    /// Whether single keys work on a terminal [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub show_interactive_dev_session: Option<bool>,

    /// The same as `--show-interactive-dev-session=false`
    #[arg(long, hide = true, overrides_with = "show_interactive_dev_session")]
    pub no_show_interactive_dev_session: bool,
}

impl DevArgs {
    /// Whether the code is to be shortened, if that was said.
    pub fn minifies(&self) -> Option<bool> {
        if self.no_minify { Some(false) } else { self.minify }
    }

    /// Whether the main module is to be taken as it is, if that was said.
    pub fn takes_as_is(&self) -> Option<bool> {
        if self.no_bundle { Some(true) } else { self.bundle.map(|bundle| !bundle) }
    }

    /// Whether requests keep the host that they were sent to.
    pub fn keeps_origin(&self) -> bool {
        self.no_infer_origin_from_routes || self.infer_origin_from_routes == Some(false)
    }

    /// What was given without an effect, each with a sentence.
    pub fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let reason = "there is no debugger yet; `console.log` and errors are shown in the terminal";
        let given = [
            ("--inspector-port", self.inspector_port.is_some()),
            ("--inspector-ip", self.inspector_ip.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| (name, reason)).collect()
    }

    /// Whether single keys are wanted.
    pub fn wants_keys(&self) -> bool {
        self.show_interactive_dev_session != Some(false)
            && !self.no_show_interactive_dev_session
            && !self.json
    }
}

/// What a reload does to hibernatable WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReloadSockets {
    /// They stay open, and the new code gets the next message.
    Keep,
    /// They are closed, as in production.
    Close,
}

/// From the most to the least talkative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// `console.debug` too.
    Debug,
    /// Everything but `console.debug`.
    Info,
    /// The same.
    Log,
    /// Warnings and errors.
    Warn,
    /// Errors only.
    Error,
    /// Nothing.
    None,
}

fn ip(text: &str) -> Result<IpAddr, String> {
    crate::project::parse_ip(text)
        .ok_or_else(|| "give an address such as 127.0.0.1, `localhost` or `*`".to_owned())
}

fn idle_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=3_600.0).contains(seconds));
    seconds.ok_or_else(|| "give seconds from 0 to 3600".to_owned())
}

/// `NAME:VALUE`, at the first colon, as wrangler splits it.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give a name and a value with a colon between them, such as NAME:value".to_owned()),
    }
}

/// `MODULE:REPLACEMENT`, where the module may have a scheme such as `node:`.
fn alias(text: &str) -> Result<(String, String), String> {
    for scheme in ["node:", "cloudflare:"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return pair(rest).map(|(name, value)| (format!("{scheme}{name}"), value));
        }
    }
    pair(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn dev(arguments: &[&str]) -> Result<DevArgs, clap::Error> {
        match Cli::try_parse_from([&["dodev", "dev"], arguments].concat())?.command {
            Command::Dev(args) => Ok(*args),
            other => panic!("{other:?} is another command"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_read_as_wrangler_reads_them() {
        let args = dev(&[
            "src/a.ts",
            "-c",
            "w.toml",
            "-e",
            "staging",
            "--port",
            "0",
            "--ip",
            "localhost",
            "--var",
            "A:b:c",
            "--var",
            "URL:http://x",
            "--alias",
            "node:fs:./fs.ts",
            "--compatibility-flags",
            "x",
            "y",
            "--json",
        ])
        .unwrap();
        assert_eq!(args.script, Some("src/a.ts".into()));
        assert_eq!((args.port, args.env.as_deref()), (Some(0), Some("staging")));
        assert_eq!(args.ip, Some([127, 0, 0, 1].into()));
        let pairs = [("A", "b:c"), ("URL", "http://x")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(args.var, pairs);
        assert_eq!(args.alias, [("node:fs".to_owned(), "./fs.ts".to_owned())]);
        assert_eq!(args.compatibility_flags, Some(vec!["x".to_owned(), "y".to_owned()]));
    }

    #[test]
    fn keys_can_be_switched_off() {
        for (arguments, expected) in [
            (&[][..], true),
            (&["--show-interactive-dev-session"], true),
            (&["--show-interactive-dev-session=false"], false),
            (&["--no-show-interactive-dev-session"], false),
            (&["--json"], false),
        ] {
            assert_eq!(dev(arguments).unwrap().wants_keys(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn switches_can_be_said_both_ways() {
        for (arguments, minifies, as_is, keeps) in [
            (&[][..], None, None, false),
            (&["--minify", "--no-bundle"], Some(true), Some(true), false),
            (&["--no-minify", "--bundle"], Some(false), Some(false), false),
            (&["--minify=false", "--bundle=false"], Some(false), Some(true), false),
            (&["--no-infer-origin-from-routes"], None, None, true),
            (&["--infer-origin-from-routes=false"], None, None, true),
            (&["--infer-origin-from-routes"], None, None, false),
        ] {
            let args = dev(arguments).unwrap();
            assert_eq!(
                (args.minifies(), args.takes_as_is(), args.keeps_origin()),
                (minifies, as_is, keeps),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn flags_that_change_nothing_here_are_taken() {
        let args =
            dev(&["-l", "--latest", "--inspector-port", "9230", "--inspector-ip", "127.0.0.1"]).unwrap();
        let names: Vec<_> = args.without_effect().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["--inspector-port", "--inspector-ip"]);
        assert!(dev(&["--local", "--upstream-protocol", "https", "--local-upstream", "example.com"]).is_ok());
    }

    #[test]
    fn wrong_values_are_refused() {
        for arguments in [
            ["--port", "70000"],
            ["--ip", "nowhere"],
            ["--var", "A"],
            ["--var", ":x"],
            ["--local-protocol", "htp"],
            ["--https-key-path", "key.pem"],
            ["--log-level", "loud"],
        ] {
            let error = dev(&arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments:?}");
        }
        let args =
            dev(&["--local-protocol", "https", "--https-cert-path", "a", "--https-key-path", "b"]).unwrap();
        assert_eq!(args.https_key_path, Some("b".into()));
    }
}
