//! Reads `site`: the directory of Workers Sites, whose files a Worker finds in a namespace of Workers KV.
//!
//! Fidelity: wrangler 4.164.0 takes the key at the top level only, refuses it beside `assets`, and ends where there is no
//! directory.

use std::path::PathBuf;

use super::assets::{Directory, Place};
use super::bindings::Names;
use super::overlay::Layers;
use super::read::{Inputs, normal};
use super::report::Report;
use super::tree::Node;

/// The binding to the files.
pub const SITE_CONTENT: &str = "__STATIC_CONTENT";

/// The files of Workers Sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFiles {
    /// Where they are, absolute.
    pub directory: PathBuf,
    /// Patterns of the paths that are meant; without any all are.
    pub include: Vec<String>,
    /// Patterns of the paths that are not, where `include` has none.
    pub exclude: Vec<String>,
    /// The directory as it is written.
    pub shown: String,
}

/// The files, if the configuration or the command line name a directory.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    place: &Place<'_>,
    inputs: &mut Inputs,
    names: &mut Names,
) -> Option<SiteFiles> {
    let overrides = &place.request.overrides;
    let found = layers.find("site");
    let node = found.as_ref().map(|found| &found.entry.node);
    let bucket = node.and_then(|node| node.get("bucket"));
    let (path, shown) = match (&overrides.site, bucket) {
        (Some(given), _) => (normal(&place.request.cwd.join(given)), given.display().to_string()),
        (None, bucket) => {
            let text = bucket?.as_text()?;
            (normal(&place.root.join(text)), text.to_owned())
        }
    };
    let span = found.as_ref().map(|found| found.entry.key_span.clone());
    if let (Some(site), Some(assets)) = (&span, layers.find("assets")) {
        report
            .error("config/site", site.clone(), "a Worker cannot have `assets` and Workers Sites")
            .also(assets.entry.key_span.clone(), "its assets")
            .help("keep one of the two; `assets` is the one that is still developed");
        return None;
    }
    if let Some(old) = node.and_then(|node| node.entry("entry-point")) {
        let help = "remove it, and name the module in `main`";
        match layers.find("main") {
            Some(main) => {
                report
                    .error(
                        "config/site",
                        old.key_span.clone(),
                        "`main` says already what `entry-point` would",
                    )
                    .also(main.entry.key_span.clone(), "the main module")
                    .help(help);
            }
            None => drop(
                report.error("config/site", old.key_span.clone(), "`entry-point` is read no more").help(help),
            ),
        }
    }
    let named = Directory { path, shown };
    let bucket = bucket.filter(|_| overrides.site.is_none());
    if !named.is_usable(report, place, inputs, ("config/site", "bucket"), bucket) {
        return None;
    }
    names.add(SITE_CONTENT, "site", span.unwrap_or_default());
    let patterns = |given: &[String], key| match given.is_empty() {
        true => node.map(|node| texts(node, key)).unwrap_or_default(),
        false => given.to_vec(),
    };
    Some(SiteFiles {
        include: patterns(&overrides.site_include, "include"),
        exclude: patterns(&overrides.site_exclude, "exclude"),
        directory: named.path,
        shown: named.shown,
    })
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::as_text).map(str::to_owned).collect()
}
