//! Promises about the store: what its users see, whichever threads and processes they are in.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod automatic_snapshots;
mod backup;
mod based;
mod bisect;
mod blame;
mod clocks;
mod compaction;
mod creation;
mod cursors;
mod delta_snapshots;
mod drafts;
mod durability;
mod editing_trace;
mod errors;
mod filters;
mod first_light;
mod fork;
mod held_back;
mod large_changes;
mod listeners;
mod looking_again;
mod model;
mod one_writer;
mod places;
mod point_reads;
mod ranges;
mod redaction;
mod redaction_of_a_writer;
mod roles;
mod sizes;
mod snapshot_while_rolling;
mod stepping;
mod threads;
mod tickets;
mod times;
mod undo;
