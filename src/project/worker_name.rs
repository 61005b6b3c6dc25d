//! What a Worker may be called.
//!
//! Fidelity: wrangler 4.164.0 reads a configuration with a looser rule than it makes a new Worker with: the
//! first allows underscores and any length, the second has to be a label of a domain name.

/// The most characters of a label of a domain name.
const LABEL_MAX: usize = 63;

/// Whether a configuration may have this `name`.
pub(super) fn is_valid(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.chars().all(allowed) && !name.starts_with('-')
}

/// The valid name that is most like `text`; empty if nothing of it is left.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '_' => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Checks the name of a Worker that is about to be made.
///
/// # Errors
/// What is wrong with it, in words that follow the name.
pub fn check_new_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("starts or ends with a dash");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("has something other than lower-case letters, digits and dashes");
    }
    if name.len() > LABEL_MAX {
        return Err("is longer than 63 characters");
    }
    Ok(())
}

/// The name for a new Worker that is most like `text`, if anything of it can stand in a name.
pub fn new_name_like(text: &str) -> Option<String> {
    let mut name = slug(&text.replace('_', "-"));
    name.truncate(LABEL_MAX);
    name.truncate(name.trim_end_matches('-').len());
    check_new_name(&name).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_are_labels_of_domain_names() {
        for (name, expected) in [
            ("chat", Ok(())),
            ("my-app-2", Ok(())),
            ("2", Ok(())),
            ("", Err("is empty")),
            ("-a", Err("starts or ends with a dash")),
            ("a-", Err("starts or ends with a dash")),
            ("My_App", Err("has something other than lower-case letters, digits and dashes")),
            ("ä", Err("has something other than lower-case letters, digits and dashes")),
        ] {
            assert_eq!(check_new_name(name), expected, "{name}");
        }
        assert_eq!(check_new_name(&"a".repeat(63)), Ok(()));
        assert!(check_new_name(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_name_is_made_of_any_text() {
        for (text, expected) in [
            ("My Chat_App!", Some("my-chat-app")),
            ("--x--", Some("x")),
            ("日本", None),
            ("", None),
            ("über", Some("ber")),
        ] {
            assert_eq!(new_name_like(text).as_deref(), expected, "{text}");
        }
        let long = format!("{}-b", "a".repeat(62));
        assert_eq!(new_name_like(&long), Some("a".repeat(62)));
    }
}
