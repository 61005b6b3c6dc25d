//! Reads `kv_namespaces`, the bindings to Workers KV.

use super::bindings::{Names, Unsupported, local_items};
use super::overlay::Layers;
use super::report::Report;

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
    for (name, item) in local_items(layers, "kv_namespaces", names, unsupported) {
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
