//! Takes a port: the one asked for, or near it.
//!
//! A port that was asked for on the command line is taken or refused, never replaced: whoever named it
//! depends on it. A port from the configuration or the default one gives way to the next free one.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener};

use super::port_holder::{Holder, holder_of};
use crate::base::limits;

/// Which port is wanted; 0 is any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// This one or none.
    Exactly(u16),
    /// This one, or the next free one above it.
    From(u16),
}

/// A socket that accepts connections.
#[derive(Debug)]
pub struct Listening {
    /// The socket.
    pub listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
    /// The wanted port, and its holder where known, if another one had to be taken.
    pub instead_of: Option<(u16, Option<Holder>)>,
}

/// Why no port could be taken.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error("port {port} of {ip} is in use{}", by(.holder))]
    InUse {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// Who has it, where that can be found out.
        holder: Option<Holder>,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}: {error}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

fn by(holder: &Option<Holder>) -> String {
    holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default()
}

/// Listens on `ip` at the chosen port.
pub fn listen(ip: IpAddr, choice: PortChoice) -> Result<Listening, ListenError> {
    let (wanted, attempts) = match choice {
        PortChoice::Exactly(port) => (port, 1),
        PortChoice::From(port) => (port, limits::PORT_ATTEMPTS),
    };
    for port in (0..attempts).map_while(|distance| wanted.checked_add(distance)) {
        let address = SocketAddr::new(ip, port);
        // On Unix the standard library sets SO_REUSEADDR: a port left in TIME_WAIT is free again at once.
        match TcpListener::bind(address) {
            Ok(listener) => {
                let address =
                    listener.local_addr().map_err(|error| ListenError::Refused { address, error })?;
                let instead_of = (port != wanted).then(|| (wanted, holder_of(ip, wanted)));
                return Ok(Listening { listener, address, instead_of });
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(ListenError::Refused { address, error }),
        }
    }
    Err(ListenError::InUse { ip, port: wanted, holder: holder_of(ip, wanted) })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_taken_port_is_refused_or_passed_over() {
        let held = listen(LOCAL, PortChoice::Exactly(0)).unwrap();
        let port = held.address.port();
        assert!(held.instead_of.is_none() && port != 0);

        let error = listen(LOCAL, PortChoice::Exactly(port)).unwrap_err();
        assert!(matches!(error, ListenError::InUse { port: refused, .. } if refused == port));
        assert!(error.to_string().starts_with(&format!("port {port} of 127.0.0.1 is in use")), "{error}");

        let other = listen(LOCAL, PortChoice::From(port)).unwrap();
        assert!(other.address.port() > port);
        assert_eq!(other.instead_of.map(|(wanted, _)| wanted), Some(port));
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = listen(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), PortChoice::From(0)).unwrap_err();
        assert!(matches!(error, ListenError::Refused { .. }), "{error}");
    }
}
