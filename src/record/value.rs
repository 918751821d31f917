//! Values, keys and patches as bytes: the grammar in FORMAT.md, "Record body". Also the body of a snapshot.
//!
//! Always: decoding what was encoded gives it back, and there is one encoding for each value and patch.

use super::wire::{DecodeError, Sink, Source};
use crate::op::{Action, Insert, Op, Patch};
use crate::value::{DEPTH_MAX, KEY_BYTES_MAX, Key, List, Map, Path, Segment, Value};
use std::sync::Arc;

/// There is one bit pattern for "not a number"; others would make equal states encode differently.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// Room for so many entries is made before they are there.
const USUAL_ENTRIES: usize = 16;

/// What the first integer of a value, a path segment or an action says. From `KNOWN` on it is a string seen before.
mod value_tag {
    pub(super) const NULL: u64 = 0;
    pub(super) const FALSE: u64 = 1;
    pub(super) const TRUE: u64 = 2;
    pub(super) const SINT: u64 = 3;
    pub(super) const UINT: u64 = 4;
    pub(super) const FLOAT: u64 = 5;
    pub(super) const STRING: u64 = 6;
    pub(super) const BYTES: u64 = 7;
    pub(super) const LIST: u64 = 8;
    pub(super) const MAP: u64 = 9;
    pub(super) const KNOWN: u64 = 10;
}

mod segment_tag {
    pub(super) const STRING: u64 = 0;
    pub(super) const SINT: u64 = 1;
    pub(super) const UINT: u64 = 2;
    pub(super) const BYTES: u64 = 3;
    pub(super) const FALSE: u64 = 4;
    pub(super) const TRUE: u64 = 5;
    pub(super) const INDEX: u64 = 6;
    pub(super) const KNOWN: u64 = 7;
}

mod action_tag {
    pub(super) const ADD: u64 = 0;
    pub(super) const REPLACE: u64 = 1;
    pub(super) const REMOVE: u64 = 2;
    pub(super) const SPLICE_ITEMS: u64 = 3;
    pub(super) const INC: u64 = 4;
    pub(super) const SPLICE_TEXT: u64 = 5;
    pub(super) const SPLICE_KNOWN: u64 = 6;
}

/// Appends a value.
pub(crate) fn put_value<'s>(sink: &mut Sink<'_, 's>, value: &'s Value) {
    sink.let_out();
    match value {
        Value::Null => sink.uint(value_tag::NULL),
        Value::Bool(on) => sink.uint(if *on { value_tag::TRUE } else { value_tag::FALSE }),
        Value::Int(number) => put_int(sink, *number),
        Value::Uint(number) => match i64::try_from(*number) {
            Ok(number) => put_int(sink, number),
            Err(_) => {
                sink.uint(value_tag::UINT);
                sink.uint(*number);
            }
        },
        Value::Float(number) => {
            sink.uint(value_tag::FLOAT);
            sink.fixed(if number.is_nan() { NAN_BITS } else { number.to_bits() });
        }
        Value::Str(text) => sink.string(text, value_tag::STRING, value_tag::KNOWN),
        Value::Bytes(bytes) => {
            sink.uint(value_tag::BYTES);
            sink.bytes(bytes);
        }
        Value::List(list) => {
            sink.uint(value_tag::LIST);
            put_items(sink, list.len(), list.iter());
        }
        Value::Map(map) => put_map(sink, map),
    }
}

fn put_int(sink: &mut Sink<'_, '_>, number: i64) {
    sink.uint(value_tag::SINT);
    sink.sint(number);
}

fn put_items<'s>(sink: &mut Sink<'_, 's>, count: usize, items: impl Iterator<Item = &'s Value>) {
    sink.uint(count as u64);
    items.for_each(|item| put_value(sink, item));
}

fn put_map<'s>(sink: &mut Sink<'_, 's>, map: &'s Map) {
    sink.uint(value_tag::MAP);
    sink.uint(map.len() as u64);
    for (key, value) in map.iter() {
        put_key(sink, key);
        put_value(sink, value);
    }
}

fn put_key<'s>(sink: &mut Sink<'_, 's>, key: &'s Key) {
    match key {
        Key::Str(text) => sink.string(text, segment_tag::STRING, segment_tag::KNOWN),
        Key::Int(number) => put_int_key(sink, *number),
        Key::Uint(number) => match i64::try_from(*number) {
            Ok(number) => put_int_key(sink, number),
            Err(_) => {
                sink.uint(segment_tag::UINT);
                sink.uint(*number);
            }
        },
        Key::Bytes(bytes) => {
            sink.uint(segment_tag::BYTES);
            sink.bytes(bytes);
        }
        Key::Bool(on) => sink.uint(if *on { segment_tag::TRUE } else { segment_tag::FALSE }),
    }
}

