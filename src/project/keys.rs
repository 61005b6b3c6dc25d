//! Every key that a configuration may have: its form, whether environments inherit it, and what
//! dodev does with it. The one place to touch when the platform adds a key.
//!
//! Fidelity: `config-schema.json` of wrangler 4.164.0 for names and types; which keys are inherited is
//! documented under "Environments" of the platform's configuration page.

use super::shape::{Field, Shape, may, must};
use Shape::{Any, Either, Flag, Lenient, List, Map, MapOrEmpty, Nullable, Number, OneOf, Record, Text};

/// One top-level key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// The form of its value.
    pub shape: Shape,
    /// Where it may stand and whether environments inherit it.
    pub scope: Scope,
    /// What becomes of it.
    pub role: Role,
}

/// Where a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In an environment too; the top level's value counts where the environment has none.
    Inherited,
    /// In an environment too; an environment starts without it.
    PerEnvironment,
    /// At the top level only.
    TopLevel,
}

/// What dodev does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Read by this folder.
    Read,
    /// It only matters when deploying, or to the platform's own tools.
    Deploy,
    /// The platform's tools refuse it; the text says what to do instead.
    Removed(&'static str),
    /// It asks for something at run time that is not emulated; the field names its bindings.
    Unsupported(BindingNames),
}

/// How a key of unsupported things names the bindings that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingNames {
    /// It makes no binding.
    None,
    /// The value, or every item of it, has its binding's name under this key.
    Field(&'static str),
    /// A list under the first key, each item with its name under the second.
    Nested(&'static str, &'static str),
    /// Every key of the value is a binding.
    Keys,
}

const fn inherited(name: &'static str, shape: Shape, role: Role) -> Key {
    Key { name, shape, scope: Scope::Inherited, role }
}

const fn own(name: &'static str, shape: Shape, role: Role) -> Key {
    Key { name, shape, scope: Scope::PerEnvironment, role }
}

const fn top(name: &'static str, shape: Shape, role: Role) -> Key {
    Key { name, shape, scope: Scope::TopLevel, role }
}

/// A binding kind that is not emulated, named by `binding`.
const fn binding(name: &'static str, shape: Shape) -> Key {
    own(name, shape, Role::Unsupported(BindingNames::Field("binding")))
}

const fn nothing(name: &'static str, shape: Shape) -> Key {
    own(name, shape, Role::Unsupported(BindingNames::None))
}

use Role::{Deploy, Read};

const TEXTS: Shape = List(&Text);
const REMOTE: Field = may("remote", Flag);
const BINDING: Field = must("binding", Text);

