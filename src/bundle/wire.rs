//! Bundles and failures as bytes: between the server and its bundler process, and in the cache.
//!
//! A message is a JSON header and, outside of it, the contents of modules and maps as they are, since
//! these are megabytes that neither side wants to escape. Lengths are 32-bit little-endian. Both ends are
//! the same binary (the cache's key has its version), so there is no version here.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::dependencies::{DependencyCall, DependencyOutcome};
use super::external::External;
use super::failure::CODES;
use super::output::{BuildFailure, Bundle, Module, OutputKind};
use super::request::BundleRequest;
use crate::base::diag::{Diagnostic, Label, Severity, SourceFile};

/// The largest part of a message that is accepted, bytes.
const PART_BYTES: usize = 1 << 30;

/// How much of a part is made room for before it is there, bytes.
const PART_AT_ONCE: usize = 16 << 20;

/// What the server asks of its bundler process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Call {
    Build { request: BundleRequest, changed: Vec<PathBuf> },
    Dependencies(DependencyCall),
}

/// A header and the bytes that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<T, B = Vec<u8>> {
    pub header: T,
    pub blobs: Vec<B>,
}

impl<T: Serialize, B: AsRef<[u8]>> Message<T, B> {
    /// Writes the whole message.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let header = serde_json::to_vec(&self.header)?;
        write_length(to, self.blobs.len())?;
        for part in std::iter::once(header.as_slice()).chain(self.blobs.iter().map(AsRef::as_ref)) {
            write_length(to, part.len())?;
            to.write_all(part)?;
        }
        to.flush()
    }
}

impl<T: Serialize + DeserializeOwned> Message<T> {
    /// A message of a header only.
    pub(super) fn header(header: T) -> Self {
        Self { header, blobs: Vec::new() }
    }

    /// Reads a whole message; `None` if the stream ends before it begins.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut count = [0; 4];
        let mut filled = 0;
        while filled < count.len() {
            match from.read(&mut count[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let header = serde_json::from_slice(&read_part(from)?)?;
        let blobs = (0..u32::from_le_bytes(count)).map(|_| read_part(from)).collect::<io::Result<_>>()?;
        Ok(Some(Self { header, blobs }))
    }
}

fn write_length(to: &mut impl Write, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())
}

fn read_part(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > PART_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a part is too long"));
    }
    let mut bytes = Vec::with_capacity(length.min(PART_AT_ONCE));
    if from.take(length as u64).read_to_end(&mut bytes)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The header of a build's outcome; the blobs are each module's code, then its map if it has one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Not yet the outcome: all modules are loaded, whose texts are so long, bytes.
    Scanned(usize),
    /// Not yet the outcome, but the code that it will have: the name of the module, whose text is the blob.
    Code(String),
    Built(Box<BundleHeader>),
    Dependencies(DependencyOutcome),
    Failed {
        diagnostics: Findings,
        inputs: Vec<PathBuf>,
    },
}

/// A bundle without the contents of its modules.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BundleHeader {
    entry: String,
    modules: Vec<ModuleHeader>,
    inputs: Vec<PathBuf>,
    exports: Vec<String>,
    hash: [u8; 32],
    diagnostics: Findings,
    external: Option<External>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ModuleHeader {
    name: String,
    kind: OutputKind,
    has_map: bool,
    /// Whether its code is the one that was told of, and is not said again.
    was_told: bool,
}

/// Code that a message of its own told of: whose it is, and its hash.
pub(super) struct Told {
    name: String,
    hash: [u8; 32],
}

impl Told {
    /// The code of the module `name`.
    pub(super) fn new(name: &str, code: &[u8]) -> Self {
        Self { name: name.to_owned(), hash: Sha256::digest(code).into() }
    }

    fn is(&self, module: &Module) -> bool {
        self.name == module.name && self.hash[..] == Sha256::digest(&module.code)[..]
    }
}

