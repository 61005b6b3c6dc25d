//! Which files are text, data or WebAssembly: the project's rules and the platform's default ones.
//!
//! Fidelity: wrangler's `deployment-bundle/rules.ts`: the project's rules come first, a rule without
//! `fallthrough` ends its kind, and patterns are matched against the specifier as it is written, with
//! `*` for any text including `/`. Beyond that, a pattern may also match the resolved file, so that
//! specifiers that TypeScript's `paths` map work too.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::request::{ModuleKind, ModuleRule};

/// The rules in force, in order, and those that an earlier rule put out of force.
#[derive(Debug)]
pub(super) struct Rules {
    active: Vec<(ModuleKind, Glob)>,
    shadowed: Vec<(ModuleKind, Glob)>,
}

/// A pattern in which `*` stands for any text and all else for itself; taken apart once, since every import is compared
/// with every pattern.
#[derive(Debug)]
struct Glob {
    text: String,
    /// What stands between the stars.
    parts: Vec<String>,
}

/// What the rules say about an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling<'a> {
    /// The file is of this kind.
    Is(ModuleKind),
    /// Only a rule matches that an earlier one put out of force; its pattern.
    Shadowed(ModuleKind, &'a str),
    /// No rule matches.
    None,
}

impl Rules {
    /// The rules of the project, followed by the default ones.
    pub(super) fn new(rules: &[ModuleRule]) -> Self {
        let mut active = Vec::new();
        let mut shadowed = Vec::new();
        let mut ended = Vec::new();
        for rule in rules.iter().cloned().chain(default_rules()) {
            let list = if ended.contains(&rule.kind) { &mut shadowed } else { &mut active };
            list.extend(rule.globs.into_iter().map(|glob| (rule.kind, Glob::new(glob))));
            if !rule.fallthrough {
                ended.push(rule.kind);
            }
        }
        Self { active, shadowed }
    }

    /// What the file `path`, relative to the directory that is searched, is as a module that is not bundled.
    pub(super) fn kind_of_file(&self, path: &str) -> Option<ModuleKind> {
        let matches = |glob: &Glob| matches_file(glob.text.as_bytes(), path.as_bytes(), true);
        self.active.iter().find(|(_, glob)| matches(glob)).map(|(kind, _)| *kind)
    }

    /// What `name`, a specifier or an absolute path, is.
    pub(super) fn rule_on(&self, name: &str) -> Ruling<'_> {
        if let Some((kind, _)) = self.active.iter().find(|(_, glob)| glob.matches(name)) {
            return Ruling::Is(*kind);
        }
        match self.shadowed.iter().find(|(_, glob)| glob.matches(name)) {
            Some((kind, glob)) => Ruling::Shadowed(*kind, &glob.text),
            None => Ruling::None,
        }
    }
}

/// Whether the whole of `path` matches `glob`: `**` between slashes stands for any directories, `*` for any text
/// without a slash, and all else for itself.
///
/// Fidelity: the package `glob-to-regexp` with its option `globstar`.
fn matches_file(glob: &[u8], path: &[u8], at_start: bool) -> bool {
    let stars = glob.iter().take_while(|byte| **byte == b'*').count();
    let rest = &glob[stars..];
    match (stars, glob.first()) {
        (0, None) => path.is_empty(),
        (0, Some(first)) => {
            path.first() == Some(first) && matches_file(&glob[1..], &path[1..], *first == b'/')
        }
        _ if stars > 1 && at_start && matches!(rest.first(), None | Some(b'/')) => {
            let rest = rest.get(1..).unwrap_or_default();
            let mut starts =
                (0..=path.len()).filter(|at| *at == 0 || *at == path.len() || path[at - 1] == b'/');
            starts.any(|at| matches_file(rest, &path[at..], true))
        }
        _ => {
            let length = path.iter().take_while(|byte| **byte != b'/').count();
            (0..=length).any(|at| matches_file(rest, &path[at..], false))
        }
    }
}

