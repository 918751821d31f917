//! Promises about replicas: what is copied, from whatever source, over whatever lies between.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod line;
mod wire;

mod bad_wire;
mod beginnings;
mod following;
mod forked;
mod full;
mod late;
mod network;
mod nodes;
mod office;
mod revising;
mod skipping;
mod succession;
mod through;
