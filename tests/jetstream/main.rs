//! Promises about the log on NATS JetStream, against real servers.
//!
//! One file per promise; one program for all of them, since linking it takes longer than compiling a file. Where there is no
//! `nats-server`, each says that it is skipped.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say what they skip"
)]

mod altered;
mod appending;
mod closing;
mod clusters;
mod following;
mod lost;
mod moving;
mod permissions;
mod servers;
mod settings;
mod tls;
mod trimmed;
