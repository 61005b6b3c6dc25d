//! Runs the `tests.js` files of this folder in an isolate with the Web platform.

use crate::web::testing::run_tests_with;

macro_rules! test_files {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $name() {
                let failures = run_tests_with(include_str!($file), &[super::EXTENSION]);
                assert!(failures.is_empty(), "{}", failures.join("\n"));
            }
        )*
    };
}

test_files! {
    absent: "absent/tests.js",
    async_hooks: "async_hooks/tests.js",
    buffer: "buffer/tests.js",
    crypto: "crypto/tests.js",
    crypto_dh: "crypto/dh/tests.js",
    crypto_keys: "crypto/keys/tests.js",
    events: "events/tests.js",
    path: "path/tests.js",
    process: "process/tests.js",
    stream: "stream/tests.js",
    util: "util/tests.js",
    zlib: "zlib/tests.js",
}
