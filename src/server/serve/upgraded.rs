//! Connections that speak WebSocket from now on: the Worker's, and those of pages that wait for new code.

use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::{Client, Edge};
use crate::engine::socket::LinkEdge;
use crate::server::live_reload::LiveReload;
use crate::server::request::Refusal;
use crate::server::response::{self, WireBody};
use crate::server::socket;
use crate::web::web_socket::extension::Parameters;
use crate::world::http::{FetchResponse, Upgrade};

impl Edge {
    /// Has the page that asks wait for new code.
    pub(super) fn wait_for_reload(
        &self,
        pages: &LiveReload,
        parts: &Parts,
        upgrade: OnUpgrade,
        client: &Client,
    ) -> Response<WireBody> {
        let mut response = response::text(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
        response.headers_mut().clear();
        if let Err(Refusal(status, text)) = socket::accept(&parts.headers, &mut response, false) {
            return response::text(status, "text/plain", text);
        }
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, LiveReload::protocol());
        self.couple(upgrade, pages.connect(), None, client);
        response
    }

    /// Serves `link` on the connection of `client` from when it speaks the other protocol.
    fn couple(&self, upgrade: OnUpgrade, link: LinkEdge, agreed: Option<Parameters>, client: &Client) {
        let (clock, place) = (self.clock.clone(), client.place.clone());
        tokio::spawn(async move {
            // A client that is gone before the protocol is switched drops the link, which tells the Worker.
            if let Ok(connection) = upgrade.await {
                socket::serve(TokioIo::new(connection), link, clock, socket::Role::Server, agreed).await;
            }
            drop(place);
        });
    }

    /// The response on the wire; one with a WebSocket takes the connection over.
    pub(super) fn respond(
        &self,
        mut response: FetchResponse,
        parts: &Parts,
        upgrade: Option<OnUpgrade>,
        client: &Client,
    ) -> Option<Response<WireBody>> {
        let web_socket = response.web_socket.take();
        let mut wire = response::wire(response, &parts.method)?;
        let Some(Upgrade::Coupled(link)) = web_socket else { return Some(wire) };
        let agreed = match socket::accept(&parts.headers, &mut wire, link.options().compresses) {
            Ok(agreed) => agreed,
            Err(Refusal(status, text)) => return Some(response::text(status, "text/plain", text)),
        };
        self.couple(upgrade?, link, agreed, client);
        Some(wire)
    }
}
