//! Migrations that happen: what a deployment would do to a class's objects, done to local state.
//!
//! `plan` decides, purely, from the declared migrations, the ledger and what is on disk; `consent` decides how much
//! of that is applied without asking; [`Migrator`] applies it, one migration at a time, through a journal that no
//! crash leaves half done. What is deleted is put aside and can be brought back until it is pruned.
//!
//! Nothing here knows of JavaScript or of a running server: whoever applies migrations holds the state directory
//! and has no object in use.

mod apply;
mod baseline;
mod carry;
mod consent;
mod describe;
mod files;
mod journal;
mod ledger;
mod place;
mod plan;
mod rename_ids;
#[cfg(test)]
mod tests;

pub use apply::{MigrateError, Migrator};
pub use consent::{Consent, Verdict, judge};
pub use describe::count;
pub use journal::JournalError;
pub use ledger::{Aside, Copy, Entry, How, Ledger, Step, Storage, WorkerLedger};
pub use plan::{Facts, Plan, Planned, is_settled, plan};