fn put_int_key(sink: &mut Sink<'_, '_>, number: i64) {
    sink.uint(segment_tag::SINT);
    sink.sint(number);
}

/// Takes a value.
pub(crate) fn take_value(source: &mut Source<'_>) -> Result<Value, DecodeError> {
    take_nested(source, DEPTH_MAX)
}

fn take_nested(source: &mut Source<'_>, levels: usize) -> Result<Value, DecodeError> {
    Ok(match source.uint()? {
        value_tag::NULL => Value::Null,
        value_tag::FALSE => Value::Bool(false),
        value_tag::TRUE => Value::Bool(true),
        value_tag::SINT => Value::Int(source.sint()?),
        value_tag::UINT => Value::Uint(take_large(source)?),
        value_tag::FLOAT => Value::Float(take_float(source)?),
        value_tag::STRING => Value::Str(source.new_string()?),
        value_tag::BYTES => Value::Bytes(Arc::from(source.bytes()?)),
        value_tag::LIST => Value::List(take_list(source, deeper(source, levels)?)?),
        value_tag::MAP => Value::Map(take_map(source, deeper(source, levels)?)?),
        known => Value::Str(source.known_string(known - value_tag::KNOWN)?),
    })
}

fn deeper(source: &Source<'_>, levels: usize) -> Result<usize, DecodeError> {
    levels.checked_sub(1).ok_or_else(|| source.flaw("a value is nested too deep"))
}

fn take_large(source: &mut Source<'_>) -> Result<u64, DecodeError> {
    let number = source.uint()?;
    match i64::try_from(number) {
        Ok(_) => Err(source.flaw("a small integer is written as a large one")),
        Err(_) => Ok(number),
    }
}

fn take_float(source: &mut Source<'_>) -> Result<f64, DecodeError> {
    let bits = source.fixed()?;
    let number = f64::from_bits(bits);
    if number.is_nan() && bits != NAN_BITS {
        return Err(source.flaw("an unusual bit pattern for \"not a number\""));
    }
    Ok(number)
}

fn take_list(source: &mut Source<'_>, levels: usize) -> Result<List, DecodeError> {
    let count = source.count()?;
    (0..count).map(|_| take_nested(source, levels)).collect()
}

fn take_map(source: &mut Source<'_>, levels: usize) -> Result<Map, DecodeError> {
    // A map is made at once of what is in order; entry by entry it would find its place for each. The count is not believed
    // for more than a leaf holds: what is nested may claim as much again.
    let count = source.count()?;
    let mut entries: Vec<(Key, Value)> = Vec::with_capacity(count.min(USUAL_ENTRIES));
    for _ in 0..count {
        let kind = source.uint()?;
        let key = take_key(source, kind)?;
        if entries.last().is_some_and(|(last, _)| *last >= key) {
            return Err(source.flaw("the keys of a map are not in order"));
        }
        entries.push((key, take_nested(source, levels)?));
    }
    Ok(Map::of_sorted(entries))
}

fn take_key(source: &mut Source<'_>, kind: u64) -> Result<Key, DecodeError> {
    Ok(match kind {
        segment_tag::STRING => Key::Str(source.new_string()?),
        segment_tag::SINT => Key::Int(source.sint()?),
        segment_tag::UINT => Key::Uint(take_large(source)?),
        segment_tag::BYTES => match source.bytes()? {
            bytes if bytes.len() <= KEY_BYTES_MAX => Key::Bytes(Arc::from(bytes)),
            _ => return Err(source.flaw("a key of too many bytes")),
        },
        segment_tag::FALSE => Key::Bool(false),
        segment_tag::TRUE => Key::Bool(true),
        segment_tag::INDEX => return Err(source.flaw("a list index where a key must be")),
        known => Key::Str(source.known_string(known - segment_tag::KNOWN)?),
    })
}

