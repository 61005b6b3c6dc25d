//! The name of a namespace's directory.

/// Most characters of it.
const LENGTH_MAX: usize = 255;

/// The directory's name for the namespace `id`: what no file system or URL takes, or what would lead elsewhere, is an
/// underscore.
///
/// Fidelity: miniflare makes the same names.
pub(super) fn name(id: &str) -> String {
    let mut name: Vec<char> = id.chars().collect();
    let is_separator = |c: Option<&char>| c.is_none_or(|c| matches!(c, '/' | '\\'));
    // Dots that are a whole part of a path.
    let mut at = 0;
    while at < name.len() {
        let dots = name[at..].iter().take_while(|c| **c == '.').count();
        let begins = at == 0 || is_separator(name.get(at - 1));
        if dots > 0 && begins && is_separator(name.get(at + dots)) {
            name[at..at + dots].fill('_');
        }
        at += dots.max(1);
    }
    for c in &mut name {
        let is_illegal =
            matches!(c, '?' | '<' | '>' | '*' | '"' | '\'' | '^' | '/' | '\\' | ':' | '|') || c.is_control();
        if is_illegal && *c != '\u{7f}' {
            *c = '_';
        }
    }
    if is_reserved(&name) {
        return "_".to_owned();
    }
    let leading = name.iter().take_while(|c| **c == ' ').count();
    name[..leading].fill('_');
    let trailing = name.iter().rev().take_while(|c| **c == ' ').count();
    let end = name.len();
    name[end - trailing..].fill('_');
    name.into_iter().take(LENGTH_MAX).collect()
}

/// Whether Windows has a device of that name, whatever stands behind a dot.
fn is_reserved(name: &[char]) -> bool {
    let stem: String = name.iter().take_while(|c| **c != '.').collect::<String>().to_ascii_lowercase();
    let is_port = |kind: &str| {
        stem.strip_prefix(kind).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || is_port("com") || is_port("lpt")
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_stay_in_their_directory() {
        for (id, expected) in [
            ("0f2ac74b498b48028cb68387c421e279", "0f2ac74b498b48028cb68387c421e279"),
            ("a preview", "a preview"),
            ("..", "__"),
            ("../../x", "______x"),
            ("a/../b", "a____b"),
            ("a.b", "a.b"),
            ("/etc", "_etc"),
            ("a:b|c", "a_b_c"),
            ("CON.txt", "_"),
            ("com1", "_"),
            ("com10", "com10"),
            (" x ", "_x_"),
            ("ü💥", "ü💥"),
        ] {
            assert_eq!(name(id), expected, "{id:?}");
        }
        assert_eq!(name(&"x".repeat(300)).len(), 255);
    }
}
