//! Rate limits: the operation behind the bindings of `ratelimits`.
//!
//! JavaScript checks what is asked (`ratelimit.js`), the host counts. An object's call leaves when what the object wrote is committed, as the request
//! that it is on the platform would.

mod counts;

use std::rc::Rc;
use std::sync::Arc;

use rquickjs::{Ctx, Function, Object};

use crate::base::limits::RATE_LIMIT_KEYS;
use crate::engine::bytes::Text;
use crate::engine::{OpError, OpValue};
use crate::objects::Objects;

use super::arguments::begin_subrequest;

pub use counts::{Call, RateCounts};

/// Installs `countCall(namespace, key, limit, period, weight, now)`, a promise of whether the call is within its limit.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    counts: &Arc<RateCounts>,
) -> rquickjs::Result<()> {
    let (objects, counts) = (objects.clone(), counts.clone());
    let count = move |ctx: Ctx<'js>,
                      Text(namespace): Text,
                      Text(key): Text,
                      limit: f64,
                      period: u32,
                      weight: f64,
                      now: f64| {
        begin_subrequest(&ctx, &objects)?;
        let (op, promise) = objects.host.ops.start_named(&ctx, objects.host.scope.get(), "a rate limit")?;
        let (completer, counts) = (objects.host.completer.clone(), counts.clone());
        #[expect(clippy::cast_possible_truncation, reason = "times are far smaller, and the cast saturates")]
        let call = Call { namespace, key, limit, period, weight, now: now as i64 };
        objects.send_outside(Box::new(move || {
            let too_many =
                || OpError::new(format!("dodev counts at most {RATE_LIMIT_KEYS} keys of a rate limit"));
            completer.complete(op, counts.take(call).map(OpValue::Bool).ok_or_else(too_many));
        }));
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("countCall", Function::new(ctx.clone(), count)?)
}
