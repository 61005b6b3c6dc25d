//! Text of the program on a terminal: colours stay, what would move the cursor, clear or rename the terminal is shown as text.

use std::borrow::Cow;
use std::fmt::Write;

/// Ends all colours.
const RESET: &str = "\x1b[0m";

/// `text`, which a Worker logged and which may come from anywhere, so that it leaves the terminal as it was.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + RESET.len());
    let mut rest = text;
    let mut is_coloured = false;
    while let Some(letter) = rest.chars().next() {
        let length = colour_length(rest);
        if length > 0 {
            shown.push_str(&rest[..length]);
            is_coloured = !matches!(&rest[..length], RESET | "\x1b[m");
            rest = &rest[length..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' if rest.starts_with('\n') => {}
            '\n' | '\t' => shown.push(letter),
            '\r' => shown.push_str("\\r"),
            '\u{8}' => shown.push_str("\\b"),
            control if control.is_control() => {
                write!(shown, "\\x{:02x}", u32::from(control)).expect("strings take text");
            }
            letter => shown.push(letter),
        }
    }
    if is_coloured {
        shown.push_str(RESET);
    }
    Cow::Owned(shown)
}

/// Bytes of the sequence for a colour, or another look of letters, that `text` begins with.
fn colour_length(text: &str) -> usize {
    let Some(numbers) = text.strip_prefix("\x1b[") else { return 0 };
    let end = numbers.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
    match end.filter(|end| numbers[*end..].starts_with('m')) {
        Some(end) => "\x1b[".len() + end + 1,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_the_rest_is_shown() {
        for (text, expected) in [
            ("plain\n\ttext é 😀", "plain\n\ttext é 😀"),
            ("\x1b[1;38:5:9mred\x1b[0m", "\x1b[1;38:5:9mred\x1b[0m"),
            ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
            ("\x1b[2J\x1b[H\x1b]0;title\x07", "\\x1b[2J\\x1b[H\\x1b]0;title\\x07"),
            ("a\r\nb\rc\u{8}\0\u{9b}2J\x7f\x1b", "a\nb\\rc\\b\\x00\\x9b2J\\x7f\\x1b"),
            ("\x1b[31", "\\x1b[31"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
