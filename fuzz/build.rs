//! Links as dodev's own `build.rs` does: its library calls functions by names that the linker gives.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-Wl,--wrap=lre_exec");
    }
}
