//! `.assetsignore`: patterns of files that are no assets, in the language of `.gitignore`.
//!
//! Fidelity: wrangler 4.164.0 reads it with the npm package `ignore` 5.3.1: letters match in either case, and nothing below
//! an ignored directory comes back by a negative pattern.

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    negative: bool,
    /// It stands for directories only.
    directories: bool,
    /// It is compared with the whole path, not with the end of it.
    anchored: bool,
    glob: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `**/`: any number of directories.
    Directories,
    /// `/**` at the end: anything inside.
    Inside,
    /// `[…]`; a `!` or `^` in it is a character like others.
    Class(Vec<(char, char)>),
}

/// The patterns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignore(Vec<Rule>);

impl Ignore {
    /// The patterns of the file `text`; `None` stands for no file. The rule files themselves are always ignored.
    pub fn parse(text: Option<&str>) -> Self {
        let own = [super::IGNORE_FILE, super::REDIRECTS_FILE, super::HEADERS_FILE];
        let own = own.map(|name| format!("/{name}"));
        let lines = own.iter().map(String::as_str).chain(text.unwrap_or_default().lines());
        Self(lines.filter_map(rule).collect())
    }

    /// Whether the file at `path`, relative and with slashes, is no asset.
    pub fn is_ignored(&self, path: &str) -> bool {
        let mut ends = path.match_indices('/').map(|(at, _)| &path[..=at]);
        ends.any(|directory| self.judge(directory)) || self.judge(path)
    }

    /// A directory ends with a slash.
    fn judge(&self, path: &str) -> bool {
        let (name, is_directory) = match path.strip_suffix('/') {
            Some(name) => (name, true),
            None => (path, false),
        };
        let text: Vec<char> = name.to_lowercase().chars().collect();
        let mut ignored = false;
        for rule in &self.0 {
            if ignored == rule.negative && (is_directory || !rule.directories) && rule.fits(&text) {
                ignored = !rule.negative;
            }
        }
        ignored
    }
}

impl Rule {
    fn fits(&self, text: &[char]) -> bool {
        if self.anchored {
            return fits(&self.glob, text);
        }
        let starts = text.iter().enumerate().filter(|(_, c)| **c == '/').map(|(at, _)| at + 1);
        std::iter::once(0).chain(starts).any(|start| fits(&self.glob, &text[start..]))
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.trim().is_empty() || line.starts_with('#') {
        return None;
    }
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    if backslashes == 1 {
        return None;
    }
    let (negative, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let text = match text.strip_prefix('\\') {
        Some(rest) if rest.starts_with(['!', '#']) => rest,
        _ => text,
    };
    let trimmed = text.trim_end();
    // A space behind a backslash stays.
    let trimmed = match trimmed.ends_with('\\') && trimmed.len() < text.len() {
        true => format!("{} ", &trimmed[..trimmed.len() - 1]),
        false => trimmed.to_owned(),
    };
    let (body, directories) = match trimmed.strip_suffix('/') {
        Some(body) => (body, true),
        None => (trimmed.as_str(), false),
    };
    let anchored = body.contains('/');
    // Any number of directories may be none.
    let body = if directories { body.strip_suffix("/**").unwrap_or(body) } else { body };
    let body = body.strip_prefix('/').unwrap_or(body).to_lowercase();
    (!body.is_empty()).then(|| Rule { negative, directories, anchored, glob: tokens(&body) })
}

fn tokens(body: &str) -> Vec<Token> {
    let text: Vec<char> = body.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = text.get(at) {
        let rest = &text[at..];
        let at_start = at == 0 || text[at - 1] == '/';
        if at_start && rest.starts_with(&['*', '*', '/']) {
            tokens.push(Token::Directories);
            at += 3;
            continue;
        }
        if at > 0 && at_start && rest == ['*', '*'] {
            tokens.push(Token::Inside);
            at += 2;
            continue;
        }
        at += 1;
        match character {
            '*' => {
                if tokens.last() != Some(&Token::Many) {
                    tokens.push(Token::Many);
                }
            }
            '?' => tokens.push(Token::One),
            '\\' => {
                if let Some(&next) = text.get(at) {
                    tokens.push(Token::Char(next));
                    at += 1;
                }
            }
            '[' => match class(&text[at..]) {
                Some((token, length)) => {
                    tokens.push(token);
                    at += length;
                }
                None => tokens.push(Token::Class(Vec::new())),
            },
            character => tokens.push(Token::Char(character)),
        }
    }
    tokens
}

/// The class whose text follows a `[`, and how long it is.
fn class(text: &[char]) -> Option<(Token, usize)> {
    let end = text.iter().position(|c| *c == ']')?;
    let body = &text[..end];
    if body.contains(&'/') {
        return None;
    }
    let mut ranges = Vec::new();
    let mut rest = body;
    while let Some((&first, after)) = rest.split_first() {
        match after {
            ['-', last, more @ ..] => {
                if first <= *last {
                    ranges.push((first, *last));
                }
                rest = more;
            }
            _ => {
                ranges.push((first, first));
                rest = after;
            }
        }
    }
    Some((Token::Class(ranges), end + 1))
}

fn fits(glob: &[Token], text: &[char]) -> bool {
    let Some((first, rest)) = glob.split_first() else { return text.is_empty() };
    match first {
        Token::Char(expected) => text.first() == Some(expected) && fits(rest, &text[1..]),
        Token::One => text.first().is_some_and(|c| *c != '/') && fits(rest, &text[1..]),
        Token::Class(ranges) => {
            let inside = |c: &char| ranges.iter().any(|(from, to)| (from..=to).contains(&c));
            text.first().is_some_and(|c| *c != '/' && inside(c)) && fits(rest, &text[1..])
        }
        Token::Many => {
            let longest = text.iter().position(|c| *c == '/').unwrap_or(text.len());
            (0..=longest).any(|length| fits(rest, &text[length..]))
        }
        Token::Directories => {
            let starts = text.iter().enumerate().filter(|(_, c)| **c == '/').map(|(at, _)| at + 1);
            std::iter::once(0).chain(starts).any(|start| fits(rest, &text[start..]))
        }
        Token::Inside => !text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns, paths that they ignore, and paths that they leave; asked of `ignore` 5.3.1.
    const TABLE: &str = include_str!("ignore_table.txt");

    #[test]
    fn patterns_ignore_what_the_real_reader_ignores() {
        let mut count = 0;
        for line in TABLE.lines() {
            let mut parts = line.split('\t');
            let patterns = parts.next().unwrap_or_default().replace('|', "\n");
            let path = parts.next().unwrap_or_default();
            let expected = parts.next() == Some("ignored");
            assert_eq!(Ignore::parse(Some(&patterns)).is_ignored(path), expected, "{line}");
            count += 1;
        }
        assert!(count > 200, "{count} lines");
    }

    #[test]
    fn the_rule_files_are_no_assets() {
        let ignore = Ignore::parse(None);
        assert!(ignore.is_ignored("_headers") && ignore.is_ignored(".assetsignore"));
        assert!(!ignore.is_ignored("a/_headers"));
    }
}
