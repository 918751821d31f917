//! Values, keys and patches as bytes: the grammar in FORMAT.md, "Record body". Also the body of a snapshot.
//!
//! Always: decoding what was encoded gives it back, and there is one encoding for each value and patch.

use super::wire::{Flaw, Sink, Source};
use crate::patch::{Action, Insert, Op, Patch};
use crate::value::{DEPTH_MAX, KEY_BYTES_MAX, Key, List, Map, Path, Segment, Value};
use std::sync::Arc;

/// There is one bit pattern for "not a number"; others would make equal states encode differently.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const SINT: u8 = 3;
    pub(super) const UINT: u8 = 4;
    pub(super) const FLOAT: u8 = 5;
    pub(super) const STRING: u8 = 6;
    pub(super) const BYTES: u8 = 7;
    pub(super) const LIST: u8 = 8;
    pub(super) const MAP: u8 = 9;

    pub(super) const KEY_STRING: u8 = 0;
    pub(super) const KEY_SINT: u8 = 1;
    pub(super) const KEY_UINT: u8 = 2;
    pub(super) const KEY_BYTES: u8 = 3;
    pub(super) const KEY_FALSE: u8 = 4;
    pub(super) const KEY_TRUE: u8 = 5;
    pub(super) const INDEX: u8 = 6;

    pub(super) const ADD: u8 = 0;
    pub(super) const REPLACE: u8 = 1;
    pub(super) const REMOVE: u8 = 2;
    pub(super) const SPLICE_ITEMS: u8 = 3;
    pub(super) const SPLICE_TEXT: u8 = 4;
    pub(super) const INC: u8 = 5;
}

/// Appends a value.
pub(crate) fn put_value(sink: &mut Sink<'_>, value: &Value) {
    match value {
        Value::Null => sink.byte(tag::NULL),
        Value::Bool(on) => sink.byte(if *on { tag::TRUE } else { tag::FALSE }),
        Value::Int(number) => put_int(sink, *number),
        Value::Uint(number) => match i64::try_from(*number) {
            Ok(number) => put_int(sink, number),
            Err(_) => {
                sink.byte(tag::UINT);
                sink.uint(*number);
            }
        },
        Value::Float(number) => {
            sink.byte(tag::FLOAT);
            sink.fixed(if number.is_nan() { NAN_BITS } else { number.to_bits() });
        }
        Value::Str(text) => {
            sink.byte(tag::STRING);
            sink.string(text);
        }
        Value::Bytes(bytes) => {
            sink.byte(tag::BYTES);
            sink.bytes(bytes);
        }
        Value::List(list) => {
            sink.byte(tag::LIST);
            put_items(sink, list.len(), list.iter());
        }
        Value::Map(map) => put_map(sink, map),
    }
}

fn put_int(sink: &mut Sink<'_>, number: i64) {
    sink.byte(tag::SINT);
    sink.sint(number);
}

fn put_items<'v>(sink: &mut Sink<'_>, count: usize, items: impl Iterator<Item = &'v Value>) {
    sink.uint(count as u64);
    items.for_each(|item| put_value(sink, item));
}

fn put_map(sink: &mut Sink<'_>, map: &Map) {
    sink.byte(tag::MAP);
    sink.uint(map.len() as u64);
    for (key, value) in map.iter() {
        put_key(sink, key);
        put_value(sink, value);
    }
}

fn put_key(sink: &mut Sink<'_>, key: &Key) {
    match key {
        Key::Str(text) => {
            sink.byte(tag::KEY_STRING);
            sink.string(text);
        }
        Key::Int(number) => put_int_key(sink, *number),
        Key::Uint(number) => match i64::try_from(*number) {
            Ok(number) => put_int_key(sink, number),
            Err(_) => {
                sink.byte(tag::KEY_UINT);
                sink.uint(*number);
            }
        },
        Key::Bytes(bytes) => {
            sink.byte(tag::KEY_BYTES);
            sink.bytes(bytes);
        }
        Key::Bool(on) => sink.byte(if *on { tag::KEY_TRUE } else { tag::KEY_FALSE }),
    }
}

