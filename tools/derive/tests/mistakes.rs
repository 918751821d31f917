//! What `#[derive(State)]` says about types it cannot derive for: which field, and what to do.
//!
//! Only what is said in our own words, or nearly: the compiler's texts change with its version.
//! `TRYBUILD=overwrite cargo test -p redraft-derive` writes the expected texts anew.

#[test]
fn mistakes_are_named_with_their_remedy() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
