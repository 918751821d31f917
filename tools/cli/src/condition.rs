//! Conditions on a state, as arguments.
//!
//! Leaves what they mean to the library, whose inspector takes them too.

pub(crate) use redraft::inspect::Condition;

/// Reads `/a/b == 3` or `/a/b exists`.
pub(crate) fn parse(text: &str) -> Result<Condition, String> {
    text.parse().map_err(|error: redraft::inspect::ConditionError| error.to_string())
}
