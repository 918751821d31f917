//! Faults of the real system: who writes while they happen, and how they are made to happen.
//!
//! Always: what cannot be made to happen here (no root, no tracer, no file system to mount) is skipped, and said aloud.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests look at files and may fail loudly")]
#![allow(
    clippy::print_stderr,
    reason = "what is skipped and how much was done belongs into the log of a test run"
)]

pub(crate) mod mounts;
pub(crate) mod trace;
pub(crate) mod writer;

/// A number from the environment, for runs that are longer than usual.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Says that a test, or a part of it, is not done.
pub(crate) fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}
