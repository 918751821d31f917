//! [`Places`]: what a type says about its parts, collected from the outside in.
//!
//! Always: a type that holds itself is entered once on each way, so that collecting ends.

use super::{OnDeleted, Pattern, Policy, Rules};
use std::any::TypeId;

/// The segment that stands for all entries of a map, or all elements of a list.
const ANY: &str = "*";

/// Where the rules of a type are collected: see [`State::rules`](crate::State::rules).
#[derive(Debug, Default)]
pub struct Places {
    rules: Rules,
    here: Vec<String>,
    within: Vec<TypeId>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_rules(self) -> Rules {
        self.rules
    }

    /// The policy for this place, and all beneath it that says nothing else.
    pub fn policy(&mut self, policy: Policy) {
        self.rules = std::mem::take(&mut self.rules).with(Pattern::of_tokens(self.here.clone()), policy);
    }

    /// What becomes of changes beneath something of this place that was taken away.
    pub fn on_deleted(&mut self, on_deleted: OnDeleted) {
        let pattern = Pattern::of_tokens(self.here.clone());
        self.rules = std::mem::take(&mut self.rules).on_deleted(pattern, on_deleted);
    }

    /// What is said of a field, or of what is inside a variant.
    pub fn field(&mut self, name: &str, say: impl FnOnce(&mut Self)) {
        self.here.push(name.to_owned());
        say(self);
        self.here.pop();
    }

    /// What is said of every entry or element.
    pub fn each(&mut self, say: impl FnOnce(&mut Self)) {
        self.field(ANY, say);
    }

    /// What a type says, unless that is being asked already.
    pub(crate) fn within(&mut self, of: TypeId, say: impl FnOnce(&mut Self)) {
        if !self.within.contains(&of) {
            self.within.push(of);
            say(self);
            self.within.pop();
        }
    }
}
