//! `EventTarget`, `Event` and their kin; the one operation reports what a listener threw.
//!
//! Which events the platform itself dispatches is the business of the parts that own them.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Value};

use crate::engine::{Extension, Host};

/// The classes and `host.reportException(error)`.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/events"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> rquickjs::Result<()> {
    let engine = Rc::downgrade(engine);
    let report = move |ctx: Ctx<'js>, error: Value<'js>| {
        if let Some(engine) = engine.upgrade() {
            engine.violations.add_thrown(&ctx, &error);
        }
    };
    host.set("reportException", Function::new(ctx.clone(), report)?)
}
