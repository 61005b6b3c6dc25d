//! Any text is a source map whose places can be asked for, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dodev::bundle::check_source_map(bytes));
