//! The text around a mistake with long lines shortened to what is of interest, so that it fits a terminal.
//!
//! A configuration on one line, or a bundle, has lines of thousands of columns; drawn whole, nobody finds the
//! arrow. What is left out is marked by `…`, and the place in the heading stays that of the file.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Columns that a line may have before something is left out.
const COLUMNS: usize = 70;
/// Columns that are kept before and after a place: as many of these as the line has room for.
const AROUND: &[(usize, usize)] = &[(48, 24), (36, 18), (24, 12), (16, 8)];
/// Columns of a long place that are kept at its start and end.
const START: usize = 28;
const END: usize = 14;
/// What stands for what is left out.
const GAP: &str = "…";

/// A source with its long lines shortened.
#[derive(Debug)]
pub struct Excerpt {
    name: String,
    text: String,
    /// Of every shortened place: its offset in the text and its one-based column in the file.
    columns: Vec<(usize, usize)>,
}

impl Excerpt {
    /// `text` of the file `name`, and where the places `spans` of it are then.
    pub fn new(name: String, text: &str, spans: &[Range<usize>]) -> (Self, Vec<Range<usize>>) {
        let mut excerpt = Self { name, text: String::with_capacity(text.len()), columns: Vec::new() };
        let mut moved: Vec<Range<usize>> = spans.to_vec();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let inside: Vec<usize> =
                (0..spans.len()).filter(|&index| (start..end).contains(&spans[index].start)).collect();
            let ends_inside: Vec<usize> =
                (0..spans.len()).filter(|&index| (start + 1..=end).contains(&spans[index].end)).collect();
            let crosses = inside != ends_inside && !(inside.is_empty() && ends_inside.is_empty());
            let places: Vec<Range<usize>> =
                inside.iter().map(|&i| spans[i].start - start..spans[i].end - start).collect();
            let kept = match crosses || line.chars().count() <= COLUMNS {
                true => std::iter::once(0..line.len()).collect(),
                false => best(line, &places),
            };
            let at = excerpt.text.len();
            let map = |offset: usize| at + shifted(&kept, offset);
            for &index in &inside {
                moved[index].start = map(spans[index].start - start);
                let column = line[..spans[index].start - start].chars().count() + 1;
                excerpt.columns.push((moved[index].start, column));
            }
            for &index in &ends_inside {
                moved[index].end = map(spans[index].end - start);
            }
            excerpt.append(line, &kept);
            start = end;
        }
        // A place behind the last line.
        for (span, moved) in spans.iter().zip(&mut moved).filter(|(span, _)| span.start >= start) {
            *moved = excerpt.text.len()..excerpt.text.len() + span.len();
        }
        (excerpt, moved)
    }

    fn append(&mut self, line: &str, kept: &[Range<usize>]) {
        let mut done = 0;
        for range in kept {
            if range.start > done {
                self.text.push_str(GAP);
            }
            self.text.push_str(&line[range.clone()]);
            done = range.end;
        }
        if done < line.len() {
            self.text.push_str(GAP);
            if line.ends_with('\n') {
                self.text.push('\n');
            }
        }
    }
}

/// The parts of `line` to keep so that it fits, if it can.
fn best(line: &str, places: &[Range<usize>]) -> Vec<Range<usize>> {
    let all = AROUND.iter().map(|around| kept(line, places, *around));
    let fits = |kept: &Vec<Range<usize>>| {
        kept.iter().map(|range| line[range.clone()].chars().count() + 1).sum::<usize>() <= COLUMNS
    };
    let mut last = Vec::new();
    for kept in all {
        last = kept;
        if fits(&last) {
            break;
        }
    }
    last
}

/// The parts of `line` that are of interest because of `places`, in order and apart; of what is `around` them so
/// many columns before and after.
fn kept(line: &str, places: &[Range<usize>], around: (usize, usize)) -> Vec<Range<usize>> {
    let back = |from: usize, columns: usize| {
        line[..from].char_indices().rev().nth(columns.saturating_sub(1)).map_or(0, |(index, _)| index)
    };
    let forth = |from: usize, columns: usize| {
        line[from..].char_indices().nth(columns).map_or(line.len(), |(index, _)| from + index)
    };
    let mut wanted: Vec<Range<usize>> = Vec::new();
    for place in places {
        let (start, end) = (back(place.start, around.0), forth(place.end, around.1));
        if line[place.clone()].chars().count() > START + END + 1 {
            wanted.push(start..forth(place.start, START));
            wanted.push(back(place.end, END)..end);
        } else {
            wanted.push(start..end);
        }
    }
    if places.is_empty() {
        wanted.push(0..forth(0, COLUMNS));
    }
    wanted.sort_by_key(|range| range.start);
    let mut kept: Vec<Range<usize>> = Vec::new();
    for range in wanted {
        match kept.last_mut() {
            Some(last) if range.start <= last.end + 1 => last.end = last.end.max(range.end),
            _ => kept.push(range),
        }
    }
    kept
}

/// Where `offset` of a line is when only `kept` of it is left.
fn shifted(kept: &[Range<usize>], offset: usize) -> usize {
    let (mut length, mut done) = (0, 0);
    for range in kept {
        if range.start > done {
            length += GAP.len();
        }
        if offset <= range.end {
            return length + offset.saturating_sub(range.start);
        }
        length += range.len();
        done = range.end;
    }
    length
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, lines_before, lines_after)?;
        let known = self.columns.iter().find(|(offset, _)| *offset == span.offset());
        // Without lines around it, the place is read for the heading.
        let column = match known {
            Some((_, column)) if lines_before + lines_after == 0 => column - 1,
            _ => contents.column(),
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            column,
            contents.line_count(),
        )))
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one place is one range")]
mod tests {
    use super::*;

    #[test]
    fn long_lines_keep_what_is_of_interest() {
        let long = "x".repeat(100);
        for (text, place, expected) in [
            ("ab\ncd\n".to_owned(), "cd", "ab\ncd\n".to_owned()),
            (format!("{long}@{long}"), "@", format!("…{}@{}…", &long[..36], &long[..18])),
            (format!("@{long}\n"), "@", format!("@{}…\n", &long[..24])),
            (format!("{long}\n@\n"), "@", format!("{}…\n@\n", &long[..70])),
            (
                format!("{long}@{}@", "y".repeat(80)),
                &format!("@{}@", "y".repeat(80)),
                format!("…{}@{}…{}@", &long[..24], "y".repeat(27), "y".repeat(13)),
            ),
        ] {
            let start = text.find(place).unwrap();
            let (excerpt, moved) = Excerpt::new("a".into(), &text, &[start..start + place.len()]);
            assert_eq!(excerpt.text, expected);
            let seen = &excerpt.text[moved[0].clone()];
            assert!(seen.starts_with(&place[..1]) && seen.ends_with(&place[place.len() - 1..]), "{seen}");
            let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
            let span = (moved[0].start, moved[0].len()).into();
            assert_eq!(excerpt.read_span(&span, 0, 0).unwrap().column(), start - line_start);
        }
    }

    #[test]
    fn places_that_cross_lines_or_lie_behind_the_text_stay() {
        let text = format!("{}\n{}\n", "a".repeat(90), "b".repeat(90));
        let (excerpt, moved) = Excerpt::new("a".into(), &text, &[3..100]);
        assert_eq!((excerpt.text, moved), (text.clone(), vec![3..100]));
        let (_, moved) = Excerpt::new("a".into(), "ab\n", &[3..3]);
        assert_eq!(moved, [3..3]);
    }
}
