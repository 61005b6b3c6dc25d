//! Which Durable Object classes the Worker has, and what they store in.
//!
//! Classes are declared by `migrations` or by `exports`; this file brings both together, compares them
//! with the bindings, and later with what the bundle exports.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::Project;
use super::bindings::DurableObjectBinding;
use super::exports::ClassExport;
use super::migrations::{Migration, Spanned};
use super::nearest::nearest;
use super::report::{Language, Report};
use crate::base::diag::{Diagnostic, SourceFile};

/// What the objects of a class store in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassStorage {
    /// SQLite: `ctx.storage.sql` and the synchronous `kv` work.
    Sqlite,
    /// The older key-value storage: both throw.
    Kv,
}

/// How a class went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// With its objects.
    Deleted,
    /// On under this name.
    Renamed(String),
    /// To this Worker.
    Transferred(String),
}

/// The classes after the last migration.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// Classes that exist.
    pub declared: BTreeMap<String, ClassStorage>,
    /// Classes that existed, how they went, and the place that says so.
    pub departed: BTreeMap<String, (Departure, Range<usize>)>,
}

impl Classes {
    /// Notes that `class` went at its place.
    pub fn depart(&mut self, class: &Spanned, how: Departure) {
        self.departed.insert(class.text.clone(), (how, class.span.clone()));
    }

    /// Adds the classes of `exports`, which says what is, not what happens.
    pub fn add_exports(&mut self, exports: &[ClassExport]) {
        for export in exports {
            match (export.storage(), export.departure()) {
                (Some(storage), _) => {
                    self.declared.insert(export.class.text.clone(), storage);
                }
                (None, Some(how)) => self.depart(&export.class, how),
                (None, None) => {}
            }
        }
    }
}

/// Warns of bindings to own classes that nothing declares, and declares these classes as `Kv`.
///
/// Fidelity: wrangler 4.164.0 starts such a Worker and gives the class key-value storage.
pub fn declare_bound(
    report: &mut Report,
    classes: &mut Classes,
    bindings: &[DurableObjectBinding],
    migrations: &[Migration],
    by_exports: bool,
    worker: &str,
) {
    let mut missing: Vec<&DurableObjectBinding> = Vec::new();
    for binding in bindings.iter().filter(|binding| binding.is_own(worker)) {
        let known = classes.declared.contains_key(&binding.class_name);
        if !known && missing.iter().all(|other| other.class_name != binding.class_name) {
            missing.push(binding);
        }
    }
    let names: Vec<&str> = missing.iter().map(|binding| binding.class_name.as_str()).collect();
    let lines = lines_to_add(report.language(), &names, migrations, by_exports);
    for binding in &missing {
        warn_undeclared(report, classes, binding, &lines);
    }
    for binding in missing {
        classes.declared.insert(binding.class_name.clone(), ClassStorage::Kv);
    }
}

fn warn_undeclared(report: &mut Report, classes: &Classes, binding: &DurableObjectBinding, lines: &str) {
    let class = &binding.class_name;
    let span = binding.span.clone();
    if let Some((how, place)) = classes.departed.get(class) {
        let (message, label, help) = match how {
            Departure::Deleted => (
                format!("the class `{class}` is bound as `{}`, but was deleted", binding.name),
                "deleted here",
                format!("remove the binding, or create the class again; till then it starts empty:\n{lines}"),
            ),
            Departure::Renamed(to) => (
                format!("the class `{class}` is bound as `{}`, but was renamed to `{to}`", binding.name),
                "renamed here",
                format!("bind `{to}`"),
            ),
            Departure::Transferred(to) => (
                format!("the class `{class}` is bound as `{}`, but was transferred to `{to}`", binding.name),
                "transferred here",
                format!("add `script_name`, `{to}`, to the binding"),
            ),
        };
        report.warning("config/no-migration", span, message).also(place.clone(), label).help(help);
        return;
    }
    let message = format!("no migration creates the Durable Object class `{class}`");
    let help = match nearest(class, classes.declared.keys().map(String::as_str)) {
        Some(known) => format!("did you mean `{known}`? Otherwise add\n{lines}"),
        None => format!("it runs with key-value storage for now and cannot be deployed; add\n{lines}"),
    };
    report.warning("config/no-migration", span, message).help(help);
}

/// The lines that declare `classes`, in the language of the file and the manner it already uses.
fn lines_to_add(language: Language, classes: &[&str], migrations: &[Migration], by_exports: bool) -> String {
    if by_exports {
        let entry = |class: &&str| match language {
            Language::Json => {
                format!("\"{class}\": {{ \"type\": \"durable-object\", \"storage\": \"sqlite\" }}")
            }
            Language::Toml => format!("[exports.{class}]\ntype = \"durable-object\"\nstorage = \"sqlite\""),
        };
        let separator = if language == Language::Json { ",\n" } else { "\n" };
        return classes.iter().map(entry).collect::<Vec<_>>().join(separator);
    }
    let tag = next_tag(migrations);
    let names = classes.iter().map(|class| format!("\"{class}\"")).collect::<Vec<_>>().join(", ");
    match (language, migrations.is_empty()) {
        (Language::Toml, _) => format!("[[migrations]]\ntag = \"{tag}\"\nnew_sqlite_classes = [{names}]"),
        (Language::Json, true) => {
            format!("\"migrations\": [{{ \"tag\": \"{tag}\", \"new_sqlite_classes\": [{names}] }}]")
        }
        (Language::Json, false) => {
            format!("{{ \"tag\": \"{tag}\", \"new_sqlite_classes\": [{names}] }} at the end of `migrations`")
        }
    }
}

