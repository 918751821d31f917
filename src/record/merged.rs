//! [`Merged`]: what a change has to tell of itself that was made elsewhere, on an older version, and brought over what came since.
//!
//! Kept for people who look into the history, and for whoever goes on merging; replaying needs none of it. Always: what was
//! submitted is the original, or the patch itself if there is no original.

use super::Stamp;
use super::wire::{DecodeError, Sink, Source};
use crate::op::Patch;
use crate::rules::Policy;
use crate::rules::policy::CUSTOM;
use std::fmt;

/// What became of a change that was made on an older version than the one it was applied to, or by a writer elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// When it was made, by the writer's clock. One that is too far ahead was set back.
    pub written: Stamp,
    /// What became of it.
    pub outcome: Outcome,
    /// Every place where it met another change, and what was done there.
    pub notes: Vec<Note>,
    /// What was submitted, where that is not what took effect and was not given up.
    pub original: Option<Patch>,
    /// Which operations of what took effect insert behind something that had been taken away, so that others are told apart from
    /// those that come in the same place.
    pub(crate) behind: Vec<usize>,
    /// Whether its writer did not show it when it was submitted: what it made afterwards does not stand on that.
    pub(crate) is_unseen: bool,
}

/// What became of a submitted change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It met nothing: it took effect as it was submitted.
    Clean,
    /// It met other changes, and all of it took effect: at other positions perhaps, or over what others had written.
    Rebased,
    /// Some of it took effect otherwise than it was submitted, or not at all; the notes say what and why.
    Partial,
    /// None of it took effect.
    Rejected {
        /// Why.
        why: Refusal,
        /// The same for people: which place, which guard, what was found.
        detail: String,
    },
}

/// Why a submission was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It met another change where the policy is to refuse; or all of it was to take effect or none.
    Conflict,
    /// A guard did not hold.
    Guard,
    /// It does not fit the state.
    Inapplicable,
    /// Its recipe has to be run again, and only its writer can do that.
    Rerun,
    /// Its recipe, or a function that decides, refused, failed, panicked or is not known here.
    Function,
}

/// Where a submitted change met another one, and what was done there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The operation of what was submitted, counted from 0.
    pub op_index: usize,
    /// The version whose change it met; 0 if it was the state itself that it did not fit.
    pub met: u64,
    /// The policy that decided.
    pub policy: Policy,
    /// What was decided.
    pub resolution: Resolution,
}

/// What was done where two changes met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resolution {
    /// The submitted operation took effect over what was there.
    Won,
    /// The submitted operation was dropped.
    Dropped,
    /// Something else than either took effect, made of both.
    Combined,
    /// What had been taken away was put there again.
    Restored,
    /// It took effect, and what it would have covered was done again on top of it.
    Layered,
}

/// Room is made for so many notes at once; whatever says that there are more has to have them.
const NOTES: usize = 64;

const RESOLUTIONS: [(Resolution, u8, &str); 5] = [
    (Resolution::Won, 0, "won"),
    (Resolution::Dropped, 1, "dropped"),
    (Resolution::Combined, 2, "combined"),
    (Resolution::Restored, 3, "restored"),
    (Resolution::Layered, 4, "layered"),
];

const REFUSALS: [(Refusal, u8, &str); 5] = [
    (Refusal::Conflict, 0, "conflict"),
    (Refusal::Guard, 1, "guard"),
    (Refusal::Inapplicable, 2, "inapplicable"),
    (Refusal::Rerun, 3, "rerun"),
    (Refusal::Function, 4, "function"),
];

mod outcome {
    pub(super) const CLEAN: u8 = 0;
    pub(super) const REBASED: u8 = 1;
    pub(super) const PARTIAL: u8 = 2;
    pub(super) const REJECTED: u8 = 3;
    /// Added to what was rejected: its writer did not show it.
    pub(super) const UNSEEN: u8 = 32;
    /// Added to any of them: something is inserted behind what is gone.
    pub(super) const BEHIND: u8 = 64;
    /// Added to any of them: the original is there.
    pub(super) const ORIGINAL: u8 = 128;
}

impl Outcome {
    /// One word: `clean`, `rebased`, `partial` or `rejected`.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Rebased => "rebased",
            Outcome::Partial => "partial",
            Outcome::Rejected { .. } => "rejected",
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Outcome::Clean => outcome::CLEAN,
            Outcome::Rebased => outcome::REBASED,
            Outcome::Partial => outcome::PARTIAL,
            Outcome::Rejected { .. } => outcome::REJECTED,
        }
    }
}

impl Refusal {
    /// The one that displays as this.
    #[cfg(feature = "http")]
    pub(crate) fn named(text: &str) -> Option<Self> {
        REFUSALS.iter().find(|(.., name)| *name == text).map(|(known, ..)| *known)
    }
}

impl Resolution {
    /// The one that displays as this.
    #[cfg(feature = "http")]
    pub(crate) fn named(text: &str) -> Option<Self> {
        RESOLUTIONS.iter().find(|(.., name)| *name == text).map(|(known, ..)| *known)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Rejected { why, detail } if detail.is_empty() => write!(f, "rejected ({why})"),
            Outcome::Rejected { why, detail } => write!(f, "rejected ({why}: {detail})"),
            other => f.write_str(other.name()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REFUSALS.iter().find(|(known, ..)| known == self).map_or("", |(_, _, name)| name))
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RESOLUTIONS.iter().find(|(known, ..)| known == self).map_or("", |(_, _, name)| name))
    }
}

