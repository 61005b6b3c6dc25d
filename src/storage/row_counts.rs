//! How many rows a run of a statement has read and written, as the platform bills them.
//!
//! The platform's SQLite is patched to count in some instructions. Ours counts how often every instruction ran, and
//! how many steps all loops made; both together give the same numbers. They are worked out when somebody asks, or at the last
//! moment before they would be lost: the statement runs again or is closed while the cursor of its run can still be asked.
//!
//! Fidelity: `patches/sqlite/0001-row-counts-plain.patch` of workerd names the instructions that count;
//! `fixtures/row-counts` holds its counts.
//!
//! Deviation: the platform does not count a search in an index that is not unique when it finds nothing. Here that is not seen for
//! each search of a loop, except of a `LEFT JOIN` on nothing else: where the loop found at least as many rows as it made
//! searches, all of them count. And an index that is built over more than a page counts some rows less.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::failure::SqliteFailure;
use super::row_estimates::{self, Changes};
use super::sqlite::{COUNTS_RUNS, Database, Instruction, Statement};
use super::value::ValueRef;

/// Flag of instructions that change the number that `changes()` gives.
const COUNTS_AS_CHANGE: i64 = 1;
/// Flag of the instructions that open an index in which only equal entries are searched.
const SEEKS_EQUAL: i64 = 2;

/// Instructions that open a cursor.
const OPENINGS: [&str; 7] =
    ["OpenRead", "OpenWrite", "ReopenIdx", "OpenEphemeral", "OpenAutoindex", "SorterOpen", "OpenDup"];

/// Rows read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    pub read: u64,
    pub written: u64,
}

/// One run of a statement.
#[derive(Debug, Default)]
pub struct Run {
    /// Rows that it changed; for a statement that reads none.
    pub changes: Cell<Changes>,
    counts: OnceCell<RowCounts>,
}

impl Run {
    /// The counts, where they were worked out after the run.
    pub fn counts(&self) -> Option<RowCounts> {
        self.counts.get().copied()
    }
}

/// What is remembered of a statement's runs.
#[derive(Debug)]
pub struct Counter {
    run: Option<Rc<Run>>,
    /// What the programs of triggers and foreign key actions had counted before this run, and the number of recompilations
    /// at which this holds.
    before: (RowCounts, u64),
    /// Whether there are such programs; known when the statement runs for the second time.
    nested: Option<bool>,
    estimate: row_estimates::Program,
}

impl Counter {
    /// For a statement of this text, before its first run.
    pub fn new(sql: &str) -> Self {
        let estimate = row_estimates::Program::new(sql);
        Self { run: None, before: (RowCounts::default(), 0), nested: None, estimate }
    }

    /// To be called before `statement` runs; the run's counts can be asked for with what it returns.
    pub fn begin(&mut self, statement: &Statement) -> Rc<Run> {
        let ran_before = self.run.is_some();
        self.settle(statement);
        statement.forget_runs();
        if !COUNTS_RUNS {
            self.estimate.look_ahead(&statement.database());
        } else if ran_before && *self.nested.get_or_insert_with(|| statement.programs().len() > 1) {
            self.before = (sum(&statement.programs(), &statement.database()), statement.recompilations());
        }
        self.run.insert(Rc::default()).clone()
    }

    /// Works the counts out if somebody can still ask for them. To be called before `statement` runs again or is
    /// closed.
    pub fn settle(&self, statement: &Statement) {
        if let Some(run) = self.run.as_ref().filter(|run| Rc::strong_count(run) > 1) {
            run.counts.get_or_init(|| self.count(statement));
        }
    }

