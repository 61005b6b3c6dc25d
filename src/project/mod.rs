//! From `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` to a validated [`Project`].
//!
//! Every mistake is collected with its place and a fix, in the words of the person who wrote the file.
//! Both languages become one spanned tree (`tree`), which is compared with a table of all known keys
//! (`keys`, `shape`), overlaid with the chosen environment (`overlay`), and read key by key. Nothing
//! is bundled, applied or started here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::diag::SourceFile;

mod assets;
mod bindings;
mod build;
mod classes;
mod compatibility;
mod compatibility_keys;
mod cron;
mod define;
mod deployed;
mod dotenv;
mod exports;
mod flags;
mod fuzz;
mod jsonc;
mod keys;
mod kv;
mod load;
mod locate;
mod main_module;
mod migrations;
mod nearest;
mod overlay;
mod public_host;
mod rate_limits;
mod read;
mod report;
mod settings;
mod shape;
mod site;
mod telemetry;
#[cfg(test)]
mod tests;
mod together;
mod toml;
mod tree;
mod vars;
mod worker_name;

pub use assets::{Assets, check_assets};
pub use bindings::{DurableObjectBinding, ServiceBinding, Unsupported};
pub use build::{Build, BuildCommand, BuildPlatform, ModuleKind, NODE_ENV, Rule};
pub use classes::{ClassStorage, check_exports, not_classes};
pub use compatibility::{Compatibility, Date, InvalidDate};
pub use cron::CronSchedule;
pub use exports::{ClassExport, ExportState};
pub use fuzz::check_jsonc;
pub use jsonc::JSONC;
pub use kv::KvNamespace;
pub use load::{LoadRequest, Loaded, Overrides, load};
pub use locate::find_config;
pub use migrations::{Migration, Rename, Spanned, Transfer};
pub use nearest::nearest;
pub use public_host::PublicHost;
pub use rate_limits::RateLimit;
pub use settings::{Dev, Limits, parse_ip};
pub use site::{SITE_CONTENT, SiteFiles};
pub use telemetry::Dataset;
pub use together::{check_entrypoints, check_together};
pub use vars::Var;
pub use worker_name::{check_new_name, new_name_like};

impl Project {
    /// Whether it has code; a project of assets alone has none.
    pub fn has_worker(&self) -> bool {
        self.assets.as_ref().is_none_or(|assets| assets.settings.has_worker)
    }
}

/// A validated configuration: what the user asked for.
#[derive(Debug, Clone)]
pub struct Project {
    /// The directory of the configuration.
    pub root: PathBuf,
    /// The directory that state and `.dev.vars` are beside: `root`, unless a build tool made the configuration.
    pub home: PathBuf,
    /// Whether a build tool made the configuration.
    pub is_generated: bool,
    /// The configuration's text, which all spans point into.
    pub source: Arc<SourceFile>,
    /// The Worker's name, with the environment's.
    pub name: String,
    /// The main module, absolute; the configuration itself in a project of assets alone.
    pub main: PathBuf,
    /// Its static assets.
    pub assets: Option<Assets>,
    /// Its files of Workers Sites.
    pub site: Option<SiteFiles>,
    /// Which behaviour of the platform it asked for.
    pub compatibility: Compatibility,
    /// The chosen environment, defined or not.
    pub environment: Option<String>,
    /// Bindings to Durable Object classes, in the order of the text.
    pub durable_objects: Vec<DurableObjectBinding>,
    /// Its classes and what they store in; those bound but not declared have `Kv`.
    pub classes: BTreeMap<String, ClassStorage>,
    /// The migrations, in order.
    pub migrations: Vec<Migration>,
    /// The classes of `exports`, which stands in place of migrations.
    pub exports: Vec<ClassExport>,
    /// The variables of `env`, names unique.
    pub vars: Vec<(String, Var)>,
    /// What it asks for that is not emulated.
    pub unsupported: Vec<Unsupported>,
    /// Bindings to namespaces of Workers KV.
    pub kv_namespaces: Vec<KvNamespace>,
    /// Bindings to rate limits.
    pub rate_limits: Vec<RateLimit>,
    /// Bindings to datasets of Analytics Engine.
    pub datasets: Vec<Dataset>,
    /// The name in `env` of what says which version runs.
    pub version_metadata: Option<String>,
    /// Bindings to Workers.
    pub services: Vec<ServiceBinding>,
    /// How its code is bundled.
    pub build: Build,
    /// How to serve it.
    pub dev: Dev,
    /// The host that requests appear to be for, if it is not the real one.
    pub public_host: Option<PublicHost>,
    /// Limits of one invocation.
    pub limits: Limits,
    /// How long busy objects go on with code that was replaced, if the configuration says so; zero with `immediate`.
    pub code_update_delay: Option<Duration>,
    /// When to run the scheduled handler.
    pub crons: Vec<String>,
    /// Every file that was read or looked for, for a watcher to follow.
    pub inputs: Vec<PathBuf>,
}
