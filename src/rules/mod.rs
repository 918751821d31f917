//! What is done where changes meet that were made at the same time: rules for places, which are data.
//!
//! Below `record`, which keeps them in the log; `merge` carries them out. Always: for one place one rule holds, whatever order they
//! were given in.

mod declared;
mod pattern;
pub(crate) mod policy;

pub use declared::Places;
pub use pattern::Pattern;
pub use policy::{OnDeleted, Policy, PolicyError};

use crate::value::Segment;
use std::fmt;

/// What is done where changes meet at the places of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The places.
    pub pattern: Pattern,
    /// Who gets their way, or how both do; nothing said: as a shorter pattern says.
    pub policy: Option<Policy>,
    /// What becomes of a change beneath something that was taken away meanwhile; nothing said: as a shorter pattern says.
    pub on_deleted: Option<OnDeleted>,
}

/// Which rule holds where. Nothing given: the change that comes last wins, and what was taken away stays away.
///
/// ```
/// use redraft::merge::{OnDeleted, Policy, Rules};
///
/// let rules = Rules::new()
///     .with("/cards/*/votes".parse()?, Policy::Counter)
///     .with("/cards".parse()?, Policy::FirstWins)
///     .on_deleted("/cards/*".parse()?, OnDeleted::Restore);
/// assert_eq!(rules.iter().count(), 3);
/// assert_eq!(rules.to_string(), "/cards first-wins\n/cards/* on-deleted=restore\n/cards/*/votes counter\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Ascending by pattern, one of each.
    rules: Vec<Rule>,
}

impl Rules {
    /// No rules: the defaults hold everywhere.
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// The same with a policy for the places of a pattern, and all beneath them for which no longer pattern says otherwise.
    #[must_use]
    pub fn with(mut self, pattern: Pattern, policy: Policy) -> Self {
        self.rule(pattern).policy = Some(policy);
        self
    }

    /// The same with what becomes of changes beneath something that was taken away, for the places of a pattern.
    #[must_use]
    pub fn on_deleted(mut self, pattern: Pattern, on_deleted: OnDeleted) -> Self {
        self.rule(pattern).on_deleted = Some(on_deleted);
        self
    }

    /// The rule of exactly that pattern.
    pub(crate) fn rule(&mut self, pattern: Pattern) -> &mut Rule {
        let at = match self.rules.binary_search_by(|known| known.pattern.cmp(&pattern)) {
            Ok(at) => at,
            Err(at) => {
                self.rules.insert(at, Rule { pattern, policy: None, on_deleted: None });
                at
            }
        };
        &mut self.rules[at]
    }

    /// Whatever a rule says about a place, the most specific one first.
    fn says<'r, T>(&'r self, path: &[Segment], what: impl Fn(&'r Rule) -> Option<T>) -> Option<T> {
        self.rules.iter().rev().filter(|rule| rule.pattern.covers(path)).find_map(what)
    }

    /// The policy for a place, and the length of the pattern that says so. O(rules).
    pub fn policy(&self, path: &[Segment]) -> (&Policy, usize) {
        let said = self.says(path, |rule| Some((rule.policy.as_ref()?, rule.pattern.len())));
        said.unwrap_or((&Policy::LastAppended, 0))
    }

    /// What becomes of a change to a place beneath something that was taken away. O(rules).
    pub fn when_deleted(&self, path: &[Segment]) -> OnDeleted {
        self.says(path, |rule| rule.on_deleted).unwrap_or_default()
    }

    /// The rules, shorter patterns first.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Whether there are none. O(1).
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.rules.iter()
    }
}

/// A line for each, as `redraft policies` takes them.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules.iter().try_for_each(|rule| writeln!(f, "{rule}"))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place =
            if self.pattern.is_empty() { "(everything)".to_owned() } else { self.pattern.to_string() };
        write!(f, "{place}")?;
        self.policy.iter().try_for_each(|policy| write!(f, " {policy}"))?;
        self.on_deleted.iter().try_for_each(|what| write!(f, " on-deleted={what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(tokens: &[&str]) -> Vec<Segment> {
        tokens.iter().map(|token| Segment::from(*token)).collect()
    }

    #[test]
    fn the_most_specific_pattern_holds_whatever_order_they_were_given_in() {
        let given =
            [("/a/*", Policy::Max), ("/a/b", Policy::Min), ("", Policy::Reject), ("/*/b/c", Policy::Text)];
        let rules = |order: &[usize]| {
            order.iter().fold(Rules::new(), |rules, &at| {
                rules.with(Pattern::parse(given[at].0).unwrap(), given[at].1.clone())
            })
        };
        let (one, other) = (rules(&[0, 1, 2, 3]), rules(&[3, 2, 1, 0]));
        assert_eq!(one, other);
        assert_eq!(one.policy(&place(&["a", "x", "y"])).0, &Policy::Max);
        assert_eq!(one.policy(&place(&["a", "b"])).0, &Policy::Min);
        assert_eq!(one.policy(&place(&["a", "b", "c"])).0, &Policy::Text);
        assert_eq!(one.policy(&place(&["c"])).0, &Policy::Reject);
        assert_eq!(Rules::new().policy(&place(&["c"])).0, &Policy::LastAppended);
    }
}
