//! The collections against what they stand for: `Vec`, `BTreeMap`, `BTreeSet` and `String`, and naive differences. `shape` says what
//! a tree looks like, `lists` and `maps` run random operations on trees, `sequences`, `sets` and `keyed_lists` on what
//! stands on them, `texts` on ropes, `costs` holds comparisons to the nodes they may open.

mod costs;
mod keyed_lists;
mod lists;
mod maps;
mod sequences;
mod sets;
mod shape;
mod texts;

use proptest::prelude::*;

use super::node::Mark;

/// A list whose nodes are so narrow that a few hundred items make a high tree.
#[derive(Clone)]
pub(super) struct Narrow;

impl<R> Mark<R> for Narrow {
    const LEAF: usize = 4;
    const BRANCH: usize = 5;

    fn of(_: &R) -> Option<Self> {
        Some(Self)
    }
}

/// Runs a property this often, or as often as `PROPTEST_CASES` asks for if that is more.
pub(super) fn times(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(0);
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.max(asked)) }
}
