//! Why a stream ended early, on its way between isolates: what was thrown on one side, or given as the reason on the other.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use rquickjs::{Ctx, Value};

use crate::engine::pipe::Reason;
use crate::engine::{Host, Reasons};
use crate::objects::Failure;

use super::values::{error_of, failure_of, read_stored, write_stored};

/// Takes reasons apart with the rules for what is thrown and what is stored.
struct OfHost(Weak<Host>);

/// What a [`Reason`] holds.
enum Packed {
    Thrown(Box<Failure>),
    Value(Vec<u8>),
}

/// Has `host` tell reasons.
pub fn install_reasons(host: &Rc<Host>) {
    host.set_reasons(Rc::new(OfHost(Rc::downgrade(host))));
}

impl Reasons for OfHost {
    fn pack<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>, thrown: bool) -> Option<Reason> {
        let host = self.0.upgrade()?;
        let packed = match thrown {
            true => Packed::Thrown(Box::new(failure_of(ctx, &host, value))),
            false => Packed::Value(
                write_stored(ctx, &host, value, host.error_form(), false)
                    .map_err(|_| drop(ctx.catch()))
                    .ok()?,
            ),
        };
        Some(Reason(Arc::new(packed)))
    }

    fn unpack<'js>(&self, ctx: &Ctx<'js>, reason: &Reason) -> Option<Value<'js>> {
        let host = self.0.upgrade()?;
        match reason.0.downcast_ref::<Packed>()? {
            Packed::Thrown(failure) => Some(error_of(ctx, &host, failure)),
            Packed::Value(bytes) => read_stored(ctx, &host, bytes).map_err(|_| drop(ctx.catch())).ok(),
        }
    }
}
