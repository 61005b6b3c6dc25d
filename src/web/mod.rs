//! The Web platform: one folder per API, each with its operations, its classes and its tests.

pub mod abort;
pub mod body;
pub mod bytes;
pub mod cache;
pub mod cloudflare;
pub mod compression;
pub mod console;
pub mod crypto;
pub mod date;
pub mod dom_exception;
pub mod encoding;
pub mod eval;
pub mod events;
pub mod fetch;
pub mod html_rewriter;
pub mod intl;
pub mod message;
pub mod navigator;
pub mod owner;
pub mod performance;
pub mod structured_clone;
pub mod timers;
pub mod url_pattern;
pub mod wasm;
pub mod weak_ref;
pub mod web_socket;

#[cfg(test)]
pub(crate) mod testing;

use crate::engine::Extension;

/// Every part of the Web platform, in order of evaluation.
pub const EXTENSIONS: &[Extension] = &[
    wasm::EXTENSION,
    bytes::EXTENSION,
    owner::EXTENSION,
    date::EXTENSION,
    weak_ref::EXTENSION,
    dom_exception::EXTENSION,
    events::EXTENSION,
    timers::EXTENSION,
    abort::EXTENSION,
    encoding::EXTENSION,
    console::EXTENSION,
    crypto::EXTENSION,
    performance::EXTENSION,
    navigator::EXTENSION,
    structured_clone::EXTENSION,
    message::EXTENSION,
    compression::EXTENSION,
    cloudflare::EXTENSION,
    web_socket::EXTENSION,
    cache::EXTENSION,
    url_pattern::EXTENSION,
    html_rewriter::EXTENSION,
    eval::EXTENSION,
    intl::EXTENSION,
    GLOBALS,
];

/// Defines the globals when everything they are made of is installed.
const GLOBALS: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/globals"], public: &[] };