fn default_rules() -> [ModuleRule; 3] {
    let rule = |kind, globs: &[&str]| ModuleRule {
        kind,
        globs: globs.iter().map(|&glob| glob.to_owned()).collect(),
        fallthrough: false,
    };
    [
        rule(ModuleKind::Text, &["**/*.txt", "**/*.html", "**/*.sql"]),
        rule(ModuleKind::Data, &["**/*.bin"]),
        rule(ModuleKind::CompiledWasm, &["**/*.wasm", "**/*.wasm?module"]),
    ]
}

impl Glob {
    fn new(text: String) -> Self {
        let parts = text.split('*').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { text, parts }
    }

    /// Whether the whole of `text` matches.
    fn matches(&self, text: &str) -> bool {
        let mut rest = text;
        let mut parts = self.parts.as_slice();
        // Nearly all that does not match ends otherwise.
        if !self.text.ends_with('*') {
            let Some((last, before)) = parts.split_last() else { return text.is_empty() };
            let Some(begin) = rest.strip_suffix(last.as_str()) else { return false };
            (rest, parts) = (begin, before);
            if parts.is_empty() && !self.text.starts_with('*') {
                return rest.is_empty();
            }
        }
        if !self.text.starts_with('*')
            && let Some((first, after)) = parts.split_first()
        {
            let Some(end) = rest.strip_prefix(first.as_str()) else { return false };
            (rest, parts) = (end, after);
        }
        parts.iter().all(|part| match rest.find(part.as_str()) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

/// The name of a file that is a module of its own: stable while the file stays where it is.
pub(super) fn asset_name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let hash = Sha256::digest(below.to_string_lossy().as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let file = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    format!("./{hash}-{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (glob, text, expected) in [
            ("**/*.txt", "./files/a.txt", true),
            ("**/*.txt", "./files/a.txt.ts", false),
            ("**/*.txt", "a.txt", false),
            ("**/*.wasm?module", "./a.wasm?module", true),
            ("**/*.wasm", "./a.wasm?module", false),
            ("./note.tmpl", "./note.tmpl", true),
            ("./note.tmpl", "./note.tmplx", false),
            ("./a*", "./abc", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("a*a", "a", false),
            ("ab*bc", "abc", false),
            ("a*b*c", "a-c-b-c", true),
            ("a*b*c*", "a-c-b", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(Glob::new(glob.to_owned()).matches(text), expected, "{glob} on {text}");
        }
    }

    #[test]
    fn files_are_matched_by_directories() {
        for (glob, path, expected) in [
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "files/deep/a.txt", true),
            ("**/*.txt", "a.txt.ts", false),
            ("*.txt", "files/a.txt", false),
            ("lang/*.js", "lang/de.js", true),
            ("lang/*.js", "lang/x/de.js", false),
            ("lang/**", "lang/x/de.js", true),
            ("lang**.js", "langs.js", true),
            ("lang**.js", "lang/s.js", false),
            ("**/*.wasm?module", "a.wasm?module", true),
            ("**", "a/b", true),
            ("", "a", false),
        ] {
            assert_eq!(matches_file(glob.as_bytes(), path.as_bytes(), true), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn a_rule_without_fallthrough_ends_its_kind() {
        let rule =
            |fallthrough| ModuleRule { kind: ModuleKind::Text, globs: vec!["**/*.tmpl".into()], fallthrough };
        let ended = Rules::new(&[rule(false)]);
        assert_eq!(ended.rule_on("./a.tmpl"), Ruling::Is(ModuleKind::Text));
        assert_eq!(ended.rule_on("./a.txt"), Ruling::Shadowed(ModuleKind::Text, "**/*.txt"));
        assert_eq!(ended.rule_on("./a.bin"), Ruling::Is(ModuleKind::Data));
        let open = Rules::new(&[rule(true)]);
        assert_eq!(open.rule_on("./a.txt"), Ruling::Is(ModuleKind::Text));
        assert_eq!(open.rule_on("./a.ts"), Ruling::None);
    }
}
