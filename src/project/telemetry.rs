//! Reads the bindings that keep nothing here: `analytics_engine_datasets`, whose data points no Worker can read, and
//! `version_metadata`, which says which version of the Worker runs.

use super::bindings::{Names, Unsupported, local_items};
use super::overlay::Layers;
use super::tree::Node;

/// A binding to a dataset of Analytics Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its name in `env`.
    pub binding: String,
    /// The dataset, by default of the binding's name.
    pub dataset: String,
}

/// The bindings of `analytics_engine_datasets`; those that want the platform's own go to `unsupported`.
pub fn datasets(layers: &Layers<'_>, names: &mut Names, unsupported: &mut Vec<Unsupported>) -> Vec<Dataset> {
    let items = local_items(layers, "analytics_engine_datasets", names, unsupported);
    let dataset = |(name, item): (&str, &Node)| Dataset {
        binding: name.to_owned(),
        dataset: item.text("dataset").unwrap_or(name).to_owned(),
    };
    items.into_iter().map(dataset).collect()
}

/// The name in `env` that `version_metadata` gives.
pub fn version_metadata(layers: &Layers<'_>, names: &mut Names) -> Option<String> {
    let binding = layers.get("version_metadata")?.get("binding")?;
    let name = binding.as_text()?;
    names.add(name, "version_metadata", binding.span.clone());
    Some(name.to_owned())
}
