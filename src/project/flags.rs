//! The platform's compatibility flags: names, opposites, and when each became the default.
//!
//! A table of facts and the rule that reads it; the behaviour behind a flag is where that behaviour is. The
//! table is as old as `Date::NEWEST`.
//! Fidelity: names, opposites, dates and what is experimental as workerd 1.20261117.1 tells them; what implies what by its
//! `src/workerd/io/compatibility-date.capnp`. The order is that of `Cloudflare.compatibilityFlags`.

use super::compatibility::{Compatibility, Date};

/// One flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The name that switches it on.
    pub name: &'static str,
    /// The name that switches it off; empty if there is none.
    pub opposite: &'static str,
    /// The first date on which it is on by itself.
    pub since: Option<Date>,
    /// Flags any of which implies it, separated by spaces, and from which date on.
    pub implied: Option<(&'static str, Date)>,
}

impl Flag {
    /// The flag that `name` switches on or off.
    pub fn of(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row[0] == name || (row[1] == name && !name.is_empty()))?;
        Some(Self::of_row(row))
    }

    fn of_row(row: &[&'static str; 5]) -> Self {
        let date = |text: &str| text.parse::<Date>().ok();
        let [name, opposite, since, by, after] = *row;
        Self { name, opposite, since: date(since), implied: date(after).map(|after| (by, after)) }
    }

    /// Whether it is on for a Worker of `compatibility`.
    pub fn is_on(&self, compatibility: &Compatibility) -> bool {
        let implied = || {
            self.implied.is_some_and(|(by, after)| {
                compatibility.date >= after && by.split(' ').any(|name| compatibility.is_on(name))
            })
        };
        compatibility.enabled_unless(self.name, self.opposite, self.since)
            || (!self.is_off(compatibility) && implied())
    }

    fn is_off(&self, compatibility: &Compatibility) -> bool {
        compatibility.flags.iter().any(|flag| flag == self.opposite)
    }
}

/// All names that can be given, those that switch off too.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|row| [row[0], row[1]]).filter(|name| !name.is_empty())
}

/// All flags.
pub fn all() -> impl Iterator<Item = Flag> {
    TABLE.iter().map(Flag::of_row)
}

/// Whether `name` switches on a flag that can only be used locally.
pub fn is_experimental(name: &str) -> bool {
    EXPERIMENTAL.contains(&name)
}

/// Whether some part of dodev behaves differently with and without the flag that `name` switches on.
pub fn is_followed(name: &str) -> bool {
    FOLLOWED.contains(&name)
}

/// The flags that the code asks for; all other behaviour is that of the newest date.
const FOLLOWED: &[&str] = &[
    "allow_eval_during_startup",
    "assets_navigation_prefers_asset_serving",
    "brotli_content_encoding",
    "cache_no_cache_enabled",
    "cache_option_enabled",
    "cache_reload_enabled",
    "delete_all_deletes_alarm",
    "diagnostics_channel_has_subscribers_getter",
    "enable_abortsignal_rpc",
    "enable_ctx_exports",
    "enable_navigator_language",
    "enable_nodejs_global_timers",
    "enable_nodejs_http_server_modules",
    "enable_request_signal",
    "enable_weak_ref",
    "enhanced_error_serialization",
    "experimental",
    "expose_global_message_channel",
    "fetch_iterable_type_support",
    "http_headers_getsetcookie",
    "increase_websocket_message_size",
    "new_module_registry",
    "nodejs_als",
    "nodejs_compat",
    "nodejs_compat_populate_process_env",
    "nodejs_compat_v2",
    "request_signal_passthrough",
    "rpc_params_dup_stubs",
    "spec_compliant_dispatch_exceptions",
    "strip_authorization_on_cross_origin_redirect",
    "upper_case_all_http_methods",
    "web_socket_auto_reply_to_close",
    "web_socket_compression",
    "websocket_close_reason_byte_limit",
    "websocket_standard_binary_type",
];

