//! [`Bridge`]: what leads from the state a writer sees to the newest one, change by change, as each reads after the writer's own.
//!
//! A writer sees the version it knows, and its own changes on top. Whenever it submits another one, that is led past all it has not
//! seen, and they past it: both sides of the same operation (Ellis and Gibbs 1989; Nichols et al., "High-latency, low-bandwidth
//! windowing in the Jupiter collaboration system", 1995). Always: versions ascend; what a writer has come to know is at the front,
//! and goes.

use super::corrections::Corrections;
use super::places::each_once;
use super::versions::Versions;
use super::window::Entry;
use crate::collections::Map;
use crate::op::{Op, Patch};
use crate::patch::{Step, lead, steps, steps_behind};
use std::sync::Arc;

/// What leads from the state a writer sees to the newest one, as far as it matters. Cloned in O(1): each submission goes over one of its own,
/// whatever becomes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bridge {
    base: u64,
    /// What is left of those that something was led over.
    items: Map<u64, Arc<Vec<Step>>>,
    /// Those of which nothing is left: they must not come in anew.
    spent: Versions,
    /// Those of them that are the writer's own: what the rules made otherwise than it believes.
    corrections: Corrections,
}

/// Changes that another one has to be led over, oldest first, by the versions that they made.
pub(crate) type Ahead = Vec<(u64, Arc<Vec<Step>>)>;

/// A patch that was led over a bridge.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) patch: Patch,
    /// Which of its operations insert behind something that is gone.
    pub(crate) behind: Vec<usize>,
    /// Whether it met something that stood in its way, or the other way round.
    pub(crate) is_contested: bool,
}

impl Bridge {
    pub(crate) fn after(base: u64) -> Self {
        Bridge { base, ..Bridge::default() }
    }

    /// The version that the writer knows.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The same once the writer knows a version. What it knew before it goes on knowing, whatever base its next change names.
    pub(crate) fn moved_to(mut self, base: u64) -> Self {
        self.base = self.base.max(base);
        while self.items.first_key_value().is_some_and(|(version, _)| *version <= self.base) {
            self.items.pop_first();
        }
        self.spent.forget_up_to(self.base);
        while let Some(version) = self.corrections.first().filter(|version| *version <= self.base) {
            self.corrections.forget(version);
        }
        self
    }

    /// What a change has to be led over: what is left of those that it can meet, oldest first. What is not part of the bridge yet nothing
    /// of the writer's since then can have met.
    pub(super) fn ahead<'e>(
        &self,
        patch: &[Op],
        met: &[u64],
        entry: impl Fn(u64) -> Option<&'e Entry>,
    ) -> Ahead {
        let mut versions = met.to_vec();
        self.corrections.meeting(patch, &mut versions);
        each_once(&mut versions);
        let item = |version| match self.items.get(&version) {
            _ if self.spent.contains(version) => None,
            Some(left) => Some(Arc::clone(left)),
            None => entry(version).map(|entry| Arc::new(steps_behind(&entry.patch, &entry.behind))),
        };
        let left = |version| Some((version, item(version).filter(|item| !item.is_empty())?));
        let mut ahead = Vec::with_capacity(versions.len());
        ahead.extend(versions.into_iter().filter_map(left));
        ahead
    }

    /// Leads a change of the writer over what is [`ahead`](Self::ahead) of it, and that past it. What it cannot meet stays as it is.
    pub(crate) fn pass(&mut self, patch: &Patch, ahead: &[(u64, Arc<Vec<Step>>)]) -> Passed {
        if ahead.is_empty() {
            return Passed { patch: patch.clone(), behind: Vec::new(), is_contested: false };
        }
        let (mut passing, mut is_contested) = (steps(patch), false);
        for (version, item) in ahead {
            let led = lead(item, passing);
            is_contested |= !led.contests.is_empty();
            self.leave(*version, led.earlier);
            passing = led.later;
        }
        let marked = passing.iter().enumerate().filter(|(_, step)| step.behind);
        let behind = marked.map(|(at, _)| at).collect();
        Passed { patch: passing.into_iter().map(|step| step.op).collect(), behind, is_contested }
    }

    fn leave(&mut self, version: u64, item: Vec<Step>) {
        if !item.is_empty() {
            self.items.insert(version, Arc::new(item));
            return;
        }
        self.items.remove(&version);
        self.corrections.forget(version);
        self.spent.insert(version);
    }

    /// Behind a change of the writer that the rules made something else of: what leads from the one to the other.
    pub(crate) fn correct(&mut self, version: u64, correction: &Patch) {
        if !correction.is_empty() {
            self.items.insert(version, Arc::new(steps(correction)));
            self.corrections.note(version, correction);
        }
    }
}
