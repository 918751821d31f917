//! [`Intake`]: where a node takes in what others made, who reach the order by way of it.
//!
//! Submissions that are handed in while others are on their way go together, whoever handed them in. Leaves placing them to `ordering`.
//! Always: those that were handed in together are brought in order, up to the first that fails, and one that fails holds up nobody else.

use super::ignore_poison;
use super::node::Node;
use super::sequencer::Sequencer;
use crate::error::{Error, Result};
use crate::merge::Submission;
use crate::state::State;
use crate::store::Receipt;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{io, slice};

/// What became of submissions, up to the first that failed.
type Answer = (Vec<Receipt>, Option<Error>);

/// Those that wait to be brought into the order.
#[derive(Debug, Default)]
pub(super) struct Intake {
    line: Mutex<InLine>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct InLine {
    waiting: Vec<Arc<Handed>>,
    /// Whether somebody is on the way with what waited before.
    is_away: bool,
}

/// What somebody handed in and waits for.
#[derive(Debug)]
struct Handed {
    submissions: Vec<Submission>,
    answer: Mutex<Option<Answer>>,
}

impl Handed {
    fn of(submissions: Vec<Submission>) -> Handed {
        Handed { submissions, answer: Mutex::default() }
    }
}

impl Intake {
    /// Hands in submissions, and returns what became of them. Whoever comes first brings those of all; `place` does that with the first of
    /// those that it is given.
    fn hand_in(
        &self,
        submissions: &[Submission],
        place: impl Fn(&[Submission]) -> Result<Vec<Receipt>>,
    ) -> Answer {
        let handed = Arc::new(Handed::of(submissions.to_vec()));
        ignore_poison(&self.line).waiting.push(Arc::clone(&handed));
        loop {
            if let Some(round) = self.round(&handed) {
                round.bring(&place);
            }
            if let Some(answer) = ignore_poison(&handed.answer).take() {
                return answer;
            }
        }
    }

    /// Waits until somebody is told what became of what they handed in, or it is theirs to bring all that waits.
    fn round(&self, handed: &Handed) -> Option<Round<'_>> {
        let is_told = || ignore_poison(&handed.answer).is_some();
        let line = ignore_poison(&self.line);
        let line = self.told.wait_while(line, |line| line.is_away && !is_told());
        let mut line = line.unwrap_or_else(PoisonError::into_inner);
        if is_told() {
            return None;
        }
        line.is_away = true;
        Some(Round { intake: self, handed: std::mem::take(&mut line.waiting), told: 0 })
    }

    /// Has everybody look whether there is an answer. They do so in line: whoever looked too early is waiting by the time that this has it.
    fn wake(&self) {
        drop(ignore_poison(&self.line));
        self.told.notify_all();
    }
}

/// Those that are on their way together. When that ends, however it does, everybody was told, and somebody else may go.
struct Round<'i> {
    intake: &'i Intake,
    handed: Vec<Arc<Handed>>,
    /// To so many it was told what became of theirs.
    told: usize,
}

impl Round<'_> {
    /// Tells everybody what became of theirs, before others are brought.
    fn bring(mut self, place: &impl Fn(&[Submission]) -> Result<Vec<Receipt>>) {
        let all: Vec<Submission> =
            self.handed.iter().flat_map(|handed| handed.submissions.iter().cloned()).collect();
        let (mut begin, mut placed, mut in_vain) = (0, VecDeque::new(), None);
        let intake = self.intake;
        let place = |some: &[Submission]| {
            intake.wake();
            place(some)
        };
        while let Some(next) = self.handed.get(self.told) {
            let end = begin + next.submissions.len();
            let answer = match in_vain.as_ref().and_then(same_for_all) {
                Some(error) => (Vec::new(), Some(error)),
                None => one_by_one(&all, begin..end, &mut placed, &place),
            };
            in_vain = in_vain.or(answer.1.as_ref().and_then(same_for_all));
            self.tell(answer);
            begin = end;
        }
    }

    /// Has an answer for the next one, who wakes for it later.
    fn tell(&mut self, answer: Answer) {
        if let Some(next) = self.handed.get(self.told) {
            *ignore_poison(&next.answer) = Some(answer);
        }
        self.told += 1;
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        // A type of a user panicked: some of theirs may have been recorded.
        while self.told < self.handed.len() {
            let source = io::ErrorKind::Interrupted.into();
            let (from, operation) = ("the order".into(), "hear what became of a change");
            self.tell((Vec::new(), Some(Error::Unreachable { from, operation, source })));
        }
        ignore_poison(&self.intake.line).is_away = false;
        self.intake.wake();
    }
}

