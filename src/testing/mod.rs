//! Integration tests of Workers and Durable Objects in Rust: the twin of `packages/dodev-test`, on top of the control API.
//!
//! Names, and what they do, are those of the JavaScript helper. Everything blocks until there is an answer, and must not
//! be called on a thread of an async runtime (there, `spawn_blocking`). Time limits are those of the control API; a test
//! has its own. WebSockets are the business of whichever client the tests use: [`Server::url`] says where.
//!
//! ```no_run
//! use dodev::testing::{self, Value};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), testing::TestError> {
//! // The server of `dodev test -- cargo test`, or one of its own for the project in this directory.
//! let server = testing::open("fixtures/sample-tests")?;
//! let rent = server.object("Subscription", "rent");
//! rent.call("subscribe", [json!({ "name": "flat", "price": 900 })])?;
//! rent.expect_hibernates()?;
//! server.clock().advance("30d")?;
//! assert_eq!(rent.sql("SELECT price FROM renewals", &[])?[0]["price"], 900);
//! assert_eq!(rent.kv().get("missing")?, None::<Value>);
//! # Ok(())
//! # }
//! ```
//!
//! Tests that run at the same time see each other's objects, and a clock that one moves moves for all. A session is a
//! copy of state and clock with an address of its own:
//!
//! ```no_run
//! # fn main() -> Result<(), dodev::testing::TestError> {
//! # let server = dodev::testing::open(".")?;
//! let app = server.session()?; // a whole `Server`
//! app.clock().advance("365d")?; // nobody else grows older
//! app.reset()?; // back to where it began
//! # Ok(())
//! # }
//! ```

mod clock;
mod control;
mod facts;
mod failure;
mod object;
mod request;
mod server;
mod start;
mod stored;

pub use self::clock::{Clock, ClockReport, Fired, FiredObject};
pub use self::facts::{LogLine, Pin, Rows, Socket};
pub use self::failure::{TestError, Thrown};
pub use self::object::{Alarm, Closing, Object};
pub use self::request::{Request, Response};
pub use self::server::{Server, Session, connect, open};
pub use self::start::Start;
pub use self::stored::{Argument, Kv, ListOptions, NONE};
pub use crate::codec::{Value, to_json};
