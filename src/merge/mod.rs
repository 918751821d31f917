//! Changes that were made at the same time, brought into one order.
//!
//! A writer elsewhere makes a change on the version it knows and submits it ([`Submission`]). [`Store::merge`](crate::Store::merge) leads
//! it past all that was recorded since, asks the [`Rules`] wherever two changes met of which only one can have its way, and records
//! what is to take effect: one total order, and every conflict resolved once, before it is recorded. So whoever reads the log
//! needs no rules, no clocks and no functions to come to the same state. What happened is told by [`Change::merged`](crate::Change::merged).
//!
//! Knows patches and documents, never a disk. Always: equal arguments give equal answers.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! use redraft::merge::{Outcome, Policy, Rules, Submission};
//! use redraft::{Store, Value, diff, value};
//!
//! let store = Store::<Value>::open(dir.path())?;
//! store.set_rules(Rules::new().with("/votes".parse()?, Policy::Counter))?;
//! let base = store.produce(|doc| doc["votes"] = 10.into())?;
//! let (patch, _) = diff(&**base.state(), &value!({ "votes": 11 }))?; // somebody elsewhere saw 10, and says 11
//! store.produce(|doc| doc["votes"] = 13.into())?; // somebody here was faster
//! let receipt = store.merge(&Submission::new(base.version(), patch))?;
//! assert_eq!(store.state()["votes"].as_i64(), Some(14));
//! assert_eq!(receipt.outcome, Outcome::Partial);
//! # Ok(()) }
//! ```

mod bridge;
mod combine;
mod corrections;
mod extra;
mod function;
mod packet;
mod places;
mod resolve;
mod standing;
mod submission;
mod text;
mod trail;
mod verdict;
mod versions;
mod views;
mod window;

pub use crate::record::{Merged, Note, Outcome, Refusal, Resolution};
pub use crate::rules::{OnDeleted, Pattern, Places as RulePlaces, Policy, PolicyError, Rule, Rules};
use crate::state::State;

pub(crate) use bridge::{Ahead, Bridge, Passed};
pub use function::{Conflict, Decision, Functions};
pub(crate) use places::Places;
pub(crate) use resolve::{Case, Resolved, resolve};
pub(crate) use submission::Withdrawn;
pub use submission::{Call, Guard, Submission};
pub(crate) use trail::{Gone, Seen, Trail};
pub(crate) use views::{Views, applied_as_far_as_it_fits};
pub(crate) use window::{Entry, Window, correction};

impl Rules {
    /// What a type says of itself, mostly by `#[merge(..)]`: see [`State::rules`]. O(fields of all types in it).
    ///
    /// ```
    /// # #[cfg(feature = "derive")] {
    /// use redraft::State;
    /// use redraft::merge::Rules;
    /// use std::collections::BTreeMap;
    ///
    /// #[derive(Clone, Default, State)]
    /// struct Board {
    ///     #[merge(first_wins)]
    ///     title: String,
    ///     #[merge(on_deleted = "restore")]
    ///     cards: BTreeMap<u64, Card>,
    /// }
    ///
    /// #[derive(Clone, State)]
    /// struct Card {
    ///     #[merge(counter)]
    ///     votes: i64,
    ///     #[merge(text)]
    ///     notes: String,
    ///     #[merge(custom = "priority", version = 2)]
    ///     priority: u8,
    /// }
    ///
    /// let rules = Rules::of::<Board>().to_string();
    /// assert!(rules.contains("/title first-wins\n") && rules.contains("/cards on-deleted=restore\n"));
    /// assert!(rules.contains("/cards/*/votes counter\n") && rules.contains("/cards/*/priority custom:priority:2\n"));
    /// # }
    /// ```
    pub fn of<S: State>() -> Rules {
        let mut places = RulePlaces::new();
        crate::state::derived::rules::<S>(&mut places);
        places.into_rules()
    }
}
