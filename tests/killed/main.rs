//! Promises about a process that is killed in the middle of looking after its history.
//!
//! A process of its own changes a store and has one kind of maintenance going on all the time; it is killed at any moment, and
//! what it leaves is opened and looked at. One file per kind of promise; `child` starts and kills, `numbered` knows what must be there.
//! `REDRAFT_KILLS` says how often to kill for each kind, `REDRAFT_SEED` moves the moments.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod beside_changes;
mod child;
mod fork;
mod numbered;
mod redaction;
mod repair;