fn next_tag(migrations: &[Migration]) -> String {
    let number = migrations
        .last()
        .and_then(|migration| migration.tag.text.strip_prefix('v')?.parse::<usize>().ok())
        .unwrap_or(migrations.len());
    format!("v{}", number + 1)
}

/// After bundling: the classes of this Worker that are bound, or that migrations made, and that are not among `exports`, the
/// names that its main module exports.
///
/// Fidelity: wrangler 4.164.0 does not start then, with an error that names no class.
pub fn check_exports(project: &Project, exports: &[String]) -> Vec<Diagnostic> {
    let mut places: Vec<(&str, Vec<Range<usize>>, &str)> = Vec::new();
    for binding in project.durable_objects.iter().filter(|binding| binding.is_own(&project.name)) {
        let class = binding.class_name.as_str();
        match places.iter_mut().find(|(other, ..)| *other == class) {
            Some((_, spans, _)) => spans.push(binding.span.clone()),
            None => places.push((class, vec![binding.span.clone()], "is bound")),
        }
    }
    for class in project.classes.keys() {
        if places.iter().all(|(other, ..)| other != class)
            && let Some(span) =
                project.migrations.iter().rev().find_map(|migration| migration.maker_of(class))
        {
            places.push((class, vec![span], "was made by a migration"));
        }
    }
    let missing = places.into_iter().filter(|(class, ..)| exports.iter().all(|export| export != class));
    missing.map(|(class, spans, why)| not_exported(project, exports, class, &spans, why)).collect()
}

fn not_exported(
    project: &Project,
    exports: &[String],
    class: &str,
    spans: &[Range<usize>],
    why: &str,
) -> Diagnostic {
    let main = project.main.strip_prefix(&project.root).unwrap_or(&project.main).display();
    let message = format!("the Durable Object class `{class}` {why}, but `{main}` does not export it");
    let mut diagnostic = Diagnostic::error("config/unknown-class", message);
    let (first, others) = spans.split_at(spans.len().min(1));
    for span in first {
        diagnostic = diagnostic.at(&project.source, span.clone(), "");
    }
    let (place, help) = match (mention(project, class), nearest(class, exports.iter().map(String::as_str))) {
        (Some(Mention::Declared(source, span)), _) => {
            (Some((source, span, "declared here")), format!("write `export` before `class {class}`"))
        }
        (Some(Mention::Imported(source, span, from)), _) => {
            let help = format!("add `export {{ {class} }} from {from};` to `{main}`");
            (Some((source, span, "imported here")), help)
        }
        (None, Some(export)) => (None, format!("did you mean `{export}`?")),
        (None, None) => {
            let class = format!("`export class {class} extends DurableObject {{ … }}`");
            (None, format!("add {class} to `{main}`, or re-export it"))
        }
    };
    if let Some((source, span, label)) = place {
        diagnostic = diagnostic.at(&source, span, label);
    }
    for span in others {
        diagnostic = diagnostic.at(&project.source, span.clone(), "");
    }
    diagnostic.help(help)
}

/// The mistakes of bindings to own classes for which the code has an export of that name that is no class of objects;
/// `names` are all such exports.
///
/// Fidelity: wrangler 4.164.0 does not start then, or warns, by what the export is.
pub fn not_classes(project: &Project, names: &[String]) -> Vec<Diagnostic> {
    let main = project.main.strip_prefix(&project.root).unwrap_or(&project.main).display();
    let own = project.durable_objects.iter().filter(|binding| binding.is_own(&project.name));
    let wrong = own.filter(|binding| names.contains(&binding.class_name));
    let mistake = |binding: &DurableObjectBinding| {
        let class = &binding.class_name;
        let message = format!("what `{main}` exports as `{class}` is no class of Durable Objects");
        Diagnostic::error("config/not-a-class", message)
            .at(&project.source, binding.span.clone(), "")
            .help(format!("export `class {class} extends DurableObject {{ … }}`, or bind another class"))
    };
    wrong.map(mistake).collect()
}

/// Where the main module has a class that it does not export.
enum Mention {
    Declared(Arc<SourceFile>, Range<usize>),
    /// Also what it is imported from, in its quotes.
    Imported(Arc<SourceFile>, Range<usize>, String),
}

/// Where the main module of `project` mentions `class`, as far as its lines tell.
fn mention(project: &Project, class: &str) -> Option<Mention> {
    let text = std::fs::read_to_string(&project.main).ok()?;
    let source = SourceFile::new(&project.main, text);
    let is_word = |at: usize| {
        let around = [source.text[..at].chars().next_back(), source.text[at + class.len()..].chars().next()];
        around.iter().flatten().all(|c| !c.is_alphanumeric() && !matches!(c, '_' | '$'))
    };
    let places: Vec<usize> =
        source.text.match_indices(class).map(|(at, _)| at).filter(|at| is_word(*at)).collect();
    for at in places {
        let line_start = source.text[..at].rfind('\n').map_or(0, |index| index + 1);
        let before = source.text[line_start..at].trim();
        let span = at..at + class.len();
        if matches!(before, "class" | "abstract class") {
            return Some(Mention::Declared(source, span));
        }
        // The import that the name is in the braces of.
        let statement = source.text[..at].rfind("import").map(|start| &source.text[start..at]);
        if statement.is_some_and(|open| open.contains('{') && !open.contains(['}', ';', '"', '\''])) {
            let rest = &source.text[at..];
            let from = rest.split_once("from")?.1.trim_start();
            let quote = from.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let end = from[1..].find(quote)?;
            let from = from[..end + 2].to_owned();
            return Some(Mention::Imported(source.clone(), span, from));
        }
    }
    None
}
