//! The packages of a project, built once and kept on disk: code or bytecode, source maps, what they export.
//!
//! One file per way of asking holds the modules, a second one the source maps, which are read when a position in
//! a package is asked for. A file is named after the request, the build of dodev, the engine and the
//! machine. It is believed only if its hash is right, and used only while every file that it was made from is
//! as it was: a reinstalled, patched or hand-edited package is built anew.
//!
//! Nothing here understands bytecode: it is made by a function of the caller's, and opaque.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::external::External;
use super::inputs::Stamp;
use super::output::{Module, OutputKind};
use super::request::{BundleRequest, Outside, Packages};
use super::stored;
use super::wire::{Findings, Message};
use crate::base::diag::Diagnostic;
use crate::base::limits;

/// The first bytes of the two files; changes with their form.
const MAGIC: &[u8] = b"dodev packages 3\n";
const MAPS_MAGIC: &[u8] = b"dodev package maps 1\n";
/// Most sets of packages that are kept, of two files each.
const SETS_MAX: usize = 4;
/// How often, and how far apart, a mark is tried that is newer than all inputs.
const MARK_TRIES: usize = 50;
const MARK_PAUSE: std::time::Duration = std::time::Duration::from_millis(1);

/// What turns the source text of a module into bytecode.
#[derive(Debug, Clone, Copy)]
pub struct Compiler {
    /// The engine and its version: bytecode of another one is never used.
    pub engine: &'static str,
    /// From the name and the text of a module to its bytecode; nothing if it cannot be compiled. It is called on
    /// threads with as much stack as an isolate's.
    pub compile: fn(name: &str, source: &str) -> Option<Vec<u8>>,
}

/// All packages that a project's code imports.
#[derive(Debug)]
pub struct Dependencies {
    /// The modules, in no order.
    pub modules: Vec<DependencyModule>,
    manifest: Manifest,
    maps: PathBuf,
    hash: [u8; 32],
}

/// One module of the packages.
#[derive(Debug, Clone)]
pub struct DependencyModule {
    /// The name by which others import it.
    pub name: String,
    /// What `code` is.
    pub form: DependencyForm,
    /// As the form says.
    pub code: Arc<Vec<u8>>,
}

/// What a module of the packages is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyForm {
    /// What the compiler made.
    Bytecode,
    /// JavaScript that could not be compiled, or was not to be.
    Source,
    /// Bytes that are no code.
    Data,
    /// WebAssembly's binary format.
    Wasm,
}

/// What a bundler process is asked to build.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DependencyCall {
    pub(super) request: BundleRequest,
    /// Real paths by the name of the module.
    pub(super) entries: BTreeMap<String, PathBuf>,
    /// Where the result is stored.
    pub(super) file: PathBuf,
}

/// How such a build ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyOutcome {
    /// It is stored.
    Stored,
    /// These packages, by their directories, import files of the project and belong to its code.
    Inline(BTreeSet<PathBuf>),
    /// A package asks for values that follow awaits, for which all code is lowered.
    AsksAsync,
    /// Why it could not be built.
    Failed(String),
}

/// What a build of packages yields, before it is stored.
#[derive(Debug)]
pub(super) struct BuiltDependencies {
    pub modules: Vec<Module>,
    /// What each entry exports.
    pub exports: BTreeMap<String, BTreeSet<String>>,
    pub inputs: Vec<PathBuf>,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    modules: Vec<(String, DependencyForm)>,
    entries: BTreeMap<String, (PathBuf, BTreeSet<String>)>,
    inputs: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
    outside: Outside,
    diagnostics: Findings,
    maps_hash: [u8; 32],
}

/// Where packages are stored, for one engine.
#[derive(Debug, Clone)]
pub(super) struct DependencyStore {
    directory: PathBuf,
    engine: &'static str,
}

impl DependencyStore {
    pub(super) fn new(directory: PathBuf, engine: &'static str) -> Self {
        Self { directory, engine }
    }

    /// The file for `request`, whatever its packages are.
    pub(super) fn file_of(&self, request: &BundleRequest) -> PathBuf {
        let request = BundleRequest { packages: Packages::Inside, ..request.clone() };
        let mut hash = Sha256::new();
        hash.update(env!("DODEV_BUNDLER"));
        for part in [self.engine, std::env::consts::ARCH] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(usize::BITS.to_le_bytes());
        hash.update(serde_json::to_vec(&request).unwrap_or_default());
        let name: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(format!("packages-{name}.bin"))
    }

