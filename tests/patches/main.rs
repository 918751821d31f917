//! Promises about patches: laws that hold for every document, and what other implementations make of the same patches.
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

mod algebra_laws;
mod deep_values;
mod immer_vectors;
mod json_patch_conformance;
mod json_patch_oracle;
mod json_patch_vectors;
mod merge_patch;
mod native_json;
mod patch_laws;
mod transform_laws;
