//! The development session: one project or several, watched, built, run and replaced until somebody stops it.
//!
//! `machine` decides, purely, what to do next; [`Session`] does it with a bundler thread, a watcher and
//! one thread per evaluation, all of which only send events into one channel. What is worth telling
//! leaves as [`Report`]s; how they look is decided by whoever prints them.

mod builder;
mod command;
mod forks;
mod machine;
mod migrations;
mod recent;
mod report;
mod request;
mod server_file;
mod session;
mod start;
mod unmet;
mod watch;

pub use command::run_once as run_build_command;
pub use migrations::{Agreement, Ask, Question};
pub use report::{Broken, Migrated, Ready, Report, ReportSink};
pub use request::bundle_request;
pub use session::{CACHE, Control, DEFAULT_STATE, Session, SessionOptions, with_whole_paths};
pub use start::StartFailure;
