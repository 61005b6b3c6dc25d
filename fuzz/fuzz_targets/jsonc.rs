//! Any text is a configuration with places, or mistakes with places.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| dodev::project::check_jsonc(text));