/// The key of a configuration called `name`.
pub fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// All keys of the top level but `env`.
pub const KEYS: &[Key] = &[
    top("$schema", Text, Deploy),
    inherited("name", Text, Read),
    inherited("main", Text, Read),
    inherited("compatibility_date", Text, Read),
    inherited("compatibility_flags", TEXTS, Read),
    inherited("base_dir", Text, Read),
    inherited("find_additional_modules", Flag, Read),
    inherited("no_bundle", Flag, Read),
    inherited("minify", Flag, Read),
    inherited("keep_names", Flag, Read),
    inherited("tsconfig", Text, Read),
    inherited("jsx_factory", Text, Read),
    inherited("jsx_fragment", Text, Read),
    inherited("rules", Nullable(&List(&RULE)), Read),
    inherited("build", Lenient(&BUILD), Read),
    inherited("assets", ASSETS, Read),
    inherited("limits", Nullable(&Record(&[may("cpu_ms", Number), may("subrequests", Number)])), Read),
    inherited("triggers", TRIGGERS, Read),
    inherited("migrations", Nullable(&List(&MIGRATION)), Read),
    inherited("exports", Nullable(&Map(&Any)), Read),
    top("alias", MapOrEmpty(&Text), Read),
    top("dev", DEV, Read),
    own("define", MapOrEmpty(&Text), Read),
    own("vars", MapOrEmpty(&Any), Read),
    own("secrets", Record(&[may("required", TEXTS)]), Read),
    own("durable_objects", DURABLE_OBJECTS, Read),
    own("services", List(&SERVICE), Read),
    own("kv_namespaces", List(&Record(&[BINDING, may("id", Text), may("preview_id", Text), REMOTE])), Read),
    own("analytics_engine_datasets", List(&Record(&[BINDING, may("dataset", Text), REMOTE])), Read),
    own("version_metadata", Record(&[BINDING]), Read),
    // Only for deploying.
    inherited("account_id", Text, Deploy),
    inherited("workers_dev", Flag, Deploy),
    inherited("preview_urls", Flag, Deploy),
    inherited("route", ROUTE, Deploy),
    inherited("routes", List(&ROUTE), Deploy),
    inherited("placement", PLACEMENT, Deploy),
    inherited("logpush", Flag, Deploy),
    inherited("upload_source_maps", Flag, Deploy),
    // Names of files that nobody sees but who looks at what is uploaded.
    inherited("preserve_file_names", Flag, Deploy),
    inherited("observability", OBSERVABILITY, Deploy),
    inherited("cache", Record(&[must("enabled", Flag), may("cross_version_cache", Flag)]), Deploy),
    inherited("compliance_region", OneOf(&["public", "fedramp_high"]), Deploy),
    inherited("first_party_worker", Flag, Deploy),
    inherited("previews", PREVIEWS, Deploy),
    inherited("python_modules", Record(&[may("exclude", TEXTS)]), Deploy),
    nothing("tail_consumers", Nullable(&List(&Record(&[must("service", Text), may("environment", Text)])))),
    nothing("streaming_tail_consumers", Nullable(&List(&Record(&[must("service", Text)])))),
    own("cloudchamber", Map(&Any), Deploy),
    top("keep_vars", Flag, Deploy),
    top("send_metrics", Flag, Deploy),
    top("addresses", TEXTS, Deploy),
    top(
        "dependencies_instrumentation",
        Record(&[may("enabled", Flag), may("exclude_packages", TEXTS)]),
        Deploy,
    ),
    // Written by build tools into the configurations that they make.
    top("configPath", Text, Deploy),
    top("userConfigPath", Text, Deploy),
    top("topLevelName", Text, Deploy),
    top("definedEnvironments", TEXTS, Deploy),
    top("targetEnvironment", Text, Deploy),
    // No longer supported anywhere.
    top("legacy_env", Any, Role::Removed("remove it; every environment is a Worker of its own")),
    inherited(
        "node_compat",
        Any,
        Role::Removed("remove it and add `nodejs_compat` to `compatibility_flags`"),
    ),
    // Run-time features that are not emulated.
    inherited("access", ACCESS, Role::Unsupported(BindingNames::None)),
    inherited("logfwdr", LOGFWDR, Role::Unsupported(BindingNames::Nested("bindings", "name"))),
    own("unsafe", UNSAFE, Role::Unsupported(BindingNames::Nested("bindings", "name"))),
    own("queues", QUEUES, Role::Unsupported(BindingNames::Nested("producers", "binding"))),
    own("send_email", List(&SEND_EMAIL), Role::Unsupported(BindingNames::Field("name"))),
    own("ratelimits", List(&RATE_LIMIT), Read),
    nothing("connect", List(&CONNECT)),
    nothing("containers", Nullable(&List(&Map(&Any)))),
    binding("r2_buckets", List(&R2_BUCKET)),
    binding("d1_databases", List(&D1_DATABASE)),
    binding("workflows", List(&WORKFLOW)),
    binding("vectorize", List(&Record(&[BINDING, must("index_name", Text), REMOTE]))),
    binding("ai_search_namespaces", List(&Record(&[BINDING, must("namespace", Text), REMOTE]))),
    binding("ai_search", List(&Record(&[BINDING, must("instance_name", Text), REMOTE]))),
    binding("agent_memory", List(&Record(&[BINDING, must("namespace", Text), REMOTE]))),
    binding("hyperdrive", List(&HYPERDRIVE)),
    binding("dispatch_namespaces", List(&DISPATCH)),
    binding("mtls_certificates", List(&Record(&[BINDING, must("certificate_id", Text), REMOTE]))),
    binding("pipelines", List(&Record(&[BINDING, may("stream", Text), may("pipeline", Text), REMOTE]))),
    binding("k2", List(&Record(&[BINDING, must("stream", Text), REMOTE]))),
    binding("secrets_store_secrets", List(&SECRETS_STORE)),
    binding("artifacts", List(&Record(&[BINDING, must("namespace", Text), REMOTE]))),
    binding("unsafe_hello_world", List(&Record(&[BINDING, may("enable_timer", Flag)]))),
    binding("flagship", List(&Record(&[BINDING, may("app_id", Text), REMOTE]))),
    binding("worker_loaders", List(&Record(&[BINDING]))),
    binding("vpc_services", List(&Record(&[BINDING, must("service_id", Text), REMOTE]))),
    binding("vpc_networks", List(&VPC_NETWORK)),
    binding("browser", Record(&[BINDING, REMOTE])),
    binding("analytics", Record(&[BINDING, REMOTE])),
    binding("ai", Record(&[BINDING, may("staging", Flag), REMOTE])),
    binding("images", Record(&[BINDING, REMOTE])),
    binding("media", Record(&[BINDING, REMOTE])),
    binding("stream", Record(&[BINDING, REMOTE])),
    top("site", SITE, Read),
    top("pages_build_output_dir", Text, Role::Unsupported(BindingNames::None)),
    top("wasm_modules", MapOrEmpty(&Text), Role::Unsupported(BindingNames::Keys)),
    top("text_blobs", MapOrEmpty(&Text), Role::Unsupported(BindingNames::Keys)),
    top("data_blobs", MapOrEmpty(&Text), Role::Unsupported(BindingNames::Keys)),
];

