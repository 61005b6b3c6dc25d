//! Any bytes given to the codec are an error, or a value that survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dodev::codec::check(bytes));
