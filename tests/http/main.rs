//! Promises about the HTTP server, over real sockets.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod client;
mod connections;
mod damaged;
mod events;
mod events_asked;
mod lag;
mod merging;
mod mounted;
mod nodes;
mod openapi;
mod recorded;
mod replicas;
mod security;
mod server;
mod submissions;
mod tls;
mod typed;
mod writers;