    /// The counts of the last run, which may not have ended.
    pub fn count(&self, statement: &Statement) -> RowCounts {
        let changes = self.run.as_ref().map_or_else(Changes::default, |run| run.changes.get());
        let programs = statement.programs();
        if programs.is_empty() {
            return self.estimate.count(statement, changes);
        }
        let mut counts = sum(&programs, &statement.database());
        let (before, recompilations) = self.before;
        if recompilations == statement.recompilations() {
            counts.read = counts.read.saturating_sub(before.read);
            counts.written = counts.written.saturating_sub(before.written);
        }
        counts.read += statement.loop_steps().iter().sum::<u64>();
        // A table that is emptied as a whole.
        if programs[0].iter().any(|i| i.name == "Clear" && i.p3 != 0 && i.runs > 0) {
            counts.written += changes.own;
        }
        counts
    }
}

/// What the instructions of `programs` count.
fn sum(programs: &[Vec<Instruction>], database: &Database) -> RowCounts {
    let mut counts = RowCounts::default();
    for program in programs {
        // Programs use the number of a cursor again; the opening before is the one that counts.
        let opening = |at: usize| {
            let opens = |i: &&Instruction| i.p1 == program[at].p1 && OPENINGS.contains(&i.name.as_str());
            program[..at].iter().rev().find(opens).or_else(|| program[at..].iter().find(opens))
        };
        let is_private = |at| {
            opening(at)
                .is_some_and(|open| !matches!(open.name.as_str(), "OpenRead" | "OpenWrite" | "ReopenIdx"))
        };
        for (at, instruction) in program.iter().enumerate().filter(|(_, i)| i.runs > 0) {
            let runs = instruction.runs;
            match instruction.name.as_str() {
                "SeekGE" | "SeekLE" => {
                    let equal = opening(at).is_some_and(|open| open.p5 & SEEKS_EQUAL != 0);
                    // One that finds its entry goes on behind the comparison that follows.
                    let behind = program.get(at + 2).map_or(runs, |i| i.runs);
                    let missed = program.iter().find(|i| i.name == "NullRow" && i.p1 == instruction.p1);
                    // A row of nulls is also made where there was nothing to search for.
                    let mut before = program[..at].iter().rev().take(3);
                    let idle = before.find(|i| i.name == "IsNull" && i.p2 == instruction.p2);
                    let idle = idle.map_or(0, |i| i.runs.saturating_sub(runs));
                    let missed = missed.map_or(0, |i| i.runs.saturating_sub(idle));
                    counts.read += if equal { runs.saturating_sub(missed).min(behind) } else { runs };
                }
                "Rewind" | "Last" | "Sort" | "SorterSort" | "SeekGT" | "SeekLT" | "SeekRowid"
                | "NotExists" | "VNext" => counts.read += runs,
                // It counts until its cursor has a place, which in a new index is so from the second entry on.
                "SeekEnd" => counts.read += runs.min(2),
                "Count" if instruction.p3 == 0 => {
                    let root = opening(at).map_or(0, |open| open.p2);
                    counts.read += runs * entries(database, root);
                }
                "Insert" | "IdxInsert" if !is_private(at) => counts.written += runs,
                // This one has the flag in its second operand.
                "Delete" if instruction.p2 & COUNTS_AS_CHANGE != 0 && !is_private(at) => {
                    counts.written += runs;
                }
                "VUpdate" => counts.written += runs,
                _ => {}
            }
        }
    }
    counts
}

/// Entries of the table or index at the page `root`.
pub fn entries(database: &Database, root: i64) -> u64 {
    let count = || -> Result<Option<i64>, SqliteFailure> {
        if root == 1 {
            return database.integer("SELECT count(*) FROM sqlite_schema");
        }
        let mut statement = database.prepare(
            "SELECT tbl_name FROM sqlite_schema WHERE rootpage = ? AND type IN ('table', 'index')",
        )?;
        statement.bind(0, ValueRef::Integer(root))?;
        if !statement.step()? {
            return Ok(None);
        }
        let ValueRef::Text(table) = statement.column(0) else { return Ok(None) };
        let table = String::from_utf8_lossy(table).replace('"', "\"\"");
        database.integer(&format!("SELECT count(*) FROM \"{table}\""))
    };
    count().ok().flatten().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}
