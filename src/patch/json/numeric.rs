//! Equality as the `test` of RFC 6902 wants it: numbers by value, so 1 equals 1.0.

use crate::value::{List, Map, Value};

/// Compares down to `limit` levels; what is deeper than that counts as different. Documents are not.
pub(super) fn equal(a: &Value, b: &Value, limit: usize) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => limit > 0 && lists(a, b, limit - 1),
        (Value::Map(a), Value::Map(b)) => limit > 0 && maps(a, b, limit - 1),
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Float(float), Value::Int(_) | Value::Uint(_)) => b.as_f64() == Some(*float),
        (Value::Int(_) | Value::Uint(_), Value::Float(float)) => a.as_f64() == Some(*float),
        (a, b) => a == b,
    }
}

fn lists(a: &List, b: &List, limit: usize) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b, limit))
}

fn maps(a: &Map, b: &Map, limit: usize) -> bool {
    a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b, limit)))
}
