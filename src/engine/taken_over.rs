//! Functions of the engine or the C library that ours stand in for.

/// Declares `$symbol`, the function that the linker calls `$real` and has ours called in its place (`build.rs`).
///
/// A weak reference, because the linker of another package, of which the library is a dependency, is told nothing: there the
/// function is called itself, and nothing asks for this.
macro_rules! taken_over {
    ($real:literal as $symbol:ident: $type:ty) => {
        core::arch::global_asm!(
            concat!(".weak ", $real),
            ".pushsection .data.rel.ro.dodev, \"aw\"",
            ".balign 8",
            concat!(".globl ", stringify!($symbol)),
            concat!(".hidden ", stringify!($symbol)),
            concat!(stringify!($symbol), ":"),
            concat!(".quad ", $real),
            ".popsection",
        );

        unsafe extern "C" {
            static $symbol: Option<$type>;
        }
    };
}

pub(super) use taken_over;
