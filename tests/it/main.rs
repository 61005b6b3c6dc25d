//! The tests that go through the binary, and the checks of the source tree: one test binary.
//!
//! One binary links once. `project`, `process`, `http`, `websocket` and `deadline` are what tests stand on.

mod alarms;
mod cache;
mod check;
mod cli;
mod conformance;
mod control;
mod counter;
mod crash;
mod deadline;
mod devloop;
mod history;
mod http;
mod init;
mod interchange;
mod migrate;
mod modules;
mod node;
mod objects;
mod outbound;
mod packages;
mod playground;
mod process;
mod project;
mod reload;
mod rpc;
mod rust_text;
mod sample_tests;
mod sockets;
mod state;
mod state_history;
mod storage_limits;
mod test_command;
mod tidy;
mod time;
mod websocket;
