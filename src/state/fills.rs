//! Whether a state was given something on its way in that its document does not hold: a default for a missing field.
//!
//! Noted by derived implementations, read by `store`, which must then bring the log up to what the state shows before
//! it may record changes beneath the new field. A note per thread, since `from_value` has no other way to tell and a
//! replay never leaves its thread.

use std::cell::Cell;

thread_local! {
    static FILLS: Cell<u64> = const { Cell::new(0) };
}

/// Something was filled in.
pub(super) fn note() {
    FILLS.set(FILLS.get().wrapping_add(1));
}

/// Runs `read` and tells whether it filled anything in.
pub(crate) fn watch<T>(read: impl FnOnce() -> T) -> (T, bool) {
    let before = FILLS.get();
    let read = read();
    (read, FILLS.get() != before)
}
