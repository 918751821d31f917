//! Conformance vectors that live beside the repository: in `../shared/vectors`, or in `vectors` of the folder that the
//! environment variable `REDRAFT_SHARED` names.

use std::path::PathBuf;

use redraft::Value;

/// The named file, or `None` (said aloud) where the vectors are not at hand.
#[allow(clippy::print_stderr, reason = "a test that checks nothing must not look like one that does")]
#[allow(clippy::disallowed_methods, reason = "the rule is for the library; this reads a file of the test")]
pub(crate) fn read(name: &str) -> Option<Value> {
    let shared = std::env::var_os("REDRAFT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let file = shared.join("vectors").join(name);
    let Ok(text) = std::fs::read(&file) else {
        eprintln!("SKIPPED: no conformance vectors at {}", file.display());
        return None;
    };
    // Read twice, since one (disabled) case has a key twice in one object, which we refuse.
    let lax: serde_json::Value = serde_json::from_slice(&text).expect("the vectors are JSON");
    Some(lax.to_string().parse().expect("what serde_json prints is JSON"))
}
