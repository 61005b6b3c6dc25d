//! Objects of the platform's classes that can be stored, and how they lie in the bytes.
//!
//! Fidelity: `SerializationTag` of workerd's `worker-interface.capnp` has the numbers, `serialize` in its `api/headers.c++`,
//! `api/http.c++` and `api/blob.c++` the contents.

use super::value::Value;

/// Numbers of the classes.
pub const HEADERS: u32 = 4;
pub const REQUEST: u32 = 5;
pub const RESPONSE: u32 = 6;
/// Its name, message and stack, each behind its length.
pub const DOM_EXCEPTION: u32 = 8;
pub const BLOB: u32 = 15;

/// Most header fields that are read.
pub const FIELDS_MAX: u32 = 1024;

/// Names of header fields that are written as numbers; the first one is not a name.
const COMMON_NAMES: [&str; 48] = [
    "",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
];

/// The number of a name in lower case, 0 if it has none.
pub fn number_of_name(name: &str) -> u32 {
    let at = COMMON_NAMES.iter().skip(1).position(|known| *known == name);
    at.map_or(0, |at| at as u32 + 1)
}

/// The name with this number, which is not 0.
pub fn name_of_number(number: u32) -> Option<&'static str> {
    COMMON_NAMES.get(number as usize).copied().filter(|name| !name.is_empty())
}

/// An object of one of the platform's classes.
#[derive(Debug, Clone, PartialEq)]
pub enum Platform {
    Blob {
        kind: String,
        bytes: Vec<u8>,
    },
    /// `guard` is 0 where they may not be changed. Names as written, with the numbers that stand for them, or 0.
    Headers {
        guard: u32,
        fields: Vec<(u32, String, String)>,
    },
    /// `init` is the dictionary that makes it.
    Request {
        url: String,
        init: Value,
    },
    Response {
        body: Value,
        init: Value,
    },
}

impl Platform {
    /// The class's name in JavaScript.
    pub fn class_name(&self) -> &'static str {
        match self {
            Self::Blob { .. } => "Blob",
            Self::Headers { .. } => "Headers",
            Self::Request { .. } => "Request",
            Self::Response { .. } => "Response",
        }
    }

    /// The values in it.
    pub fn children(&self) -> Vec<&Value> {
        match self {
            Self::Blob { .. } | Self::Headers { .. } => Vec::new(),
            Self::Request { init, .. } => vec![init],
            Self::Response { body, init } => vec![body, init],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        assert_eq!((number_of_name("accept-charset"), number_of_name("www-authenticate")), (1, 47));
        assert_eq!((number_of_name(""), number_of_name("x-other")), (0, 0));
        assert_eq!(
            (name_of_number(41), name_of_number(0), name_of_number(48)),
            (Some("set-cookie"), None, None)
        );
    }
}
