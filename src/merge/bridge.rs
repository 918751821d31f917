//! [`Bridge`]: what leads from the state a writer sees to the newest one, change by change, as each reads after the writer's own.
//!
//! A writer sees the version it knows, and its own changes on top. Whenever it submits another one, that is led past all it has not
//! seen, and they past it: both sides of the same operation (Ellis and Gibbs 1989; Nichols et al., "High-latency, low-bandwidth
//! windowing in the Jupiter collaboration system", 1995). Always: versions ascend; what a writer has come to know is at the front,
//! and goes.

use crate::collections::{Map, Set};
use crate::op::Patch;
use crate::patch::{Led, Step, lead, steps, steps_behind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What leads from the state a writer sees to the newest one, as far as it matters. Cloned in O(1): each submission goes over one of its own,
/// whatever becomes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bridge {
    base: u64,
    items: Map<u64, Arc<Vec<Step>>>,
    /// Those of them that are the writer's own: what the rules made otherwise than it believes.
    corrections: Set<u64>,
}

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
        while self.corrections.first().is_some_and(|version| *version <= self.base) {
            self.corrections.pop_first();
        }
        self
    }

    /// The part of it up to a version.
    pub(crate) fn only_up_to(mut self, version: u64) -> Self {
        while self.items.last_key_value().is_some_and(|(last, _)| *last > version) {
            self.items.pop_last();
        }
        while self.corrections.last().is_some_and(|last| *last > version) {
            self.corrections.pop_last();
        }
        self
    }

    /// Adds a change that nothing of the writer's since then can have met.
    pub(crate) fn insert(&mut self, version: u64, patch: &Patch, behind: &[usize]) {
        if !self.items.contains_key(&version) {
            self.items.insert(version, Arc::new(steps_behind(patch, behind)));
        }
    }

    /// What it consists of as far as a change can meet it that can meet the changes of these versions, oldest first.
    pub(crate) fn items(&self, met: &BTreeSet<u64>) -> impl Iterator<Item = (u64, &[Step])> {
        let versions = self.with_corrections(met).into_iter();
        versions.filter_map(|version| Some((version, &***self.items.get(&version)?)))
    }

    fn with_corrections(&self, met: &BTreeSet<u64>) -> BTreeSet<u64> {
        met.iter().chain(self.corrections.iter()).copied().collect()
    }

    /// Leads a change of the writer over all of it that it can meet, and that past it. What it cannot meet stays as it is.
    pub(crate) fn pass(&mut self, patch: &Patch, met: &BTreeSet<u64>) -> Passed {
        if met.is_empty() && self.corrections.is_empty() {
            return Passed { patch: patch.clone(), behind: Vec::new(), is_contested: false };
        }
        let (mut passing, mut is_contested) = (steps(patch), false);
        for version in self.with_corrections(met) {
            let Some(item) = self.items.get_mut(&version) else { continue };
            let Led { earlier, later, contests } = lead(Arc::unwrap_or_clone(std::mem::take(item)), passing);
            (*item, passing) = (Arc::new(earlier), later);
            is_contested |= !contests.is_empty();
        }
        let marked = passing.iter().enumerate().filter(|(_, step)| step.behind);
        let behind = marked.map(|(at, _)| at).collect();
        Passed { patch: passing.into_iter().map(|step| step.op).collect(), behind, is_contested }
    }

    /// Behind a change of the writer that the rules made something else of: what leads from the one to the other.
    pub(crate) fn correct(&mut self, version: u64, correction: &Patch) {
        if !correction.is_empty() {
            self.items.insert(version, Arc::new(steps(correction)));
            self.corrections.insert(version);
        }
    }
}
