//! Timers of JavaScript: setting and cancelling them in the isolate's table.
//!
//! The loop that runs turns takes due timers from the table and calls the entry `timer` with their
//! number; the callbacks are kept in JavaScript. Whoever drops an owner's timers from the table leaves
//! their callbacks behind: they must be dropped by the entry `forget-timers` with the numbers.

use std::rc::Rc;
use std::time::Duration;

use rquickjs::{Ctx, Function, Object};

use crate::engine::{Extension, Host};

/// `host.setTimer(delayMs)` → number, `host.setTimerAgain(number, delayMs)`, `host.cancelTimer(number)`.
pub const EXTENSION: Extension =
    Extension { install, eager: &["dodev:web/timers", "dodev:web/timers/scheduler"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> rquickjs::Result<()> {
    let weak = Rc::downgrade(engine);
    let set = move |ctx: Ctx<'js>, delay_ms: f64| -> rquickjs::Result<u32> {
        let engine = weak.upgrade().expect("operations run while the isolate lives");
        engine.require_event(&ctx)?;
        let due = due(&engine, delay_ms);
        let place = engine.places.here(&ctx);
        let mut timers = engine.timers.borrow_mut();
        let id = timers.set(due, engine.scope.get());
        if let Some(place) = place {
            timers.set_place(id, place);
        }
        Ok(id)
    };
    host.set("setTimer", Function::new(ctx.clone(), set)?)?;
    let weak = Rc::downgrade(engine);
    let set_again = move |id: u32, delay_ms: f64| {
        let engine = weak.upgrade().expect("operations run while the isolate lives");
        let due = due(&engine, delay_ms);
        engine.timers.borrow_mut().set_again(id, due, engine.scope.get());
    };
    host.set("setTimerAgain", Function::new(ctx.clone(), set_again)?)?;
    let weak = Rc::downgrade(engine);
    let cancel = move |id: u32| {
        let engine = weak.upgrade().expect("operations run while the isolate lives");
        engine.timers.borrow_mut().cancel(id);
    };
    host.set("cancelTimer", Function::new(ctx.clone(), cancel)?)
}

/// When a timer with `delay_ms`, a finite number of at least 0, is due on the isolate's clock.
fn due(engine: &Host, delay_ms: f64) -> Duration {
    engine.clock.elapsed().saturating_add(Duration::from_secs_f64(delay_ms.max(0.0) / 1_000.0))
}
