//! Whether packages may run before all of the project's own code, and in which order they run.
//!
//! Modules that stay outside of a bundle run before it. In the project's files, a package may be imported after
//! one of the project's own modules; that is noticed only if this module prepares something for the packages: if
//! it is imported for nothing but its effect, or writes to what all code shares.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use oxc::ast::ast::{AssignmentExpression, UpdateExpression};
use oxc::ast::ast::{
    AssignmentTarget, CallExpression, Expression, ImportDeclaration, Program, SimpleAssignmentTarget,
};
use oxc::ast_visit::{VisitJs, walk_js};

use super::external::{PREFIX, can_stand_alone};

/// What is known of one module of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Ids of the modules that it imports, in order.
    pub imports: Vec<String>,
    /// Specifiers that it imports for their effect alone.
    pub bare: Vec<String>,
    /// Ids of the project's modules behind them.
    pub prepares: HashSet<String>,
    /// Whether its code may change what other modules share.
    pub writes_shared: bool,
}

/// How the modules of packages are ordered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Packages' modules as they are first reached.
    pub packages: Vec<String>,
    /// The module of the project that has to run before a package's: both ids.
    pub late: Option<(String, String)>,
}

/// The order in which the modules behind `entry` run.
pub(super) fn order_of(entry: &str, facts: &HashMap<String, Facts>) -> Order {
    let preparing = preparing(entry, facts);
    let mut order = Order::default();
    let mut seen = HashSet::new();
    let mut prepared = None;
    // Depth first without recursion, since graphs may be deep: a module and the import that is next.
    let mut path: Vec<(&str, usize)> = vec![(entry, 0)];
    seen.insert(entry);
    while let Some((id, next)) = path.last_mut() {
        let known = facts.get(*id);
        let Some(import) = known.and_then(|facts| facts.imports.get(*next)) else {
            // All that it imports has run, now it runs itself.
            if known.is_some_and(|facts| facts.writes_shared) || preparing.contains(*id) {
                prepared.get_or_insert(*id);
            }
            path.pop();
            continue;
        };
        *next += 1;
        if !seen.insert(import) {
            continue;
        }
        if import.starts_with(PREFIX) {
            order.packages.push(import.clone());
            if let (Some(module), None) = (prepared, &order.late) {
                order.late = Some((module.to_owned(), import.clone()));
            }
        } else {
            path.push((import, 0));
        }
    }
    order
}

/// The most modules of a project that are built with its packages.
const APART_MAX: usize = 16;

/// `module` and all modules of the project that it imports, if they can be built apart from the rest: they do not
/// lead to `entry`, are not many, and ask for nothing that only a running Worker has.
pub(super) fn apart(module: &str, entry: &str, facts: &HashMap<String, Facts>) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::from([module.to_owned()]);
    let mut next = vec![module];
    while let Some(id) = next.pop() {
        if id == entry || found.len() > APART_MAX || !can_stand_alone(id) {
            return None;
        }
        for import in &facts.get(id)?.imports {
            if import.starts_with("cloudflare:") {
                return None;
            }
            // Anything else is a package, or a module of the platform.
            if Path::new(import).is_absolute() && found.insert(import.clone()) {
                next.push(import);
            }
        }
    }
    Some(found)
}

/// The modules behind `entry` that are imported for their effect alone.
fn preparing<'a>(entry: &'a str, facts: &'a HashMap<String, Facts>) -> HashSet<&'a str> {
    let mut preparing = HashSet::new();
    let mut seen = HashSet::from([entry]);
    let mut next = vec![entry];
    while let Some(facts) = next.pop().map(|id| facts.get(id)) {
        let Some(facts) = facts else { continue };
        preparing.extend(facts.prepares.iter().map(String::as_str));
        next.extend(facts.imports.iter().map(String::as_str).filter(|id| seen.insert(id)));
    }
    preparing
}

/// What the text of a module says: specifiers imported for their effect alone, and whether it may write to
/// what all modules share.
pub(super) fn effects_of(program: &Program<'_>) -> (Vec<String>, bool) {
    let mut finder = Finder::default();
    finder.visit_program(program);
    (finder.bare, finder.writes_shared)
}

/// Objects that all modules see, by the name they go by.
const SHARED: &[&str] = &["globalThis", "self", "global", "window", "process"];
/// Functions that write to their first argument.
const WRITERS: &[&str] = &["assign", "defineProperty", "defineProperties", "set", "setPrototypeOf"];

#[derive(Default)]
struct Finder {
    bare: Vec<String>,
    writes_shared: bool,
}

impl Finder {
    fn target(&mut self, object: &Expression<'_>) {
        self.writes_shared |= is_shared(object);
    }
}

/// Whether `object` is reached from a global object, or is a built-in's prototype.
fn is_shared(object: &Expression<'_>) -> bool {
    match object.without_parentheses() {
        Expression::Identifier(name) => SHARED.contains(&name.name.as_str()) || is_builtin(&name.name),
        Expression::StaticMemberExpression(member) => is_shared(&member.object),
        Expression::ComputedMemberExpression(member) => is_shared(&member.object),
        Expression::TSAsExpression(cast) => is_shared(&cast.expression),
        Expression::TSNonNullExpression(cast) => is_shared(&cast.expression),
        Expression::TSSatisfiesExpression(cast) => is_shared(&cast.expression),
        _ => false,
    }
}

