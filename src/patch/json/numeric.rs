//! Equality as the `test` of RFC 6902 wants it: numbers by value, so 1 equals 1.0.
//!
//! Only `rfc6902` uses it: everywhere else 1 and 1.0 are two values. Always: integers are never compared as floats,
//! so large ones stay apart.

use crate::value::{Key, List, Map, Value, key_in};

/// Compares what was found in a document with what a JSON text expects there, down to `limit` levels; what is deeper
/// than that counts as different. Documents are not.
pub(super) fn equal(found: &Value, expected: &Value, limit: usize) -> bool {
    match (found, expected) {
        (Value::List(found), Value::List(expected)) => limit > 0 && lists(found, expected, limit - 1),
        (Value::Map(found), Value::Map(expected)) => limit > 0 && maps(found, expected, limit - 1),
        (Value::Float(found), Value::Float(expected)) => found == expected,
        (Value::Float(float), Value::Int(_) | Value::Uint(_)) => is_integer(*float, expected),
        (Value::Int(_) | Value::Uint(_), Value::Float(float)) => is_integer(*float, found),
        (found, expected) => found == expected,
    }
}

/// Compared as integers: as floats, 2^53 + 1 would equal 2^53.
fn is_integer(float: f64, integer: &Value) -> bool {
    let integer = match integer {
        Value::Int(number) => i128::from(*number),
        Value::Uint(number) => i128::from(*number),
        _ => return false,
    };
    // Casting cuts off the fraction, and integers of 64 bits are far from where it saturates.
    float.fract() == 0.0 && float as i128 == integer
}

fn lists(found: &List, expected: &List, limit: usize) -> bool {
    let mut pairs = found.iter().zip(expected.iter());
    found.len() == expected.len() && pairs.all(|(found, expected)| equal(found, expected, limit))
}

/// A key that is no string is expected as its text, as paths address it and export writes it. Different texts mean
/// different keys, so equal counts leave none over.
fn maps(found: &Map, expected: &Map, limit: usize) -> bool {
    let there = |name: &Key| match name.as_str() {
        Some(text) => found.get(&key_in(found, text)),
        None => found.get(name),
    };
    found.len() == expected.len()
        && expected
            .iter()
            .all(|(name, expected)| there(name).is_some_and(|found| equal(found, expected, limit)))
}
