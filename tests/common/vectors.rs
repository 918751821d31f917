//! Conformance vectors and real data that live beside the repository: in `../shared`, or in the folder that the environment
//! variable `REDRAFT_SHARED` names.
#![allow(dead_code, reason = "every test file uses another part")]

use std::path::PathBuf;

use redraft::Value;

/// The named file of vectors, or `None` (said aloud) where they are not at hand.
pub(crate) fn read(name: &str) -> Option<Value> {
    let text = bytes(&format!("vectors/{name}"))?;
    // Read twice, since one (disabled) case has a key twice in one object, which we refuse.
    let lax: serde_json::Value = serde_json::from_slice(&text).expect("the vectors are JSON");
    Some(lax.to_string().parse().expect("what serde_json prints is JSON"))
}

/// The named file as it is, or `None` (said aloud) where it is not at hand.
#[allow(clippy::print_stderr, reason = "a test that checks nothing must not look like one that does")]
#[allow(clippy::disallowed_methods, reason = "the rule is for the library; this reads a file of the test")]
pub(crate) fn bytes(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("REDRAFT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let file = shared.join(name);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!("SKIPPED: nothing to test with at {}", file.display());
    }
    bytes
}
