//! Following a place backward through a patch: what did something to it, and what it was called before.
//!
//! Reads paths only, never a state, and compares them by text as history does everywhere. Always: a place that is followed is
//! there after the patch; elements of lists keep their identity however many are inserted and removed before them.

use super::overlap::touched_by;
use super::{Action, Insert, Op, Patch};
use crate::value::{Path, Pointer, Segment, Value, parse_index};

/// How many of the places that a patch took away are considered as where something may have come from.
const SOURCES_MAX: usize = 64;

/// What a patch did to a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Met {
    /// Nothing, though it may have got another number in a list.
    Nothing,
    /// It wrote there, above or inside.
    Touched,
    /// It put the place there.
    Made(Made),
}

/// What put a place there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    /// What was put in, in which the place is.
    pub(crate) value: Value,
    /// How long the path is that it was put at.
    pub(crate) depth: usize,
    /// Whether it is an element that a list did not have before: what was at that number then is another one.
    pub(crate) is_new_element: bool,
}

/// What a patch did to `place`, which is there after it, and what it was called before. O(operations).
pub(crate) fn trace(patch: &Patch, place: &Pointer) -> (Pointer, Met) {
    let mut tokens = place.tokens().to_vec();
    let mut met = Met::Nothing;
    for op in patch.iter().rev() {
        let here = step_back(op, &mut tokens);
        // What was there before it was put there is another thing.
        if !matches!(met, Met::Made(_)) && here != Met::Nothing {
            met = here;
        }
    }
    (Pointer::of_tokens(tokens), met)
}

/// The places that a patch took something away from, as they were called before it, the last one first.
pub(crate) fn sources(patch: &Patch) -> Vec<Pointer> {
    let taken = patch.iter().enumerate().rev().flat_map(|(index, op)| {
        let before = &patch[..index];
        taken(op).into_iter().filter_map(move |mut tokens| {
            // What the patch itself had put there was nowhere before.
            let is_new = before.iter().rev().any(|op| matches!(step_back(op, &mut tokens), Met::Made(_)));
            (!is_new).then(|| Pointer::of_tokens(tokens))
        })
    });
    taken.take(SOURCES_MAX).collect()
}

/// What is at `place` after a patch, if the patch alone tells: the last operation that touched it put there all that there is.
pub(crate) fn outcome(patch: &Patch, place: &Pointer) -> Option<Option<Value>> {
    let last = patch.iter().rev().find(|op| touched_by(op, place))?;
    let beneath = place.tokens().get(last.path.len()..).filter(|_| place.meets(&last.path))?;
    let beneath = Pointer::of_tokens(beneath.to_vec());
    match (&last.action, last.path.last()) {
        (Action::Add(value) | Action::Replace(value), _) => Some(beneath.find(value).cloned()),
        (Action::Remove, Some(Segment::Key(_))) => Some(None),
        _ => None,
    }
}

/// Whether a place that is not there after a patch may have been there before it: something was done at, above or inside it,
/// or to the length of a list it is in.
pub(crate) fn may_end(patch: &Patch, place: &Pointer) -> bool {
    patch.iter().any(|op| {
        let counts = matches!(op.path.last(), Some(Segment::Index(_)));
        let list = op.path.parent().filter(|list| counts && list.len() < place.tokens().len());
        place.meets(&op.path) || list.is_some_and(|list| place.meets(&list))
    })
}

fn tokens(path: &Path) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

/// The places an operation takes away, as they are called before it.
fn taken(op: &Op) -> Vec<Vec<String>> {
    match &op.action {
        Action::Remove => vec![tokens(&op.path)],
        Action::Splice { at, del, ins: Insert::Items(_) } => {
            let list = tokens(&op.path);
            let element = |index: usize| [list.as_slice(), &[index.to_string()]].concat();
            (*at..at.saturating_add((*del).min(SOURCES_MAX))).map(element).collect()
        }
        _ => Vec::new(),
    }
}

/// Turns a place after an operation into the same one before it.
fn step_back(op: &Op, place: &mut [String]) -> Met {
    let path = op.path.as_slice();
    let is_along = place.iter().zip(path).all(|(token, segment)| segment.reads_as(token));
    match (&op.action, path) {
        (Action::Add(_) | Action::Remove, [list @ .., Segment::Index(index)]) if place.len() > list.len() => {
            let leads_there = place.iter().zip(list).all(|(token, segment)| segment.reads_as(token));
            let token = place.get_mut(list.len()).filter(|_| leads_there);
            token.map_or(Met::Nothing, |token| element_step(&op.action, *index, path.len(), token))
        }
        _ if !is_along => Met::Nothing,
        (Action::Splice { at, del, ins: Insert::Items(items) }, list) if place.len() > list.len() => {
            let token = place.get_mut(list.len());
            token.map_or(Met::Nothing, |token| splice_step(*at, *del, items, list.len() + 1, token))
        }
        (Action::Add(value), [.., _]) if place.len() >= path.len() => {
            Met::Made(Made { value: value.clone(), depth: path.len(), is_new_element: false })
        }
        _ => Met::Touched,
    }
}

/// An element of the list was added or removed at `index`.
fn element_step(action: &Action, index: usize, depth: usize, token: &mut String) -> Met {
    let Some(number) = parse_index(token) else { return Met::Nothing };
    match action {
        Action::Add(value) if number == index => {
            return Met::Made(Made { value: value.clone(), depth, is_new_element: true });
        }
        Action::Add(_) if number > index => *token = (number - 1).to_string(),
        Action::Remove if number >= index => *token = (number + 1).to_string(),
        _ => {}
    }
    Met::Nothing
}

/// A stretch of the list was exchanged. Where it was as long before, its elements are the same ones with other values.
fn splice_step(at: usize, del: usize, items: &[Value], depth: usize, token: &mut String) -> Met {
    let Some(number) = parse_index(token) else { return Met::Nothing };
    let Some(within) = number.checked_sub(at) else { return Met::Nothing };
    match items.get(within) {
        Some(_) if within < del => Met::Touched,
        Some(value) => Met::Made(Made { value: value.clone(), depth, is_new_element: true }),
        None => {
            *token = (number - items.len() + del).to_string();
            Met::Nothing
        }
    }
}
