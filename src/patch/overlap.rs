//! Whether a change can be undone although others came after it.

use super::Patch;
use crate::value::Path;

/// Would undoing `done` after `later` be unsafe? The path of `later` that is in the way, if so.
pub fn interferes(_done: &Patch, _later: &Patch) -> Option<Path> {
    None
}
