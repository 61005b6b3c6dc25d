//! dodev: a local emulator for Cloudflare Workers and Durable Objects.
//!
//! See `ARCHITECTURE.md` for the bird's-eye view. A module imports only folders with a smaller number
//! in [`LAYERS`]; a test holds that.

#[cfg(not(any(unix, all(windows, target_env = "gnu"))))]
compile_error!(
    "dodev is for Unix and, with the C library of MinGW, for Windows (`x86_64-pc-windows-gnu`): others do not let a program \
     take over `gettimeofday`, by which JavaScript reads the time"
);

pub mod assets;
pub mod base;
pub mod bundle;
pub mod check;
pub mod cli;
pub mod codec;
pub mod dev;
pub mod engine;
pub mod inspect;
pub mod kv;
pub mod migrate;
pub mod node;
pub mod objects;
pub mod project;
pub mod server;
pub mod storage;
pub mod testing;
pub mod web;
pub mod workers;
pub mod world;

/// The layer of each folder: a module imports only folders with a smaller number.
pub const LAYERS: &[(&str, u8)] = &[
    ("base", 0),
    ("assets", 0),
    ("project", 1),
    ("codec", 1),
    ("kv", 1),
    ("check", 1),
    ("bundle", 2),
    ("storage", 2),
    ("engine", 3),
    ("objects", 4),
    ("web", 4),
    ("node", 5),
    ("workers", 5),
    ("world", 6),
    ("inspect", 6),
    ("migrate", 6),
    ("server", 7),
    ("dev", 8),
    ("cli", 9),
    ("testing", 10),
];
