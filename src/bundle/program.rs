//! What tells one build of dodev from another as far as bundles go: what was kept on disk by another one is not used.
//!
//! The sources of the bundler and the versions of all dependencies, summed up by the compiler.

const SOURCES: &[(&str, &[u8])] = &[
    ("cache.rs", include_bytes!("cache.rs")),
    ("child.rs", include_bytes!("child.rs")),
    ("decorators.rs", include_bytes!("decorators.rs")),
    ("dependencies.rs", include_bytes!("dependencies.rs")),
    ("dependency_build.rs", include_bytes!("dependency_build.rs")),
    ("edits.rs", include_bytes!("edits.rs")),
    ("external.rs", include_bytes!("external.rs")),
    ("failure.rs", include_bytes!("failure.rs")),
    ("file_options.rs", include_bytes!("file_options.rs")),
    ("first.rs", include_bytes!("first.rs")),
    ("import_forms.rs", include_bytes!("import_forms.rs")),
    ("in_process.rs", include_bytes!("in_process.rs")),
    ("inputs.rs", include_bytes!("inputs.rs")),
    ("learned.rs", include_bytes!("learned.rs")),
    ("lowered_async.js", include_bytes!("lowered_async.js")),
    ("lowered_async.rs", include_bytes!("lowered_async.rs")),
    ("mod.rs", include_bytes!("mod.rs")),
    ("namespaces.rs", include_bytes!("namespaces.rs")),
    ("node_builtins.rs", include_bytes!("node_builtins.rs")),
    ("options.rs", include_bytes!("options.rs")),
    ("order.rs", include_bytes!("order.rs")),
    ("output.rs", include_bytes!("output.rs")),
    ("plugin.rs", include_bytes!("plugin.rs")),
    ("prebundle.rs", include_bytes!("prebundle.rs")),
    ("queries.rs", include_bytes!("queries.rs")),
    ("request.rs", include_bytes!("request.rs")),
    ("rules.rs", include_bytes!("rules.rs")),
    ("runtime_text.rs", include_bytes!("runtime_text.rs")),
    ("scripts.rs", include_bytes!("scripts.rs")),
    ("source_maps.rs", include_bytes!("source_maps.rs")),
    ("stored.rs", include_bytes!("stored.rs")),
    ("suggest.rs", include_bytes!("suggest.rs")),
    ("tsconfig_fault.rs", include_bytes!("tsconfig_fault.rs")),
    ("tsconfig_stand_in.rs", include_bytes!("tsconfig_stand_in.rs")),
    ("type_exports.rs", include_bytes!("type_exports.rs")),
    ("unbundled.rs", include_bytes!("unbundled.rs")),
    ("wire.rs", include_bytes!("wire.rs")),
    ("program.rs", include_bytes!("program.rs")),
    ("../../Cargo.lock", include_bytes!("../../Cargo.lock")),
];

/// A sum over [`SOURCES`].
pub(super) const PROGRAM: u64 = sum(SOURCES);

/// FNV-1a.
const fn sum(sources: &[(&str, &[u8])]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut source = 0;
    while source < sources.len() {
        let bytes = sources[source].1;
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        source += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_summed_up() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bundle");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        files.push("../../Cargo.lock".to_owned());
        files.sort();
        let mut summed: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
        summed.sort_unstable();
        assert_eq!(summed, files);
        assert_ne!(sum(&[("a", b"ab")]), sum(&[("a", b"ba")]));
    }
}
