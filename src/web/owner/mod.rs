//! On whose behalf a turn runs, for what belongs to the request or object that made it.
//!
//! Streams of the platform, bodies, ends of WebSockets and stubs note who made them and are refused to others
//! (`owner.js`). What runs outside any event owns nothing. The host that runs Workers adds `refuseForeign(kind)`, which
//! throws the platform's error; without it there is one owner only.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::engine::{Extension, Host};

/// The operations of this folder.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, shared: &Rc<Host>) -> Result<()> {
    // owner: memory with the number of the running request or awake object, 0 outside any event.
    host.set("owner", shared.scope.shared(ctx)?)?;
    // requireEvent(): throws in the global scope.
    let own = shared.clone();
    host.set("requireEvent", Function::new(ctx.clone(), move |ctx: Ctx<'js>| own.require_event(&ctx))?)
}