/// What becomes of some of the submissions, up to the first that fails; others behind them may be placed as well.
fn one_by_one(
    all: &[Submission],
    some: Range<usize>,
    placed: &mut VecDeque<Receipt>,
    place: &impl Fn(&[Submission]) -> Result<Vec<Receipt>>,
) -> Answer {
    let mut receipts = Vec::with_capacity(some.len());
    for at in some {
        if placed.is_empty() {
            match place(&all[at..]) {
                Ok(more) => placed.extend(more),
                Err(error) => return (receipts, Some(error)),
            }
        }
        receipts.extend(placed.pop_front());
    }
    (receipts, None)
}

/// An error that everybody else would get as well, after having waited as long for it.
fn same_for_all(error: &Error) -> Option<Error> {
    Some(match error {
        Error::Unreachable { from, operation, source } => {
            Error::Unreachable { from: from.clone(), operation, source: source.kind().into() }
        }
        Error::Overtaken { from, offset } => Error::Overtaken { from: from.clone(), offset: *offset },
        _ => return None,
    })
}

/// What a node merges comes from others: programs that reach the order by way of it, and have no copy of their own.
impl<S: State + Default> Sequencer for Node<S> {
    fn submit(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        self.merge_all(submissions)
    }
}

impl<S: State + Default> Node<S> {
    /// Takes in a change that was made elsewhere, on a version that its writer knew: [`Store::merge`](crate::Store::merge), in the order. So a
    /// node lets others write who have no copy of their own, as `http` does. Blocks until the change has its place and shows here.
    ///
    /// Submissions that come at the same time share the way to the order. Waits until the order has answered, or is found to be out of reach,
    /// which is for the order to say; [`patience`](Node::patience) is about this node's own changes.
    ///
    /// # Errors
    /// As `Store::merge`; [`Error::WriterClash`] also for one by this node's own writer; [`Error::Unreachable`]: then it may be recorded, or
    /// not, and one [by](Submission::by) a writer can be submitted again. [`Error::Reentrant`] from inside of a recipe that is run again.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// use redraft::merge::Submission;
    /// use redraft::replica::{LocalOrder, Node};
    /// use redraft::{Value, draft, value};
    /// use std::sync::Arc;
    ///
    /// let order = Arc::new(LocalOrder::open(dir.path().join("order"))?);
    /// let node = Node::<Value>::open(order, dir.path().join("node"))?;
    /// node.produce(|doc| *doc = value!({ "list": ["b"] }))?;
    /// // Somebody elsewhere saw that, and puts something in front.
    /// let base = node.store().version();
    /// let theirs = draft(&*node.state()?, |doc| doc["list"].as_list_mut().unwrap().insert(0, "a"))?;
    /// let receipt = node.merge(&Submission::new(base, theirs.patch).by("4d2".parse()?, 1))?;
    /// assert_eq!((receipt.version, &node.state()?["list"]), (2, &value!(["a", "b"])));
    /// # node.close()?;
    /// # Ok(()) }
    /// ```
    pub fn merge(&self, submission: &Submission) -> Result<Receipt> {
        let receipts = self.merge_all(slice::from_ref(submission))?;
        receipts.into_iter().next().ok_or_else(|| self.desk.unheard())
    }

    /// [`merge`](Node::merge) of many, in order. Those behind one that fails are not looked at; those before it are recorded.
    ///
    /// # Errors
    /// As `merge`, of the first that fails.
    pub fn merge_all(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        let (receipts, failed) = self.merge_up_to_one_that_fails(submissions)?;
        failed.map_or(Ok(receipts), Err)
    }

    /// [`merge_all`](Node::merge_all) for who wants to hear of those before one that fails, too.
    pub(crate) fn merge_up_to_one_that_fails(&self, submissions: &[Submission]) -> Result<Answer> {
        self.desk.must_work()?;
        self.store().must_not_run()?;
        Ok(self.desk.intake.hand_in(submissions, |waiting| self.place_theirs(waiting)))
    }

    /// Places the first of those that others handed in, up to one that is nobody's but this node's.
    fn place_theirs(&self, submissions: &[Submission]) -> Result<Vec<Receipt>> {
        submissions.first().map_or(Ok(()), |first| self.must_be_anothers(first))?;
        let is_theirs = |submission: &&Submission| self.must_be_anothers(submission).is_ok();
        let theirs = submissions.iter().take_while(is_theirs).count();
        self.desk.ordering.place_some(&submissions[..theirs])
    }

