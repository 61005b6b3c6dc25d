//! How many rows a statement has read and written, estimated: for builds that did not read `.cargo/config.toml`, in which
//! SQLite counts only the steps of loops.
//!
//! The rest is worked out from the statement's program: which cursors it positions, in which loop, and how many entries it
//! writes per row. Wrong for loops over whole tables inside of others, correlated and recursive queries, upserts, triggers
//! and virtual tables.

use std::cell::OnceCell;

use super::failure::SqliteFailure;
use super::guard;
use super::row_counts::{RowCounts, entries};
use super::sqlite::{Database, Statement};
use super::value::ValueRef;

/// Flag of instructions that change the number that `changes()` gives.
const COUNTS_AS_CHANGE: i64 = 1;

/// A statement's text with what is known about its program.
#[derive(Debug)]
pub struct Program {
    sql: String,
    shape: OnceCell<Shape>,
}

/// What a program does, as far as it matters here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Shape {
    /// Positionings of a cursor: outside of loops, in loops over whole tables, in other loops.
    outside: u64,
    in_full: u64,
    in_part: u64,
    /// Root pages of the tables or indexes that are counted as a whole.
    counted_roots: Vec<i64>,
    /// Entries written per pass.
    writes: u64,
    /// Instructions per pass that count as a change.
    changes: u64,
    /// Whether it writes to a virtual table: what the table's module writes to its own tables does not count.
    is_virtual: bool,
}

/// Rows that a statement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// With what triggers, foreign keys and modules of virtual tables changed.
    pub all: u64,
    /// By the statement itself.
    pub own: u64,
}

/// One instruction.
#[derive(Debug, Clone)]
struct Instruction {
    name: String,
    p1: i64,
    p2: i64,
    p5: i64,
}

impl Program {
    /// The program of the statement `sql`, not looked at yet.
    pub fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), shape: OnceCell::new() }
    }

    /// The counts of the last run of `statement`, which changed as many rows as `changes` says.
    pub fn count(&self, statement: &Statement, changes: Changes) -> RowCounts {
        let shape = self.shape(&statement.database());
        RowCounts { read: shape.read(statement), written: shape.written(changes) }
    }

    /// Looks at the program before it runs, where that cannot be done later: what defines tables cannot be compiled
    /// twice.
    pub fn look_ahead(&self, database: &Database) {
        if ["create", "alter", "drop"].iter().any(|word| guard::first_word_is(&self.sql, word)) {
            self.shape(database);
        }
    }

    fn shape(&self, database: &Database) -> &Shape {
        self.shape.get_or_init(|| {
            // Compiling a pragma, even to explain it, already changes the setting.
            if guard::first_word_is(&self.sql, "pragma") {
                return Shape::default();
            }
            // A program that cannot be shown any more, because its table is gone, counts nothing.
            explain(database, &self.sql).map(|program| shape(&program)).unwrap_or_default()
        })
    }
}

impl Shape {
    fn read(&self, statement: &Statement) -> u64 {
        let [full, part] = statement.loop_steps();
        let counted: u64 = self.counted_roots.iter().map(|root| entries(&statement.database(), *root)).sum();
        full + part + self.outside + self.in_full * (full + 1) + self.in_part * (part + 1) + counted
    }

    fn written(&self, changes: Changes) -> u64 {
        match self {
            Self { is_virtual: true, .. } => changes.own,
            Self { changes: 0, writes, .. } => *writes,
            Self { changes: per_pass, writes, .. } => (changes.all * writes).div_ceil(*per_pass),
        }
    }
}

fn explain(database: &Database, sql: &str) -> Result<Vec<Instruction>, SqliteFailure> {
    let mut statement = database.prepare(&format!("EXPLAIN {sql}"))?;
    let mut program = Vec::new();
    while statement.step()? {
        let number = |column| match statement.column(column) {
            ValueRef::Integer(value) => value,
            ValueRef::Text(text) => {
                str::from_utf8(text).ok().and_then(|text| i64::from_str_radix(text, 16).ok()).unwrap_or(0)
            }
            _ => 0,
        };
        let name = match statement.column(1) {
            ValueRef::Text(name) => String::from_utf8_lossy(name).into_owned(),
            _ => String::new(),
        };
        program.push(Instruction { name, p1: number(2), p2: number(3), p5: number(6) });
    }
    Ok(program)
}

fn shape(program: &[Instruction]) -> Shape {
    let loops: Vec<(i64, i64, bool)> = (0i64..)
        .zip(program)
        .filter(|(at, i)| matches!(i.name.as_str(), "Next" | "Prev" | "SorterNext" | "VNext") && i.p2 < *at)
        .map(|(at, i)| (i.p2, at, i.p5 == 1))
        .collect();
    let private: Vec<i64> = program
        .iter()
        .filter(|i| {
            matches!(
                i.name.as_str(),
                "OpenEphemeral" | "OpenAutoindex" | "SorterOpen" | "OpenPseudo" | "OpenDup"
            )
        })
        .map(|i| i.p1)
        .collect();
    let mut shape = Shape::default();
    for (at, instruction) in (0i64..).zip(program) {
        let innermost = loops
            .iter()
            .filter(|(from, to, _)| (*from..*to).contains(&at))
            .min_by_key(|(from, to, _)| to - from);
        match instruction.name.as_str() {
            "Rewind" | "Last" | "Sort" | "SorterSort" | "SeekGE" | "SeekGT" | "SeekLE" | "SeekLT"
            | "SeekRowid" | "NotExists" => match innermost {
                None => shape.outside += 1,
                Some((_, _, true)) => shape.in_full += 1,
                Some((_, _, false)) => shape.in_part += 1,
            },
            "Count" => shape.counted_roots.extend(
                program
                    .iter()
                    .find(|open| open.name == "OpenRead" && open.p1 == instruction.p1)
                    .map(|open| open.p2),
            ),
            "Insert" | "IdxInsert" if !private.contains(&instruction.p1) => {
                shape.writes += 1;
                shape.changes += u64::from(instruction.p5 & COUNTS_AS_CHANGE != 0);
            }
            // This one instruction has the flag in its second operand.
            "Delete" if instruction.p2 & COUNTS_AS_CHANGE != 0 && !private.contains(&instruction.p1) => {
                shape.writes += 1;
                shape.changes += 1;
            }
            // A whole table is emptied: every row counts.
            "Clear" if shape.changes == 0 => {
                shape.writes += 1;
                shape.changes += 1;
            }
            "VUpdate" => shape.is_virtual = true,
            _ => {}
        }
    }
    shape
}
