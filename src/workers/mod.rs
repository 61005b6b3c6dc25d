//! The platform's own surface: entrypoints, namespaces and stubs, contexts, storage, bindings.
//!
//! JavaScript in the prelude is the face, Rust in the same folder the operations behind it.

mod alarm;
mod arguments;
mod ctx;
mod env;
mod facets;
mod farewell;
mod kv;
mod messages;
mod namespace;
mod outbound;
mod platform;
mod ratelimit;
mod rpc;
mod scheduled;
mod sockets;
mod sql;
mod storage;
mod stub;

use std::rc::Rc;
use std::sync::Arc;

use rquickjs::{Ctx, Object};

use crate::base::module_name;
use crate::engine::Extension;
use crate::objects::Objects;

pub use env::{Binding, BindingValue};
pub use outbound::Outbound;
pub use platform::{Platform, WorkerSpec, asked_early, load_exports, set_compatibility, spread_bindings};
pub use ratelimit::RateCounts;

/// Modules that user code imports by name, and the prelude's parts behind them.
pub const EXTENSION: Extension = Extension {
    install: |_, _, _| Ok(()),
    eager: &[ENTRY_MODULE],
    public: &[
        ("cloudflare:workers", "dodev:workers/entrypoints"),
        ("cloudflare:email", "dodev:workers/modules/email"),
        ("cloudflare:node", "dodev:workers/modules/node"),
        ("cloudflare:sockets", "dodev:workers/modules/sockets"),
        ("cloudflare:workflows", "dodev:workers/modules/workflows"),
        ("cloudflare:durable-objects", "dodev:workers/durable_objects"),
        (module_name::SITE_MANIFEST, "dodev:workers/kv/manifest"),
    ],
};

/// The prelude module that registers the entry functions.
const ENTRY_MODULE: &str = "dodev:workers/entry";

/// Adds every operation of this folder to the `host` object of a Worker's realm.
pub fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
    outbound: &Outbound,
    rate_counts: &Arc<RateCounts>,
) -> rquickjs::Result<()> {
    alarm::install(ctx, host, objects)?;
    ctx::install(ctx, host, objects)?;
    env::install(ctx, host, spec)?;
    facets::install(ctx, host, objects)?;
    farewell::install(ctx, host, objects)?;
    kv::install(ctx, host, objects, spec)?;
    namespace::install(ctx, host, objects, spec)?;
    sockets::install(ctx, host, objects, spec)?;
    outbound::install(ctx, host, objects, outbound)?;
    ratelimit::install(ctx, host, objects, rate_counts)?;
    sql::install(ctx, host, objects)?;
    storage::install(ctx, host, objects, spec)?;
    rpc::install(ctx, host, objects)?;
    stub::install(ctx, host, objects)
}
