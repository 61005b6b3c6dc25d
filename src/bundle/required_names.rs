//! Names that rolldown would give twice: `require_a$1` at the top level of a CommonJS module.
//!
//! rolldown 1.2.5 calls the function that runs such a module `require_<file>`, and renames variables of other modules that would
//! hide it: a `require_a` becomes `require_a$1`, even where the same module has one of that name already. Packages that
//! rolldown has built have both, one after the other. So the second one gets a name here that rolldown never gives.

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    BindingIdentifier, BindingPattern, BindingProperty, Expression, IdentifierReference, ObjectProperty,
    Program, Statement,
};
use oxc::ast_visit::{VisitMut, walk_mut};
use rolldown_ecmascript::{EcmaAst, WithMutFields};

/// What these names begin with.
const START: &str = "require_";

/// Whether `name` is `require_<something>$<number>`.
fn is_numbered(name: &str) -> bool {
    let number = name.strip_prefix(START).and_then(|rest| rest.rsplit_once('$'));
    number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `text` can have such names; cheap, for all the files that do not.
pub(super) fn may_be_numbered(text: &str) -> bool {
    let in_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    text.match_indices(START).any(|(at, _)| {
        let name = &text[at..];
        is_numbered(&name[..name.find(|character| !in_name(character)).unwrap_or(name.len())])
    })
}

/// Gives other names to the variables of a CommonJS module that are called so.
pub(super) fn rename_numbered(ast: &mut EcmaAst) {
    let text = ast.source().to_string();
    ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        let renamed = declared(program).into_iter().map(|name| {
            let mut other = format!("{name}_");
            while text.contains(&other) {
                other.push('_');
            }
            (name, other)
        });
        let mut renaming = Renaming { renamed: renamed.collect(), allocator };
        if !renaming.renamed.is_empty() {
            renaming.visit_program(program);
        }
    });
}

/// The names that the top level of a CommonJS module declares and that are such; none of an ES module.
fn declared(program: &Program<'_>) -> Vec<String> {
    if program.body.iter().any(Statement::is_module_declaration) {
        return Vec::new();
    }
    let declarations = program.body.iter().filter_map(|statement| match statement {
        Statement::VariableDeclaration(declaration) => Some(&declaration.declarations),
        _ => None,
    });
    let names = declarations.flatten().filter_map(|declarator| match &declarator.id {
        BindingPattern::BindingIdentifier(name) if is_numbered(&name.name) => Some(name.name.to_string()),
        _ => None,
    });
    names.collect()
}

struct Renaming<'a> {
    renamed: Vec<(String, String)>,
    allocator: &'a Allocator,
}

impl Renaming<'_> {
    fn other(&self, name: &str) -> Option<&str> {
        self.renamed.iter().find(|(known, _)| known == name).map(|(_, other)| other.as_str())
    }
}

impl<'a> VisitMut<'a> for Renaming<'a> {
    fn visit_binding_identifier(&mut self, it: &mut BindingIdentifier<'a>) {
        if let Some(other) = self.other(&it.name) {
            it.name = self.allocator.alloc_str(other).into();
        }
    }

    fn visit_identifier_reference(&mut self, it: &mut IdentifierReference<'a>) {
        if let Some(other) = self.other(&it.name) {
            it.name = self.allocator.alloc_str(other).into();
        }
    }

    // `{ a }` becomes `{ a: other }`.
    fn visit_object_property(&mut self, it: &mut ObjectProperty<'a>) {
        if let (true, Expression::Identifier(name)) = (it.shorthand, &it.value) {
            it.shorthand = self.other(&name.name).is_none();
        }
        walk_mut::walk_object_property(self, it);
    }

    fn visit_binding_property(&mut self, it: &mut BindingProperty<'a>) {
        if it.shorthand {
            let name = it.value.get_identifier_name();
            it.shorthand = name.is_none_or(|name| self.other(&name).is_none());
        }
        walk_mut::walk_binding_property(self, it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbered_names_of_required_modules_are_meant() {
        for (text, expected) in [
            ("const require_a$1 = require(\"./a\");", true),
            ("x(require_a_b$12)", true),
            ("const require_a = require(\"./a\");", false),
            ("const a$1 = require(\"./a\");", false),
            ("require_a$", false),
            ("require_a$b1", false),
        ] {
            assert_eq!(may_be_numbered(text), expected, "{text}");
        }
    }
}