fn put_int_key(sink: &mut Sink<'_>, number: i64) {
    sink.byte(tag::KEY_SINT);
    sink.sint(number);
}

/// Takes a value.
pub(crate) fn take_value(source: &mut Source<'_>) -> Result<Value, Flaw> {
    take_nested(source, DEPTH_MAX)
}

fn take_nested(source: &mut Source<'_>, levels: usize) -> Result<Value, Flaw> {
    Ok(match source.byte()? {
        tag::NULL => Value::Null,
        tag::FALSE => Value::Bool(false),
        tag::TRUE => Value::Bool(true),
        tag::SINT => Value::Int(source.sint()?),
        tag::UINT => Value::Uint(take_large(source)?),
        tag::FLOAT => Value::Float(take_float(source)?),
        tag::STRING => Value::Str(source.string()?),
        tag::BYTES => Value::Bytes(Arc::from(source.bytes()?)),
        tag::LIST => Value::List(take_list(source, deeper(source, levels)?)?),
        tag::MAP => Value::Map(take_map(source, deeper(source, levels)?)?),
        _ => return Err(source.flaw("an unknown kind of value")),
    })
}

fn deeper(source: &Source<'_>, levels: usize) -> Result<usize, Flaw> {
    levels.checked_sub(1).ok_or_else(|| source.flaw("a value is nested too deep"))
}

fn take_large(source: &mut Source<'_>) -> Result<u64, Flaw> {
    let number = source.uint()?;
    match i64::try_from(number) {
        Ok(_) => Err(source.flaw("a small integer is written as a large one")),
        Err(_) => Ok(number),
    }
}

fn take_float(source: &mut Source<'_>) -> Result<f64, Flaw> {
    let bits = source.fixed()?;
    let number = f64::from_bits(bits);
    if number.is_nan() && bits != NAN_BITS {
        return Err(source.flaw("an unusual bit pattern for \"not a number\""));
    }
    Ok(number)
}

fn take_list(source: &mut Source<'_>, levels: usize) -> Result<List, Flaw> {
    let count = source.count()?;
    (0..count).map(|_| take_nested(source, levels)).collect()
}

fn take_map(source: &mut Source<'_>, levels: usize) -> Result<Map, Flaw> {
    let count = source.count()?;
    let mut map = Map::new();
    let mut last: Option<Key> = None;
    for _ in 0..count {
        let kind = source.byte()?;
        let key = take_key(source, kind)?;
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(source.flaw("the keys of a map are not in order"));
        }
        map.insert(key.clone(), take_nested(source, levels)?);
        last = Some(key);
    }
    Ok(map)
}

fn take_key(source: &mut Source<'_>, kind: u8) -> Result<Key, Flaw> {
    Ok(match kind {
        tag::KEY_STRING => Key::Str(source.string()?),
        tag::KEY_SINT => Key::Int(source.sint()?),
        tag::KEY_UINT => Key::Uint(take_large(source)?),
        tag::KEY_BYTES => match source.bytes()? {
            bytes if bytes.len() <= KEY_BYTES_MAX => Key::Bytes(Arc::from(bytes)),
            _ => return Err(source.flaw("a key of too many bytes")),
        },
        tag::KEY_FALSE => Key::Bool(false),
        tag::KEY_TRUE => Key::Bool(true),
        _ => return Err(source.flaw("an unknown kind of key")),
    })
}

/// Appends a patch.
pub(crate) fn put_patch(sink: &mut Sink<'_>, patch: &Patch) {
    sink.uint(patch.len() as u64);
    let mut before: &[Segment] = &[];
    for op in patch.iter() {
        let path = op.path.as_slice();
        let shared = shared(before, path);
        sink.uint(shared as u64);
        sink.uint((path.len() - shared) as u64);
        path[shared..].iter().for_each(|segment| put_segment(sink, segment));
        put_action(sink, &op.action);
        before = path;
    }
}

