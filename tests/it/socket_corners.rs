//! WebSockets between Workers and objects: codes, reasons, messages, attachments, tags and automatic responses of every kind, and what
//! both sides hear (`fixtures/socket-corners`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const OVER: &str = "a socket that is over has neither tags nor an attachment";
const WORDS: &str = "the engine's own texts";
const SURROGATE: &str = "a lone surrogate is replaced; the peer writes its bytes";
const EVENT: &str = "members of events come in another order, and an origin is never null";
const FIRST: &str = "who said goodbye first is not told that the other side went";
const LOST: &str = "who is left without a goodbye hears of no error, and is closing then";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("attachments handles after close", OVER),
    ("attachments listens after close", OVER),
    ("objects handles client closes", OVER),
    ("objects handles close then get", OVER),
    ("sends handles client function", WORDS),
    ("sends handles client lone surrogate", SURROGATE),
    ("sends handles server function", WORDS),
    ("sends handles server lone surrogate", SURROGATE),
    ("sends listens client function", WORDS),
    ("sends listens client lone surrogate", SURROGATE),
    ("sends listens server function", WORDS),
    ("sends listens server lone surrogate", SURROGATE),
    ("states handles client the close event", EVENT),
    ("states handles server the close event", EVENT),
    ("states handles server the event", EVENT),
    ("states handles server throws in a listener", LOST),
    ("states listens client the close event", EVENT),
    ("states listens client the event", EVENT),
    ("states listens server closed with a bad code, then well", FIRST),
    ("states listens server closes in a close listener", FIRST),
    ("states listens server sends in a close listener", FIRST),
    ("states listens server sent before, closed by one, closed by the other", FIRST),
    ("states listens server the close event", EVENT),
    ("states listens server the event", EVENT),
    ("states listens server throws in a close listener", FIRST),
    ("states listens server throws in a listener", LOST),
    ("tags neither tags surrogate", SURROGATE),
];

#[test]
fn corners_of_sockets_are_as_recorded() {
    assert_as_recorded("socket-corners", DEVIATIONS, answers_in_groups);
}
