//! Promises about states: collections, text and types that are drafted, and the patches that come of it.
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

mod begun_elsewhere;
mod collection_laws;
mod fixtures;
mod forged_schemas;
mod immer_features;
mod migrations;
mod newer_schema;
mod seldom_seen;
mod text_laws;
mod typed_laws;
mod typed_store;
mod unknown_fields;
