//! The tests that go through the binary, and the checks of the source tree: one test binary.
//!
//! One binary links once. `project`, `process`, `http`, `websocket` and `deadline` are what tests stand on.

mod cache;
mod cli;
mod conformance;
mod counter;
mod deadline;
mod http;
mod node;
mod outbound;
mod packages;
mod playground;
mod process;
mod project;
mod rpc;
mod rust_text;
mod sockets;
mod tidy;
mod websocket;
