//! What a build yields: a [`Bundle`], or a [`BuildFailure`] that says why there is none.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::dependencies::Dependencies;
use super::external::External;
use crate::base::diag::Diagnostic;

/// Immutable modules with their maps, the files they came from, and one hash over the contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The name of the module that is the Worker.
    pub entry: String,
    /// All modules that are not the platform's own, the entry first.
    pub modules: Vec<Module>,
    /// Every file that the result depends on, absolute; a path may not exist yet, if its appearance
    /// would change the result.
    pub inputs: Vec<PathBuf>,
    /// Names that the entry exports.
    pub exports: Vec<String>,
    /// Equal for two bundles exactly if their modules, dependencies and maps are equal.
    pub hash: [u8; 32],
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What the code imports from packages that are not part of it.
    pub external: Option<External>,
    /// These packages.
    pub dependencies: Option<Arc<Dependencies>>,
}

impl Bundle {
    /// The bundle of a project without code: a Worker that handles nothing.
    pub fn of_nothing() -> Self {
        let entry = "index.js".to_owned();
        let code = Bytes::from_static(b"export default {};\n");
        let modules =
            vec![Module { name: entry.clone(), kind: OutputKind::EsModule, code, source_map: None }];
        let hash = hash_modules(&modules);
        Self { entry, modules, hash, exports: vec!["default".to_owned()], ..Self::default() }
    }
}

/// One module, under the name by which others import it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// `index.js`, or `./<hash>-<file>` as it is written in the importing code.
    pub name: String,
    /// What `code` is.
    pub kind: OutputKind,
    /// JavaScript or text in UTF-8, or bytes.
    pub code: Bytes,
    /// The source map of JavaScript, JSON text.
    pub source_map: Option<String>,
}

/// What a module of a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum OutputKind {
    /// JavaScript with `import` and `export`.
    EsModule,
    /// The default export is the text.
    Text,
    /// The default export is an `ArrayBuffer` of the bytes.
    Data,
    /// The default export is the compiled WebAssembly module.
    Wasm,
}

/// Why there is no bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFailure {
    /// At least one error; warnings may be among them.
    pub diagnostics: Vec<Diagnostic>,
    /// The files known so far and those whose appearance would help, absolute.
    pub inputs: Vec<PathBuf>,
}

impl BuildFailure {
    /// A failure for one reason, with no file known.
    pub fn of(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic], inputs: Vec::new() }
    }
}

/// The hash over `modules`: names, kinds, contents and maps, each preceded by its length.
pub(super) fn hash_modules(modules: &[Module]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for module in modules {
        let map = module.source_map.as_deref().unwrap_or_default();
        for part in [module.name.as_bytes(), &[module.kind as u8], &module.code, map.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}