    /// What this node's own writer makes waits here, and has numbers of its own.
    pub(super) fn must_be_anothers(&self, submission: &Submission) -> Result<()> {
        match submission.by {
            Some((writer, sequence)) if writer == self.writer().id() => {
                Err(Error::WriterClash { writer, sequence, version: None })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests fail by panicking")]

    use super::*;
    use crate::merge::Outcome;
    use proptest::prelude::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// One that is known by its base.
    fn submission(number: u64) -> Submission {
        Submission::new(number, crate::patch::Patch::new())
    }

    fn receipt(submission: &Submission) -> Receipt {
        Receipt { version: submission.base, outcome: Outcome::Clean, notes: Vec::new(), is_new: true }
    }

    proptest! {
        /// Whatever is taken at a time, and whichever fail: everybody hears of their own, up to the first of them that failed.
        #[test]
        fn everybody_hears_of_their_own(lengths in prop::collection::vec(0_usize..6, 1..8), fail in any::<u64>(), take in 1_usize..5) {
            let mut number = 0;
            let batches: Vec<Arc<Handed>> = lengths.iter().map(|length| {
                let submissions = (0..*length).map(|_| { number += 1; submission(number) }).collect();
                Arc::new(Handed::of(submissions))
            }).collect();
            let fails = |submission: &Submission| fail >> (submission.base % 64) & 1 == 1;
            let intake = Intake::default();
            let round = Round { intake: &intake, handed: batches.clone(), told: 0 };
            round.bring(&|waiting: &[Submission]| {
                if waiting.first().is_some_and(fails) {
                    return Err(Error::BeyondHead { version: waiting[0].base, head: 0 });
                }
                Ok(waiting.iter().take_while(|one| !fails(one)).take(take).map(receipt).collect())
            });
            for batch in &batches {
                let (receipts, failed) = ignore_poison(&batch.answer).take().unwrap_or_default();
                let good: Vec<u64> = batch.submissions.iter().take_while(|one| !fails(one)).map(|one| one.base).collect();
                prop_assert_eq!(receipts.iter().map(|receipt| receipt.version).collect::<Vec<_>>(), &good[..]);
                let first_bad = batch.submissions.get(good.len()).map(|one| one.base);
                let told = failed.map(|error| if let Error::BeyondHead { version, .. } = error { version } else { 0 });
                prop_assert_eq!(told, first_bad);
            }
        }
    }

    #[test]
    fn who_does_not_come_back_leaves_nobody_waiting() {
        let intake = Intake::default();
        let is_away = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let lost = catch_unwind(AssertUnwindSafe(|| {
                    intake.hand_in(&[submission(1)], |_| {
                        is_away.store(true, Ordering::SeqCst);
                        while ignore_poison(&intake.line).waiting.is_empty() {
                            std::thread::yield_now();
                        }
                        panic!("as a type of a user may")
                    })
                }));
                assert!(lost.is_err());
            });
            while !is_away.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let place = |waiting: &[Submission]| Ok(waiting.iter().map(receipt).collect());
            let (receipts, failed) = intake.hand_in(&[submission(2)], place);
            assert_eq!((receipts.len(), receipts[0].version), (1, 2));
            assert!(failed.is_none());
        });
    }

    /// What may have been recorded in part is not brought again on behalf of who waits.
    #[test]
    fn who_went_along_with_one_who_did_not_come_back_is_told_so() {
        let handed: Vec<_> = [1, 2, 3].map(|number| Arc::new(Handed::of(vec![submission(number)]))).into();
        let intake = Intake::default();
        let round = Round { intake: &intake, handed: handed.clone(), told: 0 };
        let lost = catch_unwind(AssertUnwindSafe(|| {
            round.bring(&|waiting: &[Submission]| match waiting[0].base {
                1 => Ok(vec![receipt(&waiting[0])]),
                _ => panic!("as a type of a user may"),
            });
        }));
        assert!(lost.is_err());
        let answers: Vec<Answer> =
            handed.iter().map(|handed| ignore_poison(&handed.answer).take().unwrap_or_default()).collect();
        assert_eq!(answers.iter().map(|(receipts, _)| receipts.len()).collect::<Vec<_>>(), [1, 0, 0]);
        let kinds = answers.iter().map(|(_, failed)| failed.as_ref().map(Error::kind));
        let away = Some(crate::ErrorKind::Unreachable);
        assert_eq!(kinds.collect::<Vec<_>>(), [None, away, away]);
    }
}
