//! `performance`: the clock as Web APIs show it.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};

use crate::engine::{Extension, Host};

/// `performance` and `host.nowMs()`, milliseconds since the Unix epoch.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/performance"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> Result<()> {
    let engine = Rc::downgrade(engine);
    let now = move || engine.upgrade().map_or(0.0, |engine| engine.clock.now_in_turn().0 as f64);
    host.set("nowMs", Function::new(ctx.clone(), now)?)
}
