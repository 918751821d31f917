//! Merging by way of a [`Remote`]: what `merge` answers, asked for.
//!
//! Leaves asking to `remote`. Always: an error of the other side's that a writer can do something about is the same error here;
//! any other one is as if it could not be reached, for then what waits has to go on waiting.

use super::merge::{SUBMISSIONS, framed};
use super::receipt::ToldReceipt;
use super::remote::Remote;
use crate::error::{Error, Result};
use crate::merge::Submission;
use crate::replica::Sequencer;
use crate::store::Receipt;
use serde::Deserialize;
use serde_json::Value as Json;

/// So much is sent at once: what any server takes, unless it was told to take less.
const PIECE_BYTES: usize = 256 << 10;
/// So much of an answer is read: submissions may have met very many changes.
const RECEIPTS_BYTES_MAX: usize = 64 << 20;

#[derive(Deserialize)]
struct Merged {
    receipts: Vec<ToldReceipt>,
    failed: Option<Json>,
}

impl Sequencer for Remote {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        let framed: Vec<Vec<u8>> = submissions.iter().map(framed).collect();
        let (mut receipts, mut rest) = (Vec::with_capacity(framed.len()), &framed[..]);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(as_many_as_fit(rest));
            let index = receipts.len();
            receipts.extend(self.submit_piece(piece).map_err(|error| of_the_call(error, index))?);
            rest = behind;
        }
        Ok(receipts)
    }
}

impl Remote {
    /// Sends them, and in halves where that is too much for who takes them.
    fn submit_piece(&self, framed: &[Vec<u8>]) -> Result<Vec<Receipt>> {
        match self.submit_body(framed) {
            Err(Error::TooLarge { .. }) if framed.len() > 1 => {
                let (first, second) = framed.split_at(framed.len() / 2);
                let mut receipts = self.submit_piece(first)?;
                let behind = self.submit_piece(second).map_err(|error| of_the_call(error, first.len()))?;
                receipts.extend(behind);
                Ok(receipts)
            }
            answer => answer,
        }
    }

    fn submit_body(&self, framed: &[Vec<u8>]) -> Result<Vec<Receipt>> {
        let told = self.post("submissions", SUBMISSIONS, framed.concat(), RECEIPTS_BYTES_MAX)?;
        let Merged { receipts, failed } =
            serde_json::from_value(told).map_err(|_| self.strange("receipts"))?;
        if let Some(problem) = failed {
            return Err(same_error(&problem).unwrap_or_else(|| self.told_no(&problem)));
        }
        let receipts: Option<Vec<Receipt>> = receipts.into_iter().map(ToldReceipt::receipt).collect();
        let complete = receipts.filter(|receipts| receipts.len() == framed.len());
        complete.ok_or_else(|| self.strange("receipt for each change"))
    }
}

/// How many of them go in one piece, at least one.
fn as_many_as_fit(framed: &[Vec<u8>]) -> usize {
    let sums = framed.iter().scan(0, |sum, one| {
        *sum += one.len();
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= PIECE_BYTES).count().max(1)
}

/// The same for who gave more than this piece.
fn of_the_call(error: Error, before: usize) -> Error {
    match error {
        Error::TooLarge { index, bytes, limit } => Error::TooLarge { index: before + index, bytes, limit },
        other => other,
    }
}

/// The error that a problem was made of, if it is one that a writer can do something about.
pub(super) fn same_error(problem: &Json) -> Option<Error> {
    let number = |name: &str| problem.get(name).and_then(Json::as_u64);
    let writer = || problem.get("writer").and_then(Json::as_str)?.parse().ok();
    Some(match problem.get("kind").and_then(Json::as_str)? {
        "stale" => Error::TooOld { base: number("base")?, oldest: number("oldest")? },
        "refused" if problem.get("writer").is_some() => {
            Error::SequenceGap { writer: writer()?, expected: number("expected")?, found: number("found")? }
        }
        "misuse" => Error::WriterClash {
            writer: writer()?,
            sequence: number("sequence")?,
            version: number("version"),
        },
        "not-found" => Error::BeyondHead { version: number("version")?, head: number("head")? },
        "refused" => {
            let index = number("index").and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            Error::TooLarge { index, bytes: number("bytes")?, limit: number("limit")? }
        }
        _ => return None,
    })
}