const RULE: Shape = Record(&[must("type", Text), must("globs", TEXTS), may("fallthrough", Flag)]);

const BUILD: Shape =
    Record(&[may("command", Text), may("cwd", Text), may("watch_dir", Either(&[Text, List(&Text)]))]);

const TRIGGERS: Shape = Nullable(&Record(&[may("crons", TEXTS), may("events", List(&Map(&Any)))]));

const MIGRATION: Shape = Record(&[
    must("tag", Text),
    may("new_classes", TEXTS),
    may("new_sqlite_classes", TEXTS),
    may("renamed_classes", List(&Record(&[must("from", Text), must("to", Text)]))),
    may("transferred_classes", List(&TRANSFER)),
    may("deleted_classes", TEXTS),
]);

const TRANSFER: Shape = Record(&[must("from", Text), must("from_script", Text), must("to", Text)]);

const DEV: Shape = Record(&[
    may("ip", Text),
    may("port", Number),
    may("inspector_port", Number),
    may("inspector_ip", Text),
    may("local_protocol", PROTOCOL),
    may("upstream_protocol", PROTOCOL),
    may("host", Text),
    may("enable_containers", Flag),
    may("container_engine", Either(&[Text, Map(&Any)])),
    may("generate_types", Flag),
]);

const PROTOCOL: Shape = OneOf(&["http", "https"]);

const DURABLE_OBJECTS: Shape =
    Record(&[may("bindings", List(&DURABLE_OBJECT)), may("code_update_strategy", CODE_UPDATE)]);

const DURABLE_OBJECT: Shape = Record(&[
    must("name", Text),
    must("class_name", Text),
    may("script_name", Text),
    may("environment", Text),
]);

const CODE_UPDATE: Shape =
    Record(&[must("mode", OneOf(&["immediate", "deferred"])), may("max_delay", Number)]);

const SERVICE: Shape = Record(&[
    BINDING,
    must("service", Text),
    may("entrypoint", Text),
    may("environment", Text),
    may("props", Map(&Any)),
    may("dev", Map(&Any)),
    REMOTE,
]);

const ROUTE: Shape = Either(&[
    Text,
    Record(&[
        must("pattern", Text),
        may("zone_id", Text),
        may("zone_name", Text),
        may("custom_domain", Flag),
        may("enabled", Flag),
        may("previews_enabled", Flag),
    ]),
]);

