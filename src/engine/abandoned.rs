//! What who waits for a promise is told whose maker ended before it was settled.

use rquickjs::{Ctx, Promise, Result};

use super::deferred::Deferred;
use super::exception::make_error;
use super::ops::OpError;

/// Fidelity: recorded from wrangler 4.164.0 (`fixtures/hangs`).
const TEXT: &str = "This promise was created by a request that has since ended, so it can never settle. With the \
    handle_cross_request_promise_resolution compatibility flag, a promise can only settle in the request that created it, and \
    settling it after that request ends is dropped.";

/// A promise that is rejected for that reason.
pub fn abandoned<'js>(ctx: &Ctx<'js>) -> Result<Promise<'js>> {
    let (deferred, promise) = Deferred::new(ctx)?;
    deferred.reject(ctx, &make_error(ctx, &OpError::new(TEXT))?)?;
    Ok(promise)
}
