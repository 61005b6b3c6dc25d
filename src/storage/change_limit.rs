//! `UPDATE` and `DELETE` with `ORDER BY` and `LIMIT`, which the bundled SQLite's parser does not know.
//!
//! The platform's parser is generated with `SQLITE_ENABLE_UPDATE_DELETE_LIMIT`; there SQLite itself turns
//! `DELETE FROM t WHERE w ORDER BY o LIMIT l` into `DELETE FROM t WHERE rowid IN (SELECT rowid FROM t WHERE w
//! ORDER BY o LIMIT l)`. This file writes that text, for statements that the parser has refused.
//!
//! Deviation: views and `UPDATE … FROM` are refused by name.

use super::tokens::{Token, tokens};

/// A change with a limit, taken apart. All positions are bytes of the text it was read from.
#[derive(Debug)]
pub struct LimitedChange<'a> {
    sql: &'a str,
    tokens: Vec<Token<'a>>,
    /// Bytes of the text up to the end of the statement, with its semicolon.
    pub length: usize,
    terminator: Option<usize>,
    table: [usize; 2],
    name: usize,
    set: [usize; 2],
    condition: [usize; 2],
    returning: [usize; 2],
    tail: [usize; 2],
}

/// Why a change with a limit cannot be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It has an order but no limit; says what kind of statement it is.
    OrderAlone(&'static str),
    /// It is right, but nothing here can run it.
    Unsupported,
}

/// The text that does the same without a limit of its own.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// One statement without a semicolon.
    pub text: String,
    /// Beginnings in `text`, lengths, and beginnings in the text before.
    pieces: Vec<[usize; 3]>,
}

impl Rewritten {
    /// Where the byte `at` of the new text was in the one before, if it was there.
    pub fn original(&self, at: usize) -> Option<usize> {
        let piece = self.pieces.iter().find(|[start, length, _]| (*start..start + length).contains(&at));
        piece.map(|[start, _, before]| at - start + before)
    }

    fn keep(&mut self, text: &str, before: usize) {
        self.add(" ");
        self.pieces.push([self.text.len(), text.len(), before]);
        self.text.push_str(text);
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

impl<'a> LimitedChange<'a> {
    /// Takes the first statement of `sql` apart; `None` if it is not a change with an order or a limit.
    pub fn parse(sql: &'a str) -> Option<Result<Self, Unfit>> {
        let mut tokens = tokens(sql);
        let end = tokens.iter().position(|token| token.text == ";").unwrap_or(tokens.len());
        let terminator = tokens.get(end).map(|token| token.at);
        tokens.truncate(end);
        let mut depth = 0usize;
        let mut outside = Vec::with_capacity(tokens.len());
        for token in &tokens {
            if token.text == ")" {
                depth = depth.checked_sub(1)?;
            }
            outside.push(depth == 0);
            depth += usize::from(token.text == "(");
        }
        if depth != 0 {
            return None;
        }
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(word));
        let find = |from: usize, words: &[&str]| {
            (from..tokens.len())
                .find(|&at| outside[at] && words.iter().any(|word| is(at, word)))
                .unwrap_or(tokens.len())
        };
        let verb = find(0, &["delete", "update", "select", "insert", "replace", "values", "create"]);
        let (kind, start) = if is(verb, "delete") && is(verb + 1, "from") {
            ("DELETE", verb + 2)
        } else if is(verb, "update") {
            ("UPDATE", if is(verb + 1, "or") { verb + 3 } else { verb + 1 })
        } else {
            return None;
        };
        const CLAUSES: [&str; 4] = ["where", "returning", "order", "limit"];
        let table_end = if kind == "UPDATE" { find(start, &["set"]) } else { find(start, &CLAUSES) };
        let first = find(table_end, &CLAUSES);
        let second = if is(first, "where") { find(first, &CLAUSES[1..]) } else { first };
        let tail = if is(second, "returning") { find(second, &CLAUSES[2..]) } else { second };
        if tail == tokens.len() || start >= table_end {
            return None;
        }
        if is(tail, "order") && find(tail, &["limit"]) == tokens.len() {
            return Some(Err(Unfit::OrderAlone(kind)));
        }
        let name =
            if tokens.get(start + 1).is_some_and(|token| token.text == ".") { start + 2 } else { start };
        let joins = (table_end..first).any(|at| outside[at] && is(at, "from") && !is(at - 1, "distinct"));
        let change = Self {
            sql,
            length: terminator.map_or(sql.len(), |at| at + 1),
            terminator,
            table: [start, table_end],
            name,
            set: [table_end, first],
            condition: [first, second],
            returning: [second, tail],
            tail: [tail, tokens.len()],
            tokens,
        };
        let renumbers = change.parameters(change.returning) > 0 && !change.has_only_plain_parameters();
        Some(if joins || renumbers || name >= table_end { Err(Unfit::Unsupported) } else { Ok(change) })
    }

    /// The name of the table as it is written.
    pub fn table(&self) -> &'a str {
        self.tokens[self.name].text
    }

    /// Where the semicolon is.
    pub fn terminator(&self) -> Option<usize> {
        self.terminator
    }

