//! Promises about the real system: kills, failing system calls, full disks and power cuts of a real file system, and
//! machines in a network.
//!
//! Always: what cannot be made to happen here (no root, no tracer, no file system to mount, no network namespaces) is
//! skipped, and said aloud.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod faults;
mod hosts;
mod kill;
mod mounts;
mod namespaces;
mod power_cut;
mod served;
mod stalls;
mod trace;
mod writer;

/// A number from the environment, for runs that are longer than usual.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Says that a test, or a part of it, is not done.
pub(crate) fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}
