//! A client's bytes are the same messages in whatever pieces they arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dodev::web::web_socket::check_frames(bytes));
