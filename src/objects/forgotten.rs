//! What ended is forgotten by the prelude too.

use std::rc::Rc;

use rquickjs::Ctx;

use super::scheduler::{Entry, Objects};
use crate::engine::turn::Entered;
use crate::engine::{Isolate, Scope};

impl Objects {
    pub(super) fn forget_timers(&self, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let timers = self.host.timers.borrow_mut().take_forgotten();
        if !timers.is_empty() {
            in_each_realm(isolate, |ctx| entry.forget_timers(ctx, &timers));
        }
    }

    pub(super) fn forget_sockets(&self, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let sockets = self.sockets.take_forgotten();
        if !sockets.is_empty() {
            in_each_realm(isolate, |ctx| entry.forget_sockets(ctx, &sockets));
        }
    }

    pub(super) fn forget_facets(&self, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let slots = self.take_ended_facets();
        if !slots.is_empty() {
            in_each_realm(isolate, |ctx| entry.forget_facets(ctx, &slots));
            self.free_facets(slots);
        }
    }
}

/// Has the prelude of every realm `forget` something. Numbers are the isolate's: a realm that does not know one has
/// nothing to forget.
fn in_each_realm(isolate: &Isolate, forget: impl Fn(&Ctx<'_>)) {
    for realm in isolate.realms() {
        isolate.without_limit(|isolate| {
            isolate.turn(Scope::none_of(realm), |ctx| {
                forget(ctx);
                Entered::Done
            })
        });
    }
}
