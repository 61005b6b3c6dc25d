//! How many rows a statement has read and written, as the platform bills them.
//!
//! The platform's SQLite is patched to count; the stock one counts only the steps of loops. The rest
//! is worked out, when somebody asks, from the statement's program: which cursors it positions, in
//! which loop, and how many entries it writes per row.
//!
//! Fidelity: `patches/sqlite/0001-row-counts-plain.patch` of workerd names the instructions that
//! count.
//!
//! Deviation: the stock library does not tell the steps of one loop from those of another, so that figures are
//! estimates for these (80 statements were compared with workerd 1.20261117.1; read/written there and here):
//! loops over whole tables inside of others (`SELECT * FROM a, b`: 35/0, 60/0), correlated subqueries (35/0, 60/0),
//! `min()` by an index (1/0, 2/0), recursive queries (11/0, 1/0), joins with a materialized query (10/0, 7/0),
//! `json_each` (3/0, 0/0) and full-text search (2/0, 0/0), `REPLACE` of a row by its id (1/2, 2/2), `ON CONFLICT DO UPDATE` (1/1,
//! 1/2), triggers and foreign key actions (19/6, 42/6), `CREATE TABLE … AS` and `CREATE INDEX` on rows.

use std::cell::OnceCell;

use super::failure::SqliteFailure;
use super::guard;
use super::sqlite::{Database, Statement};
use super::value::ValueRef;

/// Flag of instructions that change the number that `changes()` gives.
const COUNTS_AS_CHANGE: i64 = 1;

/// Steps of a statement's loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoopSteps {
    /// Of loops over whole tables.
    pub full: u64,
    /// Of loops over parts of an index or table.
    pub part: u64,
}

impl LoopSteps {
    /// The steps of the current run of `statement`.
    pub fn of(statement: &Statement) -> Self {
        let [full, part] = statement.loop_steps();
        Self { full, part }
    }
}

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

    /// Rows read after `steps`.
    pub fn rows_read(&self, database: &Database, steps: LoopSteps) -> u64 {
        let shape = self.shape(database);
        let counted: u64 = shape.counted_roots.iter().map(|root| entries(database, *root)).sum();
        steps.full
            + steps.part
            + shape.outside
            + shape.in_full * (steps.full + 1)
            + shape.in_part * (steps.part + 1)
            + counted
    }

    /// Looks at the program before it runs, where that cannot be done later: what defines tables cannot be compiled
    /// twice.
    pub fn look_ahead(&self, database: &Database) {
        if ["create", "alter", "drop"].iter().any(|word| guard::first_word_is(&self.sql, word)) {
            self.shape(database);
        }
    }

    /// Rows written, where `changes` rows were changed.
    pub fn rows_written(&self, database: &Database, changes: Changes) -> u64 {
        let shape = self.shape(database);
        if shape.is_virtual {
            return changes.own;
        }
        let changes = changes.all;
        if shape.changes == 0 { shape.writes } else { (changes * shape.writes).div_ceil(shape.changes) }
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

/// Entries of the table or index at the page `root`.
fn entries(database: &Database, root: i64) -> u64 {
    let count = || -> Result<Option<i64>, SqliteFailure> {
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
