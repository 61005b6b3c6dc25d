//! `UPDATE` and `DELETE` with `ORDER BY` and `LIMIT`, which the parser of SQLite's amalgamation does not know.
//!
//! The platform's parser is generated with `SQLITE_ENABLE_UPDATE_DELETE_LIMIT`. Here the functions behind the parser are compiled
//! with it (`build/sqlite.c`), and take both from a condition of the form `"dodev limit"(condition, (SELECT 1 ORDER BY o LIMIT
//! l))`, or from the end of what is returned. This file writes that, for statements that the parser has refused.

use super::tokens::{Token, tokens};

/// The name that the condition is known by.
const NAME: &str = "\"dodev limit\"";

/// A change with a limit, taken apart. All positions are bytes of the text it was read from.
#[derive(Debug)]
pub struct LimitedChange<'a> {
    sql: &'a str,
    tokens: Vec<Token<'a>>,
    /// Bytes of the text up to the end of the statement, with its semicolon.
    pub length: usize,
    terminator: Option<usize>,
    condition: [usize; 2],
    returns: bool,
    tail: usize,
}

/// The text that does the same.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// One statement without a semicolon.
    pub text: String,
    /// Beginnings in `text`, lengths, and beginnings in the text before.
    pieces: Vec<[usize; 3]>,
}

/// Where something of the new text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From this byte of the text before.
    Old(usize),
    /// Added before the order and limit.
    Before,
    /// Added behind them.
    Behind,
}

impl Rewritten {
    /// Where the byte `at` of the new text comes from.
    pub fn origin(&self, at: usize) -> Origin {
        let piece = self.pieces.iter().find(|[start, length, _]| (*start..start + length).contains(&at));
        match (piece, self.pieces.last()) {
            (Some([start, _, before]), _) => Origin::Old(at - start + before),
            (None, Some([last, ..])) if at > *last => Origin::Behind,
            _ => Origin::Before,
        }
    }

    fn keep(&mut self, text: &str, before: usize) {
        self.pieces.push([self.text.len(), text.len(), before]);
        self.text.push_str(text);
    }
}

impl<'a> LimitedChange<'a> {
    /// Takes the first statement of `sql` apart; `None` if it is not a change with an order or a limit.
    pub fn parse(sql: &'a str) -> Option<Self> {
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
        let start = if is(verb, "delete") && is(verb + 1, "from") {
            verb + 2
        } else if is(verb, "update") {
            if is(verb + 1, "or") { verb + 3 } else { verb + 1 }
        } else {
            return None;
        };
        const CLAUSES: [&str; 4] = ["where", "returning", "order", "limit"];
        let table_end = if is(verb, "update") { find(start, &["set"]) } else { find(start, &CLAUSES) };
        let first = find(table_end, &CLAUSES);
        let second = if is(first, "where") { find(first, &CLAUSES[1..]) } else { first };
        let tail = if is(second, "returning") { find(second, &CLAUSES[2..]) } else { second };
        if tail == tokens.len() || start >= table_end {
            return None;
        }
        // A comma would begin the next argument; the parser refuses it as well.
        if (first..second).any(|at| outside[at] && tokens[at].text == ",") {
            return None;
        }
        Some(Self {
            sql,
            length: terminator.map_or(sql.len(), |at| at + 1),
            terminator,
            condition: [first, second],
            returns: second < tail,
            tail,
            tokens,
        })
    }

    /// Where the order or the limit begins.
    pub fn tail(&self) -> usize {
        self.tokens[self.tail].at
    }

    /// Where the semicolon is.
    pub fn terminator(&self) -> Option<usize> {
        self.terminator
    }

    /// The statement with its order and limit where they are looked for.
    pub fn rewritten(&self) -> Rewritten {
        let mut out = Rewritten::default();
        let end = |token: usize| self.tokens[token].at + self.tokens[token].text.len();
        let [from, to] = self.condition;
        let tail = self.tail();
        if self.returns {
            let returned = end(self.tail - 1);
            out.keep(&self.sql[..returned], 0);
            out.text += ", ";
        } else {
            let head = end(from - 1);
            out.keep(&self.sql[..head], 0);
            out.text += " WHERE ";
        }
        out.text += NAME;
        out.text += "(";
        if !self.returns && from < to {
            let condition = end(from);
            out.keep(&self.sql[condition..end(to - 1)], condition);
            out.text += ", ";
        }
        out.text += "(SELECT 1 ";
        out.keep(&self.sql[tail..end(self.tokens.len() - 1)], tail);
        out.text += "))";
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_becomes_a_part_of_the_condition_or_of_what_is_returned() {
        for (sql, expected) in [
            ("DELETE FROM t LIMIT 1;", "DELETE FROM t WHERE \"dodev limit\"((SELECT 1 LIMIT 1))"),
            (
                "UPDATE OR IGNORE main.t AS x INDEXED BY i SET a = 1 FROM y WHERE b OR c ORDER BY c LIMIT ? OFFSET 2",
                "UPDATE OR IGNORE main.t AS x INDEXED BY i SET a = 1 FROM y WHERE \"dodev limit\"( b OR c, (SELECT 1 \
                 ORDER BY c LIMIT ? OFFSET 2))",
            ),
            (
                "UPDATE t SET a = ? WHERE b RETURNING a + ?, :b ORDER BY a LIMIT ?",
                "UPDATE t SET a = ? WHERE b RETURNING a + ?, :b, \"dodev limit\"((SELECT 1 ORDER BY a LIMIT ?))",
            ),
            (
                "WITH c AS (SELECT 1 LIMIT 1) DELETE FROM t WHERE a IS DISTINCT FROM 2 LIMIT 1 -- end",
                "WITH c AS (SELECT 1 LIMIT 1) DELETE FROM t WHERE \"dodev limit\"( a IS DISTINCT FROM 2, (SELECT 1 \
                 LIMIT 1))",
            ),
            ("DELETE FROM t ORDER BY a", "DELETE FROM t WHERE \"dodev limit\"((SELECT 1 ORDER BY a))"),
        ] {
            let change = LimitedChange::parse(sql).expect("a change with a limit");
            assert_eq!(change.rewritten().text, expected, "{sql}");
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
            "DELETE FROM t WHERE a, b LIMIT 1",
        ] {
            assert!(LimitedChange::parse(sql).is_none(), "{sql}");
        }
    }

    #[test]
    fn places_in_the_new_text_are_found_in_the_old() {
        let sql = "DELETE FROM t WHERE a ORDER BY ghost LIMIT 1";
        let change = LimitedChange::parse(sql).unwrap();
        let new = change.rewritten();
        let origin = |part: &str| new.origin(new.text.find(part).unwrap());
        assert_eq!(origin("ghost"), Origin::Old(sql.find("ghost").unwrap()));
        assert_eq!(origin("dodev"), Origin::Before);
        assert_eq!(origin("))"), Origin::Behind);
    }
}
