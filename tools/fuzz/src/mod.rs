//! What the fuzzers do with the bytes they are given, one module a target, the same under libFuzzer and in
//! `tests/fuzz_smoke.rs`.
//!
//! Each target turns its input into the files of a directory and has [`judge`] open them in every way there is.
//! [`worlds`] holds good stores to start from, as the real writer leaves them; [`forge`] makes checksums right again, by
//! another hand than `src/segment`, so that damage gets past them.
//!
//! Always: the same input does the same; a broken promise is an `Err` that says which, or a panic.
#![allow(dead_code, reason = "every target uses another part")]

pub(crate) mod directory;
pub(crate) mod frame;
pub(crate) mod segment;

mod bounded;
mod forge;
mod judge;
mod logs;
mod worlds;

pub(crate) use judge::Seen;

/// What a target makes of an input.
pub(crate) type Judged = Result<Seen, String>;
