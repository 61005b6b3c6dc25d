//! The development session: one project, watched, built, run and replaced until somebody stops it.
//!
//! `machine` decides, purely, what to do next; [`Session`] does it with a bundler thread, a watcher and
//! one thread per evaluation, all of which only send events into one channel. What is worth telling
//! leaves as [`Report`]s; how they look is decided by whoever prints them.

mod builder;
mod machine;
mod report;
mod request;
mod server_file;
mod session;
mod unmet;
mod watch;

pub use report::{Broken, Ready, Report, ReportSink};
pub use session::{Session, SessionOptions, StartFailure, Stopper, parse_ip};
