//! What is wrong with a text that is no JSON, in V8's words.
//!
//! Fidelity: V8's `src/json/json-parser.cc`, as workerd 1.20261117.1 answers. Positions count UTF-16 units.

/// Units around the mistake that a message shows.
const CONTEXT: usize = 10;
/// Texts that are quoted whole, because a program meant a value.
const MEANT: &[&str] = &["NaN", "Infinity", "undefined", "[object Object]"];

/// What is wrong, and where.
enum Mistake {
    /// The text ends where more is needed.
    End,
    /// A sentence that names the position.
    At(&'static str, usize),
    /// The unit there fits nothing.
    Token(usize),
}

/// The message for `text`; `None` when it is JSON.
pub(super) fn describe(text: &str) -> Option<String> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut reader = Reader { units: &units, at: 0 };
    let mistake = reader.whole().err()?;
    Some(match mistake {
        Mistake::End => "Unexpected end of JSON input".to_owned(),
        Mistake::At(sentence, at) => {
            let (line, column) = place(&units, at);
            format!("{sentence} in JSON at position {at} (line {line} column {column})")
                .replace(AFTER, "after JSON")
        }
        Mistake::Token(_) if MEANT.contains(&text) => format!("\"{text}\" is not valid JSON"),
        Mistake::Token(at) => unexpected(&units, at),
    })
}

/// The one sentence that says already what it is about.
const AFTER: &str = "after JSON in JSON";

fn unexpected(units: &[u16], at: usize) -> String {
    let text = |from: usize, to: usize| String::from_utf16_lossy(&units[from..to]);
    let token = text(at, at + 1);
    let shown = if units.len() <= 2 * CONTEXT {
        format!("\"{}\"", text(0, units.len()))
    } else if at < CONTEXT {
        format!("\"{}\"...", text(0, at + CONTEXT))
    } else if at < units.len() - CONTEXT {
        format!("...\"{}\"...", text(at - CONTEXT, at + CONTEXT))
    } else {
        format!("...\"{}\"", text(at - CONTEXT, units.len()))
    };
    format!("Unexpected token '{token}', {shown} is not valid JSON")
}

/// Line and column of a unit, from 1.
fn place(units: &[u16], at: usize) -> (usize, usize) {
    let (mut line, mut start) = (1, 0);
    for (index, unit) in units[..at].iter().enumerate() {
        let next = units.get(index + 1);
        if *unit == 10 || (*unit == 13 && (next != Some(&10) || index + 1 >= at)) {
            (line, start) = (line + 1, index + 1);
        }
    }
    (line, at - start + 1)
}

struct Reader<'a> {
    units: &'a [u16],
    at: usize,
}

