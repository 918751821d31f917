//! Promises about the `redraft` program: what each verb does, says and refuses.

#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests fail by panicking, look at files, and say how much was done"
)]

#[path = "../common/mod.rs"]
mod common;

mod backup;
mod bad_input;
mod compact;
mod everyday;
mod follow;
mod fork;
mod git_import;
mod history;
mod inspect;
mod merge;
mod mirror;
mod pack;
mod patch_files;
mod permissions;
mod redact;
mod repair;
mod serve;
mod streams;
