//! The table of the prelude's modules: JavaScript compiled to bytecode by the build script.

include!(concat!(env!("OUT_DIR"), "/prelude.rs"));

/// The bytecode of the prelude module `name`.
pub fn bytecode(name: &str) -> Option<&'static [u8]> {
    let index = MODULES.binary_search_by(|(n, _)| (*n).cmp(name)).ok()?;
    Some(MODULES[index].1)
}
