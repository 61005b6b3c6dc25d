//! Rust source seen as text: enough to look for words in the code and not in comments or strings.
//!
//! A small scanner instead of a parser crate: the checks in `tidy.rs` ask for words, not for meaning. It knows
//! comments, strings, raw strings, characters and lifetimes; it does not expand macros.

/// The source with the contents of comments, strings and characters blanked; lines stay where they are.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => find(&chars, at, |c, _| c == '\n'),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_block_comment(&chars, at),
            '"' => end_of_string(&chars, at + 1, '"'),
            '\'' if is_character(&chars, at) => end_of_string(&chars, at + 1, '\''),
            'r' if is_word_start(&chars, at) || before_is_byte(&chars, at) => {
                match end_of_raw_string(&chars, at) {
                    Some(end) => end,
                    None => at,
                }
            }
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Blanks items behind `#[cfg(test)]` in code from [`code_only`], up to the brace or semicolon that ends them.
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let end = start + end_of_item(&out[start..]);
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// Lines (from 1) of code on which `word` stands between characters that belong to no identifier.
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let is_hit = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            let ends_open = |c: Option<char>| c.is_none_or(|c| !is_word(c));
            let opens = word.starts_with(|c: char| !is_word(c)) || ends_open(before);
            opens && (word.ends_with(|c: char| !is_word(c)) || ends_open(after))
        })
    };
    code.lines().enumerate().filter(|(_, line)| is_hit(line)).map(|(at, _)| at + 1).collect()
}

/// Top-level folders that code from [`code_only`] names after `crate::`, with their lines (from 1).
pub fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = code[at + "crate::".len()..].trim_start();
        let names = match rest.strip_prefix('{') {
            Some(group) => group_heads(group),
            None => vec![identifier(rest)],
        };
        found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (line, name)));
    }
    found
}

/// The first names of the entries of a `{a::b, c::{d}}` group, given without its opening brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut entry = String::new();
    let mut heads = Vec::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(identifier(std::mem::take(&mut entry).trim())),
            _ if depth == 0 => entry.push(c),
            _ => {}
        }
    }
    heads.push(identifier(entry.trim()));
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_word_start(chars: &[char], at: usize) -> bool {
    at == 0 || !is_word(chars[at - 1])
}

/// Whether the `r` at `at` belongs to a `br` or `cr` prefix.
fn before_is_byte(chars: &[char], at: usize) -> bool {
    at > 0 && matches!(chars[at - 1], 'b' | 'c') && is_word_start(chars, at - 1)
}

fn find(chars: &[char], from: usize, is_end: impl Fn(char, usize) -> bool) -> usize {
    (from..chars.len()).find(|at| is_end(chars[*at], *at)).unwrap_or(chars.len())
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A quote opens a character when it is closed right after one (possibly escaped); otherwise a lifetime.
fn is_character(chars: &[char], at: usize) -> bool {
    chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')
}

fn end_of_raw_string(chars: &[char], start: usize) -> Option<usize> {
    let quote = find(chars, start + 1, |c, _| c != '#');
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let hashes = quote - start - 1;
    let closes = |c: char, at: usize| {
        c == '"' && chars.len() > at + hashes && chars[at + 1..=at + hashes].iter().all(|c| *c == '#')
    };
    Some((find(chars, quote + 1, closes) + 1 + hashes).min(chars.len()))
}

fn end_of_item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blank() {
        let check = |source: &str, expected: &str| {
            let code = code_only(source);
            let words: Vec<&str> = code.split_whitespace().collect();
            assert_eq!(words.join(" "), expected, "{source}");
            assert_eq!(code.lines().count(), source.lines().count());
        };
        check("a // b \" c\nd", "a d");
        check("a /* b /* c */ \" */ d", "a d");
        check(r#"a "b \" // c" d"#, "a d");
        check("a r#\"b \" c\"# d br\"e\" f", "a d b f");
        check("a r#match 'x' '\\'' b<'c> '\"' d", "a r#match b<'c> d");
        check("\"a\nb\" c", "c");
    }

    #[test]
    fn test_modules_are_left_out() {
        let code = "a();\n#[cfg(test)]\nmod tests { fn f() { b() } }\nc();\n#[cfg(test)]\nmod more;\nd();";
        let left: Vec<&str> =
            ["a", "b", "c", "more", "d"].into_iter().filter(|w| without_tests(code).contains(w)).collect();
        assert_eq!(left, ["a", "c", "d"]);
    }

    #[test]
    fn words_have_edges() {
        assert_eq!(lines_with("unsafe_code\nan unsafe {\nx.unwrap()\nx.unwrap_or()", "unsafe"), [2]);
        assert_eq!(lines_with("x.unwrap()\nx.unwrap_or()", ".unwrap()"), [1]);
        assert_eq!(lines_with("eprintln!()\nprintln!(x)", "println!"), [2]);
    }

    #[test]
    fn imports_are_found_in_groups_and_in_the_middle() {
        let names = |code: &str| crate_paths(code).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("use crate::base::x;"), ["base"]);
        assert_eq!(names("use crate::{base::{a, b}, web,\n engine::c};"), ["base", "web", "engine"]);
        assert_eq!(names("f(crate::cli::run()) + mycrate::x"), ["cli"]);
        assert_eq!(crate_paths("\n\ncrate::dev::x"), [(3, "dev".to_owned())]);
    }
}
