//! What `#[derive(State)]` says about types it cannot derive for: which field, and what to do.
//!
//! Only what is said in our own words, or nearly: the compiler's texts change with its version.
//! `TRYBUILD=overwrite cargo test --test derive_errors` writes the expected texts anew.
#![cfg(feature = "derive")]

#[test]
fn mistakes_are_named_with_their_remedy() {
    trybuild::TestCases::new().compile_fail("tests/derive_errors/*.rs");
}