/// Appends a patch. It has no length of its own: it must be the last part of a body.
pub(crate) fn put_patch<'s>(sink: &mut Sink<'_, 's>, patch: &'s Patch) {
    let mut before: Option<&[Segment]> = None;
    for op in patch.iter() {
        let path = op.path.as_slice();
        let shared = before.map_or(0, |before| shared(before, path));
        if before.is_some() {
            sink.uint(shared as u64);
        }
        sink.uint((path.len() - shared) as u64);
        path[shared..].iter().for_each(|segment| put_segment(sink, segment));
        put_action(sink, &op.action);
        before = Some(path);
    }
}

fn shared(one: &[Segment], other: &[Segment]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn put_segment<'s>(sink: &mut Sink<'_, 's>, segment: &'s Segment) {
    match segment {
        Segment::Key(key) => put_key(sink, key),
        Segment::Index(index) => {
            sink.uint(segment_tag::INDEX);
            sink.uint(*index as u64);
        }
    }
}

fn put_action<'s>(sink: &mut Sink<'_, 's>, action: &'s Action) {
    match action {
        Action::Add(value) => {
            sink.uint(action_tag::ADD);
            put_value(sink, value);
        }
        Action::Replace(value) => {
            sink.uint(action_tag::REPLACE);
            put_value(sink, value);
        }
        Action::Remove => sink.uint(action_tag::REMOVE),
        Action::Splice { at, del, ins } => put_splice(sink, *at, *del, ins),
        Action::Inc(by) => {
            sink.uint(action_tag::INC);
            sink.sint(*by);
        }
    }
}

/// What is put in comes first, because its tag is the action's.
fn put_splice<'s>(sink: &mut Sink<'_, 's>, at: usize, del: usize, ins: &'s Insert) {
    match ins {
        Insert::Items(items) => {
            sink.uint(action_tag::SPLICE_ITEMS);
            put_items(sink, items.len(), items.iter());
        }
        Insert::Text(text) => sink.string(text, action_tag::SPLICE_TEXT, action_tag::SPLICE_KNOWN),
    }
    sink.uint(at as u64);
    sink.uint(del as u64);
}

/// Takes a patch, to the end of the body.
pub(crate) fn take_patch(source: &mut Source<'_>) -> Result<Patch, DecodeError> {
    let mut before: Vec<Segment> = Vec::new();
    let mut patch = Patch::new();
    while !source.is_empty() {
        let kept = if patch.is_empty() { 0 } else { source.uint()? };
        take_path(source, &mut before, kept)?;
        // What is deeper than this would make a state too deep to be written into a snapshot.
        let action = take_action(source, DEPTH_MAX - before.len())?;
        patch.push(Op { path: Path::from(before.as_slice()), action });
    }
    Ok(patch)
}

/// Turns the path of the op before, of which `kept` segments stay, into the path of this one.
fn take_path(source: &mut Source<'_>, path: &mut Vec<Segment>, kept: u64) -> Result<(), DecodeError> {
    let more = source.count()?;
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

fn take_segment(source: &mut Source<'_>) -> Result<Segment, DecodeError> {
    match source.uint()? {
        segment_tag::INDEX => take_size(source).map(Segment::Index),
        kind => take_key(source, kind).map(Segment::Key),
    }
}

fn take_size(source: &mut Source<'_>) -> Result<usize, DecodeError> {
    usize::try_from(source.uint()?).map_err(|_| source.flaw("an index beyond this machine's memory"))
}

/// Takes an action whose values may have so many `levels`.
fn take_action(source: &mut Source<'_>, levels: usize) -> Result<Action, DecodeError> {
    Ok(match source.uint()? {
        action_tag::ADD => Action::Add(take_nested(source, levels)?),
        action_tag::REPLACE => Action::Replace(take_nested(source, levels)?),
        action_tag::REMOVE => Action::Remove,
        action_tag::INC => Action::Inc(source.sint()?),
        action_tag::SPLICE_ITEMS => {
            let (count, levels) = (source.count()?, deeper(source, levels)?);
            let items = (0..count).map(|_| take_nested(source, levels)).collect::<Result<_, _>>()?;
            take_splice(source, Insert::Items(items))?
        }
        action_tag::SPLICE_TEXT => {
            let text = source.new_string()?;
            take_splice(source, Insert::Text(text))?
        }
        known => {
            let text = source.known_string(known - action_tag::SPLICE_KNOWN)?;
            take_splice(source, Insert::Text(text))?
        }
    })
}

fn take_splice(source: &mut Source<'_>, ins: Insert) -> Result<Action, DecodeError> {
    let (at, del) = (take_size(source)?, take_size(source)?);
    Ok(Action::Splice { at, del, ins })
}