/// Diagnostics, each text that they point into once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Findings {
    sources: Vec<(PathBuf, String)>,
    list: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Finding {
    code: String,
    is_error: bool,
    message: String,
    /// Source, start, end, text.
    labels: Vec<(usize, usize, usize, String)>,
    help: Option<String>,
}

/// The message for what a build yielded, of which `told` is known already.
pub(super) fn encode_outcome<'a>(
    outcome: &'a Result<Bundle, BuildFailure>,
    told: Option<&Told>,
) -> Message<Outcome, &'a [u8]> {
    match outcome {
        Ok(bundle) => {
            let (mut header, mut blobs) = split_bundle(bundle);
            let module = bundle.modules.first().filter(|module| told.is_some_and(|told| told.is(module)));
            if module.is_some() {
                header.modules[0].was_told = true;
                blobs[0] = &[];
            }
            Message { header: Outcome::Built(Box::new(header)), blobs }
        }
        Err(failure) => Message {
            header: Outcome::Failed {
                diagnostics: Findings::of(&failure.diagnostics),
                inputs: failure.inputs.clone(),
            },
            blobs: Vec::new(),
        },
    }
}

/// What a message says of a bundle, whose code may be `told`; `None` if its parts do not fit together.
pub(super) fn decode_outcome(
    message: Message<Outcome>,
    told: Option<Bytes>,
) -> Option<Result<Bundle, BuildFailure>> {
    Some(match message.header {
        Outcome::Scanned(_) | Outcome::Code(_) | Outcome::Dependencies(_) => return None,
        Outcome::Built(header) => Ok(join_bundle(*header, message.blobs, told)?),
        Outcome::Failed { diagnostics, inputs } => {
            Err(BuildFailure { diagnostics: diagnostics.into_diagnostics()?, inputs })
        }
    })
}

/// A bundle as a header and blobs; its dependencies, which have files of their own, are left out.
pub(super) fn split_bundle(bundle: &Bundle) -> (BundleHeader, Vec<&[u8]>) {
    let diagnostics = Findings::of(&bundle.diagnostics);
    let mut modules = Vec::new();
    let mut blobs: Vec<&[u8]> = Vec::new();
    for Module { name, kind, code, source_map } in &bundle.modules {
        let has_map = source_map.is_some();
        modules.push(ModuleHeader { name: name.clone(), kind: *kind, has_map, was_told: false });
        blobs.push(code);
        blobs.extend(source_map.as_deref().map(str::as_bytes));
    }
    let header = BundleHeader {
        entry: bundle.entry.clone(),
        modules,
        inputs: bundle.inputs.clone(),
        exports: bundle.exports.clone(),
        hash: bundle.hash,
        diagnostics,
        external: bundle.external.clone(),
    };
    (header, blobs)
}

/// The inverse of [`split_bundle`], with the code that was `told`; `None` if the parts do not fit together.
pub(super) fn join_bundle(header: BundleHeader, blobs: Vec<Vec<u8>>, told: Option<Bytes>) -> Option<Bundle> {
    let mut blobs = blobs.into_iter();
    let mut modules = Vec::new();
    for ModuleHeader { name, kind, has_map, was_told } in header.modules {
        let code = blobs.next()?;
        let code = if was_told { told.clone()? } else { Bytes::from(code) };
        let source_map = if has_map { Some(String::from_utf8(blobs.next()?).ok()?) } else { None };
        modules.push(Module { name, kind, code, source_map });
    }
    Some(Bundle {
        entry: header.entry,
        modules,
        inputs: header.inputs,
        exports: header.exports,
        hash: header.hash,
        diagnostics: header.diagnostics.into_diagnostics()?,
        external: header.external,
        dependencies: None,
    })
}

