//! Any bytes on a connection are requests that the Worker can rely on, or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dodev::server::check_heads(bytes));