const EXPERIMENTAL: &[&str] = &[
    "durable_object_rename",
    "experimental",
    "durable_object_get_existing",
    "service_binding_extra_handlers",
    "rtti_api",
    "webgpu",
    "unsafe_module",
    "js_rpc",
    "kv_direct_binding",
    "increase_websocket_message_size",
    "python_workers_development",
    "replica_routing",
    "enable_d1_with_sessions_api",
    "tail_worker_user_spans",
    "memory_cache_delete",
    "python_workers_durable_objects",
    "streaming_tail_worker",
    "enable_web_file_system",
    "enable_abortsignal_rpc",
    "connect_pass_through",
    "unsupported_process_actual_platform",
    "typescript_strip_types",
    "allow_insecure_inefficient_logged_eval",
    "cache_reload_enabled",
    "precise_timers",
    "streams_no_default_auto_allocate_chunk_size",
    "enable_version_api",
    "spec_compliant_property_attributes",
    "enable_ctx_version_metadata",
    "workflows_step_rollback",
    "enable_nodejs_inspector_local_dev",
    "d1_binding_jsrpc",
    "workflows_bindings_rpc",
    "typescript_implemented_streams",
    "expose_draining_reader",
    "wasm_memory_discard",
    "auto_inject_python_workers",
    "durable_object_snapshots",
    "connect_handler_starttls",
    "offpeak_location_hint",
    "python_zstd_snapshot",
    "r2_binding_jsrpc",
    "rpc_dispose_cancels_call",
    "expose_serialization_test_class",
];

