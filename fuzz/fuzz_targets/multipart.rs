//! Any bytes are a form or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dodev::web::bytes::check_multipart(bytes));
