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
mod doctor;
mod everyday;
mod follow;
mod fork;
mod git_import;
mod history;
mod inspect;
mod json;
mod merge;
mod mirror;
mod next;
mod pack;
mod paging;
mod patch_files;
mod permissions;
mod redact;
mod repair;
mod serve;
mod shells;
mod streams;
mod top;
