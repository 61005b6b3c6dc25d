//! Columns that fit into a terminal: the widest ones are cut first, and a cut is marked.

use owo_colors::{OwoColorize, Style as Paint};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Blanks between two columns.
const GAP: usize = 2;
/// A column is never cut below this.
const LEAST: usize = 4;

/// A table to be drawn.
#[derive(Debug, Default)]
pub struct Table {
    heads: Vec<String>,
    right: Vec<bool>,
    /// Columns that are cut only when nothing else is left to cut.
    whole: Vec<bool>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// With these heads; columns whose head ends in `>` stand right, those with `!` say nothing when they are cut.
    pub fn new(heads: &[&str]) -> Self {
        Self {
            right: heads.iter().map(|head| head.ends_with('>')).collect(),
            whole: heads.iter().map(|head| head.ends_with('!')).collect(),
            heads: heads.iter().map(|head| head.trim_end_matches(['>', '!']).to_owned()).collect(),
            rows: Vec::new(),
            indent: 0,
        }
    }

    /// With heads as they are, and which of them stand right.
    pub fn with_heads(heads: Vec<String>, right: Vec<bool>) -> Self {
        Self { whole: vec![false; heads.len()], heads, right, rows: Vec::new(), indent: 0 }
    }

    /// Blanks in front of every line.
    #[must_use]
    pub fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| visible(cell)).collect());
    }

    /// The lines, at most `width` columns wide if there is a limit.
    pub fn draw(&self, width: Option<usize>, colour: bool) -> String {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if let Some(width) = width {
            let gaps = GAP * widths.len().saturating_sub(1) + self.indent;
            narrow(&mut widths, &self.whole, width.saturating_sub(gaps));
        }
        let mut out = String::new();
        if self.heads.iter().any(|head| !head.is_empty()) {
            let line = self.line(&self.heads, &widths);
            out.push_str(&if colour { line.style(Paint::new().dimmed()).to_string() } else { line });
            out.push('\n');
        }
        for row in &self.rows {
            out.push_str(&self.line(row, &widths));
            out.push('\n');
        }
        out
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = " ".repeat(self.indent);
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = cut(cell, *width);
            let fill = " ".repeat(width.saturating_sub(cell.width()));
            if self.right.get(index) == Some(&true) {
                line.push_str(&fill);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&fill);
            }
        }
        line.trim_end().to_owned()
    }
}

/// Cuts the widest of `widths` until their sum is at most `room`, but none below a few columns; those that are to stay `whole` last.
fn narrow(widths: &mut [usize], whole: &[bool], room: usize) {
    for cuts_all in [false, true] {
        let may_be_cut = |index: usize| cuts_all || whole.get(index) != Some(&true);
        loop {
            let over = widths.iter().sum::<usize>().saturating_sub(room);
            let open =
                || widths.iter().enumerate().filter(|(index, _)| may_be_cut(*index)).map(|(_, width)| *width);
            let widest = open().max().unwrap_or(0);
            if over == 0 || widest <= LEAST {
                break;
            }
            let next = open().filter(|width| *width < widest).max().unwrap_or(0).max(LEAST);
            let count = open().filter(|width| *width == widest).count();
            let step = (widest - next).min(over.div_ceil(count)).max(1);
            for (index, width) in widths.iter_mut().enumerate() {
                if may_be_cut(index) && *width == widest {
                    *width -= step;
                }
            }
        }
    }
}

/// `text` in at most `width` columns.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let columns = letter.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        out.push(letter);
    }
    out.push('…');
    out
}

/// Text without line breaks and other control characters, which would tear a table.
pub fn visible(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// A number of bytes as people read it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..10_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        10_000..1_000_000 => format!("{} KB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// `1 object`, `2 objects`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_cut_last() {
        let mut table = Table::new(&["time!", "cause"]);
        table.row(vec!["2026-11-22T10:00:00.123Z".to_owned(), "x".repeat(20)]);
        assert_eq!(table.draw(Some(34), false).lines().last(), Some("2026-11-22T10:00:00.123Z  xxxxxxx…"));
        assert_eq!(table.draw(Some(20), false).lines().last(), Some("2026-11-22T10…  xxx…"));
    }

    #[test]
    fn the_widest_columns_are_cut_first() {
        let mut table = Table::new(&["A", "N>", "LONG"]);
        table.row(vec!["ab".to_owned(), "7".to_owned(), "x".repeat(30)]);
        table.row(vec!["漢字\n".to_owned(), "1234".to_owned(), "y".to_owned()]);
        let drawn = table.draw(Some(24), false);
        assert_eq!(drawn, "A          N  LONG\nab         7  xxxxxxxxx…\n漢字\\n  1234  y\n");
        assert!(drawn.lines().all(|line| line.width() <= 24));
        assert_eq!(table.draw(None, false).lines().map(UnicodeWidthStr::width).max(), Some(44));
    }

    #[test]
    fn sizes_have_few_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (4_096, "4.1 KB"),
            (12_288, "12 KB"),
            (5_300_000, "5.3 MB"),
            (7_000_000_000, "7.0 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
