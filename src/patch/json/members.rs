//! The members of one operation in a JSON patch, read with errors that name them.
//!
//! Shared by the formats; knows none of them. Always: an error says which operation and which member.

use super::OpFault;
use crate::value::{List, Map, Value};

/// One operation that is known to be an object.
pub(super) struct Members<'a>(&'a Map);

impl<'a> Members<'a> {
    pub(super) fn of(op: &'a Value) -> Result<Self, OpFault> {
        op.as_map().map(Self).ok_or(OpFault::NotAnObject { found: op.kind() })
    }

    /// A member of any type; null counts as present.
    pub(super) fn value(&self, member: &'static str) -> Result<&'a Value, OpFault> {
        self.0.get(member).ok_or(OpFault::Missing { member })
    }

    pub(super) fn text(&self, member: &'static str) -> Result<&'a str, OpFault> {
        self.typed(member, "a string", Value::as_str)
    }

    pub(super) fn list(&self, member: &'static str) -> Result<&'a List, OpFault> {
        self.typed(member, "an array", Value::as_list)
    }

    pub(super) fn integer(&self, member: &'static str) -> Result<i64, OpFault> {
        self.typed(member, "an integer", Value::as_i64)
    }

    pub(super) fn position(&self, member: &'static str) -> Result<usize, OpFault> {
        let position = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        self.typed(member, "a whole number", position)
    }

    fn typed<T>(
        &self,
        member: &'static str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, OpFault> {
        let value = self.value(member)?;
        read(value).ok_or(OpFault::Member { member, expected, found: value.kind() })
    }
}

/// The name of an operation as it was written, for error messages.
pub(super) fn name_text(op: &Value) -> String {
    op.get("op").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The path of an operation as it was written, for error messages.
pub(super) fn path_text(op: &Value) -> String {
    match op.get("path") {
        Some(Value::Str(text)) => text.to_string(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
