//! On whose behalf a turn runs, for what belongs to the request or object that made it.
//!
//! Streams of the platform, bodies, ends of WebSockets and stubs note who made them and are refused to others
//! (`owner.js`). What runs outside any event owns nothing. The host that runs Workers adds `refuseForeign(kind)`, which
//! throws the platform's error; without it there is one owner only.

use std::rc::Rc;

use rquickjs::{Ctx, Error, Function, Object, Result};

use crate::engine::{Extension, Host};

/// The operations of this folder.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, shared: &Rc<Host>) -> Result<()> {
    // owner(): the number of the running request or awake object, 0 outside any event.
    let own = shared.clone();
    #[expect(clippy::cast_precision_loss, reason = "owners are numbered one by one from 1")]
    let owner = move || own.scope.get().owner.serial() as f64;
    host.set("owner", Function::new(ctx.clone(), owner)?)?;
    // ownerOfNew(): the same, for what can only be made on behalf of somebody: it throws in the global scope.
    let own = shared.clone();
    #[expect(clippy::cast_precision_loss, reason = "owners are numbered one by one from 1")]
    let of_new = move |ctx: Ctx<'js>| {
        own.require_event(&ctx)?;
        Ok::<_, Error>(own.scope.get().owner.serial() as f64)
    };
    host.set("ownerOfNew", Function::new(ctx.clone(), of_new)?)
}
