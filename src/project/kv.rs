//! Reads `kv_namespaces`, the bindings to Workers KV.

use super::bindings::{Names, Unsupported};
use super::overlay::Layers;
use super::report::Report;
use super::tree::Node;

/// A binding to a namespace of Workers KV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvNamespace {
    /// Its name in `env`.
    pub binding: String,
    /// Which namespace: bindings with one id share their values.
    pub id: String,
}

/// The bindings of `kv_namespaces`; those that want the platform's own go to `unsupported`.
///
/// Fidelity: wrangler takes the id for previews where there is one, and the binding's name where there is none.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    names: &mut Names,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<KvNamespace> {
    let mut namespaces = Vec::new();
    for item in layers.get("kv_namespaces").map(Node::items).unwrap_or_default() {
        let Some(binding) = item.get("binding") else { continue };
        let Some(name) = binding.as_text() else { continue };
        names.add(name, "kv_namespaces", binding.span.clone());
        if item.get("remote").and_then(Node::as_bool) == Some(true) {
            let (kind, span) = ("kv_namespaces with `remote`".to_owned(), binding.span.clone());
            unsupported.push(Unsupported { kind, binding: Some(name.to_owned()), span });
            continue;
        }
        if let Some(id) = item.get("id").filter(|id| id.as_text() == Some("")) {
            let message = format!("the namespace of `{name}` has an empty `id`");
            report
                .error("config/bad-value", id.span.clone(), message)
                .help("give any name; without one, it is that of the binding");
        }
        let id = item.text("preview_id").or_else(|| item.text("id")).unwrap_or(name);
        namespaces.push(KvNamespace { binding: name.to_owned(), id: id.to_owned() });
    }
    namespaces
}
