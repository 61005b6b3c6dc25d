//! CommonJS modules that are not bundled, as ES modules.
//!
//! Each becomes two: one that runs the file when it is first asked for, and one under the file's own name, whose default export is
//! `module.exports`. What `require` may be asked for is imported: whatever it names, and if it is computed, all that is no
//! ES module.
//!
//! Fidelity: workerd's `CommonJsModuleContext`, as recorded: paths are relative to the module and need their endings, an ES
//! module gives its default export, `this` is the global object, and `module` has a path and exports.
//! Deviation: the code is strict, and ES modules that it requires run before it.

use std::collections::BTreeMap;
use std::path::Path;

use oxc::allocator::Allocator;
use oxc::ast::ast::{CallExpression, Expression};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::span::SourceType;

use super::block_functions::hoist_block_functions;
use super::node_builtins::{is_bare_node_module, is_platform_module};
use super::output::{Module, OutputKind};
use super::request::ModuleKind;
use super::sloppy::without_sloppy;
use super::unbundled::{map_to_itself, specifier_from, syntax_error};
use crate::base::diag::{Diagnostic, SourceFile};
use crate::base::module_name;

/// What stands behind the name of a file in that of the module that runs it.
const RUNNER: &str = "?commonjs";

/// The modules that a CommonJS module can require.
pub(super) struct Surroundings<'a> {
    /// All files that are modules, by name.
    pub files: BTreeMap<&'a str, ModuleKind>,
    pub node_compat: bool,
}

/// The modules for the file `shown`, whose module is `name` and whose text is `text`.
///
/// # Errors
/// A mistake in its syntax.
pub(super) fn common_js_modules(
    name: &str,
    shown: &Path,
    text: &str,
    around: &Surroundings<'_>,
) -> Result<[Module; 2], Diagnostic> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::cjs()).parse();
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return Err(syntax_error(&SourceFile::new(shown, text), error));
    }
    let mut wanted = Wanted::default();
    wanted.visit_program(&parsed.program);
    let code = without_sloppy(text);
    let code = hoisted(code.as_deref().unwrap_or(text)).or(code);
    let (before, after) = around_code(name, &wanted, around);
    let runner = format!("{before}{}{after}", code.as_deref().unwrap_or(text));
    let map = map_to_itself(text, &shown.display().to_string(), before.encode_utf16().count());
    let runner_name = format!("{name}{RUNNER}");
    let own = format!(
        "import {{ run }} from {};export default run();",
        quoted(&specifier_from(name, &runner_name))
    );
    let module = |name: String, code: String, map: String| Module {
        name,
        kind: OutputKind::EsModule,
        code: code.into(),
        source_map: Some(map),
    };
    let shown = shown.display().to_string();
    Ok([module(name.to_owned(), own, map_to_itself("", &shown, 0)), module(runner_name, runner, map)])
}

/// `text` with the functions of its blocks seen outside of them, if it has such.
fn hoisted(text: &str) -> Option<String> {
    let allocator = Allocator::default();
    hoist_block_functions(&Parser::new(&allocator, text, SourceType::cjs()).parse().program)
}

/// What stands before the code of the module `name`, in the same line, and behind it.
fn around_code(name: &str, wanted: &Wanted, around: &Surroundings<'_>) -> (String, String) {
    let runner = format!("{name}{RUNNER}");
    let (mut imports, mut table) = (String::new(), String::new());
    for (index, (key, what)) in required(name, wanted, around).into_iter().enumerate() {
        let variable = format!("__dodev_{index}");
        let (binding, from, value) = match what {
            Required::Itself => {
                table.push_str(&format!("{}:()=>run(),", quoted(&key)));
                continue;
            }
            Required::Platform(from) => (format!("* as {variable}"), from, format!("{variable}.default")),
            Required::File(ModuleKind::CommonJs) => {
                let from = specifier_from(&runner, &format!("{key}{RUNNER}"));
                (format!("{{ run as {variable} }}"), from, format!("{variable}()"))
            }
            Required::File(_) => {
                (format!("* as {variable}"), specifier_from(&runner, &key), format!("{variable}.default"))
            }
        };
        imports.push_str(&format!("import {binding} from {};", quoted(&from)));
        table.push_str(&format!("{}:()=>{value},", quoted(&key)));
    }
    let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
    let before = format!(
        "{imports}const __dodev_table={{__proto__:null,{table}}};let __dodev_begun=false;\
         const __filename={},__dirname={},module={{path:__filename,exports:{{}}}};let exports=module.exports;\
         export function run(){{if(!__dodev_begun){{__dodev_begun=true;try{{__dodev_code.call(globalThis)}}\
         catch(error){{__dodev_begun=false;throw error}}}}return module.exports}}\
         function require(name){{const key=__dodev_path(String(name));if(key in __dodev_table)return __dodev_table[key]();\
         throw new Error(\"No such module \\\"\"+key+\"\\\".\")}}\
         function __dodev_path(name){{if(!/^\\.\\.?\\//.test(name))return name.replace(/^\\//,\"\");\
         const parts=__dirname.split(\"/\").filter(Boolean);for(const part of name.split(\"/\"))\
         if(part===\"..\")parts.pop();else if(part!==\".\"&&part!==\"\")parts.push(part);return parts.join(\"/\")}}\
         function __dodev_code(){{",
        quoted(&format!("/{name}")),
        quoted(&format!("/{directory}")),
    );
    (before, "\n}".to_owned())
}

/// What a name stands for.
enum Required {
    Itself,
    Platform(String),
    File(ModuleKind),
}

/// What the module `name` can require, by the names that paths lead to.
fn required(name: &str, wanted: &Wanted, around: &Surroundings<'_>) -> BTreeMap<String, Required> {
    let mut found = BTreeMap::new();
    let file = |key: &str, kind| if key == name { Required::Itself } else { Required::File(kind) };
    for specifier in &wanted.names {
        let key = module_name::resolve(name, specifier);
        if let Some(kind) = around.files.get(key.as_str()) {
            found.insert(key.clone(), file(&key, *kind));
        } else if is_platform_module(specifier) {
            found.insert(key, Required::Platform(specifier.clone()));
        } else if around.node_compat && is_bare_node_module(specifier) {
            found.insert(key, Required::Platform(format!("node:{specifier}")));
        }
    }
    if wanted.is_computed {
        let others = around.files.iter().filter(|(_, kind)| **kind != ModuleKind::EsModule);
        found.extend(others.map(|(key, kind)| ((*key).to_owned(), file(key, *kind))));
    }
    found
}

/// What a file requires.
#[derive(Default)]
struct Wanted {
    names: Vec<String>,
    is_computed: bool,
}

impl<'a> VisitJs<'a> for Wanted {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if call.callee.is_specific_id("require") {
            match call.arguments.first().and_then(|argument| argument.as_expression()) {
                Some(Expression::StringLiteral(name)) => self.names.push(name.value.to_string()),
                Some(_) => self.is_computed = true,
                None => {}
            }
        }
        walk_js::walk_call_expression(self, call);
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
