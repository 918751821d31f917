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
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Int(int), Value::Uint(uint)) | (Value::Uint(uint), Value::Int(int)) => {
            u64::try_from(*int).is_ok_and(|int| int == *uint)
        }
        (Value::Float(a), Value::Float(b)) => float_bits(*a) == float_bits(*b),
        // Comparing fat pointers compares addresses and lengths; the contents are read only if those differ.
        (Value::Str(a), Value::Str(b)) => std::sync::Arc::ptr_eq(a, b) || a == b,
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
    a.len() == b.len() && shared_start(a, b, |a, b| pair(a, b, pending)) == a.len()
}

/// How many elements from the start on are equal by `equal`, skipping runs of memory that both lists share.
pub(crate) fn shared_start<'a>(
    a: &'a List,
    b: &'a List,
    mut equal: impl FnMut(&'a Value, &'a Value) -> bool,
) -> usize {
    let mut stopped = None;
    walk_pairs(a, b, |index, a, b| {
        let go_on = equal(a, b);
        stopped = (!go_on).then_some(index);
        go_on
    });
    stopped.unwrap_or_else(|| a.len().min(b.len()))
}

/// Shows the elements at equal positions to `visit` until it says `false`, skipping runs of memory that both share.
pub(crate) fn walk_pairs<'a>(
    a: &'a List,
    b: &'a List,
    mut visit: impl FnMut(usize, &'a Value, &'a Value) -> bool,
) {
    let (mut runs_a, mut runs_b) = (a.runs(), b.runs());
    let (mut rest_a, mut rest_b): (&[Value], &[Value]) = (&[], &[]);
    let mut index = 0;
    loop {
        if rest_a.is_empty() {
            let Some(next) = runs_a.next() else { return };
            rest_a = next;
        }
        if rest_b.is_empty() {
            let Some(next) = runs_b.next() else { return };
            rest_b = next;
        }
        let width = rest_a.len().min(rest_b.len());
        // Both lists are alive, so one address is one run of memory.
        let shared = std::ptr::eq(rest_a.as_ptr(), rest_b.as_ptr());
        if !shared && !rest_a.iter().zip(rest_b).zip(index..).all(|((a, b), index)| visit(index, a, b)) {
            return;
        }
        index += width;
        (rest_a, rest_b) = (&rest_a[width..], &rest_b[width..]);
    }
}

/// As [`shared_start`], from the end on.
pub(crate) fn shared_end<'a>(
    a: &'a List,
    b: &'a List,
    mut equal: impl FnMut(&'a Value, &'a Value) -> bool,
) -> usize {
    let (mut runs_a, mut runs_b) = (a.runs().rev(), b.runs().rev());
    let (mut rest_a, mut rest_b): (&[Value], &[Value]) = (&[], &[]);
    let mut count = 0;
    loop {
        if rest_a.is_empty() {
            let Some(next) = runs_a.next() else { return count };
            rest_a = next;
        }
        if rest_b.is_empty() {
            let Some(next) = runs_b.next() else { return count };
            rest_b = next;
        }
        let width = rest_a.len().min(rest_b.len());
        let (start_a, start_b) = (rest_a.len() - width, rest_b.len() - width);
        let (end_a, end_b) = (&rest_a[start_a..], &rest_b[start_b..]);
        if !std::ptr::eq(end_a.as_ptr(), end_b.as_ptr()) {
            let equal_here =
                end_a.iter().rev().zip(end_b.iter().rev()).take_while(|(a, b)| equal(a, b)).count();
            if equal_here < width {
                return count + equal_here;
            }
        }
        count += width;
        (rest_a, rest_b) = (&rest_a[..start_a], &rest_b[..start_b]);
    }
}
