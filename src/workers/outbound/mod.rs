//! Requests to the world outside: the global `fetch`, and WebSockets that are opened.
//!
//! JavaScript follows redirects and watches signals (`web/fetch/outbound.js`); here one request is sent and
//! one response comes back. An object's request leaves when what the object wrote is committed.

mod client;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use rquickjs::{Array, Ctx, Function, Object, Value};
use tokio::sync::oneshot;

use crate::engine::OpValue;
use crate::engine::http::{FetchResponse, Upgrade};
use crate::objects::Objects;

use super::arguments::begin_subrequest;
use super::messages::{request_of, response_into_js};

/// The exchanges of one isolate that are not over.
#[derive(Default)]
struct Exchanges {
    last: u32,
    /// Those that can be aborted, by number.
    open: HashMap<u32, oneshot::Sender<()>>,
    /// Responses that JavaScript has not taken yet, by number.
    arrived: HashMap<u32, FetchResponse>,
}

impl Exchanges {
    fn begin(&mut self) -> (u32, oneshot::Receiver<()>) {
        self.open.retain(|_, cancel| !cancel.is_closed());
        self.last = self.last.wrapping_add(1);
        let (cancel, cancelled) = oneshot::channel();
        self.open.insert(self.last, cancel);
        (self.last, cancelled)
    }

    /// The newest one whose response, or its body, is still on its way.
    fn newest_open(&self) -> Option<u32> {
        let open = self.open.iter().filter(|(_, cancel)| !cancel.is_closed());
        open.map(|(number, _)| *number).max()
    }
}

type Shared = Arc<Mutex<Exchanges>>;

fn with<T>(shared: &Shared, change: impl FnOnce(&mut Exchanges) -> T) -> T {
    change(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The requests to the world outside of one isolate, whatever realm makes them.
#[derive(Clone, Default)]
pub struct Outbound(Shared);

impl Outbound {
    /// None yet; `objects` learns of those to come.
    pub fn new(objects: &Objects) -> Self {
        let exchanges = Shared::default();
        let open = exchanges.clone();
        objects.set_outside(move || with(&open, |exchanges| exchanges.newest_open()));
        Self(exchanges)
    }
}

/// `host.fetchOutside(method, url, headers, body)` → `[number, promise]`; the promise gives `undefined`, or a
/// text that says why there is no response. `host.takeOutside(number)` → `[status, statusText, headers, body]`.
/// `host.abortOutside(number)` ends an exchange, its response's body included.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    Outbound(exchanges): &Outbound,
) -> rquickjs::Result<()> {
    let exchanges = exchanges.clone();
    let (shared, own) = (exchanges.clone(), objects.clone());
    let fetch = move |ctx: Ctx<'js>, method: String, url: String, headers: Array<'js>, body: Value<'js>| {
        begin_subrequest(&ctx, &own)?;
        let mut request = request_of(&own.host, &method, url, &headers, &body, None)?;
        own.mark_depth(&mut request);
        let (op, promise) = own.host.ops.start_named(&ctx, own.host.scope.get(), "fetch()")?;
        let (number, cancelled) = with(&shared, Exchanges::begin);
        let (completer, arrived) = (own.host.completer.clone(), shared.clone());
        let options = client::Options {
            brotli: own.host.bodies.brotli.get(),
            link: own.sockets.link_options(own.host.realm()),
            clock: own.host.clock.clone(),
        };
        own.send_outside(Box::new(move || {
            client::send(request, cancelled, options, move |result| {
                let value = match result {
                    Ok(response) => {
                        with(&arrived, |exchanges| exchanges.arrived.insert(number, response));
                        OpValue::Undefined
                    }
                    Err(reason) => OpValue::Text(reason),
                };
                completer.complete(op, Ok(value));
            });
        }));
        let pair = Array::new(ctx.clone())?;
        pair.set(0, number)?;
        pair.set(1, promise)?;
        Ok::<_, rquickjs::Error>(pair)
    };
    host.set("fetchOutside", Function::new(ctx.clone(), fetch)?)?;
    let (shared, own) = (exchanges.clone(), objects.clone());
    let take = move |ctx: Ctx<'js>, number: u32| match with(&shared, |e| e.arrived.remove(&number)) {
        Some(mut response) => {
            let link = match response.web_socket.take() {
                Some(Upgrade::Connected(link)) => Some(link),
                Some(Upgrade::Returned(_) | Upgrade::Coupled(_)) | None => None,
            };
            let parts = response_into_js(&ctx, &own.host, response)?;
            if let (Some(link), Some(parts)) = (link, parts.as_array()) {
                let id = own.sockets.connected(link, own.host.scope.get().owner);
                parts.set(4, id.0)?;
            }
            Ok::<_, rquickjs::Error>(parts)
        }
        None => Ok(Value::new_undefined(ctx.clone())),
    };
    host.set("takeOutside", Function::new(ctx.clone(), take)?)?;
    let abort = move |number: u32| {
        let (cancel, response) = with(&exchanges, |e| (e.open.remove(&number), e.arrived.remove(&number)));
        drop(response);
        if let Some(cancel) = cancel {
            // The exchange may be over already.
            let _ = cancel.send(());
        }
    };
    host.set("abortOutside", Function::new(ctx.clone(), abort)?)
}
