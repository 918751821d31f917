//! What became of a submission as JSON: written by who merges, read by who submitted.
//!
//! Leaves what it means to `merge`. Always: what was written comes back; anything else is nothing.

use crate::merge::{Note, Outcome, Refusal, Resolution};
use crate::store::Receipt;
use serde::{Deserialize, Serialize};

/// A [`Receipt`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ToldReceipt {
    version: u64,
    #[serde(flatten)]
    pub(super) fate: ToldFate,
    is_new: bool,
}

/// What became of it, and where it met other changes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ToldFate {
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    notes: Vec<ToldNote>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ToldNote {
    op_index: usize,
    met: u64,
    policy: String,
    resolution: String,
}

impl ToldReceipt {
    pub(super) fn of(receipt: &Receipt) -> Self {
        let fate = ToldFate::of(&receipt.outcome, &receipt.notes);
        ToldReceipt { version: receipt.version, fate, is_new: receipt.is_new }
    }

    /// Nothing if it says what only a newer redraft knows.
    pub(super) fn receipt(self) -> Option<Receipt> {
        let outcome = self.fate.outcome()?;
        let notes = self.fate.notes.iter().map(ToldNote::note).collect::<Option<_>>()?;
        Some(Receipt { version: self.version, outcome, notes, is_new: self.is_new })
    }
}

impl ToldFate {
    pub(super) fn of(outcome: &Outcome, notes: &[Note]) -> Self {
        let (why, detail) = match outcome {
            Outcome::Rejected { why, detail } => (Some(why.to_string()), Some(detail.clone())),
            _ => (None, None),
        };
        let notes = notes.iter().map(ToldNote::of).collect();
        ToldFate { outcome: outcome.name().to_owned(), why, detail, notes }
    }

    fn outcome(&self) -> Option<Outcome> {
        Some(match (self.outcome.as_str(), &self.why) {
            ("clean", None) => Outcome::Clean,
            ("rebased", None) => Outcome::Rebased,
            ("partial", None) => Outcome::Partial,
            ("rejected", Some(why)) => {
                let detail = self.detail.clone().unwrap_or_default();
                Outcome::Rejected { why: Refusal::named(why)?, detail }
            }
            _ => return None,
        })
    }
}

impl ToldNote {
    fn of(note: &Note) -> Self {
        let (policy, resolution) = (note.policy.to_string(), note.resolution.to_string());
        ToldNote { op_index: note.op_index, met: note.met, policy, resolution }
    }

    fn note(&self) -> Option<Note> {
        let (policy, resolution) = (self.policy.parse().ok()?, Resolution::named(&self.resolution)?);
        Some(Note { op_index: self.op_index, met: self.met, policy, resolution })
    }
}