/// Whether the name is that of a class or namespace of the language or the platform, as far as its text tells. A
/// class of the project that is called the same is taken for it, which costs time and nothing else.
fn is_builtin(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "Array",
        "ArrayBuffer",
        "BigInt",
        "Blob",
        "Boolean",
        "Crypto",
        "Date",
        "Error",
        "Event",
        "EventTarget",
        "Function",
        "Headers",
        "Iterator",
        "JSON",
        "Map",
        "Math",
        "Number",
        "Object",
        "Promise",
        "Reflect",
        "RegExp",
        "Request",
        "Response",
        "Set",
        "String",
        "Symbol",
        "URL",
        "URLSearchParams",
        "Uint8Array",
        "WeakMap",
        "WeakRef",
        "WeakSet",
        "WebSocket",
        "console",
        "crypto",
    ];
    NAMES.contains(&name)
}

impl<'a> VisitJs<'a> for Finder {
    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        if import.specifiers.is_none() {
            self.bare.push(import.source.value.to_string());
        }
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        match &assignment.left {
            AssignmentTarget::StaticMemberExpression(member) => self.target(&member.object),
            AssignmentTarget::ComputedMemberExpression(member) => self.target(&member.object),
            _ => {}
        }
        walk_js::walk_assignment_expression(self, assignment);
    }

    fn visit_update_expression(&mut self, update: &UpdateExpression<'a>) {
        match &update.argument {
            SimpleAssignmentTarget::StaticMemberExpression(member) => self.target(&member.object),
            SimpleAssignmentTarget::ComputedMemberExpression(member) => self.target(&member.object),
            _ => {}
        }
        walk_js::walk_update_expression(self, update);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Expression::StaticMemberExpression(member) = &call.callee
            && WRITERS.contains(&member.property.name.as_str())
            && let Expression::Identifier(object) = &member.object
            && matches!(object.name.as_str(), "Object" | "Reflect")
            && let Some(target) = call.arguments.first().and_then(|argument| argument.as_expression())
        {
            self.target(target);
        }
        walk_js::walk_call_expression(self, call);
    }
}

#[cfg(test)]
mod tests {
    use oxc::allocator::Allocator;
    use oxc::parser::Parser;
    use oxc::span::SourceType;

    use super::*;

    #[test]
    fn packages_run_in_the_order_of_their_first_import() {
        let facts = |writers: &[&str], prepared: &[&str]| -> HashMap<String, Facts> {
            [
                ("index", vec!["deps/a", "one", "two", "deps/d"]),
                ("one", vec!["deps/b", "two"]),
                ("two", vec!["deps/a", "deps/c", "one"]),
            ]
            .map(|(id, imports)| {
                let imports = imports.into_iter().map(str::to_owned).collect();
                let writes_shared = writers.contains(&id);
                let prepares = prepared.iter().filter(|_| id == "index").map(|id| (*id).to_owned());
                let prepares = prepares.collect();
                (id.to_owned(), Facts { imports, prepares, writes_shared, ..Facts::default() })
            })
            .into()
        };
        let late = |module: &str, package: &str| Some((module.to_owned(), package.to_owned()));
        for (writers, prepared, expected) in [
            (vec![], vec![], None),
            (vec!["index"], vec![], None),
            (vec!["two"], vec![], late("two", "deps/d")),
            (vec![], vec!["one"], late("one", "deps/d")),
        ] {
            let order = order_of("index", &facts(&writers, &prepared));
            assert_eq!(order.packages, ["deps/a", "deps/b", "deps/c", "deps/d"]);
            assert_eq!(order.late, expected, "{writers:?} {prepared:?}");
        }
    }

    #[test]
    fn modules_that_come_apart_take_all_that_they_import_along() {
        let facts: HashMap<String, Facts> = [
            ("/index.ts", vec!["/setup.ts", "deps/a"]),
            ("/setup.ts", vec!["deps/b", "node:fs", "/state.ts", "/same.ts"]),
            ("/state.ts", vec!["/setup.ts"]),
            ("/same.ts", vec![]),
            ("/env.ts", vec!["cloudflare:workers"]),
            ("/back.ts", vec!["/index.ts"]),
            ("/data.ts", vec!["/data.json"]),
        ]
        .map(|(id, imports)| {
            let imports = imports.into_iter().map(str::to_owned).collect();
            (id.to_owned(), Facts { imports, ..Facts::default() })
        })
        .into();
        for (module, expected) in [
            ("/setup.ts", Some(vec!["/same.ts", "/setup.ts", "/state.ts"])),
            ("/same.ts", Some(vec!["/same.ts"])),
            ("/env.ts", None),
            ("/back.ts", None),
            ("/data.ts", None),
        ] {
            let expected = expected.map(|ids| ids.into_iter().map(str::to_owned).collect());
            assert_eq!(apart(module, "/index.ts", &facts), expected, "{module}");
        }
    }

    #[test]
    fn what_a_module_may_do_to_others() {
        for (text, bare, writes) in [
            ("import 'a'; import { b } from 'b'; import type { T } from 't';", vec!["a"], false),
            ("globalThis.x = 1;", vec![], true),
            ("(globalThis as any).x ??= 1;", vec![], true),
            ("globalThis['x']++;", vec![], true),
            ("Array.prototype.last = function () {};", vec![], true),
            ("Object.defineProperty(globalThis, 'x', {});", vec![], true),
            ("Object.assign(Response.prototype, {});", vec![], true),
            ("function f() { self.x = 1 }", vec![], true),
            ("const x = {}; x.y = 1; Object.assign(x, {}); this.z = 1;", vec![], false),
            ("console.log(globalThis.x);", vec![], false),
        ] {
            let allocator = Allocator::default();
            let parsed = Parser::new(&allocator, text, SourceType::ts()).parse();
            let (found, writes_found) = effects_of(&parsed.program);
            assert_eq!(
                (found, writes_found),
                (bare.into_iter().map(str::to_owned).collect(), writes),
                "{text}"
            );
        }
    }
}
