//! Promises about archives in object storage: in memory, and in a directory.
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

mod hostile;
mod pushed;
