//! Promises about the inspector, over real sockets, as its page asks.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and damage files"
)]

#[path = "../common/mod.rs"]
mod common;

#[path = "../http/client.rs"]
#[allow(dead_code, reason = "the tests of the server use all of it")]
mod client;

mod changes;
mod damaged;
mod hostile;
mod lives;
mod looked;
mod mounted;
mod nodes;
mod searches;
mod security;
mod told;
mod typed;
mod writes;