impl Reader<'_> {
    fn whole(&mut self) -> Result<(), Mistake> {
        // What is open, from the outside; true for objects.
        let mut open: Vec<bool> = Vec::new();
        loop {
            // A value begins.
            match self.next_token() {
                Some(b'{') => {
                    self.at += 1;
                    if self.next_token() == Some(b'}') {
                        self.at += 1;
                    } else {
                        self.name("Expected property name or '}'")?;
                        open.push(true);
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    if self.next_token() == Some(b']') {
                        self.at += 1;
                    } else {
                        open.push(false);
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended.
            loop {
                let token = self.next_token();
                let Some(in_object) = open.last().copied() else {
                    return match token {
                        None if self.at == self.units.len() => Ok(()),
                        _ => Err(Mistake::At("Unexpected non-whitespace character after JSON", self.at)),
                    };
                };
                match (token, in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.name("Expected double-quoted property name")?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    (_, true) => {
                        return Err(Mistake::At("Expected ',' or '}' after property value", self.at));
                    }
                    (_, false) => {
                        return Err(Mistake::At("Expected ',' or ']' after array element", self.at));
                    }
                }
            }
        }
    }

    /// A name and its colon.
    fn name(&mut self, expected: &'static str) -> Result<(), Mistake> {
        if self.next_token() != Some(b'"') {
            return Err(Mistake::At(expected, self.at));
        }
        self.string()?;
        if self.next_token() != Some(b':') {
            return Err(Mistake::At("Expected ':' after property name", self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Mistake> {
        match self.next_token() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ if self.at == self.units.len() => Err(Mistake::End),
            _ => Err(Mistake::Token(self.at)),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Mistake> {
        for expected in word.bytes() {
            match self.peek() {
                Some(unit) if unit == u16::from(expected) => self.at += 1,
                Some(_) => return Err(Mistake::Token(self.at)),
                None => return Err(Mistake::End),
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Mistake> {
        if self.takes(b'-') && !self.is_digit() {
            return Err(Mistake::At("No number after minus sign", self.at));
        }
        if self.takes(b'0') {
            if self.is_digit() {
                return Err(Mistake::At("Unexpected number", self.at));
            }
        } else {
            self.digits();
        }
        if self.takes(b'.') && !self.digits() {
            return Err(Mistake::At("Unterminated fractional number", self.at));
        }
        if self.takes(b'e') || self.takes(b'E') {
            if !self.takes(b'+') {
                self.takes(b'-');
            }
            if !self.digits() {
                return Err(Mistake::At("Exponent part is missing a number", self.at));
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Mistake> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(Mistake::At("Unterminated string", self.at)),
                Some(34) => {
                    self.at += 1;
                    return Ok(());
                }
                Some(92) => self.escape()?,
                Some(0..32) => return Err(Mistake::At("Bad control character in string literal", self.at)),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Mistake> {
        self.at += 1;
        let Some(unit) = self.peek() else { return Err(Mistake::End) };
        match u8::try_from(unit).unwrap_or(0) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(unit) if u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_hexdigit()) => {
                            self.at += 1
                        }
                        _ => return Err(Mistake::At("Bad Unicode escape", self.at)),
                    }
                }
            }
            _ => return Err(Mistake::At("Bad escaped character", self.at)),
        }
        Ok(())
    }

    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    /// The next unit that is no white space, if it is ASCII.
    fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(9 | 10 | 13 | 32)) {
            self.at += 1;
        }
        self.peek().and_then(|unit| u8::try_from(unit).ok())
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(u16::from(byte));
        self.at += usize::from(takes);
        takes
    }

    fn is_digit(&self) -> bool {
        matches!(self.peek(), Some(48..=57))
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.is_digit() {
            self.at += 1;
        }
        self.at > start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_v8s() {
        for (text, expected) in [
            ("", "Unexpected end of JSON input"),
            ("{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
            ("{a:1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
            ("[1,]", "Unexpected token ']', \"[1,]\" is not valid JSON"),
            ("{\"a\":1,}", "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
            ("nope", "Unexpected token 'o', \"nope\" is not valid JSON"),
            ("undefined", "\"undefined\" is not valid JSON"),
            ("\"abc", "Unterminated string in JSON at position 4 (line 1 column 5)"),
            ("1 2", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
            ("{\"a\" 1}", "Expected ':' after property name in JSON at position 5 (line 1 column 6)"),
            ("[1 2]", "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"),
            ("\u{1}", "Unexpected token '\u{1}', \"\u{1}\" is not valid JSON"),
            ("\"\n\"", "Bad control character in string literal in JSON at position 1 (line 1 column 2)"),
            ("\"\\x\"", "Bad escaped character in JSON at position 2 (line 1 column 3)"),
            ("01", "Unexpected number in JSON at position 1 (line 1 column 2)"),
            ("-", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
            ("1e", "Exponent part is missing a number in JSON at position 2 (line 1 column 3)"),
            ("tru", "Unexpected end of JSON input"),
            ("\"\\", "Unexpected end of JSON input"),
            ("\"\\u12", "Bad Unicode escape in JSON at position 5 (line 1 column 6)"),
            ("1.x", "Unterminated fractional number in JSON at position 2 (line 1 column 3)"),
            ("[1", "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)"),
            (
                "[11111111111111111111111111, bad]",
                "Unexpected token 'b', ...\"11111111, bad]\" is not valid JSON",
            ),
            ("<html>aaaaaaaaaaaaaaaaaaaaaaaa", "Unexpected token '<', \"<html>aaaa\"... is not valid JSON"),
            (
                "{\"aaaaaaaaaaaaaaaaaa\": bad, \"bbbbbbbbbbbbbb\":1}",
                "Unexpected token 'b', ...\"aaaaaaa\": bad, \"bbbb\"... is not valid JSON",
            ),
            ("{\"a\":1}x", "Unexpected non-whitespace character after JSON at position 7 (line 1 column 8)"),
            (
                "{\n \"a\": 1\n \"b\": 2}",
                "Expected ',' or '}' after property value in JSON at position 11 (line 3 column 2)",
            ),
        ] {
            assert_eq!(describe(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["1", " {\"a\": [1.5e+3, -0, \"\\u00e9\\n\", true, null, {}, []]} ", "\"é😀\""] {
            assert_eq!(describe(text), None, "{text}");
        }
    }
}
