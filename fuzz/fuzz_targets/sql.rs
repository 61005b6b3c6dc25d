//! Any text given to the reader of SQL is left alone, or becomes one statement whose places are known.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| dodev::storage::check_sql(text));