fn shared(one: &[Segment], other: &[Segment]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn put_segment(sink: &mut Sink<'_>, segment: &Segment) {
    match segment {
        Segment::Key(key) => put_key(sink, key),
        Segment::Index(index) => {
            sink.byte(tag::INDEX);
            sink.uint(*index as u64);
        }
    }
}

fn put_action(sink: &mut Sink<'_>, action: &Action) {
    match action {
        Action::Add(value) => {
            sink.byte(tag::ADD);
            put_value(sink, value);
        }
        Action::Replace(value) => {
            sink.byte(tag::REPLACE);
            put_value(sink, value);
        }
        Action::Remove => sink.byte(tag::REMOVE),
        Action::Splice { at, del, ins } => put_splice(sink, *at, *del, ins),
        Action::Inc(by) => {
            sink.byte(tag::INC);
            sink.sint(*by);
        }
    }
}

fn put_splice(sink: &mut Sink<'_>, at: usize, del: usize, ins: &Insert) {
    sink.byte(if matches!(ins, Insert::Items(_)) { tag::SPLICE_ITEMS } else { tag::SPLICE_TEXT });
    sink.uint(at as u64);
    sink.uint(del as u64);
    match ins {
        Insert::Items(items) => put_items(sink, items.len(), items.iter()),
        Insert::Text(text) => sink.string(text),
    }
}

/// Takes a patch.
pub(crate) fn take_patch(source: &mut Source<'_>) -> Result<Patch, Flaw> {
    let count = source.count()?;
    let mut before: Vec<Segment> = Vec::new();
    let mut patch = Patch::new();
    for _ in 0..count {
        take_path(source, &mut before)?;
        let action = take_action(source)?;
        patch.push(Op { path: Path::from(before.clone()), action });
    }
    Ok(patch)
}

/// Turns the path of the op before into the path of this one.
fn take_path(source: &mut Source<'_>, path: &mut Vec<Segment>) -> Result<(), Flaw> {
    let (kept, more) = (source.uint()?, source.count()?);
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    if kept > path.len() || kept + more > DEPTH_MAX {
        return Err(source.flaw("an impossible length of a path"));
    }
    let dropped = path.get(kept).cloned();
    path.truncate(kept);
    for _ in 0..more {
        path.push(take_segment(source)?);
    }
    if dropped.is_some() && path.get(kept) == dropped.as_ref() {
        return Err(source.flaw("a path repeats what it could share"));
    }
    Ok(())
}

fn take_segment(source: &mut Source<'_>) -> Result<Segment, Flaw> {
    match source.byte()? {
        tag::INDEX => take_size(source).map(Segment::Index),
        kind => take_key(source, kind).map(Segment::Key),
    }
}

fn take_size(source: &mut Source<'_>) -> Result<usize, Flaw> {
    usize::try_from(source.uint()?).map_err(|_| source.flaw("an index beyond this machine's memory"))
}

fn take_action(source: &mut Source<'_>) -> Result<Action, Flaw> {
    Ok(match source.byte()? {
        tag::ADD => Action::Add(take_value(source)?),
        tag::REPLACE => Action::Replace(take_value(source)?),
        tag::REMOVE => Action::Remove,
        tag::SPLICE_ITEMS => {
            let (at, del) = (take_size(source)?, take_size(source)?);
            let count = source.count()?;
            let items = (0..count).map(|_| take_value(source)).collect::<Result<_, _>>()?;
            Action::Splice { at, del, ins: Insert::Items(items) }
        }
        tag::SPLICE_TEXT => {
            let (at, del) = (take_size(source)?, take_size(source)?);
            Action::Splice { at, del, ins: Insert::Text(source.string()?) }
        }
        tag::INC => Action::Inc(source.sint()?),
        _ => return Err(source.flaw("an unknown kind of op")),
    })
}