    /// What is stored for `request`, if it is still what a build would yield.
    pub(super) fn load(&self, request: &BundleRequest) -> Option<Dependencies> {
        Dependencies::read(&self.file_of(request)).filter(Dependencies::is_current)
    }

    /// What is stored for `request`, if it is the one with this hash.
    pub(super) fn load_exactly(&self, request: &BundleRequest, hash: [u8; 32]) -> Option<Dependencies> {
        Dependencies::read(&self.file_of(request)).filter(|found| found.hash == hash)
    }
}

impl Dependencies {
    fn read(path: &Path) -> Option<Self> {
        let (hash, content) = stored::read(path, MAGIC)?;
        let Message { header: manifest, blobs } = Message::<Manifest>::read(&mut &content[..]).ok()??;
        if manifest.modules.len() != blobs.len() || manifest.inputs.len() != manifest.stamps.len() {
            return None;
        }
        let modules = manifest.modules.iter().zip(blobs).map(|((name, form), code)| DependencyModule {
            name: name.clone(),
            form: *form,
            code: Arc::new(code),
        });
        Some(Self { modules: modules.collect(), maps: maps_file(path), hash, manifest })
    }

    /// Whether all files are as they were when this was built.
    pub(super) fn is_current(&self) -> bool {
        let Manifest { inputs, stamps, .. } = &self.manifest;
        inputs.iter().zip(stamps).all(|(path, stamp)| Stamp::of(path) == *stamp)
    }

    /// Whether it has everything that `external` needs, built as `outside` says.
    pub(super) fn covers(&self, external: &External, outside: &Outside) -> bool {
        let own = &self.manifest.outside;
        own.inline == outside.inline
            && own.early == outside.early
            && own.lowers_async == outside.lowers_async
            && external.entries.keys().all(|name| self.manifest.entries.contains_key(name))
    }

    /// How the project's code has to be built for these packages, as far as they know.
    pub(super) fn outside(&self) -> &Outside {
        &self.manifest.outside
    }

    /// The names that the module `name` exports.
    pub(super) fn exports_of(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.manifest.entries.get(name).map(|(_, exports)| exports)
    }

    /// Every file that the packages depend on, absolute and sorted.
    pub(super) fn inputs(&self) -> &[PathBuf] {
        &self.manifest.inputs
    }

    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        self.manifest.diagnostics.clone().into_diagnostics().unwrap_or_default()
    }

    /// The hash of all that is stored.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The source maps, JSON text by module; nothing if they are gone from the disk.
    pub fn read_maps(&self) -> BTreeMap<String, String> {
        let Some((hash, content)) = stored::read(&self.maps, MAPS_MAGIC) else { return BTreeMap::new() };
        if hash != self.manifest.maps_hash {
            return BTreeMap::new();
        }
        let Ok(Some(Message { header: names, blobs })) = Message::<Vec<String>>::read(&mut &content[..])
        else {
            return BTreeMap::new();
        };
        let maps = names.into_iter().zip(blobs);
        maps.filter_map(|(name, map)| Some((name, String::from_utf8(map).ok()?))).collect()
    }
}

