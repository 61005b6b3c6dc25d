//! Code that is compiled while the rest of its bundle is still being made.
//!
//! The engine takes what was compiled under a name in place of the text that the name has later. So an isolate that has
//! compiled something is used for exactly that code, and for another it is made anew.

use bytes::Bytes;

use crate::base::limits;
use crate::bundle::{Module, OutputKind};
use crate::engine::{Isolate, RealmId, memory};

use super::{WorkerCode, spec};

/// What compiling takes for each byte of text, in blocks that are not text themselves, bytes.
const COMPILING: usize = 2;

/// The most that is fetched, bytes: of many texts little may be left in the code.
const FETCHED_MAX: usize = 8 << 20;

/// Has the memory handed out that the calling thread will compile code in, whose texts have `size` bytes.
pub fn fetch_memory(size: usize) -> memory::Fetched {
    memory::fetch_ahead(size.saturating_mul(COMPILING).min(FETCHED_MAX))
}

/// The entry of a Worker that runs alone, before the rest of its code is there.
#[derive(Debug)]
pub struct Ahead {
    /// The name of the module.
    pub name: String,
    /// JavaScript in UTF-8.
    pub code: Bytes,
}

impl Ahead {
    /// Compiles it in `isolate`; whether that can be used. What is wrong with it is told when it is loaded.
    pub fn compile(&self, isolate: &Isolate) -> bool {
        isolate.set_turn_cpu(RealmId::FIRST, limits::STARTUP_CPU);
        isolate.compile_ahead(RealmId::FIRST, &self.name, &self.code)
    }

    /// Whether it is the entry of `workers` after all. Modules with URLs have an `import.meta`, which this one was not given.
    pub fn fits(&self, workers: &[WorkerCode]) -> bool {
        let [WorkerCode { project, bundle }] = workers else { return false };
        let is_entry = |module: &Module| {
            module.kind == OutputKind::EsModule && module.name == self.name && module.code == self.code
        };
        bundle.entry == self.name
            && bundle.modules.iter().any(is_entry)
            && !spec::compatibility_flags(project).contains(&("new_module_registry", true))
    }
}
