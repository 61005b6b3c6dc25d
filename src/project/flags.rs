//! The platform's compatibility flags: names, opposites, and when each became the default.
//!
//! A table of facts and the rule that reads it; the behaviour behind a flag is where that behaviour is. The
//! table may lag behind the platform, which is why an unknown flag is a warning and not an error.
//! Fidelity: `src/workerd/io/compatibility-date.capnp` of workerd, August 2026.

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
        let date = |text: &str| text.parse::<Date>().ok();
        let [name, opposite, since, by, after] = *row;
        Some(Self { name, opposite, since: date(since), implied: date(after).map(|after| (by, after)) })
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

/// Name, opposite, since, implied by, and that from.
#[rustfmt::skip]
const TABLE: &[[&str; 5]] = &[
    ["allow_custom_ports", "ignore_custom_ports", "2024-09-02", "", ""],
    ["allow_eval_during_startup", "disallow_eval_during_startup", "2025-06-01", "", ""],
    ["allow_insecure_inefficient_logged_eval", "", "", "", ""],
    ["allow_irrevocable_stub_storage", "", "", "", ""],
    ["assets_navigation_prefers_asset_serving", "assets_navigation_has_no_effect", "2025-04-01", "", ""],
    ["auto_grpc_convert", "", "", "", ""],
    ["bind_asynclocalstorage_snapshot_to_request", "do_not_bind_asynclocalstorage_snapshot_to-request", "2025-06-16", "", ""],
    ["blob_standard_mime_type", "blob_legacy_mime_type", "2024-06-03", "", ""],
    ["brotli_content_encoding", "no_brotli_content_encoding", "2024-04-29", "", ""],
    ["cache_api_compat_flags", "no_cache_api_compat_flags", "2025-04-19", "", ""],
    ["cache_api_request_cf_overrides_cache_rules", "no_cache_api_request_cf_overrides_cache_rules", "2025-05-19", "", ""],
    ["cache_no_cache_enabled", "cache_no_cache_disabled", "", "cache_option_enabled", "2025-08-07"],
    ["cache_option_enabled", "cache_option_disabled", "2024-11-11", "", ""],
    ["cache_reload_enabled", "cache_reload_disabled", "", "", ""],
    ["capture_async_api_throws", "do_not_capture_async_api_throws", "2022-10-31", "", ""],
    ["connect_pass_through", "", "", "", ""],
    ["containers_pid_namespace", "no_containers_pid_namespace", "2026-04-01", "", ""],
    ["crypto_preserve_public_exponent", "no_crypto_preserve_public_exponent", "2023-12-01", "", ""],
    ["d1_binding_jsrpc", "", "", "", ""],
    ["delete_all_deletes_alarm", "delete_all_preserves_alarm", "2026-02-24", "", ""],
    ["diagnostics_channel_has_subscribers_getter", "no_diagnostics_channel_has_subscribers_getter", "2026-05-19", "", ""],
    ["disable_top_level_await_in_require", "enable_top_level_await_in_require", "2024-12-02", "", ""],
    ["disallow_importable_env", "allow_importable_env", "", "", ""],
    ["dont_substitute_null_on_type_error", "substitute_null_on_type_error", "2022-06-01", "", ""],
    ["durable_object_alarms", "", "", "", ""],
    ["durable_object_fetch_requires_full_url", "durable_object_fetch_allows_relative_url", "2021-11-10", "", ""],
    ["durable_object_get_existing", "", "", "", ""],
    ["durable_object_rename", "", "", "", ""],
    ["dynamic_dispatch_tunnel_exceptions", "dynamic_dispatch_treat_exceptions_as_500", "2023-03-01", "", ""],
    ["enable_abortsignal_rpc", "", "", "", ""],
    ["enable_ctx_exports", "disable_ctx_exports", "2025-11-17", "", ""],
    ["enable_ctx_version_metadata", "", "", "", ""],
    ["enable_d1_with_sessions_api", "", "", "", ""],
    ["enable_email_sending_queuing", "disable_email_sending_queuing", "", "", ""],
    ["enable_fast_jsg_struct", "disable_fast_jsg_struct", "2025-12-03", "", ""],
    ["enable_global_performance_classes", "disable_global_performance_classes", "", "nodejs_compat", "2026-03-17"],
    ["enable_navigator_language", "disable_navigator_language", "2025-05-19", "", ""],
    ["enable_nodejs_child_process_module", "disable_nodejs_child_process_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_cluster_module", "disable_nodejs_cluster_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_console_module", "disable_nodejs_console_module", "", "nodejs_compat", "2025-09-21"],
    ["enable_nodejs_dgram_module", "disable_nodejs_dgram_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_domain_module", "disable_nodejs_domain_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_fs_module", "disable_nodejs_fs_module", "", "nodejs_compat", "2025-09-15"],
    ["enable_nodejs_global_timers", "no_nodejs_global_timers", "", "nodejs_compat", "2026-02-10"],
    ["enable_nodejs_http2_module", "disable_nodejs_http2_module", "", "nodejs_compat", "2025-09-01"],
    ["enable_nodejs_http_modules", "disable_nodejs_http_modules", "", "nodejs_compat", "2025-08-15"],
    ["enable_nodejs_http_server_modules", "disable_nodejs_http_server_modules", "", "enable_nodejs_http_modules", "2025-09-01"],
    ["enable_nodejs_inspector_local_dev", "", "", "", ""],
    ["enable_nodejs_inspector_module", "disable_nodejs_inspector_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_os_module", "disable_nodejs_os_module", "", "nodejs_compat", "2025-09-15"],
    ["enable_nodejs_perf_hooks_module", "disable_nodejs_perf_hooks_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_process_v2", "disable_nodejs_process_v2", "", "nodejs_compat", "2025-09-15"],
    ["enable_nodejs_punycode_module", "disable_nodejs_punycode_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_readline_module", "disable_nodejs_readline_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_repl_module", "disable_nodejs_repl_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_sqlite_module", "disable_nodejs_sqlite_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_stream_wrap_module", "disable_nodejs_stream_wrap_module", "", "nodejs_compat", "2026-01-29"],
    ["enable_nodejs_trace_events_module", "disable_nodejs_trace_events_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_tty_module", "disable_nodejs_tty_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_v8_module", "disable_nodejs_v8_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_nodejs_vm_module", "disable_nodejs_vm_module", "", "nodejs_compat", "2025-10-01"],
    ["enable_nodejs_wasi_module", "disable_nodejs_wasi_module", "", "nodejs_compat", "2025-12-04"],
    ["enable_nodejs_worker_threads_module", "disable_nodejs_worker_threads_module", "", "nodejs_compat", "2026-03-17"],
    ["enable_python_external_sdk", "disable_python_external_sdk", "2026-04-21", "", ""],
    ["enable_request_signal", "disable_request_signal", "", "", ""],
    ["enable_streams_nodejs_v24_compat", "disable_streams_nodejs_v24_compat", "", "", ""],
    ["enable_validate_workflow_entrypoint", "disable_validate_workflow_entrypoint", "2025-09-20", "", ""],
    ["enable_version_api", "", "", "", ""],
    ["enable_weak_ref", "disable_weak_ref", "2025-05-05", "", ""],
    ["enable_web_file_system", "", "", "", ""],
    ["encoder_stream_spec_compliant_backpressure", "no_encoder_stream_spec_compliant_backpressure", "2026-03-24", "", ""],
    ["enhanced_error_serialization", "legacy_error_serialization", "2026-04-21", "", ""],
    ["env_module_nullable_support", "no_env_module_nullable_support", "", "", ""],
    ["experimental", "", "", "", ""],
    ["export_commonjs_default", "export_commonjs_namespace", "2022-10-31", "", ""],
    ["expose_draining_reader", "", "", "", ""],
    ["expose_global_message_channel", "no_expose_global_message_channel", "2025-08-15", "", ""],
    ["fetch_iterable_type_support", "no_fetch_iterable_type_support", "2026-02-19", "", ""],
    ["fetch_iterable_type_support_override_adjustment", "no_fetch_iterable_type_support_override_adjustment", "", "fetch_iterable_type_support", "2026-01-15"],
    ["fetch_refuses_unknown_protocols", "fetch_treats_unknown_protocols_as_http", "2021-11-10", "", ""],
    ["fetch_standard_url", "fetch_legacy_url", "2024-06-03", "", ""],
    ["fetcher_no_get_put_delete", "fetcher_has_get_put_delete", "2024-03-26", "", ""],
    ["fixup-transform-stream-backpressure", "original-transform-stream-backpressure", "2024-12-16", "", ""],
    ["formdata_parser_supports_files", "formdata_parser_converts_files_to_strings", "2021-11-03", "", ""],
    ["global_fetch_strictly_public", "global_fetch_private_origin", "", "", ""],
    ["global_navigator", "no_global_navigator", "2022-03-21", "", ""],
    ["handle_cross_request_promise_resolution", "no_handle_cross_request_promise_resolution", "2024-10-14", "", ""],
    ["html_rewriter_treats_esi_include_as_void_tag", "", "", "", ""],
    ["http_headers_getsetcookie", "no_http_headers_getsetcookie", "2023-03-01", "", ""],
    ["immutable_api_prototypes", "mutable_api_prototypes", "", "", ""],
    ["increase_websocket_message_size", "", "", "", ""],
    ["internal_stream_byob_return_view", "internal_stream_byob_return_undefined", "2024-05-13", "", ""],
    ["internal_writable_stream_abort_clears_queue", "internal_writable_stream_abort_does_not_clear_queue", "2024-09-02", "", ""],
    ["js_rpc", "", "", "", ""],
    ["kv_direct_binding", "", "", "", ""],
    ["memory_cache_delete", "", "", "", ""],
    ["minimal_subrequests", "no_minimal_subrequests", "2022-04-05", "", ""],
    ["new_module_registry", "legacy_module_registry", "", "", ""],
    ["no_cf_botmanagement_default", "cf_botmanagement_default", "2023-08-01", "", ""],
    ["no_cots_on_external_fetch", "cots_on_external_fetch", "2022-03-08", "", ""],
    ["no_global_importscripts", "global_importscripts", "2024-03-04", "", ""],
    ["no_resizable_array_buffer_in_blob", "resizable_array_buffer_in_blob", "", "", ""],
    ["nodejs_als", "no_nodejs_als", "", "", ""],
    ["nodejs_compat", "no_nodejs_compat", "2026-08-04", "", ""],
    ["nodejs_compat_populate_process_env", "nodejs_compat_do_not_populate_process_env", "", "nodejs_compat", "2025-04-01"],
    ["nodejs_compat_v2", "no_nodejs_compat_v2", "2026-08-04", "nodejs_compat", "2024-09-23"],
    ["nodejs_zlib", "no_nodejs_zlib", "", "nodejs_compat nodejs_compat_v2", "2024-09-23"],
    ["nonclass_entrypoint_reuses_ctx_across_invocations", "", "", "", ""],
    ["pedantic_wpt", "non_pedantic_wpt", "", "", ""],
    ["precise_timers", "no_precise_timers", "", "", ""],
    ["python_check_rng_state", "disable_python_check_rng_state", "", "python_workers", "2025-12-16"],
    ["python_dedicated_snapshot", "disable_python_dedicated_snapshot", "", "python_workers_20250116", "2025-10-16"],
    ["python_external_packages", "", "", "", ""],
    ["python_no_global_handlers", "disable_python_no_global_handlers", "2025-08-14", "", ""],
    ["python_process_pth_files", "disable_python_process_pth_files", "2026-05-26", "", ""],
    ["python_request_headers_preserve_commas", "disable_python_request_headers_preserve_commas", "2026-02-17", "", ""],
    ["python_workers", "", "", "python_workers_development", "2000-01-01"],
    ["python_workers_20250116", "no_python_workers_20250116", "", "python_workers", "2025-09-29"],
    ["python_workers_20260610", "no_python_workers_20260610", "", "", ""],
    ["python_workers_20260817", "no_python_workers_20260817", "", "", ""],
    ["python_workers_development", "", "", "", ""],
    ["python_workers_durable_objects", "", "", "", ""],
    ["python_workers_force_new_vendor_path", "", "2025-08-11", "", ""],
    ["python_workflows", "disable_python_workflows", "", "python_workers", "2025-09-20"],
    ["python_workflows_implicit_dependencies", "no_python_workflows_implicit_dependencies", "", "python_workers", "2026-02-25"],
    ["queue_consumer_no_wait_for_wait_until", "queue_consumer_wait_for_wait_until", "", "", ""],
    ["queue_expose_error_codes", "no_queue_expose_error_codes", "2026-03-12", "", ""],
    ["queues_json_messages", "no_queues_json_messages", "2024-03-18", "", ""],
    ["r2_list_honor_include", "", "2022-08-04", "", ""],
    ["r2_public_beta_bindings", "r2_internal_beta_bindings", "2000-01-01", "", ""],
    ["remove_nodejs_compat_eol", "add_nodejs_compat_eol", "", "nodejs_compat", "2025-09-01"],
    ["remove_nodejs_compat_eol_v22", "add_nodejs_compat_eol_v22", "", "remove_nodejs_compat_eol", "2027-04-30"],
    ["remove_nodejs_compat_eol_v23", "add_nodejs_compat_eol_v23", "", "remove_nodejs_compat_eol_v24", "2025-09-01"],
    ["remove_nodejs_compat_eol_v24", "add_nodejs_compat_eol_v24", "", "remove_nodejs_compat_eol", "2028-04-30"],
    ["replica_routing", "", "", "", ""],
    ["request_cf_overrides_cache_rules", "no_request_cf_overrides_cache_rules", "2025-04-02", "", ""],
    ["request_signal_passthrough", "no_request_signal_passthrough", "", "", ""],
    ["require_returns_default_export", "require_returns_namespace", "2026-01-22", "", ""],
    ["response_redirect_url_standard", "response_redirect_url_original", "2023-03-14", "", ""],
    ["rpc", "no_rpc", "2024-04-03", "", ""],
    ["rpc_params_dup_stubs", "rpc_params_transfer_stubs", "2026-01-20", "", ""],
    ["rtti_api", "", "", "", ""],
    ["service_binding_extra_handlers", "", "", "", ""],
    ["set_event_target_this", "no_set_event_target_this", "2025-08-01", "", ""],
    ["set_forwardable_email_full_headers", "set_forwardable_email_single_headers", "2025-08-01", "", ""],
    ["set_tostring_tag", "do_not_set_tostring_tag", "2024-09-26", "", ""],
    ["spec_compliant_property_attributes", "no_spec_compliant_property_attributes", "", "", ""],
    ["streaming_tail_worker", "", "", "", ""],
    ["streams_byob_reader_detaches_buffer", "streams_byob_reader_does_not_detach_buffer", "2021-11-10", "", ""],
    ["streams_enable_constructors", "streams_disable_constructors", "2022-11-30", "", ""],
    ["streams_no_default_auto_allocate_chunk_size", "streams_auto_allocate_chunk_size_default", "", "", ""],
    ["strict_compression_checks", "no_strict_compression_checks", "2023-08-01", "", ""],
    ["strict_crypto_checks", "no_strict_crypto_checks", "2023-08-01", "", ""],
    ["strip_authorization_on_cross_origin_redirect", "retain_authorization_on_cross_origin_redirect", "2025-09-01", "", ""],
    ["strip_bom_in_read_all_text", "do_not_strip_bom_in_read_all_text", "2026-01-13", "pedantic_wpt", "2026-01-13"],
    ["tail_worker_user_spans", "", "", "", ""],
    ["tcp_sockets_support", "", "", "", ""],
    ["text_decoder_cjk_decoder", "disable_text_decoder_cjk_decoder", "2026-03-03", "", ""],
    ["text_decoder_replace_surrogates", "disable_text_decoder_replace_surrogates", "2026-02-24", "pedantic_wpt", "2026-02-24"],
    ["throw_on_not_implemented_tls_options", "no_throw_on_not_implemented_tls_options", "2026-06-16", "", ""],
    ["throw_on_unrecognized_import_assertion", "ignore_unrecognized_import_assertion", "2025-06-16", "", ""],
    ["transformstream_enable_standard_constructor", "transformstream_disable_standard_constructor", "2022-11-30", "", ""],
    ["typescript_implemented_streams", "", "", "", ""],
    ["typescript_strip_types", "", "", "", ""],
    ["unhandled_rejection_after_microtask_checkpoint", "no_unhandled_rejection_after_microtask_checkpoint", "2026-03-03", "", ""],
    ["unique_ctx_per_invocation", "", "2025-03-10", "", ""],
    ["unsafe_module", "", "", "", ""],
    ["unsupported_process_actual_platform", "", "", "", ""],
    ["unwrap_custom_thenables", "no_unwrap_custom_thenables", "2024-04-01", "", ""],
    ["upper_case_all_http_methods", "no_upper_case_all_http_methods", "2024-10-14", "", ""],
    ["url_standard", "url_original", "2022-10-31", "", ""],
    ["urlpattern_standard", "urlpattern_original", "2025-05-01", "", ""],
    ["urlsearchparams_delete_has_value_arg", "no_urlsearchparams_delete_has_value_arg", "2023-07-01", "", ""],
    ["vectorize_query_metadata_optional", "vectorize_query_original", "2023-11-08", "", ""],
    ["wasm_memory_discard", "", "", "", ""],
    ["web_socket_auto_reply_to_close", "web_socket_manual_reply_to_close", "2026-04-07", "", ""],
    ["web_socket_compression", "no_web_socket_compression", "2023-08-15", "", ""],
    ["webgpu", "", "", "", ""],
    ["websocket_close_reason_byte_limit", "no_websocket_close_reason_byte_limit", "2026-03-03", "", ""],
    ["websocket_standard_binary_type", "no_websocket_standard_binary_type", "2026-03-17", "", ""],
    ["workers_api_getters_setters_on_prototype", "workers_api_getters_setters_on_instance", "2022-01-31", "", ""],
    ["workflows_bindings_rpc", "", "", "", ""],
    ["workflows_enable_fast_engine_creation", "workflows_disable_fast_engine_creation", "2026-08-11", "", ""],
    ["workflows_preserve_non_retryable_error_message", "workflows_replace_non_retryable_error_message", "2026-05-14", "", ""],
    ["workflows_step_rollback", "", "", "", ""],
    ["writable_stream_spec_compliant_writer", "no_writable_stream_spec_compliant_writer", "2026-03-24", "", ""],
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
            let uses = |text: &str| names().filter(|other| *other == text).count();
            assert!(uses(name) == 1 && (opposite.is_empty() || uses(opposite) == 1), "{name}");
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
    }
}
