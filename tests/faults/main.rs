//! Promises about a disk that fails, forgets, is damaged or was tampered with.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod backup_interrupted;
mod copied_while_written;
mod every_call_fails;
mod every_cut;
mod every_flip;
mod exchange_damaged;
mod failed_sync;
mod footer_tag;
mod foreign_and_misplaced;
mod fork_interrupted;
mod migration;
mod power_cut;
mod recovery_table;
mod redaction;
mod repair;
mod repair_interrupted;
