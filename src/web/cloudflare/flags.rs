//! Compatibility flags: which are in force at a date, with what a project turns on or off.
//!
//! Fidelity: names, dates and implications are those of workerd's `compatibility-date.capnp`, newer
//! ones as observed with workerd 1.20261117.1. Flags that
//! have no date are off unless a project turns them on. Which flags dodev honours is decided by the parts
//! that read them; this table only says what `Cloudflare.compatibilityFlags` shows.

struct Flag {
    enable: &'static str,
    /// Empty if nothing turns it off.
    disable: &'static str,
    /// Date since which it is on by default; empty if it never is.
    since: &'static str,
    /// The flags that imply it, since the date that follows.
    implied_by: &'static [&'static str],
    implied_since: &'static str,
}

/// Every flag and whether it is in force at `date` (`YYYY-MM-DD`) with the flags that a project names.
pub fn in_force(date: &str, named: &[&str]) -> Vec<(&'static str, bool)> {
    let since = |start: &str| !start.is_empty() && date >= start;
    let disabled = |flag: &Flag| !flag.disable.is_empty() && named.contains(&flag.disable);
    let mut flags: Vec<(&'static str, bool)> = FLAGS
        .iter()
        .map(|flag| (flag.enable, named.contains(&flag.enable) || (since(flag.since) && !disabled(flag))))
        .collect();
    // A flag may imply one that implies another.
    loop {
        let on: Vec<&str> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        let mut changed = false;
        for (flag, state) in FLAGS.iter().zip(&mut flags) {
            let implied = since(flag.implied_since) && flag.implied_by.iter().any(|name| on.contains(name));
            if implied && !state.1 && !disabled(flag) {
                state.1 = true;
                changed = true;
            }
        }
        if !changed {
            return flags;
        }
    }
}

#[rustfmt::skip]
const FLAGS: &[Flag] = &[
    Flag { enable: "formdata_parser_supports_files", disable: "formdata_parser_converts_files_to_strings", since: "2021-11-03", implied_by: &[], implied_since: "" },
    Flag { enable: "fetch_refuses_unknown_protocols", disable: "fetch_treats_unknown_protocols_as_http", since: "2021-11-10", implied_by: &[], implied_since: "" },
    Flag { enable: "html_rewriter_treats_esi_include_as_void_tag", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_fetch_requires_full_url", disable: "durable_object_fetch_allows_relative_url", since: "2021-11-10", implied_by: &[], implied_since: "" },
    Flag { enable: "streams_byob_reader_detaches_buffer", disable: "streams_byob_reader_does_not_detach_buffer", since: "2021-11-10", implied_by: &[], implied_since: "" },
    Flag { enable: "streams_enable_constructors", disable: "streams_disable_constructors", since: "2022-11-30", implied_by: &[], implied_since: "" },
    Flag { enable: "workers_api_getters_setters_on_prototype", disable: "workers_api_getters_setters_on_instance", since: "2022-01-31", implied_by: &[], implied_since: "" },
    Flag { enable: "minimal_subrequests", disable: "no_minimal_subrequests", since: "2022-04-05", implied_by: &[], implied_since: "" },
    Flag { enable: "no_cots_on_external_fetch", disable: "cots_on_external_fetch", since: "2022-03-08", implied_by: &[], implied_since: "" },
    Flag { enable: "url_standard", disable: "url_original", since: "2022-10-31", implied_by: &[], implied_since: "" },
    Flag { enable: "global_navigator", disable: "no_global_navigator", since: "2022-03-21", implied_by: &[], implied_since: "" },
    Flag { enable: "capture_async_api_throws", disable: "do_not_capture_async_api_throws", since: "2022-10-31", implied_by: &[], implied_since: "" },
    Flag { enable: "r2_public_beta_bindings", disable: "r2_internal_beta_bindings", since: "2021-01-01", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_alarms", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "dont_substitute_null_on_type_error", disable: "substitute_null_on_type_error", since: "2022-06-01", implied_by: &[], implied_since: "" },
    Flag { enable: "transformstream_enable_standard_constructor", disable: "transformstream_disable_standard_constructor", since: "2022-11-30", implied_by: &[], implied_since: "" },
    Flag { enable: "r2_list_honor_include", disable: "", since: "2022-08-04", implied_by: &[], implied_since: "" },
    Flag { enable: "export_commonjs_default", disable: "export_commonjs_namespace", since: "2022-10-31", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_rename", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "web_socket_compression", disable: "no_web_socket_compression", since: "2023-08-15", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_compat", disable: "no_nodejs_compat", since: "2026-08-04", implied_by: &[], implied_since: "" },
    Flag { enable: "tcp_sockets_support", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "response_redirect_url_standard", disable: "response_redirect_url_original", since: "2023-03-14", implied_by: &[], implied_since: "" },
    Flag { enable: "experimental", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_get_existing", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "http_headers_getsetcookie", disable: "no_http_headers_getsetcookie", since: "2023-03-01", implied_by: &[], implied_since: "" },
    Flag { enable: "dynamic_dispatch_tunnel_exceptions", disable: "dynamic_dispatch_treat_exceptions_as_500", since: "2023-03-01", implied_by: &[], implied_since: "" },
    Flag { enable: "service_binding_extra_handlers", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "no_cf_botmanagement_default", disable: "cf_botmanagement_default", since: "2023-08-01", implied_by: &[], implied_since: "" },
    Flag { enable: "urlsearchparams_delete_has_value_arg", disable: "no_urlsearchparams_delete_has_value_arg", since: "2023-07-01", implied_by: &[], implied_since: "" },
    Flag { enable: "strict_compression_checks", disable: "no_strict_compression_checks", since: "2023-08-01", implied_by: &[], implied_since: "" },
    Flag { enable: "brotli_content_encoding", disable: "no_brotli_content_encoding", since: "2024-04-29", implied_by: &[], implied_since: "" },
    Flag { enable: "strict_crypto_checks", disable: "no_strict_crypto_checks", since: "2023-08-01", implied_by: &[], implied_since: "" },
    Flag { enable: "rtti_api", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "webgpu", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "crypto_preserve_public_exponent", disable: "no_crypto_preserve_public_exponent", since: "2023-12-01", implied_by: &[], implied_since: "" },
    Flag { enable: "vectorize_query_metadata_optional", disable: "vectorize_query_original", since: "2023-11-08", implied_by: &[], implied_since: "" },
    Flag { enable: "unsafe_module", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "js_rpc", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "no_global_importscripts", disable: "global_importscripts", since: "2024-03-04", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_als", disable: "no_nodejs_als", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "queues_json_messages", disable: "no_queues_json_messages", since: "2024-03-18", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workers", disable: "", since: "", implied_by: &["python_workers_development"], implied_since: "2000-01-01" },
    Flag { enable: "fetcher_no_get_put_delete", disable: "fetcher_has_get_put_delete", since: "2024-03-26", implied_by: &[], implied_since: "" },
    Flag { enable: "unwrap_custom_thenables", disable: "no_unwrap_custom_thenables", since: "2024-04-01", implied_by: &[], implied_since: "" },
    Flag { enable: "rpc", disable: "no_rpc", since: "2024-04-03", implied_by: &[], implied_since: "" },
    Flag { enable: "internal_stream_byob_return_view", disable: "internal_stream_byob_return_undefined", since: "2024-05-13", implied_by: &[], implied_since: "" },
    Flag { enable: "blob_standard_mime_type", disable: "blob_legacy_mime_type", since: "2024-06-03", implied_by: &[], implied_since: "" },
    Flag { enable: "fetch_standard_url", disable: "fetch_legacy_url", since: "2024-06-03", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_compat_v2", disable: "no_nodejs_compat_v2", since: "2026-08-04", implied_by: &["nodejs_compat"], implied_since: "2024-09-23" },
    Flag { enable: "global_fetch_strictly_public", disable: "global_fetch_private_origin", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "new_module_registry", disable: "legacy_module_registry", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "cache_option_enabled", disable: "cache_option_disabled", since: "2024-11-11", implied_by: &[], implied_since: "" },
    Flag { enable: "kv_direct_binding", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "allow_custom_ports", disable: "ignore_custom_ports", since: "2024-09-02", implied_by: &[], implied_since: "" },
    Flag { enable: "increase_websocket_message_size", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "internal_writable_stream_abort_clears_queue", disable: "internal_writable_stream_abort_does_not_clear_queue", since: "2024-09-02", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workers_development", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_zlib", disable: "no_nodejs_zlib", since: "", implied_by: &["nodejs_compat", "nodejs_compat_v2"], implied_since: "2024-09-23" },
    Flag { enable: "replica_routing", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_d1_with_sessions_api", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "handle_cross_request_promise_resolution", disable: "no_handle_cross_request_promise_resolution", since: "2024-10-14", implied_by: &[], implied_since: "" },
    Flag { enable: "set_tostring_tag", disable: "do_not_set_tostring_tag", since: "2024-09-26", implied_by: &[], implied_since: "" },
    Flag { enable: "upper_case_all_http_methods", disable: "no_upper_case_all_http_methods", since: "2024-10-14", implied_by: &[], implied_since: "" },
    Flag { enable: "python_external_packages", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "disable_top_level_await_in_require", disable: "enable_top_level_await_in_require", since: "2024-12-02", implied_by: &[], implied_since: "" },
    Flag { enable: "fixup-transform-stream-backpressure", disable: "original-transform-stream-backpressure", since: "2024-12-16", implied_by: &[], implied_since: "" },
    Flag { enable: "tail_worker_user_spans", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "cache_no_cache_enabled", disable: "cache_no_cache_disabled", since: "", implied_by: &["cache_option_enabled"], implied_since: "2025-08-07" },
    Flag { enable: "python_workers_20250116", disable: "no_python_workers_20250116", since: "", implied_by: &["python_workers"], implied_since: "2025-09-29" },
    Flag { enable: "request_cf_overrides_cache_rules", disable: "no_request_cf_overrides_cache_rules", since: "2025-04-02", implied_by: &[], implied_since: "" },
    Flag { enable: "memory_cache_delete", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "queue_consumer_no_wait_for_wait_until", disable: "queue_consumer_wait_for_wait_until", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_compat_populate_process_env", disable: "nodejs_compat_do_not_populate_process_env", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-04-01" },
    Flag { enable: "cache_api_request_cf_overrides_cache_rules", disable: "no_cache_api_request_cf_overrides_cache_rules", since: "2025-05-19", implied_by: &[], implied_since: "" },
    Flag { enable: "disallow_importable_env", disable: "allow_importable_env", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "assets_navigation_prefers_asset_serving", disable: "assets_navigation_has_no_effect", since: "2025-04-01", implied_by: &[], implied_since: "" },
    Flag { enable: "cache_api_compat_flags", disable: "no_cache_api_compat_flags", since: "2025-04-19", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workers_durable_objects", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "streaming_tail_worker", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "urlpattern_standard", disable: "urlpattern_original", since: "2025-05-01", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_weak_ref", disable: "disable_weak_ref", since: "2025-05-05", implied_by: &[], implied_since: "" },
    Flag { enable: "request_signal_passthrough", disable: "no_request_signal_passthrough", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_navigator_language", disable: "disable_navigator_language", since: "2025-05-19", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_web_file_system", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_abortsignal_rpc", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "allow_eval_during_startup", disable: "disallow_eval_during_startup", since: "2025-06-01", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_request_signal", disable: "disable_request_signal", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "connect_pass_through", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "bind_asynclocalstorage_snapshot_to_request", disable: "do_not_bind_asynclocalstorage_snapshot_to-request", since: "2025-06-16", implied_by: &[], implied_since: "" },
    Flag { enable: "throw_on_unrecognized_import_assertion", disable: "ignore_unrecognized_import_assertion", since: "2025-06-16", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workflows", disable: "disable_python_workflows", since: "", implied_by: &["python_workers"], implied_since: "2025-09-20" },
    Flag { enable: "unsupported_process_actual_platform", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_process_v2", disable: "disable_nodejs_process_v2", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-15" },
    Flag { enable: "set_event_target_this", disable: "no_set_event_target_this", since: "2025-08-01", implied_by: &[], implied_since: "" },
    Flag { enable: "set_forwardable_email_full_headers", disable: "set_forwardable_email_single_headers", since: "2025-08-01", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_http_modules", disable: "disable_nodejs_http_modules", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-08-15" },
    Flag { enable: "pedantic_wpt", disable: "non_pedantic_wpt", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "expose_global_message_channel", disable: "no_expose_global_message_channel", since: "2025-08-15", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_http_server_modules", disable: "disable_nodejs_http_server_modules", since: "", implied_by: &["enable_nodejs_http_modules"], implied_since: "2025-09-01" },
    Flag { enable: "python_no_global_handlers", disable: "disable_python_no_global_handlers", since: "2025-08-14", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_fs_module", disable: "disable_nodejs_fs_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-15" },
    Flag { enable: "enable_nodejs_os_module", disable: "disable_nodejs_os_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-15" },
    Flag { enable: "python_workers_force_new_vendor_path", disable: "", since: "2025-08-11", implied_by: &[], implied_since: "" },
    Flag { enable: "remove_nodejs_compat_eol", disable: "add_nodejs_compat_eol", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-01" },
    Flag { enable: "enable_validate_workflow_entrypoint", disable: "disable_validate_workflow_entrypoint", since: "2025-09-20", implied_by: &[], implied_since: "" },
    Flag { enable: "python_dedicated_snapshot", disable: "disable_python_dedicated_snapshot", since: "", implied_by: &["python_workers_20250116"], implied_since: "2025-10-16" },
    Flag { enable: "typescript_strip_types", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_http2_module", disable: "disable_nodejs_http2_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-01" },
    Flag { enable: "allow_insecure_inefficient_logged_eval", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "strip_authorization_on_cross_origin_redirect", disable: "retain_authorization_on_cross_origin_redirect", since: "2025-09-01", implied_by: &[], implied_since: "" },
    Flag { enable: "enhanced_error_serialization", disable: "legacy_error_serialization", since: "2026-04-21", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_email_sending_queuing", disable: "disable_email_sending_queuing", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "remove_nodejs_compat_eol_v22", disable: "add_nodejs_compat_eol_v22", since: "", implied_by: &["remove_nodejs_compat_eol"], implied_since: "2027-04-30" },
    Flag { enable: "remove_nodejs_compat_eol_v23", disable: "add_nodejs_compat_eol_v23", since: "", implied_by: &["remove_nodejs_compat_eol_v24"], implied_since: "2025-09-01" },
    Flag { enable: "remove_nodejs_compat_eol_v24", disable: "add_nodejs_compat_eol_v24", since: "", implied_by: &["remove_nodejs_compat_eol"], implied_since: "2028-04-30" },
    Flag { enable: "enable_nodejs_console_module", disable: "disable_nodejs_console_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-09-21" },
    Flag { enable: "enable_nodejs_vm_module", disable: "disable_nodejs_vm_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-10-01" },
    Flag { enable: "enable_nodejs_perf_hooks_module", disable: "disable_nodejs_perf_hooks_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_global_performance_classes", disable: "disable_global_performance_classes", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_domain_module", disable: "disable_nodejs_domain_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-12-04" },
    Flag { enable: "enable_nodejs_v8_module", disable: "disable_nodejs_v8_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_tty_module", disable: "disable_nodejs_tty_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_punycode_module", disable: "disable_nodejs_punycode_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-12-04" },
    Flag { enable: "enable_nodejs_cluster_module", disable: "disable_nodejs_cluster_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-12-04" },
    Flag { enable: "enable_nodejs_child_process_module", disable: "disable_nodejs_child_process_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_worker_threads_module", disable: "disable_nodejs_worker_threads_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_stream_wrap_module", disable: "disable_nodejs_stream_wrap_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-01-29" },
    Flag { enable: "enable_nodejs_wasi_module", disable: "disable_nodejs_wasi_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-12-04" },
    Flag { enable: "enable_nodejs_dgram_module", disable: "disable_nodejs_dgram_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-01-29" },
    Flag { enable: "enable_nodejs_inspector_module", disable: "disable_nodejs_inspector_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-01-29" },
    Flag { enable: "enable_nodejs_trace_events_module", disable: "disable_nodejs_trace_events_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2025-12-04" },
    Flag { enable: "enable_nodejs_readline_module", disable: "disable_nodejs_readline_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_repl_module", disable: "disable_nodejs_repl_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-03-17" },
    Flag { enable: "enable_nodejs_sqlite_module", disable: "disable_nodejs_sqlite_module", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-01-29" },
    Flag { enable: "enable_ctx_exports", disable: "disable_ctx_exports", since: "2025-11-17", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_python_external_sdk", disable: "disable_python_external_sdk", since: "2026-04-21", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_fast_jsg_struct", disable: "disable_fast_jsg_struct", since: "2025-12-03", implied_by: &[], implied_since: "" },
    Flag { enable: "cache_reload_enabled", disable: "cache_reload_disabled", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_streams_nodejs_v24_compat", disable: "disable_streams_nodejs_v24_compat", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "immutable_api_prototypes", disable: "mutable_api_prototypes", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "fetch_iterable_type_support", disable: "no_fetch_iterable_type_support", since: "2026-02-19", implied_by: &[], implied_since: "" },
    Flag { enable: "env_module_nullable_support", disable: "no_env_module_nullable_support", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "precise_timers", disable: "no_precise_timers", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "fetch_iterable_type_support_override_adjustment", disable: "no_fetch_iterable_type_support_override_adjustment", since: "", implied_by: &["fetch_iterable_type_support"], implied_since: "2026-01-15" },
    Flag { enable: "strip_bom_in_read_all_text", disable: "do_not_strip_bom_in_read_all_text", since: "2026-01-13", implied_by: &["pedantic_wpt"], implied_since: "2026-01-13" },
    Flag { enable: "allow_irrevocable_stub_storage", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "rpc_params_dup_stubs", disable: "rpc_params_transfer_stubs", since: "2026-01-20", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_global_timers", disable: "no_nodejs_global_timers", since: "", implied_by: &["nodejs_compat"], implied_since: "2026-02-10" },
    Flag { enable: "streams_no_default_auto_allocate_chunk_size", disable: "streams_auto_allocate_chunk_size_default", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workflows_implicit_dependencies", disable: "no_python_workflows_implicit_dependencies", since: "", implied_by: &["python_workers"], implied_since: "2026-02-25" },
    Flag { enable: "require_returns_default_export", disable: "require_returns_namespace", since: "2026-01-22", implied_by: &[], implied_since: "" },
    Flag { enable: "python_request_headers_preserve_commas", disable: "disable_python_request_headers_preserve_commas", since: "2026-02-17", implied_by: &[], implied_since: "" },
    Flag { enable: "queue_expose_error_codes", disable: "no_queue_expose_error_codes", since: "2026-03-12", implied_by: &[], implied_since: "" },
    Flag { enable: "text_decoder_replace_surrogates", disable: "disable_text_decoder_replace_surrogates", since: "2026-02-24", implied_by: &["pedantic_wpt"], implied_since: "2026-02-24" },
    Flag { enable: "containers_pid_namespace", disable: "no_containers_pid_namespace", since: "2026-04-01", implied_by: &[], implied_since: "" },
    Flag { enable: "delete_all_deletes_alarm", disable: "delete_all_preserves_alarm", since: "2026-02-24", implied_by: &[], implied_since: "" },
    Flag { enable: "unhandled_rejection_after_microtask_checkpoint", disable: "no_unhandled_rejection_after_microtask_checkpoint", since: "2026-03-03", implied_by: &[], implied_since: "" },
    Flag { enable: "text_decoder_cjk_decoder", disable: "disable_text_decoder_cjk_decoder", since: "2026-03-03", implied_by: &[], implied_since: "" },
    Flag { enable: "websocket_close_reason_byte_limit", disable: "no_websocket_close_reason_byte_limit", since: "2026-03-03", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_version_api", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "websocket_standard_binary_type", disable: "no_websocket_standard_binary_type", since: "2026-03-17", implied_by: &[], implied_since: "" },
    Flag { enable: "writable_stream_spec_compliant_writer", disable: "no_writable_stream_spec_compliant_writer", since: "2026-03-24", implied_by: &[], implied_since: "" },
    Flag { enable: "encoder_stream_spec_compliant_backpressure", disable: "no_encoder_stream_spec_compliant_backpressure", since: "2026-03-24", implied_by: &[], implied_since: "" },
    Flag { enable: "spec_compliant_property_attributes", disable: "no_spec_compliant_property_attributes", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "workflows_preserve_non_retryable_error_message", disable: "workflows_replace_non_retryable_error_message", since: "2026-05-14", implied_by: &[], implied_since: "" },
    Flag { enable: "web_socket_auto_reply_to_close", disable: "web_socket_manual_reply_to_close", since: "2026-04-07", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_ctx_version_metadata", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "no_resizable_array_buffer_in_blob", disable: "resizable_array_buffer_in_blob", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "diagnostics_channel_has_subscribers_getter", disable: "no_diagnostics_channel_has_subscribers_getter", since: "2026-05-19", implied_by: &[], implied_since: "" },
    Flag { enable: "workflows_step_rollback", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_process_pth_files", disable: "disable_python_process_pth_files", since: "2026-05-26", implied_by: &[], implied_since: "" },
    Flag { enable: "throw_on_not_implemented_tls_options", disable: "no_throw_on_not_implemented_tls_options", since: "2026-06-16", implied_by: &[], implied_since: "" },
    Flag { enable: "auto_grpc_convert", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workers_20260610", disable: "no_python_workers_20260610", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "enable_nodejs_inspector_local_dev", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "d1_binding_jsrpc", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "workflows_bindings_rpc", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "typescript_implemented_streams", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "expose_draining_reader", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "workflows_enable_fast_engine_creation", disable: "workflows_disable_fast_engine_creation", since: "2026-08-11", implied_by: &[], implied_since: "" },
    Flag { enable: "wasm_memory_discard", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "unique_ctx_per_invocation", disable: "", since: "2025-03-10", implied_by: &[], implied_since: "" },
    Flag { enable: "nonclass_entrypoint_reuses_ctx_across_invocations", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_check_rng_state", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_workers_314", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "spec_compliant_dispatch_exceptions", disable: "", since: "2026-09-15", implied_by: &[], implied_since: "" },
    Flag { enable: "auto_inject_python_workers", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_io_tasks_prevent_eviction", disable: "", since: "2026-10-01", implied_by: &[], implied_since: "" },
    Flag { enable: "webcrypto_modern_algorithms", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "wasm_esm_integration_builtins", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "pipe_to_backward_propagation", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "cache_option_preserves_cache_control", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "durable_object_snapshots", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "connect_handler_starttls", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "offpeak_location_hint", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_shared_standard_library", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "wasm_source_url_support", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "temporal", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_zstd_snapshot", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "nodejs_process_version_24", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "r2_binding_jsrpc", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "rpc_dispose_cancels_call", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "expose_serialization_test_class", disable: "", since: "", implied_by: &[], implied_since: "" },
    Flag { enable: "python_dedicated_snapshot_keep_import_caches", disable: "", since: "", implied_by: &[], implied_since: "" },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_on(date: &str, named: &[&str], flag: &str) -> bool {
        in_force(date, named).into_iter().any(|(name, on)| on && name == flag)
    }

    #[test]
    fn dates_names_and_implications_decide() {
        for (date, named, flag, expected) in [
            ("2024-04-02", &[][..], "rpc", false),
            ("2024-04-03", &[], "rpc", true),
            ("2026-11-01", &["no_rpc"], "rpc", false),
            ("2021-01-01", &["rpc"], "rpc", true),
            ("2026-11-01", &[], "nodejs_compat", true),
            ("2026-07-01", &[], "nodejs_compat", false),
            ("2026-02-09", &["nodejs_compat"], "enable_nodejs_global_timers", false),
            ("2026-02-10", &["nodejs_compat"], "enable_nodejs_global_timers", true),
            ("2026-11-01", &[], "experimental", false),
        ] {
            assert_eq!(is_on(date, named, flag), expected, "{flag} at {date} with {named:?}");
        }
    }
}
