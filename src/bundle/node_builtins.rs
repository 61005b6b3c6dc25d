//! Which module names belong to the platform rather than to a file: Node's built-in modules and the
//! `cloudflare:` ones. Whether the engine has them is not decided here.

use crate::base::module_name::SITE_MANIFEST;

/// Names that Node's own modules have without a prefix.
const BARE: &[&str] = &[
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "inspector/promises",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Whether `specifier` is a module of Node written without `node:`.
pub(super) fn is_bare_node_module(specifier: &str) -> bool {
    BARE.binary_search(&specifier).is_ok()
}

/// Whether `name` is a module that Workers have only with `nodejs_compat`: all have `node:process`, and one has a flag of its own.
pub(super) fn needs_node_compat(name: &str, async_hooks: bool) -> bool {
    name.starts_with("node:") && name != "node:process" && !(async_hooks && name == "node:async_hooks")
}

/// Whether `specifier` names a module that the platform provides, by its prefix or as the manifest of Workers Sites.
pub(super) fn is_platform_module(specifier: &str) -> bool {
    ["cloudflare:", "node:", "workerd:"].iter().any(|prefix| specifier.starts_with(prefix))
        || specifier == SITE_MANIFEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(BARE.is_sorted());
        assert!(BARE.iter().all(|name| is_bare_node_module(name)));
        for name in ["node:fs", "lodash", "fs/", "process/"] {
            assert!(!is_bare_node_module(name), "{name}");
        }
        assert!(is_platform_module("cloudflare:workers") && !is_platform_module("cloudflare"));
    }
}
