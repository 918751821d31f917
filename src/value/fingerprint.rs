//! A quick hash of a value that tells most different values apart without reading them whole.
//!
//! For `state`, which finds elements that moved by it. Always: equal values have equal fingerprints; the other way
//! round is for `==` to say.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Value;
use super::equal::float_bits;

/// Entries of each container that are looked at.
const WIDTH: usize = 8;
/// Levels that are looked at. Together with the width: at most some 600 scalars.
const DEPTH: usize = 3;
/// Bytes of a string that are looked at.
const TEXT_BYTES: usize = 64;

impl Value {
    /// Equal values have equal fingerprints; different ones usually have not. O(1): only a bounded part is read.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        mix(self, DEPTH, &mut hasher);
        hasher.finish()
    }
}

fn mix(value: &Value, depth: usize, hasher: &mut DefaultHasher) {
    value.kind().hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(flag) => flag.hash(hasher),
        Value::Int(number) => i128::from(*number).hash(hasher),
        Value::Uint(number) => i128::from(*number).hash(hasher),
        Value::Float(number) => float_bits(*number).hash(hasher),
        Value::Str(text) => mix_bytes(text.as_bytes(), hasher),
        Value::Bytes(bytes) => mix_bytes(bytes, hasher),
        Value::List(list) => {
            list.len().hash(hasher);
            list.iter().take(width(depth)).for_each(|item| mix(item, depth - 1, hasher));
        }
        Value::Map(map) => {
            map.len().hash(hasher);
            for (key, value) in map.iter().take(width(depth)) {
                key.hash(hasher);
                mix(value, depth - 1, hasher);
            }
        }
    }
}

fn mix_bytes(bytes: &[u8], hasher: &mut DefaultHasher) {
    bytes.len().hash(hasher);
    bytes[..bytes.len().min(TEXT_BYTES)].hash(hasher);
}

fn width(depth: usize) -> usize {
    if depth == 0 { 0 } else { WIDTH }
}
