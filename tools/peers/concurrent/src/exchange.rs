//! Who tells whom when: what has to happen so that each transaction is made by somebody who has seen what its writer had.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::trace::{Trace, Transaction};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'t> {
    Write {
        who: usize,
        transaction: &'t Transaction,
    },
    /// Somebody tells what they wrote since they last did.
    Send {
        from: usize,
    },
    /// Somebody takes in what they were told first, of what they have not taken in yet.
    Receive {
        to: usize,
    },
}

/// How many transactions of each had been seen.
type Seen = [usize; 2];

pub(crate) fn steps(trace: &Trace) -> Result<Vec<Step<'_>>> {
    let seen = seen(trace)?;
    // How much each has to have written when they tell it.
    let mut told = [BTreeSet::new(), BTreeSet::new()];
    for (transaction, seen) in trace.txns.iter().zip(&seen) {
        let other = 1 - transaction.agent;
        told[other].insert(seen[other]);
    }
    let (mut steps, mut known, mut written) = (Vec::new(), [0, 0], [0, 0]);
    for (transaction, seen) in trace.txns.iter().zip(&seen) {
        let (who, other) = (transaction.agent, 1 - transaction.agent);
        if known[who] < seen[other] {
            steps.push(Step::Receive { to: who });
            known[who] = seen[other];
        }
        steps.push(Step::Write { who, transaction });
        written[who] += 1;
        if told[who].contains(&written[who]) {
            steps.push(Step::Send { from: who });
        }
    }
    // In the end both know all.
    for (from, to) in [(0, 1), (1, 0)].into_iter().filter(|(from, to)| known[*to] < written[*from]) {
        steps.extend([Step::Send { from }, Step::Receive { to }]);
    }
    Ok(steps)
}

/// What the writer of each transaction had seen when it was made, itself included.
fn seen(trace: &Trace) -> Result<Vec<Seen>> {
    let (mut seen, mut written): (Vec<Seen>, Seen) = (Vec::new(), [0, 0]);
    for (number, Transaction { parents, agent, .. }) in trace.txns.iter().enumerate() {
        let mut union = [0, 0];
        for parent in parents {
            let [first, second] = seen.get(*parent).context("a transaction comes before its parent")?;
            union = [union[0].max(*first), union[1].max(*second)];
        }
        ensure!(union[*agent] == written[*agent], "the writer of {number} had not seen what they wrote");
        written[*agent] += 1;
        union[*agent] = written[*agent];
        seen.push(union);
    }
    Ok(seen)
}
