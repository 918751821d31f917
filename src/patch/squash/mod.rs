//! Saying a run of changes in fewer operations.
//!
//! `place` holds what a run did to one place of a document and to everything in it, `pieces` what it did to the positions
//! of one list or text; both say it again in the fewest operations that keep its intent: sums stay increments, edits stay
//! where they were made. Here is who decides whether that is any shorter. Always holds: the result has the effect of
//! the run, is never longer, and cannot be squashed further.
//!
//! An operation that a place cannot take up (say, an edit of a part that a type filled in by itself, so that no value in the
//! run shows it) ends a stretch: what was gathered is written down and gathering starts anew.

mod pieces;
mod place;

use place::{Before, Place};

use super::{Action, Applied, ApplyError, Op, Patch, apply};
use crate::state::State;
use crate::value::Segment;

/// The operations of a run of changes made on `before`, said in as few as possible.
///
/// * What was overwritten or taken away later is left out; what was added and taken away is not mentioned at all.
/// * Edits of a value that the run brought itself are made to that value.
/// * Splices of one list or text that touch become one, and increments of one number their sum.
///
/// What cannot be said shorter is returned as it came. Otherwise operations come in the order of the document: by key, and
/// by position. Fewer operations need not be fewer bytes: a piece of text that is inserted twice is written down once, and
/// twice when both insertions have become one.
///
/// Intent is kept: nothing here compares the two ends. An element that was replaced is not spliced, and a number that
/// was counted is not overwritten.
///
/// O((operations + size of what they bring) * log n), and `before` is applied to as often as there is something left to
/// shorten: once to see the run through, once to prove the result.
///
/// # Errors
/// [`ApplyError`] when the run does not fit `before`; its index counts through the whole run.
///
/// ```
/// use redraft::patch::squash;
/// use redraft::{apply, draft, value};
///
/// let before = value!({ "hits": 1 });
/// let first = draft(&before, |doc| doc["title"] = "a".into())?;
/// let second = draft(&first.state, |doc| doc["title"] = "b".into())?;
/// let short = squash(&before, [&first.patch, &second.patch])?;
/// assert_eq!(short.len(), 1);
/// assert_eq!(apply(&before, &short)?.state, second.state);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn squash<'p, S: State>(
    before: &S,
    patches: impl IntoIterator<Item = &'p Patch>,
) -> Result<Patch, ApplyError> {
    let mut patch = concat(patches);
    let mut done = apply(before, &patch)?;
    while let Some((shorter, again)) = shorten(before, &patch, &done) {
        (patch, done) = (shorter, again);
    }
    Ok(patch)
}

/// The same for a run whose base is not at hand.
///
/// Has the same effect on every [`Value`](crate::Value) that the run fits. On typed states too, unless a type refuses some
/// combination of its parts: the order of operations on different parts may change. [`squash`] proves its
/// result, and says some things shorter: without the base nobody knows whether `add` overwrote something, so an entry that was added
/// and removed must stay mentioned. O((operations + size of what they bring) * log n).
///
/// ```
/// use redraft::patch::{Action, Op, Patch, squash_stateless};
/// use redraft::value::Path;
///
/// let hits = Path::root().child("hits");
/// let patches: Vec<Patch> = (1..=3).map(|by| vec![Op::new(hits.clone(), Action::Inc(by))].into()).collect();
/// assert_eq!(squash_stateless(&patches)[..], [Op::new(hits, Action::Inc(6))]);
/// ```
pub fn squash_stateless<'p>(patches: impl IntoIterator<Item = &'p Patch>) -> Patch {
    let mut patch = concat(patches);
    loop {
        let shorter = fold(patch.iter().map(|op| (op, Before::Unknown)));
        if shorter.len() >= patch.len() {
            return patch;
        }
        patch = shorter;
    }
}

fn concat<'p>(patches: impl IntoIterator<Item = &'p Patch>) -> Patch {
    patches.into_iter().flatten().cloned().collect()
}

/// The patch said shorter, and applied. A type may refuse what stands between two states in another order, which only
/// it can tell: hence the proof.
fn shorten<S: State>(before: &S, patch: &Patch, done: &Applied<S>) -> Option<(Patch, Applied<S>)> {
    let undos = done.inverse.iter().rev();
    let shorter = fold(patch.iter().zip(undos.map(known)));
    if shorter.len() >= patch.len() {
        return None;
    }
    let again = apply(before, &shorter).ok().filter(|again| again.state.same(&done.state))?;
    Some((shorter, again))
}

/// Whether an entry was there, as what undoes an addition tells.
fn known(undo: &Op) -> Before {
    match undo.action {
        Action::Remove => Before::Absent,
        _ => Before::There,
    }
}

fn fold<'o>(ops: impl Iterator<Item = (&'o Op, Before)>) -> Patch {
    let mut out = Patch::new();
    let mut root = Place::default();
    for (op, before) in ops {
        if take_up(&mut root, op, before).is_err() {
            std::mem::take(&mut root).tell(&mut out);
            if take_up(&mut root, op, before).is_err() {
                out.push(op.clone());
            }
        }
    }
    root.tell(&mut out);
    out
}

/// A place cannot take up an operation. It is as it was.
struct Clash;

/// An addition at the root is a replacement.
fn take_up(root: &mut Place, op: &Op, before: Before) -> Result<(), Clash> {
    let path: &[Segment] = op.path.as_slice();
    match &op.action {
        _ if path.len() > crate::value::DEPTH_MAX => Err(Clash),
        Action::Remove if path.is_empty() => Err(Clash),
        Action::Add(_) if path.is_empty() => root.take_up(path, &op.action, Before::There),
        action => root.take_up(path, action, before),
    }
}
