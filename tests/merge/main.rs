//! Promises about changes that were made at the same time: one file per promise.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod again;
mod away;
mod convergence;
mod edits;
mod intent;
mod late;
mod orders;
mod promotions;
mod recorded;
mod remembered;
mod reunion;
mod rules;
mod submissions;
mod typing;
mod worlds;
mod writers;
