//! The tokens of SQL, as far as looking for words outside of names, literals and comments needs them.

/// One token and where it begins, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl Token<'_> {
    /// Whether it is this word, in any case and not quoted.
    pub fn is_word(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// The tokens of `sql` without white space and comments. A doubled quote ends one token and begins the next.
pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end_of = |close: &str, from: usize| {
            rest[from..].find(close).map_or(rest.len(), |at| from + at + close.len())
        };
        let (length, is_token) = match first {
            _ if first.is_whitespace() => (first.len_utf8(), false),
            '-' if rest.starts_with("--") => (end_of("\n", 2), false),
            '/' if rest.starts_with("/*") => (end_of("*/", 2), false),
            '"' | '`' | '\'' => (end_of(&first.to_string(), 1), true),
            '[' => (end_of("]", 1), true),
            _ if first.is_alphanumeric() || first == '_' || !first.is_ascii() => {
                let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
                (rest.find(|c| !word(c)).unwrap_or(rest.len()), true)
            }
            _ => (first.len_utf8(), true),
        };
        if is_token {
            tokens.push(Token { text: &rest[..length], at: sql.len() - rest.len() });
        }
        rest = &rest[length..];
    }
    tokens
}
