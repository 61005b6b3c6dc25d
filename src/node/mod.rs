//! Modules of Node.js: what packages import when a Worker's flags ask for `nodejs_compat`.
//!
//! They are JavaScript on top of the Web platform, loaded from bytecode when a program first imports them:
//! starting an isolate costs nothing but their names. What is not emulated can be imported and says
//! so by name when it is called. Whether a project may import them is not decided here.

mod bytes;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use rquickjs::{Ctx, Function, Module, Object, Value};

use crate::engine::isolate::lazy;
use crate::engine::{Extension, Host};

/// Names of modules and what is behind them, and the operations on bytes that buffers use.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: PUBLIC };

/// What every public name of these modules begins with.
pub const PREFIX: &str = "node:";

/// The only module that the flag `nodejs_als` asks for.
pub const ASYNC_HOOKS: &str = "node:async_hooks";

/// The module that every Worker may import.
pub const PROCESS: &str = "node:process";

/// Whether a Worker whose date is too early for `nodejs_compat_v2` may import `name`: what the platform had itself, before
/// bundlers brought the rest.
pub fn is_early(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|name| EARLY.split(' ').any(|early| early == name))
}

const EARLY: &str = "_stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_writable assert \
    assert/strict async_hooks buffer constants crypto diagnostics_channel dns dns/promises events fs/promises module net path \
    path/posix path/win32 process querystring stream stream/consumers stream/promises stream/web string_decoder timers \
    timers/promises tls url util util/types zlib";

const GLOBALS_MODULE: &str = "dodev:node/globals";

/// Defines the globals of Node.js, each of which loads its module when it is first used.
///
/// # Errors
/// Only a defect of the prelude or lack of memory can fail here.
pub fn define_globals(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    lazy(ctx.clone(), GLOBALS_MODULE.to_owned()).map(drop)
}

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> rquickjs::Result<()> {
    host.set("nodeBytes", Function::new(ctx.clone(), bytes::node_bytes)?)?;
    host.set("nodeText", Function::new(ctx.clone(), bytes::node_text)?)?;
    host.set("nodeCompare", Function::new(ctx.clone(), bytes::node_compare)?)?;
    host.set("builtinModule", Function::new(ctx.clone(), builtin_module)?)?;
    host.set("nodeIndexOf", Function::new(ctx.clone(), bytes::node_index_of)?)
}

/// `host.builtinModule(id)`: the default export of a module of Node.js, the namespace of another one of the platform's;
/// `undefined` for what the Worker cannot import.
///
/// A module that was imported already is the same one: a module made for this call imports it, as the Worker's own code would.
fn builtin_module(ctx: Ctx<'_>, id: String) -> rquickjs::Result<Value<'_>> {
    let prefixed = format!("{PREFIX}{id}");
    let known = |name: &str| PUBLIC.iter().any(|(public, _)| *public == name);
    let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '_');
    let platforms = id.strip_prefix("cloudflare:").is_some_and(|rest| rest.chars().all(is_name));
    let source = match () {
        () if known(&id) => format!("import value from \"{id}\"; export default value;"),
        () if known(&prefixed) => format!("import value from \"{prefixed}\"; export default value;"),
        () if platforms => format!("import * as value from \"{id}\"; export default value;"),
        () => return Ok(Value::new_undefined(ctx)),
    };
    let Ok(declared) = Module::declare(ctx.clone(), format!("builtin:{id}"), source) else {
        // It is hidden from this Worker, or there is none.
        drop(ctx.catch());
        return Ok(Value::new_undefined(ctx));
    };
    let (module, promise) = declared.eval()?;
    promise.result::<()>().unwrap_or(Ok(()))?;
    module.get("default")
}

#[rustfmt::skip]
const PUBLIC: &[(&str, &str)] = &[
    ("node:_http_agent", "dodev:node/legacy/_http_agent"),
    ("node:_http_client", "dodev:node/legacy/_http_client"),
    ("node:_http_common", "dodev:node/legacy/_http_common"),
    ("node:_http_incoming", "dodev:node/legacy/_http_incoming"),
    ("node:_http_outgoing", "dodev:node/legacy/_http_outgoing"),
    ("node:_http_server", "dodev:node/legacy/_http_server"),
    ("node:_stream_duplex", "dodev:node/legacy/_stream_duplex"),
    ("node:_stream_passthrough", "dodev:node/legacy/_stream_passthrough"),
    ("node:_stream_readable", "dodev:node/legacy/_stream_readable"),
    ("node:_stream_transform", "dodev:node/legacy/_stream_transform"),
    ("node:_stream_writable", "dodev:node/legacy/_stream_writable"),
    ("node:assert", "dodev:node/assert"),
    ("node:assert/strict", "dodev:node/assert/strict"),
    ("node:async_hooks", "dodev:node/async_hooks"),
    ("node:buffer", "dodev:node/buffer"),
    ("node:child_process", "dodev:node/child_process"),
    ("node:cluster", "dodev:node/cluster"),
    ("node:console", "dodev:node/console"),
    ("node:constants", "dodev:node/constants"),
    ("node:crypto", "dodev:node/crypto"),
    ("node:dgram", "dodev:node/dgram"),
    ("node:diagnostics_channel", "dodev:node/diagnostics_channel"),
    ("node:dns", "dodev:node/dns"),
    ("node:dns/promises", "dodev:node/dns/promises"),
    ("node:domain", "dodev:node/domain"),
    ("node:events", "dodev:node/events"),
    ("node:fs", "dodev:node/fs"),
    ("node:fs/promises", "dodev:node/fs/promises"),
    ("node:http", "dodev:node/http"),
    ("node:http2", "dodev:node/http2"),
    ("node:https", "dodev:node/https"),
    ("node:inspector", "dodev:node/inspector"),
    ("node:inspector/promises", "dodev:node/inspector/promises"),
    ("node:module", "dodev:node/module"),
    ("node:net", "dodev:node/net"),
    ("node:os", "dodev:node/os"),
    ("node:path", "dodev:node/path"),
    ("node:path/posix", "dodev:node/path"),
    ("node:path/win32", "dodev:node/path/win32"),
    ("node:perf_hooks", "dodev:node/perf_hooks"),
    ("node:process", "dodev:node/process"),
    ("node:punycode", "dodev:node/punycode"),
    ("node:querystring", "dodev:node/querystring"),
    ("node:readline", "dodev:node/readline"),
    ("node:readline/promises", "dodev:node/readline/promises"),
    ("node:repl", "dodev:node/repl"),
    ("node:sqlite", "dodev:node/sqlite"),
    ("node:stream", "dodev:node/stream"),
    ("node:stream/consumers", "dodev:node/stream/consumers"),
    ("node:stream/promises", "dodev:node/stream/promises"),
    ("node:stream/web", "dodev:node/stream/web"),
    ("node:string_decoder", "dodev:node/string_decoder"),
    ("node:sys", "dodev:node/util"),
    ("node:timers", "dodev:node/timers"),
    ("node:timers/promises", "dodev:node/timers/promises"),
    ("node:tls", "dodev:node/tls"),
    ("node:trace_events", "dodev:node/trace_events"),
    ("node:tty", "dodev:node/tty"),
    ("node:url", "dodev:node/url"),
    ("node:util", "dodev:node/util"),
    ("node:util/types", "dodev:node/util/types"),
    ("node:v8", "dodev:node/v8"),
    ("node:vm", "dodev:node/vm"),
    ("node:wasi", "dodev:node/wasi"),
    ("node:worker_threads", "dodev:node/worker_threads"),
    ("node:zlib", "dodev:node/zlib"),
];
