//! The extension `permessage-deflate` of RFC 7692 as headers tell it: offers, what a program wants, what was agreed.
//!
//! Fidelity: observed with wrangler 4.164.0. Offers that are not well formed are passed over, names are told apart by
//! case, and quoted values are unknown.

use std::fmt;

const NAME: &str = "permessage-deflate";

/// Window sizes that RFC 7692 allows, as powers of two.
const WINDOW_BITS: std::ops::RangeInclusive<u8> = 8..=15;
/// The window of whoever may choose any.
pub const MAX_WINDOW_BITS: u8 = 15;

/// How messages are compressed, in words of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The client compresses each message by itself.
    pub client_no_context: bool,
    /// The server compresses each message by itself.
    pub server_no_context: bool,
    /// The client's window, as a power of two.
    pub client_bits: Option<u8>,
    /// The server's window, as a power of two.
    pub server_bits: Option<u8>,
}

impl Parameters {
    /// One element of a header; `None` for other extensions and for what the RFC does not allow.
    fn parse(element: &str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        if parts.next() != Some(NAME) {
            return None;
        }
        let mut parsed = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            let twice = match (name, value) {
                ("client_no_context_takeover", None) => {
                    std::mem::replace(&mut parsed.client_no_context, true)
                }
                ("server_no_context_takeover", None) => {
                    std::mem::replace(&mut parsed.server_no_context, true)
                }
                ("client_max_window_bits", None) => parsed.client_bits.replace(MAX_WINDOW_BITS).is_some(),
                ("client_max_window_bits", Some(bits)) => parsed.client_bits.replace(window(bits)?).is_some(),
                ("server_max_window_bits", Some(bits)) => parsed.server_bits.replace(window(bits)?).is_some(),
                _ => return None,
            };
            if twice {
                return None;
            }
        }
        Some(parsed)
    }

    /// What a server that wants `self` agrees to when a client offers `offer`.
    fn agree(self, offer: Self) -> Option<Self> {
        let server_bits = match (self.server_bits, offer.server_bits) {
            (None, Some(_)) => return None,
            (Some(own), Some(offered)) => Some(own.min(offered)),
            (own, None) => own,
        };
        if offer.server_no_context && !self.server_no_context {
            return None;
        }
        let client_bits = self.client_bits.zip(offer.client_bits).map(|(own, offered)| own.min(offered));
        Some(Self { client_bits, server_bits, ..self })
    }
}

fn window(bits: &str) -> Option<u8> {
    let digits = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    bits.parse().ok().filter(|bits| digits && WINDOW_BITS.contains(bits))
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.client_no_context {
            f.write_str("; client_no_context_takeover")?;
        }
        if self.server_no_context {
            f.write_str("; server_no_context_takeover")?;
        }
        if let Some(bits) = self.client_bits {
            write!(f, "; client_max_window_bits={bits}")?;
        }
        if let Some(bits) = self.server_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        Ok(())
    }
}

fn well_formed(header: &str) -> impl Iterator<Item = Parameters> {
    header.split(',').filter_map(|element| Parameters::parse(element.trim()))
}

/// What the server agrees to when a client offers `offers`, a `Sec-WebSocket-Extensions` header, and the program's
/// response says `wanted` in its own; without one it wants what the client offers first.
pub fn negotiate(offers: &str, wanted: Option<&str>) -> Option<Parameters> {
    let wanted = well_formed(wanted.unwrap_or(offers)).next()?;
    well_formed(offers).find_map(|offer| wanted.agree(offer))
}

/// What a client offers whose program says `offers`; `None` if nothing of that is known.
pub fn offers(offers: &str) -> Option<String> {
    let offers: Vec<String> = well_formed(offers).map(|offer| offer.to_string()).collect();
    (!offers.is_empty()).then(|| offers.join(", "))
}

/// What a server answered a client; `None` if it is not one answer, or one that cannot be.
pub fn agreed(answer: &str) -> Option<Parameters> {
    Parameters::parse(answer.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offer, the response's header, what is answered; observed with wrangler 4.164.0.
    #[test]
    fn answers_are_those_of_the_platform() {
        for (offer, wanted, answer) in [
            ("permessage-deflate", None, Some("permessage-deflate")),
            (
                "permessage-deflate;client_max_window_bits",
                None,
                Some("permessage-deflate; client_max_window_bits=15"),
            ),
            (
                "permessage-deflate; client_max_window_bits=10",
                None,
                Some("permessage-deflate; client_max_window_bits=10"),
            ),
            (
                "permessage-deflate; server_max_window_bits=8",
                None,
                Some("permessage-deflate; server_max_window_bits=8"),
            ),
            ("permessage-deflate; server_max_window_bits", None, None),
            ("permessage-deflate; server_max_window_bits=16", None, None),
            ("permessage-deflate; client_max_window_bits=\"12\"", None, None),
            ("permessage-deflate; client_no_context_takeover=1", None, None),
            ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None, None),
            ("permessage-deflate; foo, permessage-deflate", None, Some("permessage-deflate")),
            ("Permessage-Deflate", None, None),
            ("x-webkit-deflate-frame", None, None),
            (
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
                None,
                Some(
                    "permessage-deflate; client_no_context_takeover; server_no_context_takeover; \
                     client_max_window_bits=15",
                ),
            ),
            (
                "permessage-deflate; server_max_window_bits=10, permessage-deflate",
                None,
                Some("permessage-deflate; server_max_window_bits=10"),
            ),
            (
                "permessage-deflate; client_max_window_bits",
                Some("permessage-deflate"),
                Some("permessage-deflate"),
            ),
            (
                "permessage-deflate; client_max_window_bits",
                Some("permessage-deflate; client_max_window_bits=12"),
                Some("permessage-deflate; client_max_window_bits=12"),
            ),
            (
                "permessage-deflate",
                Some("permessage-deflate; client_max_window_bits=12"),
                Some("permessage-deflate"),
            ),
            (
                "permessage-deflate",
                Some("permessage-deflate; server_max_window_bits=12"),
                Some("permessage-deflate; server_max_window_bits=12"),
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                Some("permessage-deflate; server_max_window_bits=12"),
                Some("permessage-deflate; server_max_window_bits=10"),
            ),
            ("permessage-deflate; server_max_window_bits=10", Some("permessage-deflate"), None),
            ("permessage-deflate; server_no_context_takeover", Some("permessage-deflate"), None),
            (
                "permessage-deflate; server_no_context_takeover, permessage-deflate",
                Some("permessage-deflate"),
                Some("permessage-deflate"),
            ),
            (
                "permessage-deflate; client_no_context_takeover",
                Some("permessage-deflate"),
                Some("permessage-deflate"),
            ),
            (
                "permessage-deflate",
                Some("foo, permessage-deflate; server_no_context_takeover"),
                Some("permessage-deflate; server_no_context_takeover"),
            ),
            ("permessage-deflate", Some("foo"), None),
            ("permessage-deflate", Some(""), None),
        ] {
            let negotiated = negotiate(offer, wanted).map(|agreed| agreed.to_string());
            assert_eq!(negotiated.as_deref(), answer, "{offer} {wanted:?}");
        }
    }

    #[test]
    fn a_client_offers_what_is_known() {
        assert_eq!(offers("foo"), None);
        assert_eq!(
            offers("permessage-deflate; client_max_window_bits, foo").as_deref(),
            Some("permessage-deflate; client_max_window_bits=15")
        );
        assert_eq!(agreed("permessage-deflate, permessage-deflate"), None);
        assert_eq!(agreed("permessage-deflate; foo"), None);
    }
}
