//! What is done on top of a submission that was brought over what came since: values made of both sides, or put there again.
//!
//! Leaves deciding to `verdict`. Always: what is told fits the document it is told for; what does not fit any more is dropped.

use super::combine::{Combiner, Refused, Three};
use super::standing::Standing;
use super::views::Views;
use crate::draft::diff;
use crate::op::{Action, Op};
use crate::patch::{self, carried};
use crate::record::{Note, Resolution};
use crate::rules::Policy;
use crate::value::{Path, Segment, Value};
use std::collections::BTreeMap;

/// Something to be done once the rest of a submission is.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    /// The operation of the submission that it is for.
    pub(super) op_index: usize,
    /// The version whose change that met.
    pub(super) met: u64,
    pub(super) policy: Policy,
    /// Where, in the newest state.
    pub(super) place: Path,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// What the policy makes of what is at these places of the state that the writer saw, and of the one it made.
    Combine { seen: Path, made: Path, is_newer: bool },
    /// What is at a place of the state that the writer made.
    Made { at: Path },
    /// What is there now.
    Head,
    /// What is at a place of the state that the writer made, which somebody else wrote there too: again where it was overwritten
    /// since, and where it counts when it was written last.
    Agreed { at: Path, is_newer: bool, is_overwritten: bool },
    /// What was there before, and then an operation beneath it.
    Restore { old: Option<Value>, standing: Option<Standing>, beneath: Vec<Segment>, action: Action },
}

/// The newest state with the submission, as it grows.
pub(super) struct Growing<'g, 'v> {
    pub(super) views: &'g Views<'v>,
    pub(super) combiner: Combiner<'g>,
    /// What has become of the newest state so far.
    pub(super) document: Value,
    /// What was done to it.
    pub(super) done: Vec<Op>,
    pub(super) notes: Vec<Note>,
    /// What was put there again.
    pub(super) restored: BTreeMap<Vec<Segment>, ()>,
}

impl Growing<'_, '_> {
    /// Does one more thing, or notes that it no longer fits.
    pub(super) fn grow(&mut self, extra: &Extra) -> crate::error::Result<Result<(), Refused>> {
        if let Kind::Agreed { at, is_newer, is_overwritten } = &extra.kind {
            return self.agree(extra, at, *is_newer, *is_overwritten).map(Ok);
        }
        let Some(place) = carried(&extra.place, &self.done) else {
            self.note(extra, Resolution::Dropped);
            return Ok(Ok(()));
        };
        let resolution = match &extra.kind {
            Kind::Combine { seen, made, is_newer } => {
                self.combiner.is_newer = *is_newer;
                match self.combine(extra, &place, seen, made)? {
                    Ok(resolution) => resolution,
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            Kind::Made { at } => {
                let value = self.views.made()?.at_path(at).cloned();
                self.set(&place, value.as_ref()).then_some(Resolution::Won)
            }
            Kind::Head => {
                let value = self.views.head().at_path(&extra.place).cloned();
                self.set(&place, value.as_ref()).then_some(Resolution::Layered)
            }
            Kind::Agreed { .. } => None,
            Kind::Restore { old, standing, beneath, action } => {
                let back = || Some(self.back(&place, old.as_ref()?, standing.as_ref()));
                let ops = if self.is_there(&place) { Some(Vec::new()) } else { back() };
                let restored = ops.is_some_and(|ops| self.restore(&place, ops, beneath, action));
                restored.then_some(Resolution::Restored)
            }
        };
        self.note(extra, resolution.unwrap_or(Resolution::Dropped));
        Ok(Ok(()))
    }

    /// Writes what two had written, if somebody wrote something else between. Otherwise it is there; but who comes later and wrote
    /// between the two must find that it was written last.
    fn agree(
        &mut self,
        extra: &Extra,
        at: &Path,
        newer: bool,
        overwritten: bool,
    ) -> crate::error::Result<()> {
        let made = self.views.made()?.at_path(at).cloned();
        let (Some(place), Some(made)) = (carried(&extra.place, &self.done), made) else { return Ok(()) };
        if overwritten {
            let is_done = self.set(&place, Some(&made));
            self.note(extra, if is_done { Resolution::Won } else { Resolution::Dropped });
        } else if newer && extra.policy == Policy::LastWritten && self.document.at_path(&place) == Some(&made)
        {
            self.carry_out(vec![Op::new(place, Action::Replace(made))]);
        }
        Ok(())
    }

    fn note(&mut self, extra: &Extra, resolution: Resolution) {
        let (op_index, met, policy) = (extra.op_index, extra.met, extra.policy.clone());
        self.notes.push(Note { op_index, met, policy, resolution });
    }

    fn combine(
        &mut self,
        extra: &Extra,
        place: &Path,
        seen: &Path,
        made: &Path,
    ) -> crate::error::Result<Result<Option<Resolution>, Refused>> {
        let (seen_state, made_state) = (self.views.seen()?, self.views.made()?);
        let three = Three {
            base: seen_state.at_path(seen),
            head: self.views.head().at_path(&extra.place),
            theirs: made_state.at_path(made),
        };
        let value = match self.combiner.combine(&extra.place, three) {
            Ok(value) => value,
            Err(refused) => return Ok(Err(refused)),
        };
        let resolution = match &value {
            value if value.as_ref() == three.theirs => Resolution::Won,
            value if value.as_ref() == three.head => Resolution::Dropped,
            _ => Resolution::Combined,
        };
        Ok(Ok(self.set(place, value.as_ref()).then_some(resolution)))
    }

    /// Makes a value what is at a place; whether that can be done.
    fn set(&mut self, place: &Path, value: Option<&Value>) -> bool {
        let ops = match (self.document.at_path(place), value) {
            (None, None) => Vec::new(),
            (Some(_), None) => vec![Op::new(place.clone(), Action::Remove)],
            (Some(old), Some(new)) => match diff(old, new) {
                Ok((patch, _)) => {
                    patch.into_iter().map(|op| Op::new(place.join(&op.path), op.action)).collect()
                }
                Err(_) => return false,
            },
            (None, Some(new)) => vec![Op::new(place.clone(), Action::Add(new.clone()))],
        };
        self.carry_out(ops)
    }

    fn carry_out(&mut self, ops: Vec<Op>) -> bool {
        match patch::apply(&self.document, &ops.iter().cloned().collect()) {
            Ok(applied) => {
                self.document = applied.state;
                self.done.extend(ops);
                true
            }
            Err(_) => false,
        }
    }

    /// Whether what was taken away is there, because it was put there again or because somebody else did.
    fn is_there(&self, place: &Path) -> bool {
        self.restored.contains_key(place.as_slice())
            || !matches!(place.last(), Some(Segment::Index(_))) && self.document.at_path(place).is_some()
    }

    /// What puts something where it was, and where it stood among others.
    fn back(&self, place: &Path, old: &Value, standing: Option<&Standing>) -> Vec<Op> {
        let item = Op::new(place.clone(), Action::Add(old.clone()));
        let order = standing.and_then(|standing| standing.again(&self.document, place));
        std::iter::once(item).chain(order).collect()
    }

    fn restore(&mut self, place: &Path, mut back: Vec<Op>, beneath: &[Segment], action: &Action) -> bool {
        back.push(Op::new(place.join(&beneath.iter().cloned().collect()), action.clone()));
        let done = self.carry_out(back);
        if done {
            self.restored.insert(place.as_slice().to_vec(), ());
        }
        done
    }
}
