//! Promises about the log alone, where records are bytes.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod ahead;
mod and_store;
mod damage;
mod every_call_fails;
mod follow;
mod format_example;
mod in_the_way;
mod misfortune;
mod model;
mod opening;
mod packed;
mod point_costs;
mod power_cut;
mod proven;
mod refused;
mod sizes;
mod threads;
mod torn;
mod truncation;