impl Findings {
    pub(super) fn of(diagnostics: &[Diagnostic]) -> Self {
        let mut sources: Vec<&Arc<SourceFile>> = Vec::new();
        let mut list = Vec::new();
        for diagnostic in diagnostics {
            let mut labels = Vec::new();
            for label in &diagnostic.labels {
                let index = sources.iter().position(|source| **source == label.source).unwrap_or_else(|| {
                    sources.push(&label.source);
                    sources.len() - 1
                });
                labels.push((index, label.span.start, label.span.end, label.text.clone()));
            }
            list.push(Finding {
                code: diagnostic.code.to_owned(),
                is_error: diagnostic.is_error(),
                message: diagnostic.message.clone(),
                labels,
                help: diagnostic.help.clone(),
            });
        }
        let sources = sources.into_iter().map(|source| (source.path.clone(), source.text.clone())).collect();
        Self { sources, list }
    }

    pub(super) fn into_diagnostics(self) -> Option<Vec<Diagnostic>> {
        let sources: Vec<_> =
            self.sources.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        let decode = |finding: Finding| {
            let label = |(source, start, end, text): (usize, usize, usize, String)| {
                Some(Label { source: sources.get(source)?.clone(), span: start..end, text })
            };
            Some(Diagnostic {
                code: CODES.iter().find(|code| **code == finding.code)?,
                severity: if finding.is_error { Severity::Error } else { Severity::Warning },
                message: finding.message,
                labels: finding.labels.into_iter().map(label).collect::<Option<_>>()?,
                help: finding.help,
            })
        };
        self.list.into_iter().map(decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(outcome: Result<Bundle, BuildFailure>) {
        let mut bytes = Vec::new();
        encode_outcome(&outcome, None).write(&mut bytes).unwrap();
        let mut rest = bytes.as_slice();
        let message = Message::read(&mut rest).unwrap().unwrap();
        assert_eq!(decode_outcome(message, None), Some(outcome));
        assert!(Message::<Outcome>::read(&mut rest).unwrap().is_none());
        for cut in 1..bytes.len() {
            assert!(Message::<Outcome>::read(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    fn diagnostics() -> Vec<Diagnostic> {
        let source = SourceFile::new("src/a.ts", "import 'x'");
        vec![
            Diagnostic::error("bundle/unresolved-import", "cannot find `x`")
                .at(&source, 7..10, "here")
                .at(&source, 0..6, "")
                .help("install it"),
            Diagnostic::warning("bundle/suspicious", "odd"),
        ]
    }

    #[test]
    fn bundles_and_failures_survive() {
        let module = |name: &str, kind, source_map: Option<&str>| Module {
            name: name.into(),
            kind,
            code: vec![0, 1, 255].into(),
            source_map: source_map.map(str::to_owned),
        };
        round_trip(Ok(Bundle {
            entry: "index.js".into(),
            modules: vec![
                module("index.js", OutputKind::EsModule, Some("{}")),
                module("./1-a.bin", OutputKind::Data, None),
                module("./2-a.wasm", OutputKind::Wasm, None),
            ],
            inputs: vec!["/p/a.ts".into()],
            exports: vec!["default".into()],
            hash: [7; 32],
            diagnostics: diagnostics(),
            external: Some(External { order: vec!["deps/a.js".into()], ..External::default() }),
            dependencies: None,
        }));
        round_trip(Err(BuildFailure { diagnostics: diagnostics(), inputs: vec!["/p/b.ts".into()] }));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let bundle = Bundle {
            entry: "a".into(),
            modules: vec![Module {
                name: "a".into(),
                kind: OutputKind::Text,
                code: Bytes::new(),
                source_map: None,
            }],
            ..Bundle::default()
        };
        let (header, _) = split_bundle(&bundle);
        assert_eq!(join_bundle(header, vec![], None), None);
        let (mut header, _) = split_bundle(&bundle);
        header.modules[0].was_told = true;
        assert_eq!(join_bundle(header, vec![vec![]], None), None, "nothing was told");
        let unknown = Diagnostic::error("config/unknown-key", "from elsewhere");
        assert_eq!(Findings::of(&[unknown]).into_diagnostics(), None);
    }
}
