//! What one operation does to one other that was made on the same state.
//!
//! Leaves counting in lists and texts to `span`, and whole patches to `mod`. Always: what becomes of the one and of
//! the other fit together: either order of the two leads to one state.

use super::span::Span;
use super::{DropReason, Step};
use crate::patch::{Action, Insert, Op};
use crate::state::State;
use crate::value::{Path, Segment, Value};

/// What is left of an operation.
#[derive(Clone)]
pub(super) enum Fate {
    Same,
    /// To be done one after the other; at least one.
    Becomes(Vec<Op>),
    Dropped(DropReason),
}

/// The kind of work an operation does, and where. Elements that are added or removed are work on their list.
#[derive(Clone, Copy)]
enum Work<'a> {
    Exchange { list: &'a [Segment], span: Span, text: bool },
    Write(&'a [Segment]),
    Count(&'a [Segment]),
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Self {
        let path = op.path.as_slice();
        let element = |del, ins| match path.split_last() {
            Some((Segment::Index(at), list)) => {
                Self::Exchange { list, span: Span { at: *at, del, ins }, text: false }
            }
            _ => Self::Write(path),
        };
        match &op.action {
            Action::Add(_) => element(0, 1),
            Action::Remove => element(1, 0),
            Action::Replace(_) => Self::Write(path),
            Action::Inc(_) => Self::Count(path),
            Action::Splice { at, del, ins } => Self::Exchange {
                list: path,
                span: Span { at: *at, del: *del, ins: ins.len() },
                text: matches!(ins, Insert::Text(_)),
            },
        }
    }

    /// What must be there for it to be done.
    fn place(self) -> &'a [Segment] {
        match self {
            Self::Exchange { list, .. } => list,
            Self::Write(path) | Self::Count(path) => path,
        }
    }
}

/// Where a place is found after an operation that was done beside it: positions move, what is written over it stays. Nothing if the
/// element it lies in was taken away.
pub(super) fn carried_place(place: &Path, op: &Op) -> Option<Path> {
    let Work::Exchange { list, span, text: false } = Work::of(op) else { return Some(place.clone()) };
    let Some([Segment::Index(index), ..]) = place.as_slice().strip_prefix(list) else {
        return Some(place.clone());
    };
    let index = span.carry(*index)?;
    Some(moved(place, list.len(), index))
}

/// What is left of each: of the earlier operation after the later one, and of the later one after the earlier one.
pub(super) fn meet(step: &Step, other_step: &Step) -> (Fate, Fate) {
    let (earlier, later) = (&step.op, &other_step.op);
    let (one, other) = (Work::of(earlier), Work::of(later));
    match (one, other) {
        (
            Work::Exchange { list, span, text },
            Work::Exchange { list: other_list, span: other_span, text: other_text },
        ) if list == other_list && text == other_text => {
            // In front stands what stands in front of what is gone.
            let first = !(step.behind && !other_step.behind && span.at == other_span.at);
            (exchange(earlier, span, other_span, first), exchange(later, other_span, span, !first))
        }
        (Work::Write(path), Work::Write(other)) if path == other => both_write(earlier, later),
        (Work::Write(path), Work::Count(other)) if path == other => count_on(earlier, later),
        _ => (beside(earlier, one, other), beside(later, other, one)),
    }
}

/// Whether what the step inserts stands behind something that the other side has taken away.
pub(super) fn stands_behind(step: &Step, theirs: &Op) -> bool {
    let (one, other) = (Work::of(&step.op), Work::of(theirs));
    let (
        Work::Exchange { list, span, text },
        Work::Exchange { list: other_list, span: other_span, text: other_text },
    ) = (one, other)
    else {
        return step.behind;
    };
    step.behind
        || list == other_list
            && text == other_text
            && span.ins > 0
            && other_span.takes_what_is_before(span.at)
}

/// Two exchanges in one list or text.
fn exchange(op: &Op, span: Span, other: Span, first: bool) -> Fate {
    let spans: Vec<Span> = span.after(other, first).collect();
    if spans.is_empty() {
        return Fate::Dropped(DropReason::Done);
    }
    if spans[..] == [span] {
        return Fate::Same;
    }
    Fate::Becomes(
        spans.iter().enumerate().map(|(part, span)| respan(op, *span, part == 0 && span.ins > 0)).collect(),
    )
}

/// The operation with other positions. Parts that bring nothing are deletions.
fn respan(op: &Op, span: Span, brings: bool) -> Op {
    let Action::Splice { ins, .. } = &op.action else {
        return Op::new(moved(&op.path, op.path.len().saturating_sub(1), span.at), op.action.clone());
    };
    let ins = match ins {
        all if brings => all.clone(),
        Insert::Items(_) => Insert::Items(Vec::new()),
        Insert::Text(_) => Insert::Text("".into()),
    };
    Op::new(op.path.clone(), Action::Splice { at: span.at, del: span.del, ins })
}

/// The path with another index at the given depth.
fn moved(path: &Path, depth: usize, index: usize) -> Path {
    let mut segments = path.as_slice().to_vec();
    if let Some(segment) = segments.get_mut(depth) {
        *segment = Segment::Index(index);
    }
    segments.into()
}

/// Two that write to the same place: the later one wins, unless both leave the same there.
fn both_write(earlier: &Op, later: &Op) -> (Fate, Fate) {
    let done = Fate::Dropped(DropReason::Done);
    let overwritten = Fate::Dropped(DropReason::Overwritten);
    match (written(&earlier.action), written(&later.action)) {
        (one, other) if one == other => (done.clone(), done),
        // There is nothing left to replace, so it is put there again.
        (None, Some(new)) => {
            (overwritten, Fate::Becomes(vec![Op::new(later.path.clone(), Action::Add(new.clone()))]))
        }
        _ => (overwritten, Fate::Same),
    }
}

/// What a writing operation leaves behind.
fn written(action: &Action) -> Option<&Value> {
    match action {
        Action::Add(new) | Action::Replace(new) => Some(new),
        Action::Remove | Action::Splice { .. } | Action::Inc(_) => None,
    }
}

/// The later side counted a number that the earlier side overwrote: it is counted on from there, if it is a number still.
fn count_on(earlier: &Op, later: &Op) -> (Fate, Fate) {
    let Some(new) = written(&earlier.action) else {
        return (Fate::Same, Fate::Dropped(DropReason::Gone));
    };
    let mut sum = new.clone();
    if sum.apply(&[], &later.action).is_err() {
        return (Fate::Same, Fate::Dropped(DropReason::Overwritten));
    }
    let action = match &earlier.action {
        Action::Add(_) => Action::Add(sum),
        _ => Action::Replace(sum),
    };
    (Fate::Becomes(vec![Op::new(earlier.path.clone(), action)]), Fate::Same)
}

/// What another operation, at another place or of another kind, does to this one.
fn beside(op: &Op, work: Work<'_>, other: Work<'_>) -> Fate {
    match other {
        Work::Write(path) if work.place() == path => Fate::Dropped(DropReason::Overwritten),
        Work::Write(path) if work.place().starts_with(path) => Fate::Dropped(DropReason::Gone),
        Work::Exchange { list, span, .. } => carried(op, work, list, span),
        Work::Write(_) | Work::Count(_) => Fate::Same,
    }
}

/// The place lies in an element of a list that was exchanged in part.
fn carried(op: &Op, work: Work<'_>, list: &[Segment], span: Span) -> Fate {
    let Some([Segment::Index(index), ..]) = work.place().strip_prefix(list) else { return Fate::Same };
    match span.carry(*index) {
        None => Fate::Dropped(DropReason::Gone),
        Some(same) if same == *index => Fate::Same,
        Some(new) => Fate::Becomes(vec![Op::new(moved(&op.path, list.len(), new), op.action.clone())]),
    }
}