impl PartialEq for Dependencies {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Dependencies {}

/// Builds what `call` asks for and stores it.
pub(super) fn build_and_store(
    call: &DependencyCall,
    compiler: Option<Compiler>,
    build: impl Fn(&DependencyCall) -> Result<BuiltDependencies, DependencyOutcome>,
) -> DependencyOutcome {
    let stored = || -> io::Result<Result<DependencyOutcome, DependencyOutcome>> {
        let directory = call.file.parent().unwrap_or(Path::new("/"));
        stored::prepare(directory)?;
        let mut mark = newer_mark(directory, &[])?;
        // Packages that were installed a moment ago look as if they changed meanwhile: one more time then.
        for _ in 0..2 {
            let built = match build(call) {
                Ok(built) => built,
                Err(outcome) => return Ok(Err(outcome)),
            };
            let stamps: Vec<_> = built.inputs.iter().map(|path| Stamp::of(path)).collect();
            if stamps.iter().flatten().all(|stamp| stamp.is_older_than(&mark)) {
                store(call, compiler, built, stamps)?;
                stored::remove_old(directory, "packages-", SETS_MAX * 2)?;
                return Ok(Ok(DependencyOutcome::Stored));
            }
            mark = newer_mark(directory, &stamps)?;
        }
        Ok(Err(DependencyOutcome::Failed("their files keep changing".to_owned())))
    };
    match stored() {
        Ok(Ok(outcome) | Err(outcome)) => outcome,
        Err(error) => DependencyOutcome::Failed(format!("they cannot be stored: {error}")),
    }
}

fn store(
    call: &DependencyCall,
    compiler: Option<Compiler>,
    built: BuiltDependencies,
    stamps: Vec<Option<Stamp>>,
) -> io::Result<()> {
    let BuiltDependencies { modules, mut exports, inputs, diagnostics } = built;
    let (modules, maps) = compile_all(modules, compiler);
    let (names, blobs) = maps.into_iter().unzip::<_, _, Vec<String>, Vec<Vec<u8>>>();
    let maps = Message { header: names, blobs };
    let maps_hash = stored::write(&maps_file(&call.file), MAPS_MAGIC, |mut to| maps.write(&mut to))?;
    let outside = match &call.request.packages {
        Packages::Outside(outside) => Outside { types: BTreeSet::new(), ..outside.clone() },
        Packages::Inside => Outside::default(),
    };
    let entries = call
        .entries
        .iter()
        .map(|(name, path)| (name.clone(), (path.clone(), exports.remove(name).unwrap_or_default())));
    let (names, blobs) =
        modules.into_iter().map(|(name, form, code)| ((name, form), code)).unzip::<_, _, Vec<_>, Vec<_>>();
    let manifest = Manifest {
        modules: names,
        entries: entries.collect(),
        inputs,
        stamps,
        outside,
        diagnostics: Findings::of(&diagnostics),
        maps_hash,
    };
    let packages = Message { header: manifest, blobs };
    stored::write(&call.file, MAGIC, |mut to| packages.write(&mut to))?;
    Ok(())
}

type Compiled = (String, DependencyForm, Bytes);

/// Compiles modules on all processors, since nothing else goes on in this process; maps come apart.
fn compile_all(modules: Vec<Module>, compiler: Option<Compiler>) -> (Vec<Compiled>, Vec<(String, Vec<u8>)>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut maps = Vec::new();
    let mut shares: Vec<(usize, Vec<Module>)> = (0..threads).map(|_| (0, Vec::new())).collect();
    let mut sorted = modules;
    sorted.sort_by_key(|module| std::cmp::Reverse(module.code.len()));
    for mut module in sorted {
        maps.extend(module.source_map.take().map(|map| (module.name.clone(), map.into_bytes())));
        let least = shares.iter_mut().min_by_key(|(size, _)| *size).expect("there is a processor");
        least.0 += module.code.len();
        least.1.push(module);
    }
    let compiled = std::thread::scope(|scope| {
        let compile = |share: Vec<Module>| move || share.into_iter().map(|m| compile(m, compiler)).collect();
        let spawn = |share| {
            let builder = std::thread::Builder::new().stack_size(limits::ISOLATE_THREAD_STACK_BYTES);
            builder.spawn_scoped(scope, compile(share)).expect("the system gives a thread")
        };
        let threads: Vec<_> = shares.into_iter().map(|(_, share)| spawn(share)).collect();
        let joined = threads.into_iter().flat_map(|thread| -> Vec<Compiled> {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.collect()
    });
    (compiled, maps)
}

fn compile(module: Module, compiler: Option<Compiler>) -> Compiled {
    let Module { name, kind, code, .. } = module;
    let source = match kind {
        OutputKind::EsModule => std::str::from_utf8(&code).ok(),
        OutputKind::Data | OutputKind::Text => return (name, DependencyForm::Data, code),
        OutputKind::Wasm => return (name, DependencyForm::Wasm, code),
    };
    let bytecode = source.zip(compiler).and_then(|(source, compiler)| (compiler.compile)(&name, source));
    match bytecode {
        Some(bytecode) => (name, DependencyForm::Bytecode, bytecode.into()),
        None => (name, DependencyForm::Source, code),
    }
}

/// The present in the file system's time, later than all of `stamps` if its clock moves.
fn newer_mark(directory: &Path, stamps: &[Option<Stamp>]) -> io::Result<Stamp> {
    let path = directory.join(format!("mark-{}", std::process::id()));
    let mut tries = 0;
    let mark = loop {
        fs::write(&path, b"")?;
        let mark = Stamp::of(&path).ok_or_else(|| io::Error::other("the file system keeps no times"))?;
        tries += 1;
        if tries == MARK_TRIES || stamps.iter().flatten().all(|stamp| stamp.is_older_than(&mark)) {
            break mark;
        }
        std::thread::sleep(MARK_PAUSE);
    };
    fs::remove_file(&path)?;
    Ok(mark)
}

fn maps_file(file: &Path) -> PathBuf {
    file.with_extension("maps")
}