const OBSERVABILITY: Shape = Record(&[
    may("enabled", Flag),
    may("head_sampling_rate", Number),
    may("redact_query_string", Flag),
    may("issues", Record(&[may("enabled", Flag)])),
    may(
        "logs",
        Record(&[
            may("enabled", Flag),
            may("head_sampling_rate", Number),
            may("invocation_logs", Flag),
            may("persist", Flag),
            may("destinations", TEXTS),
        ]),
    ),
    may(
        "traces",
        Record(&[
            may("enabled", Flag),
            may("head_sampling_rate", Number),
            may("persist", Flag),
            may("destinations", TEXTS),
        ]),
    ),
]);

const ASSETS: Shape = Record(&[
    may("directory", Text),
    may("binding", Text),
    may(
        "html_handling",
        OneOf(&["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"]),
    ),
    may("not_found_handling", OneOf(&["single-page-application", "404-page", "none"])),
    may("base_path", Text),
    may("run_worker_first", Either(&[Flag, List(&Text)])),
]);

const PLACEMENT: Shape = Record(&[
    may("mode", OneOf(&["off", "smart", "targeted"])),
    may("hint", Text),
    may("region", Text),
    may("host", Text),
    may("hostname", Text),
]);

const ACCESS: Shape = Record(&[may("dev", Record(&[must("aud", Text), may("identity", Map(&Any))]))]);

/// What a preview has instead of what the Worker has.
const PREVIEWS: Shape = Record(&[
    may("vars", Map(&Any)),
    may("define", Map(&Text)),
    may("durable_objects", Any),
    may("workflows", Any),
    may("kv_namespaces", Any),
    may("send_email", Any),
    may("queues", Any),
    may("d1_databases", Any),
    may("r2_buckets", Any),
    may("vectorize", Any),
    may("ai_search_namespaces", Any),
    may("ai_search", Any),
    may("hyperdrive", Any),
    may("services", Any),
    may("analytics_engine_datasets", Any),
    may("dispatch_namespaces", Any),
    may("mtls_certificates", Any),
    may("tail_consumers", Any),
    may("streaming_tail_consumers", Any),
    may("unsafe", Any),
    may("browser", Any),
    may("analytics", Any),
    may("ai", Any),
    may("images", Any),
    may("stream", Any),
    may("media", Any),
    may("pipelines", Any),
    may("k2", Any),
    may("secrets_store_secrets", Any),
    may("artifacts", Any),
    may("unsafe_hello_world", Any),
    may("flagship", Any),
    may("worker_loaders", Any),
    may("ratelimits", Any),
    may("vpc_services", Any),
    may("version_metadata", Any),
    may("containers", Any),
    may("logpush", Flag),
    may("observability", Any),
    may("limits", Any),
    may("placement", Any),
    may("cache", Any),
]);

/// The keys that wrangler knows, and those of the type `ratelimit`.
const UNSAFE_BINDING: Shape = Record(&[
    must("name", Text),
    must("type", Text),
    may("dev", Map(&Any)),
    may("namespace_id", Text),
    may("simple", Map(&Any)),
]);

const UNSAFE: Shape =
    Record(&[may("bindings", List(&UNSAFE_BINDING)), may("metadata", Map(&Any)), may("capnp", Map(&Any))]);

const CONNECT: Shape = Record(&[
    must("protocol", OneOf(&["tcp", "udp"])),
    must("port", Number),
    may("address", Text),
    may("idle_timeout_ms", Number),
    may("max_pending_bytes", Number),
]);

const LOGFWDR: Shape =
    Record(&[must("bindings", List(&Record(&[must("name", Text), must("destination", Text)])))]);

const QUEUES: Shape = Record(&[
    may("producers", List(&Record(&[BINDING, may("queue", Text), may("delivery_delay", Number), REMOTE]))),
    may(
        "consumers",
        List(&Record(&[
            must("queue", Text),
            may("type", Text),
            may("max_batch_size", Number),
            may("max_batch_timeout", Number),
            may("max_retries", Number),
            may("dead_letter_queue", Text),
            may("max_concurrency", Nullable(&Number)),
            may("visibility_timeout_ms", Number),
            may("retry_delay", Number),
        ])),
    ),
]);