    /// The statement with its rows chosen by a selection of their `key`: the columns, ready for SQL.
    pub fn rewritten(&self, key: &[String]) -> Rewritten {
        let columns = key.join(", ");
        let mut out = Rewritten::default();
        let numbered = self.parameters(self.returning) > 0;
        let named = self.table_without_index();
        self.copy(&mut out, [0, self.table[0]], numbered);
        self.copy(&mut out, named, numbered);
        self.copy(&mut out, self.set, numbered);
        out.add(&if key.len() == 1 {
            format!(" WHERE {columns} IN (")
        } else {
            format!(" WHERE ({columns}) IN (")
        });
        out.add(&format!("SELECT {columns} FROM"));
        self.copy(&mut out, self.table, numbered);
        self.copy(&mut out, self.condition, numbered);
        self.copy(&mut out, self.tail, numbered);
        out.add(")");
        self.copy(&mut out, self.returning, numbered);
        out
    }

    /// The table with its alias, but without `INDEXED BY` and `NOT INDEXED`, which are for the selection.
    fn table_without_index(&self) -> [usize; 2] {
        let [start, end] = self.table;
        let hint = (start..end).find(|&at| {
            at > self.name && (self.tokens[at].is_word("indexed") || self.tokens[at].is_word("not"))
        });
        [start, hint.unwrap_or(end)]
    }

    /// Copies tokens with what is between them; gives plain parameters the numbers that they have now.
    fn copy(&self, out: &mut Rewritten, [from, to]: [usize; 2], numbered: bool) {
        let Some(range) = self.tokens.get(from..to).filter(|range| !range.is_empty()) else { return };
        let last = range[range.len() - 1];
        let end = last.at + last.text.len();
        let mut at = range[0].at;
        for (index, token) in range.iter().enumerate().filter(|(_, token)| numbered && token.text == "?") {
            out.keep(&self.sql[at..token.at], at);
            let number = self.parameters([0, from + index + 1]);
            out.keep(&format!("?{number}"), token.at);
            at = token.at + 1;
        }
        if at < end {
            out.keep(&self.sql[at..end], at);
        }
    }

    fn parameters(&self, [from, to]: [usize; 2]) -> usize {
        self.tokens[from..to].iter().filter(|token| ["?", ":", "@", "$"].contains(&token.text)).count()
    }

    fn has_only_plain_parameters(&self) -> bool {
        self.tokens.iter().enumerate().all(|(index, token)| match token.text {
            ":" | "@" | "$" => false,
            "?" => {
                let next = self.tokens.get(index + 1).filter(|next| next.at == token.at + 1);
                !next.is_some_and(|next| next.text.starts_with(|c: char| c.is_ascii_digit()))
            }
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(sql: &str) -> String {
        let change =
            LimitedChange::parse(sql).expect("a change with a limit").expect("one that can be rewritten");
        let text = change.rewritten(&["rowid".to_owned()]).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_limit_becomes_one_of_a_selection() {
        for (sql, expected) in [
            ("DELETE FROM t LIMIT 1;", "DELETE FROM t WHERE rowid IN (SELECT rowid FROM t LIMIT 1)"),
            (
                "UPDATE OR IGNORE main.t AS x INDEXED BY i SET a = 1 WHERE b ORDER BY c LIMIT ? OFFSET 2",
                "UPDATE OR IGNORE main.t AS x SET a = 1 WHERE rowid IN (SELECT rowid FROM main.t AS x INDEXED BY i \
                 WHERE b ORDER BY c LIMIT ? OFFSET 2)",
            ),
            (
                "UPDATE t SET a = ? RETURNING a + ? ORDER BY a LIMIT ?",
                "UPDATE t SET a = ?1 WHERE rowid IN (SELECT rowid FROM t ORDER BY a LIMIT ?3) RETURNING a + ?2",
            ),
            (
                "WITH c AS (SELECT 1 LIMIT 1) DELETE FROM t WHERE a IS DISTINCT FROM 2 LIMIT 1 -- end",
                "WITH c AS (SELECT 1 LIMIT 1) DELETE FROM t WHERE rowid IN (SELECT rowid FROM t WHERE a IS DISTINCT \
                 FROM 2 LIMIT 1)",
            ),
        ] {
            assert_eq!(rewritten(sql), expected, "{sql}");
        }
    }

    #[test]
    fn other_statements_are_left_alone() {
        for sql in [
            "",
            "SELECT 1 LIMIT 1",
            "DELETE FROM t WHERE a IN (SELECT 1 LIMIT 1)",
            "INSERT INTO t SELECT 1 LIMIT 1",
            "WITH c AS (DELETE FROM t) SELECT 1 LIMIT 1",
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t LIMIT 1; END",
            "DELETE FROM t) LIMIT 1",
            "DELETE FROM LIMIT 1",
        ] {
            assert!(LimitedChange::parse(sql).is_none(), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_rewritten_is_known() {
        for (sql, expected) in [
            ("DELETE FROM t ORDER BY a", Unfit::OrderAlone("DELETE")),
            ("UPDATE t SET a = 1 ORDER BY a", Unfit::OrderAlone("UPDATE")),
            ("UPDATE t SET a = 1 FROM b LIMIT 1", Unfit::Unsupported),
            ("UPDATE t SET a = ?2 RETURNING ? LIMIT 1", Unfit::Unsupported),
        ] {
            assert_eq!(LimitedChange::parse(sql).expect("a change").unwrap_err(), expected, "{sql}");
        }
    }

    #[test]
    fn places_in_the_new_text_are_found_in_the_old() {
        let sql = "DELETE FROM t ORDER BY ghost LIMIT 1";
        let change = LimitedChange::parse(sql).unwrap().unwrap();
        let new = change.rewritten(&["rowid".to_owned()]);
        assert_eq!(new.original(new.text.find("ghost").unwrap()), sql.find("ghost"));
        assert_eq!(new.original(new.text.find(')').unwrap()), None);
    }
}
