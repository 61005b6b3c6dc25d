//! What assets answer.

use std::fs::File;

use http::{HeaderName, HeaderValue};

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields, in order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is sent.
    pub content: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Content {
    /// None.
    Empty,
    /// The file, of so many bytes when it was opened.
    File(File, u64),
}

impl Answer {
    /// One of `status` without anything else.
    pub fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty }
    }
}
