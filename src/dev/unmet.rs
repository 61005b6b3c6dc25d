//! Settings of a valid project that a session does not follow, each named instead of passed over.
//!
//! Bindings and features that are not emulated are the project's own to report; here are only those about
//! building and serving.

use crate::base::diag::Diagnostic;
use crate::bundle::Bundle;
use crate::project::Project;

/// The code of what is told of a main module without any code.
pub const NO_CODE: &str = "worker/no-code";

/// One warning for each setting of `project` that has no effect.
pub fn unmet(project: &Project) -> Vec<Diagnostic> {
    let warning = |message: &str, help: &str| Diagnostic::warning("dev/no-effect", message).help(help);
    let mut warnings = Vec::new();
    let build = &project.build;
    let of_bundling = [
        ("alias", !build.alias.is_empty()),
        ("define", !build.define.is_empty()),
        ("minify", build.minify),
        ("tsconfig", build.tsconfig.is_some()),
        // Build tools write the defaults down.
        ("jsx_factory", build.jsx_factory.as_deref().is_some_and(|factory| factory != "React.createElement")),
        ("jsx_fragment", build.jsx_fragment.as_deref().is_some_and(|fragment| fragment != "React.Fragment")),
    ];
    // What a build tool wrote down, it has followed.
    let counts = build.no_bundle && !project.is_generated;
    for (key, _) in of_bundling.iter().filter(|(_, is_set)| counts && *is_set) {
        let message = format!("`{key}` has no effect together with `no_bundle`: the code is taken as it is");
        warnings.push(warning(&message, "remove one of the two"));
    }
    warnings
}

/// Warns of a main module that answers no requests, given its bundle; one without any code is an error: it was emptied to
/// be written anew, or is yet to be written.
pub fn without_handlers(project: &Project, bundle: &Bundle) -> Option<Diagnostic> {
    if !project.has_worker() || bundle.exports.iter().any(|export| export == "default") {
        return None;
    }
    let main = project.main.strip_prefix(&project.root).unwrap_or(&project.main).display().to_string();
    if bundle.exports.is_empty() && bundle.external.is_none() && is_empty(bundle) {
        let message = format!("`{main}` has no code");
        let help = "write a Worker there: `export default { fetch(request, env, ctx) { … } }`";
        return Some(Diagnostic::error(NO_CODE, message).help(help));
    }
    // Without any export it may listen for events: if it does not, its first request says so.
    let text = std::fs::read_to_string(&project.main).unwrap_or_default();
    if bundle.exports.is_empty() && text.contains("addEventListener") {
        return None;
    }
    let message = format!("`{main}` has no default export, so that nothing answers requests");
    let help = "add `export default { fetch(request, env, ctx) { … } }`";
    Some(Diagnostic::warning("worker/no-handler", message).help(help))
}

/// Whether the main module of `bundle` does nothing.
fn is_empty(bundle: &Bundle) -> bool {
    let code = bundle.modules.first().map(|module| String::from_utf8_lossy(&module.code)).unwrap_or_default();
    matches!(code.trim(), "" | "export {};" | "export { };")
}
