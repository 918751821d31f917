//! What one writer wrote, and how a history reads without it.
//!
//! Fed with one change after another, in order; leaves writing them to `rewrite`. Always: every change keeps its place, and what others did
//! can be done to what is left. A text that the writer was the first to write is in no later change of anybody.

use super::LABEL;
use super::mask::{self, Mask, Moved};
use crate::error::{Error, Result};
use crate::op::{Action, ApplyError, Op};
use crate::patch;
use crate::record::{Change, Meta, WriterId};
use crate::state::State;
use crate::store::Reader;
use crate::value::{Key, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The tags of a change that tells of a redaction.
pub(super) const TAGS: [&str; 2] = ["places", "writer"];

/// The writer whose values go, and what is known of them so far.
pub(super) struct Masks {
    writer: WriterId,
    /// Texts that are to be known wherever they come again, and how they read.
    known: BTreeMap<Key, Value>,
    /// All leaves that the writer wrote.
    wrote: BTreeSet<Key>,
}

impl Masks {
    /// Looks through the history for what the writer wrote, and what of that was there before.
    pub(super) fn collect(reader: &Reader<Value>, writer: WriterId) -> Result<Masks> {
        let oldest = reader.oldest()?;
        let ledger = &reader.history.tip_at(oldest)?.ledger;
        if ledger.sequence_of(writer) > 0 {
            // Which of the values that are there then are the writer's, nobody knows any more.
            return Err(Error::Compacted { version: oldest.saturating_sub(1), oldest });
        }
        let mut masks = Masks { writer, known: BTreeMap::new(), wrote: BTreeSet::new() };
        let mut first: BTreeMap<Key, u64> = BTreeMap::new();
        masks.scan(reader, true, |version, key| {
            first.entry(key).or_insert(version);
        })?;
        masks.wrote = first.keys().cloned().collect();
        let mut forget = |version, key: Key| {
            if first.get(&key).is_some_and(|first| version < *first) {
                first.remove(&key);
            }
        };
        mask::leaves(&*reader.at(oldest)?, None, &mut |key| forget(oldest, key));
        masks.scan(reader, false, forget)?;
        let texts = first.into_keys().filter_map(|key| match &key {
            Key::Str(_) | Key::Bytes(_) => Some((key.clone(), mask::blank(&key.into()))),
            _ => None,
        });
        masks.known = texts.collect();
        Ok(masks)
    }

    /// Tells what the writer put in, or what all others did.
    fn scan(&self, reader: &Reader<Value>, own: bool, mut tell: impl FnMut(u64, Key)) -> Result<()> {
        let mut state = Value::clone(&*reader.at(reader.oldest()?)?);
        for change in reader.changes(..)? {
            let change = change?;
            patch::carry_out(&mut state, &change.patch)?;
            if own == (change.writer == self.writer) {
                change
                    .patch
                    .iter()
                    .for_each(|op| mask::leaves_of(op, &state, &mut |key| tell(change.version, key)));
            }
        }
        Ok(())
    }

    /// How many changes will say something else than before, and which is the first.
    pub(super) fn count(&mut self, reader: &Reader<Value>) -> Result<(u64, Option<u64>)> {
        let mut old = Value::clone(&*reader.at(reader.oldest()?)?);
        let mut new = old.clone();
        let (mut count, mut first) = (0, None);
        for change in reader.changes(..)? {
            let mut change = change?;
            if self.rewrite(&mut change, &mut old, &mut new)? {
                count += 1;
                first = first.or(Some(change.version));
            }
        }
        Ok((count, first))
    }

    /// Makes of a change what is to be written, and carries it out: as it was on `old`, as it will be on `new`. Whether that is
    /// something else.
    pub(super) fn rewrite(&mut self, change: &mut Change, old: &mut Value, new: &mut Value) -> Result<bool> {
        let is_own = change.writer == self.writer && !tells_of_a_redaction(change);
        let before = (change.meta.clone(), change.merged.clone(), change.patch.clone());
        if is_own {
            change.meta = Meta::default();
            change.merged = change.merged.take().map(|merged| Box::new(merged.without_original()));
        }
        let moved = self.step(change, old, new)?;
        let is_mixed =
            change.undoes.is_some() || change.merged.as_ref().is_some_and(|merged| !merged.notes.is_empty());
        let mask = Mask {
            everything: is_own,
            known: Some(&self.known),
            leaves: is_mixed.then_some(&self.wrote),
            moved: if is_own { Moved::default() } else { moved },
        };
        let masked: Vec<Op> = change.patch.iter().map(|op| mask.op(op, old)).collect();
        change.patch = masked.into_iter().map(|op| fitting(new, op)).collect();
        Ok(before != (change.meta.clone(), change.merged.clone(), change.patch.clone()))
    }

    /// Carries a change out on `old`. What it takes away that reads otherwise in `new` is what it may put elsewhere.
    fn step(&mut self, change: &Change, old: &mut Value, new: &Value) -> Result<Moved> {
        let mut beside = new.clone();
        let mut moved = Moved::default();
        for (index, op) in change.patch.iter().enumerate() {
            let refused = |kind| ApplyError::at(index, op, kind);
            let there = old.apply(op.path.as_slice(), &op.action).map_err(refused)?;
            // A sum may not fit without what the writer added to it.
            let Ok(here) = beside.apply(op.path.as_slice(), &op.action) else { continue };
            let taken = mask::taken(&there).into_iter().zip(mask::taken(&here));
            taken.for_each(|(was, reads)| moved.note(was, reads));
        }
        for (text, reads) in moved.texts() {
            self.known.entry(text.clone()).or_insert_with(|| reads.clone());
        }
        Ok(moved)
    }
}

/// Carries out an operation on what is left, which is of the shape it was made for. Only a sum can be too large without what
/// is gone; it stays as it is then.
fn fitting(state: &mut Value, op: Op) -> Op {
    match (state.apply(op.path.as_slice(), &op.action), &op.action) {
        (Err(_), Action::Inc(_)) => Op::new(op.path, Action::Inc(0)),
        _ => op,
    }
}

/// Nothing is in such a change but what was asked for.
fn tells_of_a_redaction(change: &Change) -> bool {
    let tags = &change.meta.tags;
    change.meta.label.as_deref() == Some(LABEL)
        && change.patch.is_empty()
        && change.merged.is_none()
        && tags.keys().all(|name| TAGS.contains(&name.as_str()))
}
