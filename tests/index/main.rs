//! Promises about questions to the history, and the index that makes them quick.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![cfg(feature = "index")]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod asked;

mod answers;
mod beside_the_store;
mod damaged;
mod killed;
mod model;
mod outdated;
mod without;
