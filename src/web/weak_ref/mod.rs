//! `WeakRef` as the language wants it: what one was made of, or gave, lives until the turn ends.
//!
//! The engine counts references and forgets a target with its last one, in the middle of a turn.

use std::rc::Rc;

use rquickjs::function::Constructor;
use rquickjs::{Ctx, Function, Object};

use crate::engine::Extension;
use crate::engine::host::Host;

/// The class, and the operation that yields the set of what lives until the turn ends.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/weak_ref"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> rquickjs::Result<()> {
    let weak = Rc::downgrade(engine);
    let kept = move |ctx: Ctx<'js>, class: Constructor<'js>| {
        let engine = weak.upgrade().expect("operations run while the isolate lives");
        engine.kept.of_turn(&ctx, &class)
    };
    host.set("kept", Function::new(ctx.clone(), kept)?)
}