/// Name, opposite, since, implied by, and that from.
#[rustfmt::skip]
const TABLE: &[[&str; 5]] = &[
    ["formdata_parser_supports_files", "formdata_parser_converts_files_to_strings", "2021-11-03", "", ""],
    ["fetch_refuses_unknown_protocols", "fetch_treats_unknown_protocols_as_http", "2021-11-10", "", ""],
    ["html_rewriter_treats_esi_include_as_void_tag", "", "", "", ""],
    ["durable_object_fetch_requires_full_url", "durable_object_fetch_allows_relative_url", "2021-11-10", "", ""],
    ["streams_byob_reader_detaches_buffer", "streams_byob_reader_does_not_detach_buffer", "2021-11-10", "", ""],
    ["streams_enable_constructors", "streams_disable_constructors", "2022-11-30", "", ""],
    ["workers_api_getters_setters_on_prototype", "workers_api_getters_setters_on_instance", "2022-01-31", "", ""],
    ["minimal_subrequests", "no_minimal_subrequests", "2022-04-05", "", ""],
    ["no_cots_on_external_fetch", "cots_on_external_fetch", "2022-03-08", "", ""],
    ["url_standard", "url_original", "2022-10-31", "", ""],
    ["global_navigator", "no_global_navigator", "2022-03-21", "", ""],
    ["capture_async_api_throws", "do_not_capture_async_api_throws", "2022-10-31", "", ""],
    ["r2_public_beta_bindings", "r2_internal_beta_bindings", "2000-01-01", "", ""],
    ["durable_object_alarms", "", "", "", ""],
    ["dont_substitute_null_on_type_error", "substitute_null_on_type_error", "2022-06-01", "", ""],
    ["transformstream_enable_standard_constructor", "transformstream_disable_standard_constructor", "2022-11-30", "", ""],
    ["r2_list_honor_include", "", "2022-08-04", "", ""],
    ["export_commonjs_default", "export_commonjs_namespace", "2022-10-31", "", ""],
    ["durable_object_rename", "", "", "", ""],
    ["web_socket_compression", "no_web_socket_compression", "2023-08-15", "", ""],
    ["nodejs_compat", "no_nodejs_compat", "2026-08-04", "", ""],
    ["tcp_sockets_support", "", "", "", ""],
    ["response_redirect_url_standard", "response_redirect_url_original", "2023-03-14", "", ""],
    ["experimental", "", "", "", ""],
    ["durable_object_get_existing", "", "", "", ""],
    ["http_headers_getsetcookie", "no_http_headers_getsetcookie", "2023-03-01", "", ""],
    ["dynamic_dispatch_tunnel_exceptions", "dynamic_dispatch_treat_exceptions_as_500", "2023-03-01", "", ""],
    ["service_binding_extra_handlers", "", "", "", ""],
    ["no_cf_botmanagement_default", "cf_botmanagement_default", "2023-08-01", "", ""],
    ["urlsearchparams_delete_has_value_arg", "no_urlsearchparams_delete_has_value_arg", "2023-07-01", "", ""],
    ["strict_compression_checks", "no_strict_compression_checks", "2023-08-01", "", ""],
    ["brotli_content_encoding", "no_brotli_content_encoding", "2024-04-29", "", ""],
    ["strict_crypto_checks", "no_strict_crypto_checks", "2023-08-01", "", ""],
    ["rtti_api", "", "", "", ""],
    ["webgpu", "", "", "", ""],
    ["crypto_preserve_public_exponent", "no_crypto_preserve_public_exponent", "2023-12-01", "", ""],
    ["vectorize_query_metadata_optional", "vectorize_query_original", "2023-11-08", "", ""],
    ["unsafe_module", "", "", "", ""],
    ["js_rpc", "", "", "", ""],
    ["no_global_importscripts", "global_importscripts", "2024-03-04", "", ""],
    ["nodejs_als", "no_nodejs_als", "", "", ""],
    ["queues_json_messages", "no_queues_json_messages", "2024-03-18", "", ""],
    ["python_workers", "", "", "python_workers_development", "2000-01-01"],
    ["fetcher_no_get_put_delete", "fetcher_has_get_put_delete", "2024-03-26", "", ""],
    ["unwrap_custom_thenables", "no_unwrap_custom_thenables", "2024-04-01", "", ""],
    ["rpc", "no_rpc", "2024-04-03", "", ""],
    ["internal_stream_byob_return_view", "internal_stream_byob_return_undefined", "2024-05-13", "", ""],
    ["blob_standard_mime_type", "blob_legacy_mime_type", "2024-06-03", "", ""],
    ["fetch_standard_url", "fetch_legacy_url", "2024-06-03", "", ""],
    ["nodejs_compat_v2", "no_nodejs_compat_v2", "2026-08-04", "nodejs_compat", "2024-09-23"],
    ["global_fetch_strictly_public", "global_fetch_private_origin", "", "", ""],
    ["new_module_registry", "legacy_module_registry", "2026-11-17", "", ""],
    ["cache_option_enabled", "cache_option_disabled", "2024-11-11", "", ""],
    ["kv_direct_binding", "", "", "", ""],
    ["allow_custom_ports", "ignore_custom_ports", "2024-09-02", "", ""],
    ["increase_websocket_message_size", "", "", "", ""],
    ["internal_writable_stream_abort_clears_queue", "internal_writable_stream_abort_does_not_clear_queue", "2024-09-02", "", ""],
    ["python_workers_development", "", "", "", ""],
    ["nodejs_zlib", "no_nodejs_zlib", "", "nodejs_compat nodejs_compat_v2", "2024-09-23"],
    ["replica_routing", "", "", "", ""],
    ["enable_d1_with_sessions_api", "", "", "", ""],
    ["handle_cross_request_promise_resolution", "no_handle_cross_request_promise_resolution", "2024-10-14", "", ""],
    ["set_tostring_tag", "do_not_set_tostring_tag", "2024-09-26", "", ""],
    ["upper_case_all_http_methods", "no_upper_case_all_http_methods", "2024-10-14", "", ""],
    ["python_external_packages", "", "", "", ""],
    ["disable_top_level_await_in_require", "enable_top_level_await_in_require", "2024-12-02", "", ""],
    ["fixup-transform-stream-backpressure", "original-transform-stream-backpressure", "2024-12-16", "", ""],
    ["tail_worker_user_spans", "", "", "", ""],
    ["cache_no_cache_enabled", "cache_no_cache_disabled", "", "cache_option_enabled", "2025-08-07"],
    ["python_workers_20250116", "no_python_workers_20250116", "", "python_workers", "2025-09-29"],
    ["request_cf_overrides_cache_rules", "no_request_cf_overrides_cache_rules", "2025-04-02", "", ""],
    ["memory_cache_delete", "", "", "", ""],
    ["unique_ctx_per_invocation", "", "2025-03-10", "", ""],
    ["queue_consumer_no_wait_for_wait_until", "queue_consumer_wait_for_wait_until", "", "", ""],
    ["nodejs_compat_populate_process_env", "nodejs_compat_do_not_populate_process_env", "", "nodejs_compat", "2025-04-01"],
    ["cache_api_request_cf_overrides_cache_rules", "no_cache_api_request_cf_overrides_cache_rules", "2025-05-19", "", ""],
    ["disallow_importable_env", "allow_importable_env", "", "", ""],
    ["assets_navigation_prefers_asset_serving", "assets_navigation_has_no_effect", "2025-04-01", "", ""],
    ["cache_api_compat_flags", "no_cache_api_compat_flags", "2025-04-19", "", ""],
    ["python_workers_durable_objects", "", "", "", ""],
    ["streaming_tail_worker", "", "", "", ""],
    ["urlpattern_standard", "urlpattern_original", "2025-05-01", "", ""],
    ["enable_weak_ref", "disable_weak_ref", "2025-05-05", "", ""],
    ["request_signal_passthrough", "no_request_signal_passthrough", "", "", ""],
    ["enable_navigator_language", "disable_navigator_language", "2025-05-19", "", ""],
    ["enable_web_file_system", "", "", "", ""],
    ["enable_abortsignal_rpc", "", "", "", ""],
    ["allow_eval_during_startup", "disallow_eval_during_startup", "2025-06-01", "", ""],
    ["enable_request_signal", "disable_request_signal", "2026-11-17", "", ""],
    ["connect_pass_through", "", "", "", ""],
    ["nonclass_entrypoint_reuses_ctx_across_invocations", "", "", "", ""],
    ["bind_asynclocalstorage_snapshot_to_request", "do_not_bind_asynclocalstorage_snapshot_to-request", "2025-06-16", "", ""],
    ["throw_on_unrecognized_import_assertion", "ignore_unrecognized_import_assertion", "2025-06-16", "", ""],
    ["python_workflows", "disable_python_workflows", "", "python_workers", "2025-09-20"],
    ["unsupported_process_actual_platform", "", "", "", ""],
    ["enable_nodejs_process_v2", "disable_nodejs_process_v2", "", "nodejs_compat", "2025-09-15"],
    ["set_event_target_this", "no_set_event_target_this", "2025-08-01", "", ""],
    ["set_forwardable_email_full_headers", "set_forwardable_email_single_headers", "2025-08-01", "", ""],
    ["enable_nodejs_http_modules", "disable_nodejs_http_modules", "", "nodejs_compat", "2025-08-15"],
    ["pedantic_wpt", "non_pedantic_wpt", "", "", ""],
    ["expose_global_message_channel", "no_expose_global_message_channel", "2025-08-15", "", ""],
    ["enable_nodejs_http_server_modules", "disable_nodejs_http_server_modules", "", "enable_nodejs_http_modules", "2025-09-01"],
    ["python_no_global_handlers", "disable_python_no_global_handlers", "2025-08-14", "", ""],
    ["enable_nodejs_fs_module", "disable_nodejs_fs_module", "", "nodejs_compat", "2025-09-15"],
    ["enable_nodejs_os_module", "disable_nodejs_os_module", "", "nodejs_compat", "2025-09-15"],
    ["python_workers_force_new_vendor_path", "", "2025-08-11", "", ""],
    ["remove_nodejs_compat_eol", "add_nodejs_compat_eol", "", "nodejs_compat", "2025-09-01"],
    ["enable_validate_workflow_entrypoint", "disable_validate_workflow_entrypoint", "2025-09-20", "", ""],
    ["python_dedicated_snapshot", "disable_python_dedicated_snapshot", "", "python_workers_20250116", "2025-10-16"],
    ["typescript_strip_types", "", "", "", ""],
    ["enable_nodejs_http2_module", "disable_nodejs_http2_module", "", "nodejs_compat", "2025-09-01"],
    ["allow_insecure_inefficient_logged_eval", "", "", "", ""],
    ["strip_authorization_on_cross_origin_redirect", "retain_authorization_on_cross_origin_redirect", "2025-09-01", "", ""],
    ["enhanced_error_serialization", "legacy_error_serialization", "2026-04-21", "", ""],
    ["enable_email_sending_queuing", "disable_email_sending_queuing", "", "", ""],
    ["remove_nodejs_compat_eol_v22", "add_nodejs_compat_eol_v22", "", "remove_nodejs_compat_eol", "2027-04-30"],
    ["remove_nodejs_compat_eol_v23", "add_nodejs_compat_eol_v23", "", "remove_nodejs_compat_eol_v24", "2025-09-01"],
    ["remove_nodejs_compat_eol_v24", "add_nodejs_compat_eol_v24", "", "remove_nodejs_compat_eol", "2028-04-30"],
    ["enable_nodejs_console_module", "disable_nodejs_console_module", "", "nodejs_compat", "2025-09-21"],
    ["enable_nodejs_vm_module", "disable_nodejs_vm_module", "", "nodejs_compat", "2025-10-01"],
    ["enable_nodejs_perf_hooks_module", "disable_nodejs_perf_hooks_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_global_performance_classes", "disable_global_performance_classes", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_domain_module", "disable_nodejs_domain_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_v8_module", "disable_nodejs_v8_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_tty_module", "disable_nodejs_tty_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_punycode_module", "disable_nodejs_punycode_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_cluster_module", "disable_nodejs_cluster_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_child_process_module", "disable_nodejs_child_process_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_worker_threads_module", "disable_nodejs_worker_threads_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_stream_wrap_module", "disable_nodejs_stream_wrap_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_wasi_module", "disable_nodejs_wasi_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_dgram_module", "disable_nodejs_dgram_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_inspector_module", "disable_nodejs_inspector_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_trace_events_module", "disable_nodejs_trace_events_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_readline_module", "disable_nodejs_readline_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_repl_module", "disable_nodejs_repl_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_sqlite_module", "disable_nodejs_sqlite_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_ctx_exports", "disable_ctx_exports", "2025-11-17", "", ""],
    ["enable_python_external_sdk", "disable_python_external_sdk", "2026-04-21", "", ""],
    ["enable_fast_jsg_struct", "disable_fast_jsg_struct", "2025-12-03", "", ""],
    ["cache_reload_enabled", "cache_reload_disabled", "", "", ""],
    ["enable_streams_nodejs_v24_compat", "disable_streams_nodejs_v24_compat", "", "", ""],
    ["python_check_rng_state", "disable_python_check_rng_state", "", "python_workers", "2025-12-16"],
    ["immutable_api_prototypes", "mutable_api_prototypes", "", "", ""],
    ["fetch_iterable_type_support", "no_fetch_iterable_type_support", "2026-02-19", "", ""],
    ["env_module_nullable_support", "no_env_module_nullable_support", "", "", ""],
    ["precise_timers", "no_precise_timers", "", "", ""],
    ["fetch_iterable_type_support_override_adjustment", "no_fetch_iterable_type_support_override_adjustment", "", "fetch_iterable_type_support", "2026-01-15"],
    ["strip_bom_in_read_all_text", "do_not_strip_bom_in_read_all_text", "2026-01-13", "pedantic_wpt", "2026-01-13"],
    ["allow_irrevocable_stub_storage", "", "", "", ""],
    ["rpc_params_dup_stubs", "rpc_params_transfer_stubs", "2026-01-20", "", ""],
    ["enable_nodejs_global_timers", "no_nodejs_global_timers", "", "nodejs_compat", "2026-02-10"],
    ["streams_no_default_auto_allocate_chunk_size", "streams_auto_allocate_chunk_size_default", "", "", ""],
    ["python_workflows_implicit_dependencies", "no_python_workflows_implicit_dependencies", "", "python_workers", "2026-02-25"],
    ["require_returns_default_export", "require_returns_namespace", "2026-01-22", "", ""],
    ["python_request_headers_preserve_commas", "disable_python_request_headers_preserve_commas", "2026-02-17", "", ""],
    ["queue_expose_error_codes", "no_queue_expose_error_codes", "2026-03-12", "", ""],
    ["text_decoder_replace_surrogates", "disable_text_decoder_replace_surrogates", "2026-02-24", "pedantic_wpt", "2026-02-24"],
    ["containers_pid_namespace", "no_containers_pid_namespace", "2026-04-01", "", ""],
    ["delete_all_deletes_alarm", "delete_all_preserves_alarm", "2026-02-24", "", ""],
    ["unhandled_rejection_after_microtask_checkpoint", "no_unhandled_rejection_after_microtask_checkpoint", "2026-03-03", "", ""],
    ["text_decoder_cjk_decoder", "disable_text_decoder_cjk_decoder", "2026-03-03", "", ""],
    ["websocket_close_reason_byte_limit", "no_websocket_close_reason_byte_limit", "2026-03-03", "", ""],
    ["enable_version_api", "", "", "", ""],
    ["websocket_standard_binary_type", "no_websocket_standard_binary_type", "2026-03-17", "", ""],
    ["writable_stream_spec_compliant_writer", "no_writable_stream_spec_compliant_writer", "2026-03-24", "", ""],
    ["encoder_stream_spec_compliant_backpressure", "no_encoder_stream_spec_compliant_backpressure", "2026-03-24", "", ""],
    ["spec_compliant_property_attributes", "no_spec_compliant_property_attributes", "", "", ""],
    ["workflows_preserve_non_retryable_error_message", "workflows_replace_non_retryable_error_message", "2026-05-14", "", ""],
    ["web_socket_auto_reply_to_close", "web_socket_manual_reply_to_close", "2026-04-07", "", ""],
    ["enable_ctx_version_metadata", "", "", "", ""],
    ["no_resizable_array_buffer_in_blob", "resizable_array_buffer_in_blob", "", "", ""],
    ["diagnostics_channel_has_subscribers_getter", "no_diagnostics_channel_has_subscribers_getter", "2026-05-19", "", ""],
    ["workflows_step_rollback", "", "", "", ""],
    ["python_process_pth_files", "disable_python_process_pth_files", "2026-05-26", "", ""],
    ["throw_on_not_implemented_tls_options", "no_throw_on_not_implemented_tls_options", "2026-06-16", "", ""],
    ["auto_grpc_convert", "", "", "", ""],
    ["python_workers_20260610", "no_python_workers_20260610", "", "", ""],
    ["enable_nodejs_inspector_local_dev", "", "", "", ""],
    ["d1_binding_jsrpc", "", "", "", ""],
    ["workflows_bindings_rpc", "", "", "", ""],
    ["typescript_implemented_streams", "", "", "", ""],
    ["expose_draining_reader", "", "", "", ""],
    ["workflows_enable_fast_engine_creation", "workflows_disable_fast_engine_creation", "2026-08-11", "", ""],
    ["wasm_memory_discard", "", "", "", ""],
    ["python_workers_314", "no_python_workers_314", "", "", ""],
    ["spec_compliant_dispatch_exceptions", "no_spec_compliant_dispatch_exceptions", "2026-09-15", "", ""],
    ["auto_inject_python_workers", "no_auto_inject_python_workers", "", "", ""],
    ["durable_object_io_tasks_prevent_eviction", "durable_object_io_tasks_do_not_prevent_eviction", "2026-10-01", "", ""],
    ["webcrypto_modern_algorithms", "", "", "", ""],
    ["wasm_esm_integration_builtins", "", "", "", ""],
    ["pipe_to_backward_propagation", "no_pipe_to_backward_propagation", "2026-11-17", "", ""],
    ["cache_option_preserves_cache_control", "cache_option_overrides_cache_control", "2026-11-17", "", ""],
    ["durable_object_snapshots", "", "", "", ""],
    ["connect_handler_starttls", "", "", "", ""],
    ["offpeak_location_hint", "", "", "", ""],
    ["python_shared_standard_library", "", "", "", ""],
    ["wasm_source_url_support", "no_wasm_source_url_support", "2026-12-01", "", ""],
    ["temporal", "no_temporal", "2026-12-01", "", ""],
    ["python_zstd_snapshot", "", "", "", ""],
    ["nodejs_process_version_24", "no_nodejs_process_version_24", "2026-11-24", "", ""],
    ["r2_binding_jsrpc", "", "", "", ""],
    ["rpc_dispose_cancels_call", "", "", "", ""],
    ["expose_serialization_test_class", "", "", "", ""],
    ["python_dedicated_snapshot_keep_import_caches", "no_python_dedicated_snapshot_keep_import_caches", "", "", ""],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for [name, opposite, since, by, after] in TABLE {
            for date in [since, after].into_iter().filter(|date| !date.is_empty()) {
                assert!(date.parse::<Date>().is_ok(), "{name}: {date}");
            }
            assert_eq!(by.is_empty(), after.is_empty(), "{name}");
            for other in by.split(' ').filter(|other| !other.is_empty()) {
                assert!(TABLE.iter().any(|row| row[0] == other), "{name}: {other}");
            }
            assert!(!is_experimental(opposite), "{name}");
            let uses = |text: &str| names().filter(|other| *other == text).count();
            assert!(uses(name) == 1 && (opposite.is_empty() || uses(opposite) == 1), "{name}");
        }
    }

    /// The names after `before` in `text`, up to what no flag has in it.
    fn names_after<'a>(text: &'a str, before: &'static str) -> impl Iterator<Item = &'a str> {
        text.match_indices(before).map(move |(at, _)| {
            let rest = &text[at + before.len()..];
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
                .next()
                .unwrap_or_default()
        })
    }

    fn sources(directory: &std::path::Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "js")
                && !path.ends_with("project/flags.rs")
            {
                all.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn what_the_code_asks_for_is_known() {
        let mut all = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        for text in &all {
            let asked = names_after(text, "is_on(\"").chain(names_after(text, "flag(\""));
            for name in asked.chain(names_after(text, "flags.")).filter(|name| Flag::of(name).is_some()) {
                assert!(is_followed(name), "{name}");
            }
        }
        for name in FOLLOWED {
            assert!(Flag::of(name).is_some() && all.iter().any(|text| text.contains(name)), "{name}");
        }
    }

    #[test]
    fn experimental_flags_are_flags() {
        for name in EXPERIMENTAL {
            assert_eq!(Flag::of(name).map(|flag| flag.name), Some(*name));
        }
    }

    #[test]
    fn dates_names_and_other_flags_switch_flags() {
        let is_on = |date: &str, flags: &[&str], flag: &str| {
            let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
            Compatibility { date: date.parse().unwrap(), flags }.is_on(flag)
        };
        assert!(is_on("2024-09-02", &[], "allow_custom_ports"));
        assert!(!is_on("2024-09-01", &[], "allow_custom_ports"));
        assert!(is_on("2024-09-01", &["allow_custom_ports"], "allow_custom_ports"));
        assert!(!is_on("2024-09-02", &["ignore_custom_ports"], "allow_custom_ports"));
        assert!(is_on("2024-09-23", &["nodejs_compat"], "nodejs_compat_v2"));
        assert!(!is_on("2024-09-22", &["nodejs_compat"], "nodejs_compat_v2"));
        assert!(!is_on("2024-09-23", &["nodejs_compat", "no_nodejs_compat_v2"], "nodejs_compat_v2"));
        assert!(is_on("2025-09-01", &["nodejs_compat"], "enable_nodejs_http_server_modules"));
        assert!(is_on("2026-08-04", &[], "nodejs_compat"));
        assert!(!is_on("2024-04-02", &[], "rpc") && is_on("2024-04-03", &[], "rpc"));
        assert!(!is_on("2026-11-01", &["no_rpc"], "rpc") && is_on("2021-01-01", &["rpc"], "rpc"));
        assert!(!is_on("2026-02-09", &["nodejs_compat"], "enable_nodejs_global_timers"));
        assert!(is_on("2026-02-10", &["nodejs_compat"], "enable_nodejs_global_timers"));
        assert!(!is_on("2026-11-01", &[], "experimental"));
    }
}