impl Merged {
    /// The same without what was submitted, where that is kept beside what took effect, and without what a refusal tells of it.
    pub(crate) fn without_original(mut self) -> Self {
        self.original = None;
        if let Outcome::Rejected { detail, .. } = &mut self.outcome {
            detail.clear();
        }
        self
    }

    /// What it met is told by how far back that was made, from the version of the change itself.
    pub(super) fn put(&self, version: u64, sink: &mut Sink<'_, '_>) {
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        let with = bit(self.original.is_some(), outcome::ORIGINAL)
            | bit(!self.behind.is_empty(), outcome::BEHIND)
            | bit(self.is_unseen, outcome::UNSEEN);
        sink.byte(self.outcome.tag() | with);
        sink.fixed(self.written.0);
        if let Outcome::Rejected { why, detail } = &self.outcome {
            sink.byte(REFUSALS.iter().find(|(known, ..)| known == why).map_or(0, |(_, tag, _)| *tag));
            sink.text(detail);
        }
        sink.uint(self.notes.len() as u64);
        self.notes.iter().for_each(|note| note.put(version, sink));
        if !self.behind.is_empty() {
            sink.uint(self.behind.len() as u64);
            self.behind.iter().for_each(|at| sink.uint(*at as u64));
        }
        if let Some(original) = &self.original {
            sink.bytes(&original.to_bytes());
        }
    }

    pub(super) fn take(version: u64, source: &mut Source<'_>) -> Result<Self, DecodeError> {
        let tag = source.byte()?;
        let written = Stamp(source.fixed()?);
        let (tag, is_unseen) = (tag & !outcome::UNSEEN, tag & outcome::UNSEEN != 0);
        let outcome = match tag & !(outcome::ORIGINAL | outcome::BEHIND) {
            outcome::CLEAN => Outcome::Clean,
            outcome::REBASED => Outcome::Rebased,
            outcome::PARTIAL => Outcome::Partial,
            outcome::REJECTED => take_rejection(source)?,
            _ => return Err(source.flaw("an unknown outcome")),
        };
        if is_unseen && !matches!(outcome, Outcome::Rejected { .. }) {
            return Err(source.flaw("something that took effect and that its writer does not show"));
        }
        let count = source.count()?;
        let mut notes = Vec::with_capacity(count.min(NOTES));
        for _ in 0..count {
            notes.push(Note::take(version, source)?);
        }
        let behind = if tag & outcome::BEHIND == 0 { Vec::new() } else { take_behind(source)? };
        let has_original = tag & outcome::ORIGINAL != 0;
        let original = has_original.then(|| Patch::from_bytes(source.bytes()?)).transpose()?;
        Ok(Merged { written, outcome, notes, original, behind, is_unseen })
    }
}

fn take_behind(source: &mut Source<'_>) -> Result<Vec<usize>, DecodeError> {
    let mut behind: Vec<usize> = Vec::new();
    for _ in 0..source.count()? {
        let at = usize::try_from(source.uint()?).map_err(|_| source.flaw("an index beyond all patches"))?;
        if behind.last().is_some_and(|last| *last >= at) {
            return Err(source.flaw("indexes are not in order"));
        }
        behind.push(at);
    }
    if behind.is_empty() { Err(source.flaw("a list that need not be written")) } else { Ok(behind) }
}

fn take_rejection(source: &mut Source<'_>) -> Result<Outcome, DecodeError> {
    let tag = source.byte()?;
    let known = REFUSALS.iter().find(|(_, known, _)| *known == tag);
    let Some((why, ..)) = known else { return Err(source.flaw("an unknown reason")) };
    Ok(Outcome::Rejected { why: *why, detail: source.text()?.to_owned() })
}

impl Note {
    fn put(&self, version: u64, sink: &mut Sink<'_, '_>) {
        sink.uint(self.op_index as u64);
        sink.uint(version - self.met.min(version));
        put_policy(&self.policy, sink);
        sink.byte(
            RESOLUTIONS.iter().find(|(known, ..)| *known == self.resolution).map_or(0, |(_, tag, _)| *tag),
        );
    }

    fn take(version: u64, source: &mut Source<'_>) -> Result<Self, DecodeError> {
        let op_index =
            usize::try_from(source.uint()?).map_err(|_| source.flaw("an index beyond all patches"))?;
        let met = version
            .checked_sub(source.uint()?)
            .ok_or_else(|| source.flaw("a version before the first one"))?;
        let policy = take_policy(source)?;
        let tag = source.byte()?;
        let known = RESOLUTIONS.iter().find(|(_, known, _)| *known == tag);
        let Some((resolution, ..)) = known else { return Err(source.flaw("an unknown resolution")) };
        Ok(Note { op_index, met, policy, resolution: *resolution })
    }
}

pub(super) fn put_policy(policy: &Policy, sink: &mut Sink<'_, '_>) {
    sink.byte(policy.tag());
    if let Policy::Custom { name, version } = policy {
        sink.text(name);
        sink.uint((*version).into());
    }
}

pub(super) fn take_policy(source: &mut Source<'_>) -> Result<Policy, DecodeError> {
    let tag = source.byte()?;
    if tag != CUSTOM {
        return Policy::of_tag(tag).ok_or_else(|| source.flaw("an unknown policy"));
    }
    let name = source.text()?.to_owned();
    let version = u32::try_from(source.uint()?).map_err(|_| source.flaw("a version beyond 32 bits"))?;
    Ok(Policy::Custom { name, version })
}