const SEND_EMAIL: Shape = Record(&[
    must("name", Text),
    may("destination_address", Text),
    may("allowed_destination_addresses", TEXTS),
    may("allowed_sender_addresses", TEXTS),
    REMOTE,
]);

const RATE_LIMIT: Shape = Record(&[
    must("name", Text),
    must("namespace_id", Text),
    must("simple", Record(&[must("limit", Number), must("period", Number)])),
]);

const R2_BUCKET: Shape = Record(&[
    BINDING,
    may("bucket_name", Text),
    may("preview_bucket_name", Text),
    may("jurisdiction", Text),
    may("local_dev", Map(&Any)),
    REMOTE,
]);

const D1_DATABASE: Shape = Record(&[
    BINDING,
    may("database_name", Text),
    may("database_id", Text),
    may("jurisdiction", Text),
    may("preview_database_id", Text),
    may("migrations_table", Text),
    may("migrations_dir", Text),
    may("migrations_pattern", Text),
    may("database_internal_env", Text),
    REMOTE,
]);

const WORKFLOW: Shape = Record(&[
    BINDING,
    must("name", Text),
    must("class_name", Text),
    may("script_name", Text),
    may("limits", Record(&[may("steps", Number)])),
    may("concurrency", Record(&[may("limit", Number)])),
    may("schedules", Either(&[Text, List(&Text)])),
    may("default_retention", Map(&Any)),
    may("jurisdiction", OneOf(&["eu", "fedramp", "us"])),
    REMOTE,
]);

const HYPERDRIVE: Shape = Record(&[BINDING, must("id", Text), may("localConnectionString", Text), REMOTE]);

const DISPATCH: Shape = Record(&[BINDING, may("namespace", Text), may("outbound", OUTBOUND), REMOTE]);

const OUTBOUND: Shape = Record(&[must("service", Text), may("environment", Text), may("parameters", TEXTS)]);

const SECRETS_STORE: Shape = Record(&[BINDING, must("store_id", Text), must("secret_name", Text)]);

const VPC_NETWORK: Shape = Record(&[BINDING, may("tunnel_id", Text), may("network_id", Text), REMOTE]);

const SITE: Shape =
    Record(&[must("bucket", Text), may("entry-point", Text), may("include", TEXTS), may("exclude", TEXTS)]);

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of `config-schema.json` of wrangler 4.164.0, without `env`.
    const OF_SCHEMA: &str = "\
        $schema durable_objects name account_id compatibility_date compatibility_flags main \
        find_additional_modules preserve_file_names base_dir workers_dev preview_urls routes route \
        tsconfig jsx_factory jsx_fragment migrations exports triggers limits rules build no_bundle \
        minify keep_names first_party_worker logfwdr logpush upload_source_maps placement assets \
        observability access cache compliance_region python_modules previews define vars secrets \
        workflows cloudchamber containers kv_namespaces send_email queues connect r2_buckets \
        d1_databases vectorize ai_search_namespaces ai_search agent_memory hyperdrive services \
        analytics_engine_datasets browser analytics ai images media stream version_metadata unsafe \
        mtls_certificates tail_consumers streaming_tail_consumers dispatch_namespaces pipelines k2 \
        secrets_store_secrets artifacts unsafe_hello_world flagship ratelimits worker_loaders \
        vpc_services vpc_networks pages_build_output_dir send_metrics dependencies_instrumentation dev \
        site wasm_modules text_blobs data_blobs alias keep_vars addresses";

    #[test]
    fn every_key_of_the_platforms_schema_is_known() {
        for name in OF_SCHEMA.split_whitespace() {
            assert!(key(name).is_some(), "{name}");
        }
        for known in KEYS.iter().filter(|known| !matches!(known.role, Role::Removed(_))) {
            let made = known.name.chars().any(char::is_uppercase);
            assert!(made || OF_SCHEMA.split_whitespace().any(|name| name == known.name), "{}", known.name);
        }
    }

    #[test]
    fn every_key_stands_once() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..index].iter().all(|other| other.name != key.name), "{}", key.name);
        }
    }
}
