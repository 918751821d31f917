//! Equality of values, without recursion and without reading what two values share.
//!
//! Serves `PartialEq` of [`Value`], [`Map`] and [`List`]. Always holds: identity is asked before content, a container
//! is never compared by recursion (a value nested 100,000 deep must not use up the stack), and floats compare by bits
//! once every NaN has been turned into the same one, so that a NaN does not differ from itself for ever.

use super::{List, Map, Value, map::Change};

/// Pairs of containers that still have to be looked into.
type Pending<'a> = Vec<(&'a Value, &'a Value)>;

/// The bits by which floats compare. -0.0 and 0.0 differ: the program can tell them apart, so must a patch.
pub(crate) fn float_bits(float: f64) -> u64 {
    if float.is_nan() { f64::NAN.to_bits() } else { float.to_bits() }
}

/// Equality in O(1) for containers (same memory), by content for the rest.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Int(int), Value::Uint(uint)) | (Value::Uint(uint), Value::Int(int)) => {
            u64::try_from(*int).is_ok_and(|int| int == *uint)
        }
        (Value::Float(a), Value::Float(b)) => float_bits(*a) == float_bits(*b),
        (Value::Str(a), Value::Str(b)) => a == b,
        // Comparing fat pointers compares addresses and lengths; the contents are read only if those differ.
        (Value::Bytes(a), Value::Bytes(b)) => std::sync::Arc::ptr_eq(a, b) || a == b,
        (Value::List(a), Value::List(b)) => a.ptr_eq(b),
        (Value::Map(a), Value::Map(b)) => a.ptr_eq(b),
        _ => false,
    }
}

pub(super) fn values_equal(a: &Value, b: &Value) -> bool {
    let mut pending = Pending::new();
    pair(a, b, &mut pending) && settle(pending)
}

pub(super) fn maps_equal(a: &Map, b: &Map) -> bool {
    let mut pending = Pending::new();
    maps(a, b, &mut pending) && settle(pending)
}

pub(super) fn lists_equal(a: &List, b: &List) -> bool {
    let mut pending = Pending::new();
    lists(a, b, &mut pending) && settle(pending)
}

fn settle(mut pending: Pending<'_>) -> bool {
    while let Some((a, b)) = pending.pop() {
        let equal = match (a, b) {
            (Value::Map(a), Value::Map(b)) => maps(a, b, &mut pending),
            (Value::List(a), Value::List(b)) => lists(a, b, &mut pending),
            _ => same(a, b),
        };
        if !equal {
            return false;
        }
    }
    true
}

/// Decides a pair at once, or puts it off if both are containers of one kind that are not the same.
fn pair<'a>(a: &'a Value, b: &'a Value, pending: &mut Pending<'a>) -> bool {
    if same(a, b) {
        return true;
    }
    let alike = match (a, b) {
        (Value::Map(a), Value::Map(b)) => a.len() == b.len(),
        (Value::List(a), Value::List(b)) => a.len() == b.len(),
        _ => false,
    };
    if alike {
        pending.push((a, b));
    }
    alike
}

fn maps<'a>(a: &'a Map, b: &'a Map, pending: &mut Pending<'a>) -> bool {
    a.len() == b.len()
        && a.changes(b).all(|change| match change {
            Change::Updated { old, new, .. } => pair(old, new, pending),
            Change::Added(..) | Change::Removed(..) => false,
        })
}

fn lists<'a>(a: &'a List, b: &'a List, pending: &mut Pending<'a>) -> bool {
    a.len() == b.len() && a.pairs(b).all(|(a, b)| pair(a, b, pending))
}
