//! Which files are scripts, as far as names and texts tell, and the reading of packages' scripts.

use std::collections::HashSet;
use std::path::Path;

use memchr::memmem;
use rolldown::ModuleType;
use rolldown_common::side_effects::HookSideEffects;
use rolldown_plugin::HookLoadOutput;

/// A package's script, read at once: rolldown has each file read by another thread, dozens of them, which costs more
/// than reading. `None` for all else, and for what cannot be read, of which rolldown speaks.
pub(super) fn script_of_package(id: &str) -> Option<HookLoadOutput> {
    let path = Path::new(id);
    let extension = path.extension()?.to_str()?;
    if !id.contains("/node_modules/") || !matches!(extension, "js" | "mjs" | "cjs") {
        return None;
    }
    let code = std::fs::read_to_string(path).ok()?;
    let module_type = if may_have_jsx(&code) { ModuleType::Jsx } else { ModuleType::Js };
    let side_effects = passes_names_on(&code).then_some(HookSideEffects::True);
    Some(HookLoadOutput {
        code: code.into(),
        module_type: Some(module_type),
        side_effects,
        ..Default::default()
    })
}

/// Whether the module `code` passes names of other modules on, as far as its text tells.
///
/// Fidelity: esbuild keeps what such a module does when a name is taken through it, even if its package says that it has
/// no side effects; rolldown goes straight to the module that has the name. zod chooses the language of its messages so.
fn passes_names_on(code: &str) -> bool {
    let mut imported = None;
    after_each(code, "export").any(|rest| {
        if rest.starts_with('*') {
            return true;
        }
        let Some((names, after)) = rest.strip_prefix('{').and_then(|names| names.split_once('}')) else {
            return false;
        };
        if after.trim_start().starts_with("from") {
            return true;
        }
        let imported = imported.get_or_insert_with(|| imported_names(code));
        names.split(',').filter_map(|name| name.split_whitespace().next()).any(|name| imported.contains(name))
    })
}

/// The words between each `import` of `code` and the text that it names.
fn imported_names(code: &str) -> HashSet<&str> {
    let heads = after_each(code, "import").filter(|rest| !rest.starts_with(['(', '.', '"', '\'']));
    let heads = heads.filter_map(|rest| rest.find(['"', '\'']).map(|end| &rest[..end]));
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    heads.flat_map(|head| head.split(move |c| !is_name(c)).filter(|word| !word.is_empty())).collect()
}

/// What follows each `word` of `code`, without space.
fn after_each<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    memmem::find_iter(code.as_bytes(), word).map(|at| code[at + word.len()..].trim_start())
}

/// Whether a script may contain JSX, whose elements end with `/>` or `</`, between which space may stand.
pub(super) fn may_have_jsx(text: &str) -> bool {
    text.match_indices('/')
        .any(|(at, _)| text[at + 1..].trim_start().starts_with('>') || text[..at].trim_end().ends_with('<'))
}

/// Whether a file's name says that rolldown knows what it is; a query behind it does not matter, as in esbuild.
pub(super) fn is_script(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(file, _)| file);
    const EXTENSIONS: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "css"];
    Path::new(path).extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e))
}

/// Whether `path` is that of a text with a query behind it, which the platform's bundler takes for text without any rule.
pub(super) fn is_text_with_query(path: &str) -> bool {
    path.split_once('?').is_some_and(|(file, _)| file.ends_with(".txt"))
}

/// Whether `specifier` may lead to a script, as far as its text tells.
pub(super) fn may_be_script(specifier: &str) -> bool {
    is_script(specifier) || Path::new(specifier).extension().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_pass_names_on_are_told_from_others() {
        for (code, expected) in [
            ("export * from './a.js';", true),
            ("import { b } from './c.js';\nexport {\n  a,\n  b\n} from './a.js';", true),
            ("export*from'./a.js'", true),
            ("export * as ns from './a.js';", true),
            ("export const a = { from: 1 };", false),
            ("const a = 1;\nexport { a };\nfrom(a);", false),
            ("export { a", false),
            ("import { a } from './a.js'; const b = 1; export { b, a };", true),
            ("import{a as b}from'./a.js';export{b as default}", true),
            ("import * as a from './a.js';\nexport { a as b };", true),
            ("import { a as b } from './a.js'; const c = b(); export { c };", false),
            ("import './a.js'; const a = import('./a'); export { a };", false),
        ] {
            assert_eq!(passes_names_on(code), expected, "{code}");
        }
    }

    #[test]
    fn jsx_is_found_by_the_ends_of_its_elements() {
        for (text, expected) in [
            ("f(<a />)", true),
            ("f(<a>b</a>)", true),
            ("f(<a>b< /a>)", true),
            ("f(<a / >)", true),
            ("1 / 2; // no", false),
            ("a < b", false),
            ("/re/g", false),
        ] {
            assert_eq!(may_have_jsx(text), expected, "{text}");
        }
    }

    #[test]
    fn only_scripts_of_packages_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let package = directory.path().join("node_modules/a");
        std::fs::create_dir_all(&package).unwrap();
        for (file, content) in
            [("a.js", "1"), ("b.mjs", "f(<a/>)"), ("c.ts", "1"), ("d.json", "1"), ("../../e.js", "1")]
        {
            std::fs::write(package.join(file), content).unwrap();
        }
        std::fs::write(package.join("f.cjs"), [255]).unwrap();
        let read = |file: &str| {
            let path = dunce::canonicalize(package.join(file)).unwrap_or_else(|_| package.join(file));
            script_of_package(path.to_str().unwrap()).and_then(|output| output.module_type)
        };
        assert_eq!(read("a.js"), Some(ModuleType::Js));
        assert_eq!(read("b.mjs"), Some(ModuleType::Jsx));
        for other in ["c.ts", "d.json", "../../e.js", "f.cjs", "absent.js"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
