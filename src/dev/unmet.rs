//! Settings of a valid project that a session does not follow, each named instead of passed over.
//!
//! Bindings and features that are not emulated are the project's own to report; here are only those about
//! building and serving.

use crate::base::diag::Diagnostic;
use crate::project::Project;

/// One warning for each setting of `project` that has no effect.
pub fn unmet(project: &Project) -> Vec<Diagnostic> {
    let warning = |message: &str, help: &str| Diagnostic::warning("dev/no-effect", message).help(help);
    let mut warnings = Vec::new();
    if project.build.no_bundle {
        warnings.push(warning(
            "`no_bundle` has no effect: the code is bundled",
            "remove it if that changes nothing",
        ));
    }
    if project.dev.local_protocol.as_deref() == Some("https") {
        let help = "put a proxy with a certificate in front of it";
        warnings.push(warning("`dev.local_protocol` is `https`, but dodev serves http only", help));
    }
    if project.dev.host.is_some() {
        let help = "send a Host header to test another host";
        warnings
            .push(warning("`dev.host` has no effect: requests keep the host that they were sent to", help));
    }
    warnings
}

/// Warns of a main module that answers no requests, given the names that it exports.
pub fn without_handlers(project: &Project, exports: &[String]) -> Option<Diagnostic> {
    if exports.iter().any(|export| export == "default") {
        return None;
    }
    let main = project.main.strip_prefix(&project.root).unwrap_or(&project.main).display().to_string();
    let text = std::fs::read_to_string(&project.main).unwrap_or_default();
    // A file that is about to be written, perhaps.
    if text.trim().is_empty() && project.main.exists() {
        return None;
    }
    // Without any export it may listen for events: if it does not, its first request says so.
    if exports.is_empty() && text.contains("addEventListener") {
        return None;
    }
    let message = format!("`{main}` has no default export, so that nothing answers requests");
    let help = "add `export default { fetch(request, env, ctx) { … } }`";
    Some(Diagnostic::warning("worker/no-handler", message).help(help))
}
