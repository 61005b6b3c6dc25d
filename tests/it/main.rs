//! The tests that go through the binary, and the checks of the source tree: one test binary.
//!
//! One binary links once. `project`, `process`, `http`, `websocket` and `deadline` are what tests stand on.

mod alarms;
mod assets;
mod cache;
mod check;
mod cli;
mod conformance;
mod control;
mod control_described;
mod control_stored;
mod counter;
mod crash;
mod deadline;
mod devloop;
mod facets;
mod farewell;
mod faults;
mod fork;
mod fuzz;
mod history;
mod host;
mod hostile;
mod http;
mod init;
mod interchange;
mod licences;
mod migrate;
mod modules;
mod node;
mod objects;
mod other_requests;
mod outbound;
mod packages;
mod playground;
mod process;
mod project;
mod promises;
mod reload;
mod rpc;
mod rpc_corners;
mod runaway;
mod rust_text;
mod sample_tests;
mod schema;
mod service_worker;
mod soak;
mod sockets;
mod state;
mod state_history;
mod state_live;
#[cfg(target_os = "linux")]
mod state_many;
mod state_traces;
mod state_values;
mod storage_limits;
#[cfg(target_os = "linux")]
mod terminal;
mod test_command;
mod testing;
mod tidy;
mod time;
mod websocket;
mod workers;
