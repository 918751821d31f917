//! Promises about nodes that write into one stream of a real cluster: three servers and four nodes, each on a machine of its own,
//! while machines, processes and what is between them fail.
//!
//! `machines` has the network, `servers` the cluster, `node` the process of a node and `nodes` whoever starts and ends it; `judge` says what
//! must hold in the end. `REDRAFT_CLUSTER_SECONDS` says how long faults go on, `REDRAFT_SEED` draws other ones. Always: what cannot be made to
//! happen here (no nats-server, no root, no network namespaces) is skipped, and said aloud.

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
mod events;
mod judge;
mod machines;
mod node;
mod nodes;
mod servers;

mod quorum;
mod world;

/// The tests take turns: there are seven machines in each.
pub(crate) fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
